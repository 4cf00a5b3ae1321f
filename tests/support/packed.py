"""Data scripts as tests read them: their columns as lists of numbers, as the browser's `unpacked` makes them."""

from __future__ import annotations

import json
import re
from typing import Any

from runsum.packing import ALPHABET

_SCRIPT = re.compile(r'\(window\.runsumData=window\.runsumData\|\|\{\}\)\["[^"]+"\]=(.*);\n', re.DOTALL)
_COLUMNS = ("t", "h", "s", "v", "std", "lo", "hi")


def unpacked(column: list[Any]) -> list[float | None]:
    """The numbers of a packed column, None where there is none; other columns as they are."""
    if not column or not isinstance(column[-1], str):
        return column
    count, digits, least, unit, *before, letters = column
    width, total = len(letters) // count, sum(before)
    found: list[float | None] = []
    for row in range(count):
        code = 0 if width else 1
        for letter in letters[row * width : (row + 1) * width]:
            code = code * len(ALPHABET) + ALPHABET.index(letter)
        number = (total if before else 0) + least + unit * (code - 1)
        total = number if code else total
        found.append(number / 10**digits if code else None)
    return found


def read_script(script: str) -> Any:
    """What a data script says, with every column unpacked."""
    found = _SCRIPT.fullmatch(script)
    assert found, script[:100]
    return _numbers(json.loads(found[1]))


def _numbers(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _numbers(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return unpacked(value) if name in _COLUMNS else [_numbers(one) for one in value]
    return value
