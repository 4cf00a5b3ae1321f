"""Home: what it says first, in which order, and that it stays small."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from runsum.archive.activity import find_activity
from runsum.archive.archive import SourceFacts
from runsum.config import Settings
from runsum.curve import Curve
from runsum.model import Finding, Level, RunDigest, State, note, phrase
from runsum.pages.contract import Page
from runsum.pages.home import make_pages
from runsum.render import Renderer
from runsum.resources import template_folder
from runsum.thresholds import Thresholds
from support.months import archive, run, shaped

RENDERER = Renderer(template_folder())
SOURCE = SourceFacts("one", "one.db", "2025-12-01T10:00+00:00", 10, 1)


def home(*runs: RunDigest) -> str:
    (page,) = make_pages(replace(archive(*runs), sources=(SOURCE,)))
    assert isinstance(page, Page)
    return RENDERER.page(page.template, page.context)


def section(page: str, title: str) -> str:
    """The part below a heading; empty without it."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def rows(part: str) -> list[list[str]]:
    """The cells of each row of a table, without tags; `title` and shapes do not count."""
    plain = re.sub(r"<svg.*?</svg>", "", part)
    found = re.findall(r"<tr>(.*?)</tr>", plain.partition("<tbody>")[2])
    return [[unmarked(cell) for cell in re.findall(r"<td.*?>(.*?)</td>", row)] for row in found]


def unmarked(text: str) -> str:
    words = re.sub(r"&#(\d+);", lambda match: chr(int(match[1])), re.sub(r"<[^>]*>", "", text))
    return " ".join(words.split())


def curved(digest: RunDigest, points: int = 60) -> RunDigest:
    """A run with a curve of so many points."""
    rewards = tuple(math.sin(i / 7) * 100 + i for i in range(points))
    steps = tuple(range(points))
    return replace(digest, curve=Curve.of(steps, [i / 10 for i in steps], rewards))


# ---------------------------------------------------------------- what stands there


def test_the_order_of_the_questions() -> None:
    """Running or open, finished, failed, best, activity, sources: the question asked first is answered first."""
    page = home(run("a", "2025-10-02T00:00:00", best=1.0), run("b", "2025-10-03T00:00:00", state=State.FAILED))
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == [
        "Running or left open", "Finished lately", "Failed", "Best of each game", "Activity by day",
        "Where it comes from",
    ]  # fmt: skip


def test_open_runs_say_what_their_state_means() -> None:
    """What goes on by itself first, then what waits; each with its sign of life. A run with all its steps is over."""
    part = section(
        home(
            run("s", None, state=State.STALE, active="2025-10-05T08:00:00"),
            run("r", None, state=State.RUNNING, active="2025-10-04T08:00:00"),
            run("f", None, state=State.FINISHED, active="2025-10-03T08:00:00"),
            run("p", None, state=State.PAUSED, active="2025-10-02T08:00:00"),
        ),
        "Running or left open",
    )
    said = [(cells[0].split()[0], cells[3].partition(":")[0], cells[4]) for cells in rows(part)]
    assert said == [
        ("r", "training goes on", "4 Oct 2025, 08:00"),
        ("p", "paused by the application; it can be continued", "2 Oct 2025, 08:00"),
        ("s", "marked running, but silent", "5 Oct 2025, 08:00"),
    ]


def test_a_running_run_says_how_long_it_takes() -> None:
    """The estimate of its own page, in short."""
    digest = run("r", None, state=State.RUNNING, active="2025-10-04T08:00:00")
    left = note("eta.running", hours=2.5, steps=1000, speed=100.0)
    page = home(replace(digest, summary={**digest.summary, "eta_note": left}))
    assert rows(section(page, "Running or left open"))[0][3] == "training goes on; about 2 h 30 min left"


@pytest.mark.parametrize(
    ("shape", "signals", "words"),
    [
        ("rising", {}, "still rising at the end"),
        ("falling", {}, "falling at the end"),
        ("flat", {"level": 0.02}, "ended where it began, at 0.02"),
        ("level", {"level_since": 1_200_000.0}, "level since 1.20 M steps"),
        ("level", {}, "no clear direction at the end"),
    ],
)
def test_how_a_run_went(shape: str, signals: dict[str, float], words: str) -> None:
    """The shape of its reward in a few words, beside the verdict."""
    page = home(shaped(run("a", "2025-10-02T00:00:00", best=10.0), shape, **signals))
    assert rows(section(page, "Finished lately"))[0][8] == words


def test_a_run_that_fell_says_from_where() -> None:
    """What was given back counts more than the direction at the end."""
    page = home(shaped(run("a", "2025-10-02T00:00:00", best=20.0, final=2.0), "rising"))
    assert rows(section(page, "Finished lately"))[0][8] == "fell from its best, 20"


