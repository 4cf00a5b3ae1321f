"""All scenarios, and the list of what they must show between them."""

from __future__ import annotations

from support import (
    scenarios_eras,
    scenarios_known_runs,
    scenarios_milestones,
    scenarios_records,
    scenarios_states,
    scenarios_time,
    scenarios_values,
)

SCENARIOS = (
    *scenarios_known_runs.SCENARIOS,
    *scenarios_milestones.SCENARIOS,
    *scenarios_time.SCENARIOS,
    *scenarios_states.SCENARIOS,
    *scenarios_values.SCENARIOS,
    *scenarios_records.SCENARIOS,
    *scenarios_eras.SCENARIOS,
)

# Rows of the dirty-data catalogue that a database alone can show; 15, 25 and 26 are about files beside it,
# 24 and 34 about files that cannot be read at all (test_damaged_files.py).
DIRTY_DATA = tuple(f"9.{n}" for n in range(1, 36) if n not in (15, 24, 25, 26, 34))
QUERY_DEFECTS = (*(f"7.4{letter}" for letter in "abcdefg"), "7.5", "7.6")
FIXTURES = tuple(
    f"11.{name}"
    for name in (
        "head-single",
        "head-leg2-doubled",
        "head-contaminated",
        "eraB-16M",
        "eraB-short",
        "zero-metrics",
        "reward-above-999",
        "pong",
        "dqn",
        "no-gpu",
        "gpu-zero",
        "48-and-21-columns",
        "emoji-names",
        "script-in-custom-name",
        "deleted-parent",
        "backslash-paths",
        "cyclic-parents",
        "dst",
        "same-grid",
        "interleaved",
        "resumed-in-place",
        "duplicated-display-names",
    )
)
TO_BE_SHOWN = DIRTY_DATA + QUERY_DEFECTS + FIXTURES
