"""What the settings say of redaction."""

from __future__ import annotations

import re
from enum import StrEnum

from runsum.frozen import frozen


class Mode(StrEnum):
    """How much is kept back."""

    STANDARD = "standard"
    STRICT = "strict"  # also texts that look random, all absolute paths, public addresses
    OFF = "off"


@frozen
class Policy:
    """What is redacted.

    Attributes:
        mode: how much.
        reason: why it is off; stands on the home page.
        patterns: the user's own rules, by name.
        allow_keys: names whose values are published, in lower case.
        allow_values: texts that are published although a rule means them.
    """

    mode: Mode = Mode.STANDARD
    reason: str = ""
    patterns: tuple[tuple[str, re.Pattern[str]], ...] = ()
    allow_keys: frozenset[str] = frozenset()
    allow_values: frozenset[str] = frozenset()