@pytest.mark.parametrize(
    ("key", "values", "words"),
    [
        ("below_best", {"best": 9.0, "end": 6.0, "is_noise": False}, "level since 400 steps; below its best level, 9"),
        ("below_best", {"best": 9.0, "end": 6.0, "is_noise": True}, "level since 400 steps"),
        ("fell_from_start", {"before": 9.0, "after": 6.0}, "level since 400 steps; below its best level, 9"),
    ],
)
def test_a_run_that_the_digest_calls_worse_is_not_only_called_level(
    key: str, values: dict[str, object], words: str
) -> None:
    """A level stretch at the end says nothing of where the reward had been before."""
    said = Finding("reward_shape", Level.WATCH, phrase(f"finding.reward_{key}", **values))
    level = shaped(run("a", "2025-10-02T00:00:00", best=10.0), "level", level_since=400.0)
    page = home(replace(level, findings=(said,)))
    assert rows(section(page, "Finished lately"))[0][8] == words


def test_a_solved_game_is_said() -> None:
    """The declared threshold first."""
    digest = run("a", "2025-10-02T00:00:00", best=480.0)
    reached = note("solved.yes", level=475.0, timestep=1000)
    page = home(shaped(replace(digest, summary={**digest.summary, "solved_flag": reached}), "rising"))
    assert rows(section(page, "Finished lately"))[0][8] == "solved: reached 475; still rising at the end"


def test_a_run_without_rewards_is_not_judged_by_them() -> None:
    """Neither shape nor numbers."""
    cells = rows(section(home(run("a", "2025-10-02T00:00:00")), "Finished lately"))[0]
    assert cells[5:7] == ["not recorded", "not recorded"]
    assert cells[8] == "no reward was recorded"


def test_the_last_to_end_stands_first() -> None:
    """Not the last to begin."""
    page = home(
        run("long", "2025-10-09T00:00:00", begun="2025-10-01T00:00:00"),
        run("short", "2025-10-05T00:00:00", begun="2025-10-04T00:00:00"),
    )
    assert [cells[0].split()[0] for cells in rows(section(page, "Finished lately"))] == ["long", "short"]


def test_failed_runs_say_why() -> None:
    """The error text where one is recorded, else that there is none."""
    page = home(
        run("a", "2025-10-02T00:00:00", state=State.FAILED, reason=note("error.recorded", line="CUDA out of memory")),
        run("b", "2025-10-01T00:00:00", state=State.FAILED),
    )
    assert [cells[4] for cells in rows(section(page, "Failed"))] == [
        "CUDA out of memory", "no error text was recorded",
    ]  # fmt: skip


def test_without_failures_nothing_is_said_of_them() -> None:
    """No empty table."""
    assert "## Failed" not in home(run("a", "2025-10-02T00:00:00", best=1.0))


def test_the_totals_say_of_how_many_runs_they_are() -> None:
    """Hours and energy are not recorded for all."""
    page = home(
        replace(run("a", "2025-10-02T00:00:00"), energy_kwh=0.5),
        replace(run("b", "2025-10-02T00:00:00"), energy_kwh=0.25),
        replace(run("c", "2025-10-02T00:00:00", hours=None), current_timestep=None),
    )
    tiles = unmarked(page[page.index("rs-tiles") : page.index("## ")])
    assert "trained 2 h recorded for 2 runs" in tiles
    assert "timesteps 2,000 recorded for 2 runs" in tiles
    assert "GPU energy 0.75 kWh recorded for 2 runs" in tiles


def test_a_game_has_a_best_run_though_most_of_its_runs_have_no_reward() -> None:
    """Two runs of another environment failed before the first episode."""
    crashed = [replace(run(name, "2025-10-03T00:00:00", state=State.FAILED), env_id="other") for name in "bc"]
    page = home(run("a", "2025-10-02T00:00:00", best=7.0), *crashed)
    assert [cells[:3] for cells in rows(section(page, "Best of each game"))] == [["Pong", "3", "7"]]


# ---------------------------------------------------------------- few and none


def test_an_empty_archive_reads_well() -> None:
    """What to do, and no table of nothing."""
    page = home()
    assert "There are no runs here yet" in page
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == ["Where it comes from"]


def test_one_run_without_a_date() -> None:
    """Neither an activity nor a time that nobody recorded."""
    page = home(run("a", None, begun=None))
    assert "## Activity" not in page
    assert rows(section(page, "Finished lately"))[0][3] == "not recorded"
    assert "No run has recorded a reward yet." in page


# ---------------------------------------------------------------- many


def many(count: int, games: int) -> list[RunDigest]:
    """Runs of all states, one an hour, with curves and names as long as they get."""
    states = [State.COMPLETED, State.FAILED, State.STALE, State.STOPPED, State.RUNNING]
    made = []
    for i in range(count):
        begun = f"{2020 + i // 8000}-{i // 640 % 12 + 1:02d}-{i // 24 % 28 + 1:02d}T{i % 24:02d}:00:00"
        reason = note("error.recorded", line="Expected parameter scale (Tensor of shape (64, 1)) " * 8)
        digest = run(f"run-{i:08x}", begun, state=states[i % 5], begun=begun, active=begun, best=float(i),
                     game=f"The Game of number {i % games}", reason=reason)  # fmt: skip
        digest = replace(digest, label=f"a name as people give it, number {i} of many", energy_kwh=0.1)
        made.append(curved(shaped(digest, "rising")))
    return made


