"""What redaction tells of itself: rules, places and counts, never the secret."""

from __future__ import annotations

from dataclasses import dataclass

RANDOM = "looks-random"
"""The rule that only warns, unless the mode is strict."""


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """How often a rule took something out of a column."""

    rule: str
    table: str
    column: str
    count: int
