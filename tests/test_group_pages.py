"""The page of a game or an algorithm: what its chart shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from runsum.archive.archive import make_archive
from runsum.archive.slugs import SlugMaker
from runsum.curve import Curve
from runsum.measures import Cost, HumanScore
from runsum.model import RunDigest, missing, problem
from runsum.pages import run_index
from runsum.pages.contract import Page
from runsum.pages.groups import GroupPage, make_pages, make_parts
from runsum.render import Renderer
from runsum.resources import template_folder
from support.digests import LIMITS, learned

RENDERER = Renderer(template_folder())
NONE = missing("reason.not_recorded")


def pages(runs: int, games: int = 1, without_curve: int = 0) -> dict[str, str]:
    """The pages of games and algorithms by folder, of so many runs."""
    digests = [learned(f"r{k}", (0.0, float(k)), at=k % 60, game=f"Game{k % games}") for k in range(runs)]
    digests += [replace(learned(f"silent{k}", at=k, game="Game0"), curve=Curve()) for k in range(without_curve)]
    return rendered(digests)


def rendered(digests: Sequence[RunDigest]) -> dict[str, str]:
    made = (page for part in make_parts(make_archive(digests, (), SlugMaker(), LIMITS, {})) for page in part.make())
    return {
        page.path.rpartition("/")[0]: RENDERER.page(page.template, page.context)
        for page in made
        if isinstance(page, Page) and isinstance(page.context, GroupPage)
    }


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        (1, "The curve of the only run with rewards enough to draw one."),
        (2, "All 2 runs with a curve."),
        (3, "All 3 runs with a curve."),
        (4, "All 4 runs with a curve; the first 3 of the ranking are coloured."),
        (45, "The first 40 of the ranking of 45 runs with a curve; the first 3 are coloured."),
    ],
)
def test_the_chart_says_whose_curves_it_shows(runs: int, words: str) -> None:
    """Of one run as of one, and of colours only where there are more."""
    page = pages(runs, without_curve=1)["games/game0"]
    assert words in page.splitlines()
    assert "1 best run" not in page


def test_curves_of_different_reward_functions_are_marked() -> None:
    """Below the chart and in the ranking; a game of one function says nothing of it."""
    runs = [learned("a", reward_fn="delay"), learned("b", at=1, reward_fn="queue")]
    told = rendered(runs)["games/pong"]
    assert "different reward functions have different units." in told
    assert told.count("reward_fn = queue") == 1
    assert "Rewarded by" not in pages(2)["games/game0"]


@pytest.mark.parametrize(
    ("games", "words"), [(1, "The best run, scaled to"), (2, "The best run of each of 2 games, each")]
)
def test_an_algorithm_draws_the_best_run_of_each_game(games: int, words: str) -> None:
    """Scaled, since games cannot be compared."""
    assert words in pages(4, games)["algorithms/ppo"]


def test_an_algorithm_ranks_the_runs_of_each_game_as_the_game_does() -> None:
    """Rewards of one function stand together, the most frequent first; a run without any comes after those below 0."""
    runs = [
        learned("worst", (-30.0, -20.0), reward_fn="queue"),
        learned("best", (-30.0, -10.0), reward_fn="queue", at=1),
        replace(learned("unknown", reward_fn="queue", at=2), best_reward=None),
        learned("delay", (0.0, 500.0), reward_fn="delay", at=3),
        learned("pong", (0.0, 900.0), game="Alien", at=4),
    ]
    told = rendered(runs)["algorithms/ppo"]
    ranking = told[told.index("## Ranking") :].split("</table>")[0]
    assert re.findall(r"runs/(\w+)/index", ranking) == ["pong", "best", "worst", "unknown", "delay"]
    assert ranking.count("reward_fn = queue") == 3
    assert "By game, then what is rewarded, then best mean reward" in ranking
    assert "ranking of its own" not in ranking


def test_a_run_without_any_reward_has_no_place() -> None:
    """It stands at the end, without a number that would say how good it was."""
    silent = replace(learned("silent", at=2), best_reward=None)
    told = rendered([learned("a", (-9.0, -5.0)), silent, learned("b", (-9.0, -6.0), at=1)])["games/pong"]
    assert re.findall(r'<tr><td class="rs-num">(?:<span[^>]*>)?(\d|–)', told) == ["1", "2", "–"]


def test_equal_runs_share_a_place() -> None:
    """Pong ends at 21: of two runs that reached it none is better for having begun earlier."""
    told = rendered([learned(name, (0.0, best), at=at) for at, (name, best) in enumerate(
        (("a", 21.0), ("b", 21.0), ("c", 20.0)))])["games/pong"]  # fmt: skip
    assert re.findall(r'<tr><td class="rs-num">(\d)', told) == ["1", "1", "3"]


def test_a_sum_over_some_runs_says_of_how_many() -> None:
    """GPU-hours of one run of two are not those of the game; where all say them nothing is added."""
    one, other = (replace(learned(name, at=at), cost=Cost(hours=2.0, gpu_hours=hours)) for at, (name, hours) in
                  enumerate((("a", 1.5), ("b", None))))  # fmt: skip
    told = rendered([one, other])["games/pong"]
    (line,) = re.findall(r"<tr><td>PPO</td>.*?</tr>", told)
    cells = [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", line)]
    assert cells[1:4] == ["2", "4 h", "1.5 from 1 run"]


def test_rewards_of_several_games_have_no_median() -> None:
    """What was gained per GPU-hour is a number of one game; hours are added up over all."""
    cost = Cost(hours=2.0, gpu_hours=2.0, reward_gained=8.0)
    runs = [replace(learned(name, at=at, game=name), cost=cost) for at, name in enumerate(("Pong", "Boxing"))]
    told = rendered(runs)["algorithms/ppo"]
    lines = [[re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", line)]
             for line in re.findall(r"<tr><td>(?:Pong|Boxing|all)</td>.*?</tr>", told)]  # fmt: skip
    assert [(cells[0], cells[3], cells[6]) for cells in lines] == [
        ("Boxing", "2", "&#43;4"), ("Pong", "2", "&#43;4"), ("all", "4", "not comparable"),
    ]  # fmt: skip


def test_the_hours_of_a_game_say_of_how_many_runs_they_are() -> None:
    """In the list of games as on the page of the game."""
    timed, untimed = (replace(learned(name, at=at), trained_h=h) for at, name, h in ((0, "a", 2.0), (1, "b", None)))
    (page, _) = make_pages(make_archive([timed, untimed], (), SlugMaker(), LIMITS, {}))
    assert "2 h from 1 run" in re.sub(r"<[^>]*>", "", RENDERER.page(page.template, page.context))


def test_lists_of_one_are_no_plural() -> None:
    """Neither "All 1 game" nor "All 1 run" stands in a link preview."""
    digest = learned("a")
    digest = replace(digest, summary={**digest.summary, **dict.fromkeys(("gpu_avg", "error_summary_if_failed"), NONE)})
    one = make_archive([digest], (), SlugMaker(), LIMITS, {})
    made = [page for page in (*make_pages(one), *run_index.make_pages(one)) if isinstance(page, Page)]
    told = [re.findall('^description: "(.*?) of the archive', RENDERER.page(p.template, p.context), re.M) for p in made]
    assert told == [["1 game"], ["1 algorithm"], ["1 run"]]


def test_runs_without_a_human_normalised_score_are_counted() -> None:
    """Clipped rewards stand in the ranking, too, but not in the score of the game."""
    human = HumanScore(random=-20.7, human=14.6, final=0.5, best=0.6)
    runs = [replace(learned("a"), human=human), replace(learned("b", at=1), human=human),
            replace(learned("c", at=2), human=replace(human, final=None, best=None, refused="changed"))]  # fmt: skip
    told = rendered(runs)["games/pong"]
    assert "the highest at the end of 2 runs" in told
    assert "1 run is not compared; its page says why" in told
    assert "not compared" not in rendered(runs[:2])["games/pong"]


def test_every_environment_of_a_game_has_a_ranking_of_its_own() -> None:
    """They are of one game, but not one task; that of most runs comes first, one that nobody recorded last."""
    one, other = "ALE/Pong-v5", "PongNoFrameskip-v4"
    runs = [
        replace(learned(name, (-30.0, best), at=at), env_id=env_id)
        for at, (name, best, env_id) in enumerate(
            (("b", 5.0, one), ("a", 20.0, other), ("c", 9.0, one), ("d", 21.0, None), ("e", -3.0, other))
        )
    ]
    told = rendered([*runs, replace(runs[0], run_id="f", slug="f")])
    ranking = told["games/pong"][told["games/pong"].index("## Ranking") :].split("</table>")[0]
    assert re.findall(r"runs/(\w+)/index", ranking) == ["c", "b", "f", "a", "e", "d"]
    assert re.findall(r'<tr><td class="rs-num">(\d)', ranking) == ["1", "2", "2", "1", "2", "1"]
    assert "By environment, then best mean reward. Environments" in ranking
    assert "Each has a ranking of its own, the one with most runs first." in ranking
    ranking = told["algorithms/ppo"][told["algorithms/ppo"].index("## Ranking") :].split("</table>")[0]
    assert re.findall(r"runs/(\w+)/index", ranking) == ["c", "b", "f", "a", "e", "d"]
    assert "By game, then environment, then best mean reward." in ranking
    assert ranking.count("<code>ALE/Pong-v5</code>") == 3
    assert "nvironment, then" not in rendered(runs[:1])["games/pong"]


def test_a_best_that_is_only_the_best_captured_says_so_in_the_ranking() -> None:
    """The recorder cannot store 1000: a run at 999 may have been much better, or worse than its neighbour."""
    lost = learned("a", (0.0, 999.0), problems=(problem("large_rewards_lost", count=3),))
    told = rendered([lost, learned("b", (0.0, 998.0), at=1)])["games/pong"]
    assert re.findall(r"(\d+)<br><small[^>]*>([^<]*)</small>", told) == [
        ("999", "rewards of 1000 and more were not captured"),
    ]  # fmt: skip


def test_a_best_of_few_episodes_says_so_in_the_ranking() -> None:
    """It is first by luck more easily; a mean of a hundred needs no words."""
    lucky = learned("lucky", (97.0, 80.0))
    lucky = replace(lucky, signals={**lucky.signals, "best_early": 1.0})
    told = rendered([lucky, learned("steady", (0.0, 94.0), at=1)])["games/pong"]
    ranking = told[told.index("## Ranking") :].split("</table>")[0]
    assert re.findall(r'rs-num">(\d+)<br><small class="rs-muted">(.*?)</small>', ranking) == [
        ("97", "mean of fewer than 100 episodes")
    ]


def test_a_long_ranking_is_folded_and_leads_to_the_table_of_all() -> None:
    """Every run of the game stands on its page, the first of them at once."""
    told = pages(160)["games/game0"]
    opened, folded = told.split('<details class="rs-details rs-fold"')
    assert (opened.count('<td><a href="../../runs/'), folded.count('<td><a href="../../runs/')) == (100, 60)
    assert "<summary>101 to 160 of 160</summary>" in folded
    assert "runs/index.html#q=game%3D%22Game0%22&sort=-best_reward" in opened
    assert "rs-fold" not in pages(150)["games/game0"]
    assert "Filter and sort" not in pages(150)["games/game0"]


def test_the_games_of_a_large_algorithm_share_its_page() -> None:
    """A ranking by game that ends after so many rows would be one of the first letters of the alphabet."""
    told = pages(900, games=3)["algorithms/ppo"]
    assert re.findall("<summary>(.*?)</summary>", told) == [f"Game{k} (1 to 166 of 300)" for k in range(3)]
    assert 'more runs are in <a href="../../runs/index.html#q=algorithm%3D%22PPO%22&sort=game,-best_reward">' in told
    assert told.count('<td><a href="../../runs/') == 900 - 402
    assert "402 more runs are" in told


def test_comparisons_that_were_not_made_are_counted() -> None:
    """Forty of them are; 199 other settings were each tried once."""
    runs = [learned(f"r{k}", (0.0, float(k)), at=k % 60, ent_coef=k / 1000) for k in range(200)]
    told = rendered(runs)["games/pong"]
    assert "159 more pairs were left out." in told
    assert "left out" not in rendered(runs[:20])["games/pong"].partition("Which change helped")[2]


def test_groups_of_seeds_that_are_not_listed_are_counted() -> None:
    """A game lists the first forty, an algorithm as many of each game as make forty; the list of all has the rest."""
    runs = [
        learned(f"{game}{k}-{seed}", (0.0, float(k)), seed=seed, at=k, game=game, gamma=k / 100)
        for game in ("Pong", "Qbert", "Boxing") for k in range(42) for seed in range(3)
    ]  # fmt: skip
    told = rendered(runs)
    for page, listed, more in (("games/pong", 40, 2), ("algorithms/ppo", 39, 87)):
        section = told[page].partition("## Seeds")[2].partition("\n## ")[0]
        assert section.count('<td><a href="../../seeds/') == listed
        assert f"{more} more groups are in [the list of all groups](../../seeds/index.md)." in section
    assert told["algorithms/ppo"].count("Qbert · PPO</a>") == 13
    assert "more group" not in rendered(runs[: 3 * 40])["games/pong"]