def test_home_stays_small() -> None:
    """Thousands of runs of 200 games: the page with the theme around it is below 60 kB, as its lists are cut."""
    page = home(*many(3_000, 200))
    assert len(page.encode()) < 40_000  # the theme adds 18 kB
    assert len(rows(section(page, "Best of each game"))) == 20
    assert "180 more have" in page


def test_what_is_cut_is_found_in_the_finder() -> None:
    """A query for exactly the runs of the list, with how many they are."""
    page = home(*many(500, 3))
    assert '<a href="runs/index.html#q=state:running,stale">All 200 runs that are not over</a>' in page
    assert '<a href="runs/index.html#q=state:completed,stopped">all 200 finished or stopped runs</a>' in page
    assert '<a href="runs/index.html#q=state:failed">All 100 failed runs</a>' in page


# ---------------------------------------------------------------- activity


@pytest.mark.parametrize(
    ("ends", "unit", "begins"),
    [
        (["2025-10-02", "2025-10-03", "2025-10-03"], "day", ["2025-10-03", "2025-10-02"]),
        (["2025-10-01", "2025-11-03", "2025-11-09"], "week", ["2025-11-03", "2025-09-29"]),
        (["2024-10-01", "2025-11-03", "2025-11-09"], "month", ["2025-11-01", "2024-10-01"]),
    ],
)
def test_the_unit_suits_the_span(ends: list[str], unit: str, begins: list[str]) -> None:
    """Days for a fortnight, weeks (from Monday) for half a year, months for longer."""
    found = find_activity(archive(*(run(f"r{i}", f"{end}T10:00:00") for i, end in enumerate(ends))))
    assert found.unit == unit
    assert [stretch.begin for stretch in found.stretches] == begins
    assert [stretch.runs for stretch in found.stretches] in ([2, 1], [2, 1])


def test_hours_and_energy_are_added_up() -> None:
    """What nobody measured is unknown, not nought."""
    first = replace(run("a", "2025-10-02T10:00:00", hours=2.0), energy_kwh=0.5)
    found = find_activity(
        archive(first, run("b", "2025-10-02T11:00:00", hours=None), run("c", "2025-10-04T10:00:00", hours=None))
    )
    assert [(s.trained_h, s.energy_kwh) for s in found.stretches] == [(None, None), (2.0, 0.5)]
    assert [s.untimed for s in found.stretches] == [1, 1]


def test_hours_say_how_many_runs_are_not_in_them() -> None:
    """As the digest does; where no run has a time, the hours themselves are not recorded."""
    times: tuple[float | None, ...] = (1.0, None, None)
    page = home(*(run(f"r{i}", "2025-10-02T10:00:00", hours=hours) for i, hours in enumerate(times)))
    assert rows(section(page, "Activity by day"))[0][2] == "1 h 2 runs without a recorded time"
    page = home(run("a", "2025-10-02T10:00:00", hours=None))
    assert rows(section(page, "Activity by day"))[0][2] == "not recorded"


def test_the_first_week_of_the_calendar_has_a_begin() -> None:
    """Nothing lies before the year 1."""
    found = find_activity(archive(run("a", "0001-01-03T10:00:00"), run("b", "0001-02-03T10:00:00")))
    assert found.stretches[-1].begin == "0001-01-01"


def test_a_busy_month_leads_to_its_digest() -> None:
    """Months have a page of their own."""
    page = home(run("a", "2024-10-02T00:00:00"), run("b", "2025-10-02T00:00:00"))
    assert '<a href="digest/2025-10/index.html">October 2025</a>' in section(page, "Activity by month")


def test_thresholds_of_the_settings_count(tmp_path: Path) -> None:
    """The few words follow `thresholds:` as the verdict does."""
    strict = replace(Thresholds(), lost_gain=0.01)
    assert Settings(tmp_path, thresholds=strict).thresholds.lost_gain == 0.01
    digest = shaped(run("a", "2025-10-02T00:00:00", best=20.0, final=18.0), "rising")
    for limits, words in ((Thresholds(), "still rising at the end"), (strict, "fell from its best, 20")):
        (page,) = make_pages(archive(digest, limits=limits))
        assert isinstance(page, Page)
        said = RENDERER.page(page.template, page.context)
        assert rows(section(said, "Finished lately"))[0][8] == words


def test_a_run_below_its_parent_says_so() -> None:
    """By more than parent_drop of the range of its rewards."""
    parent = shaped(run("a", "2025-10-02T00:00:00", best=20.0), "rising")
    leg = shaped(run("b", "2025-10-03T00:00:00", best=12.0, parent="a", start_level=8.0), "level", level_since=500.0)
    cells = rows(section(home(parent, leg), "Finished lately"))[0]
    assert cells[8] == "level since 500 steps; ended at a level 8 below its parent's"
