"""Values that a database may hold: fitting ones for each column, and any."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from support.rows import CONFIG
from support.schema import HISTORY

DECLARED = {
    table: {
        column.split()[0]: column.split()[1]
        for change in HISTORY
        if change.table == table
        for column in map(str.strip, change.columns.split(";"))
    }
    for table in dict.fromkeys(change.table for change in HISTORY)
}
"""Every column of every table of any era, with its type."""


@dataclass(frozen=True)
class RawText:
    """Text of any bytes, which SQLite takes and UTF-8 may not."""

    data: bytes


Value = None | int | float | str | bytes | RawText


def run_id_of(number: int) -> str:
    """The id that the run at a place has before any edit."""
    return f"run-{0xA0000000 + number:08x}"


MARK = "zz7"
"""Part of every planted text: whatever carries it must stay text."""

HOSTILE = (
    "<zz7 onx=1>",
    "</script><zz7 onx=1>",
    "\"><zz7 onx='1'>",
    "' onx=1 zz7='",
    '" onx=1 zz7="',
    "</textarea></title></svg><zz7/onx=1>",
    "<!--zz7",
    "]]><zz7 onx=1>",
    "&lt;zz7 onx=1&gt;",
    "&#60;zz7 onx=1&#62;",
    "<svg><zz7 onx=1></svg>",
    "ALE/<zz7 onx=1>-v5",
    "[zz7l](zz7:1)",
    "![zz7l](zz7:1)",
    "<zz7:1>",
    "javascript:zz7(1)",
    "\n\n# zz7h\n\n",
    "x\n\n- zz7n\n\n    zz7\n",
    "**zz7b** *zz7i* __zz7__ _zz7_",
    "`zz7c`",
    "\n```\nzz7\n```\n",
    "zz7 {: .zz7 onx=1 }",
    "{#zz7 .zz7 onx=1}",
    "{{ zz7 }} {% zz7 %} {# zz7 #}",
    '--8<-- "zz7"',
    "[^zz7]\n\n[^zz7]: zz7",
    "*[zz7]: zz7",
    "!!! zz7\n    zz7",
    "| zz7 | zz7 |\n|---|---|\n| zz7 | zz7 |",
    "[zz7]: zz7:1",
    "zz7\n===",
    "\u202ezz7\u2066\x1b[31mzz7\x07",
    "\\<zz7 onx=1\\>",
    "=zz7(1)",
)
"""Markup, Markdown and code of many kinds, each with the mark in it."""

TAKEN = r"(?<!\*\*)zz7b|(?<!\*)zz7i|(?<!`)zz7c|(?<!\[)zz7l|(?<!# )zz7h|(?<!- )zz7n"
"""Finds planted Markdown that became what it means: the sign before the word is gone."""

_CORNERS: tuple[Value, ...] = (
    None, 0, -1, 1, 2**53 + 1, 2**63 - 1, -(2**63), 0.0, -0.0, 0.5, 5e-324, 1e308, -1e308, float("inf"), float("-inf"),
    1e15, 1e16, 1e-12, "", " ", "\n", "\0", "a\0b", "nan", "inf", "-Infinity", "1e400", "1_000", "٣", "0x10", "None",
    "9" * 5000, "a" * 3000, b"", b"\xff\x00", RawText(b"\xff\xfe"), RawText(b"caf\xe9"), RawText(b"\xed\xa0\x80"),
)  # fmt: skip

_TIMES: tuple[Value, ...] = (
    "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999", "1970-01-01", "2025-12-22", "2025-12-22 10:00:00", "20251222",
    "2025-12-22T10:00:00Z", "2025-12-22T10:00:00+14:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2025-W52-1", "2025", "2025-12", "10:00", "now", "today", "NaT", "-0001-01-01", "+12025-01-01", "292277-01-01",
    "2025-12-22T24:00:00", "2025-12-22T10:00:60", "2025-02-30", "2025-12-22T10:00:00.123456789", "1766397600",
    1_766_397_600, 1_766_397_600.5, 2_461_031.9,
)  # fmt: skip

_DOCUMENTS: tuple[Value, ...] = (
    "{}", "[]", "null", "true", "1", '"x"', "{", "[" * 5000, '{"a":' * 3000, "{'a': 1}", "NaN", "{}{}", "﻿{}",
    '{"a": NaN, "b": Infinity, "c": 1e999, "d": -0.0}', '{"seed": ' + "9" * 400 + "}", '{"n_envs": 1e300}',
    '{"a": "\\ud800", "\\udfff": 1, "\\u0000": 2}', '{"": "", " ": " "}', '{"a": {"a": {"a": [1, [2, [3]]]}}}',
    '{"a": 1, "a": 2}', '["a", "a", null, 1, {}, [], ""]', "a, b,, c", '{"recorder": "runsum 9"}',
    '{"train": {"train": 1}, "training": []}', '{"custom_params": {"zoo": {"x": 1}, "y": [1]}}',
)  # fmt: skip


def _kind(table: str, column: str) -> str:
    if column.endswith(("_json", "state_data")):
        return "document"
    if column in ("ts", "timestamp", "created", "started", "completed") or column.endswith(("_at", "_time")):
        return "time"
    if column.endswith("_id") or column == "notes":
        return "id"
    return "number" if DECLARED[table][column] in ("INTEGER", "REAL") else "text"


def _json_values() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(HOSTILE)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
        max_leaves=6,
    )


def _times() -> st.SearchStrategy[Value]:
    near = st.datetimes(datetime(2025, 12, 20), datetime(2025, 12, 26))
    zones = st.sampled_from(
        [None, None, UTC, timezone(timedelta(hours=-11, minutes=-30)), timezone(timedelta(hours=14))]
    )
    some = st.builds(lambda t, zone: t.replace(tzinfo=zone).isoformat(), st.one_of(near, near, st.datetimes()), zones)
    return some | st.sampled_from(_TIMES)


def configs() -> st.SearchStrategy[str]:
    """A config_json: the usual one, with some of its keys changed to anything that JSON can say."""
    keys = st.sampled_from(
        [*CONFIG, "train", "training", "zz7 key <zz7 onx=1>", "env_kwargs", "n_epochs", "buffer_size"]
    )
    changed = st.dictionaries(keys, _json_values(), max_size=3)
    return changed.map(lambda change: json.dumps(CONFIG | change))


ANY = st.one_of(
    st.sampled_from(_CORNERS),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=12),
    st.binary(max_size=12).map(RawText),
    st.sampled_from(HOSTILE),
)
"""Any value that SQLite can hold."""

_BY_KIND: dict[str, st.SearchStrategy[Value]] = {
    "document": st.sampled_from(_DOCUMENTS) | configs() | _json_values().map(json.dumps),
    "time": _times(),
    "id": st.integers(0, 5).map(run_id_of) | st.sampled_from(["run-1", "../x", "CON", "index", "run-A0000000", "é/è"]),
    "number": st.integers(-5, 10**6) | st.floats(-1e6, 1e6) | st.sampled_from(["12", "1.5", "1e3", "-0", "1e-320"]),
    "text": st.sampled_from(HOSTILE) | st.text(max_size=30),
}


def values(table: str, column: str) -> st.SearchStrategy[Value]:
    """Values for a column: mostly such as it may meet, else any."""
    fitting = _BY_KIND[_kind(table, column)]
    return st.one_of(fitting, fitting, ANY)
