"""The first sentences of a run: what they say, and what they leave out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runsum.model import DataQuality, Finding, Level, State, note, phrase, problem
from runsum.pages.headline import headline
from runsum.pages.outcomes import describe_outcome
from runsum.render import Renderer
from runsum.resources import template_folder
from runsum.thresholds import Thresholds
from support.months import archive, run, shaped


@pytest.mark.parametrize(
    ("final", "shape", "state", "last"),
    [
        (18.0, "rising", State.COMPLETED, ["headline.rising"]),
        (2.0, "rising", State.COMPLETED, ["headline.fell", "headline.rising_again"]),
        (2.0, "rising", State.RUNNING, ["headline.fell", "headline.rising_again_now"]),
        (2.0, "falling", State.COMPLETED, ["headline.fell", "headline.falling"]),
        (2.0, "open", State.COMPLETED, ["headline.fell"]),
    ],
)
def test_the_first_sentences_say_that_a_run_fell(final: float, shape: str, state: State, last: list[str]) -> None:
    """As the verdict and the lists do: what rises again after it lost most of its gain is not still rising."""
    digest = shaped(run("a", None, best=20.0, final=final, state=state), shape)
    said = headline(archive(digest).runs[0], Thresholds())
    assert [words.key for words in said][2:] == last


def test_the_headline_says_that_the_best_is_of_few_episodes() -> None:
    """A first mean is the best of many runs by luck alone; also where it is the last value, too."""
    lucky = run("a", "2025-10-02T00:00:00", best=97.0, final=80.0)
    lucky = replace(lucky, signals={**lucky.signals, "best_early": 1.0})
    said = [words.key for words in headline(archive(lucky).runs[0], Thresholds())]
    assert said[1:3] == ["headline.reward", "headline.early"]
    short = replace(lucky, final_reward=96.9999)  # which is printed as 97
    said = [words.key for words in headline(archive(short).runs[0], Thresholds())]
    assert said[1:3] == ["headline.reward_same", "headline.early"]
    few = replace(lucky, signals={**lucky.signals, "covered": 0.8})  # says more than that the best is early
    said = [words.key for words in headline(archive(few).runs[0], Thresholds())]
    assert said[2] == "headline.early_mean"
    assert not {"headline.early", "headline.evaluated"} & set(said)
    tested = replace(few, signals={**few.signals, "last_evaluation": 355.1})  # and that tells what the policy could do
    assert headline(archive(tested).runs[0], Thresholds())[3].values == {"mean": 355.1}
    plain = replace(lucky, signals={**lucky.signals, "best_early": None})
    assert "headline.early" not in [words.key for words in headline(archive(plain).runs[0], Thresholds())]


def test_without_training_rewards_the_headline_tells_the_last_evaluation() -> None:
    """It is all that is known of how good the run was; beside rewards of training it would be another number."""
    trained = run("a", "2025-10-02T00:00:00", best=97.0, final=80.0)
    trained = replace(trained, signals={**trained.signals, "last_evaluation": 355.1})
    assert "headline.evaluated" not in [words.key for words in headline(archive(trained).runs[0], Thresholds())]
    for digest, begin in (
        (replace(trained, current_timestep=None, quality=DataQuality()), "headline.no_rows"),
        (replace(trained, best_reward=None, final_reward=None), "headline.no_reward"),
    ):
        said = headline(archive(digest).runs[0], Thresholds())
        assert [words.key for words in said][-2:] == [begin, "headline.evaluated"]
        assert said[-1].values == {"mean": 355.1}


@pytest.mark.parametrize(("key", "said"), [("reward_flat", "headline.flat"), ("reward_held", "headline.held")])
def test_a_leg_that_kept_its_level_is_not_told_that_nothing_was_learned(key: str, said: str) -> None:
    """Its parent learned it; the health check says the same."""
    finding = Finding("reward_shape", Level.GOOD, phrase(f"finding.{key}", end=5.0))
    flat = replace(shaped(run("a", "2025-10-02T00:00:00", best=5.0, final=5.0), "flat"), findings=(finding,))
    assert headline(archive(flat).runs[0], Thresholds())[-1].key == said


@pytest.mark.parametrize(
    ("rows", "last", "state", "said"),
    [
        (0, None, State.COMPLETED, "No metric rows arrived; how far it got is unknown."),
        (0, None, State.RUNNING, "No metric row has arrived yet."),
        (1, None, State.STOPPED, "1 metric row arrived, none with a reward or a loss; how far it got is unknown."),
        (
            80, 800_000, State.STOPPED,
            "80 metric rows arrived, none with a reward or a loss; the largest step in them is 800.0 k.",
        ),
    ],
)  # fmt: skip
def test_what_is_known_of_a_run_without_a_row_that_counts(rows: int, last: int | None, state: State, said: str) -> None:
    """A run that has just begun did not crash; progress lines tell how far they go."""
    nothing = replace(
        run("a", "2025-10-02T00:00:00", state=state), current_timestep=None,
        quality=DataQuality(rows=rows, naive_last_timestep=last),
    )  # fmt: skip
    words = Renderer(template_folder()).words
    assert [words(one) for one in headline(archive(nothing).runs[0], Thresholds())] == [said]


@pytest.mark.parametrize(("rows", "said"), [(0, False), (1, False), (2, True)])
def test_the_headline_says_that_rows_of_another_run_hide_the_end(rows: int, said: bool) -> None:
    """Steps and reward are of the rows that are left."""
    stopped = replace(run("a", "2025-10-02T00:00:00"), quality=DataQuality(rows=99, contaminated_rows=rows))
    keys = [words.key for words in headline(archive(stopped).runs[0], Thresholds())]
    assert ("headline.overwritten" in keys) is said


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("error.log", "It failed; the last words on record: “CUDA error: out of memory”."),
        ("error.stale_guard", "The application's stale guard marked it as failed; no error is on record."),
    ],
)
def test_the_headline_tells_why_a_run_failed(key: str, said: str) -> None:
    """Words of the training are cited; those of the guard only say that nobody knows."""
    failed = run("a", "2025-10-02T00:00:00", state=State.FAILED)
    error = note(key, kind="error", line="CUDA error: out of memory")
    failed = replace(failed, summary={**failed.summary, "error_summary_if_failed": error})
    words = Renderer(template_folder()).words
    assert said in [words(phrase) for phrase in headline(archive(failed).runs[0], Thresholds())]


@pytest.mark.parametrize(
    ("lost", "best_at", "said"),
    [
        (0.13, 400.0, "headline.rising_again"),
        (0.13, 900.0, "headline.rising"),  # a dip at the very end
        (0.0, 400.0, "headline.rising"),  # within the noise
    ],
)
def test_what_rises_below_its_best_is_not_still_rising(lost: float, best_at: float, said: str) -> None:
    """Where it gave back some of its gain, even little, and then rose; the row of a list says the same."""
    risen = run("a", "2025-10-02T00:00:00", best=20.0, final=18.0)
    archived = archive(shaped(risen, "rising", lost_share=lost, best_level_at=best_at)).runs[0]
    assert headline(archived, Thresholds())[-1].key == said
    assert describe_outcome(archived, None, Thresholds())[0].key == said.replace("headline", "went")


@pytest.mark.parametrize("has_rows", [True, False])
def test_the_headline_says_that_a_run_marked_running_is_silent(has_rows: bool) -> None:
    """Its badge alone is overlooked, and "still rising" would read as if it went on."""
    silent = run("a", "2025-10-02T00:00:00", state=State.STALE)
    silent = replace(silent, problems=(problem("stale", at="2025-10-02T03:04:00"),))
    if not has_rows:
        silent = replace(silent, current_timestep=None, quality=DataQuality())
    said = Renderer(template_folder()).words(headline(archive(silent).runs[0], Thresholds())[-1])
    assert said == "The file still says running, but nothing was recorded after 2 Oct 2025, 03:04."


def test_the_headline_tells_of_a_fall_that_is_over() -> None:
    """Best and last value are near each other, and who goes on from such a run should know what lies between."""
    fallen = run("a", "2025-10-02T00:00:00", best=317.9, final=229.9)
    values = {"at": 385_000, "before": 308.0, "after": 68.1, "lost": 69.0, "end": 245.0}
    found = Finding("reward_shape", Level.WATCH, phrase("finding.reward_came_back", **values))
    said = headline(
        archive(replace(shaped(fallen, "level", level_since=437.0), findings=(found,))).runs[0], Thresholds()
    )
    assert [words.key for words in said][2:] == ["headline.came_back", "headline.level"]
    told = "By 385.0 k steps it had fallen from 308 to 68.1; it came back to 245."
    assert Renderer(template_folder()).words(said[2]) == told
