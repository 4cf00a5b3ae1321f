"""The health of a run as its page shows it: `runsum.pages.run_health`, and what counts as outside of a range."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from runsum.analysis.findings import is_outside, judged, not_assessed
from runsum.model import Level
from runsum.pages.run_health import describe_health, health_words
from runsum.render import Renderer
from runsum.resources import template_folder


def test_a_range_may_be_open() -> None:
    """On either side, and without one nothing is outside."""
    assert [is_outside(2.0, band) for band in ((None, 1.0), (3.0, None), (1.0, 2.0), (None, None))] == [
        True, True, False, False,
    ]  # fmt: skip
    assert not is_outside(None, (0.0, 1.0))


@pytest.mark.parametrize(
    ("health", "findings", "said"),
    [
        (Level.GOOD, (1.0, 2.0), "health good: no concern in 2 checks"),
        (Level.GOOD, (1.0, 5.0), "health good: no concern in 2 checks, 1 outside the usual range"),
        (Level.GOOD, (1.0, None), "health good: a concern in 1 of 2 checks, of low confidence only"),
        (Level.WATCH, (1.0, None), "health watch: a concern in 1 of 2 checks"),
        (Level.NOT_ASSESSED, (), "health not assessed"),
    ],
)
def test_the_tile_says_what_the_table_shows(health: Level, findings: tuple[float | None, ...], said: str) -> None:
    """Good values up to 3, and a watch where there is none: what counts, what does not, and what is only outside."""
    checks = [
        judged("value_loss", Level.GOOD if value is not None else Level.WATCH, "value_loss_usual", value=value,
               band=(None, 3.0))
        for value in findings
    ]  # fmt: skip
    unmade = not_assessed("kl", "no_column")
    assert Renderer(template_folder()).words(health_words(health, [*checks, unmade])) == said


def test_a_value_of_the_table_has_its_unit() -> None:
    """A timestep is one of steps, memory is in MiB; a ratio has none, and without a value the cell is empty."""
    findings = (
        judged("reward_shape", Level.GOOD, "reward_level", value=74_384.0),
        judged("resources", Level.GOOD, "memory_steady", value=1_234.0),
        judged("value_loss", Level.GOOD, "value_loss_usual", value=1.5),
        judged("data_quality", Level.WATCH, "data_contradiction"),
    )
    run: Any = SimpleNamespace(digest=SimpleNamespace(charts=(), findings=findings))
    renderer = Renderer(template_folder())
    shown = {row.rule: row.value and renderer.words(row.value) for row in describe_health(run).rows}
    assert shown == {
        "reward_shape": "74.4 k steps",
        "resources": "1,234 MiB",
        "value_loss": "1.5",
        "data_quality": None,
    }


def test_a_stretch_of_one_timestep_is_a_moment() -> None:
    """What happened at once is not told as going from a step to the same one."""
    findings = (
        judged("reward_shape", Level.WATCH, "reward_came_back", where=(400, 400)),
        judged("kl", Level.WATCH, "kl_high", where=(400, 900)),
    )
    run: Any = SimpleNamespace(digest=SimpleNamespace(charts=(), findings=findings))
    renderer = Renderer(template_folder())
    said = [renderer.words(row.where) for row in describe_health(run).rows if row.where]
    assert said == ["at 400 steps", "400 to 900 steps"]
