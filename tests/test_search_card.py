"""The card of a run for the search: what it says, in which spellings, and how it stays short in a large archive."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from markupsafe import Markup

from runsum.archive.archive import Archive
from runsum.model import Annotation, ConfigValue, RunDigest, note
from runsum.pages.search_card import SHARED, WORDS_PER_ARCHIVE, WORDS_PER_RUN, SearchCard, make_cards
from runsum.traits import spell
from support.months import archive, run


def digest(
    number: int = 0, game: str = "Space Invaders", settings: dict[str, Any] | None = None, **more: Any
) -> RunDigest:
    """A run begun on a minute of its own, the larger its number the later."""
    made = run(
        f"run-{number:08x}", None, begun=f"2025-10-01T{number // 60:02d}:{number % 60:02d}:00", game=game, best=1.0
    )
    config = {name: ConfigValue(value, "config_json") for name, value in (settings or {}).items()}
    return replace(made, config=config, **({"env_id": "ALE/SpaceInvaders-v5", "label": "the label"} | more))


def card(one: RunDigest, notes: dict[str, Markup] | None = None) -> SearchCard:
    return make_cards(archive(one), notes or {})[one.slug]


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (0.00025, "0.00025 = 2.5e-4"),
        (2.5e-05, "0.000025 = 2.5e-5"),
        (0.001, "0.001 = 1e-3"),
        (0.99, "0.99"),
        (1_000_000, "1000000 = 1e6 = 1M"),
        (1e6, "1000000 = 1e6 = 1M"),
        (1_620_000, "1620000 = 1.62M"),
        (500_000, "500000 = 5e5 = 500k"),
        (12_345_678, "12345678"),
        (256, "256"),
        (0, "0"),
        (-1, "-1"),
        (1e-20, "1e-20"),
        (float("nan"), "nan"),
        (True, "true"),
        ("linear", "linear"),
    ],
)
def test_a_number_has_the_spellings_that_people_type(value: object, spelled: str) -> None:
    """Decimal always, with an exponent where there are many noughts, k and M for round counts."""
    assert spell(value) == spelled


def test_settings_begin_with_those_that_are_asked_for() -> None:
    """Game and algorithm stand in the title, what is not set says nothing, and nobody types a long text."""
    settings = {"ent_coef": 0.01, "seed": 7, "learning_rate": 3e-4, "env_id": "x", "algorithm": "ppo", "net": None}
    found = card(digest(settings=settings | {"wrappers": "w" * 41})).settings
    assert found == ("learning_rate 0.0003 = 3e-4", "seed 7", "ent_coef 0.01")


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("PPO Space Invaders", ""),
        ("ppo-SpaceInvaders - leg 1", ""),
        ("ppo-Space Invaders-1A-v1", ""),
        ("night shift", "night shift"),
        ("night shift-1A-v1", "night shift-1A-v1"),
    ],
)
def test_a_name_is_told_where_it_says_more_than_the_title(label: str, name: str) -> None:
    """The application's own names repeat algorithm, game and leg."""
    assert card(digest(label=label)).name == name


def test_of_a_lineage_the_place_is_told() -> None:
    """Runs of one name differ by leg and variant only."""
    one, two = digest(1, label="ppo-Space Invaders-1A-v1"), digest(2, label="ppo-Space Invaders-2A-v1")
    two = replace(two, lineage=replace(two.lineage, parent_run_id=one.run_id))
    cards = make_cards(archive(one, two), {})
    assert [cards[leg.slug].name for leg in (one, two)] == ["1A-v1", "2A-v1"]


def test_notes_are_a_person_s_words() -> None:
    """Note file, chart notes, description and status notes, without tags; what the application wrote is left out."""
    pinned = Annotation("reward", 1.0, 1.0, "it\nwobbles", None)
    one = digest(annotations=(pinned,), description="the second try")
    html = Markup("<h4>Seen</h4> <p>It hides &amp; waits</p>")
    assert card(one, {one.run_id: html}).notes == "Seen It hides & waits · it wobbles · the second try"
    generated = "Training ppo on ALE/SpaceInvaders-v5 for 810,000 timesteps (Leg 1)"
    gave_up = "Auto-failed by stale-run-guard: pid_missing, at 2026-01-01T08:04:11"
    assert card(digest(description=f"{generated}\n{gave_up}")).notes == ""
    closed = "ui_exit_pause: UI closed at 2025-12-28T21:14:11, run paused"
    told = digest(status_notes=("Reboot after the driver update", gave_up, closed))
    assert card(told).notes == "Reboot after the driver update"


def test_the_error_of_a_failed_run_is_told() -> None:
    """Its text, in one line."""
    one = digest()
    failed = replace(one, summary={**one.summary, "error_summary_if_failed": note("error.note", line="CUDA\nerror")})
    assert (card(failed).error, card(one).error) == ("CUDA error", "")


def test_long_notes_are_cut() -> None:
    """To a length for a run, and all together to a length for the archive."""
    text = "word " * 1000
    assert len(card(digest(description=text)).notes) == WORDS_PER_RUN
    many = [digest(number, description=text) for number in range(1, 1440)]
    cards = make_cards(archive(*many), {})
    assert sum(len(one.notes) for one in cards.values()) <= WORDS_PER_ARCHIVE
    assert min(len(one.notes) for one in cards.values()) > 300


def test_what_few_runs_share_stands_on_each_card() -> None:
    """A small archive tells everything of every run."""
    runs = [digest(number, settings={"gamma": 0.99}) for number in range(SHARED)]
    cards = make_cards(archive(*runs), {}).values()
    assert all(one.settings == ("gamma 0.99",) and one.env_id for one in cards)


def test_what_many_runs_share_stands_on_the_newest_cards() -> None:
    """Spread over the games; an environment belongs to one. What is rare stays on its card."""
    games = ("Pong", "Breakout")
    runs = [
        digest(number, game=games[number % 2], env_id=games[number % 2], settings={"gamma": 0.99, "seed": number})
        for number in range(SHARED * 3)
    ]
    made = make_cards(archive(*runs), {})
    cards = [made[one.slug] for one in reversed(runs)]  # newest first
    told = [place for place, one in enumerate(cards) if "gamma 0.99" in one.settings]
    assert told == list(range(SHARED))
    assert Counter(one.env_id for one in cards) == {"Pong": SHARED, "Breakout": SHARED, "": SHARED}
    assert all(len(one.settings) >= 1 for one in cards)


def test_of_equal_results_the_best_of_a_game_is_first() -> None:
    """Then the newer ones; games and algorithms, which count 1.25, stay ahead of all."""
    runs = [
        replace(digest(number), best_reward=float(number == 3), started_s=1.7e9 + number * 86_400 * 30)
        for number in range(20)
    ]
    cards = make_cards(archive(*runs), {})
    boosts = {one.run_id: cards[one.slug].boost for one in runs}
    assert max(boosts, key=lambda run_id: boosts[run_id]) == runs[3].run_id
    assert boosts[runs[19].run_id] > boosts[runs[18].run_id] > 1
    assert max(boosts.values()) < 1.1


def test_cards_are_the_same_each_time() -> None:
    """Whatever the order in which the runs were read."""
    runs = [digest(number, settings={"gamma": 0.99, "seed": number % 3}) for number in range(SHARED * 2)]
    built: list[Archive] = [archive(*runs), archive(*reversed(runs))]
    assert make_cards(built[0], {}) == make_cards(built[1], {})
