"""Text that is no JSON, dates of every form, ids and names that nobody expects."""

from __future__ import annotations

import json
import sqlite3
from functools import partial

from faults.model import SHOWN, RunFault, Variant, healthy_run
from support.rows import add_annotation, add_gpu_samples, add_run, store, table_rows

WHOLE = json.dumps(
    {"algorithm": "ppo", "n_envs": 16, "n_steps": 256, "total_timesteps": 49152, "env_id": "ALE/Pong-v5"}
)
MALFORMED = {
    "empty": "",
    "blank": "  \n",
    "one brace": "{",
    "a word": "none",
    "a list": "[1, 2]",
    "a number": "17",
    "null": "null",
    "single quotes": "{'n_envs': 16}",
    "a comma too many": '{"n_envs": 16,}',
    "a comment": '{"n_envs": 16} // sixteen',
    "two documents": '{"n_envs": 16}{"n_envs": 8}',
    "zero bytes": '{"n_envs":\x0016}',
    "a lone surrogate": '{"n_envs": "\\ud800"}',
    "a byte order mark": "\ufeff" + WHOLE,
    "nested 100,000 deep": "[" * 100_000,
    "objects nested 50,000 deep": '{"a":' * 50_000,
    "an integer of 5,000 digits": '{"n_envs": ' + "9" * 5_000 + "}",
    **{f"cut after {size} characters": WHOLE[:size] for size in range(8, len(WHOLE) - 1, 7)},
}
ODD_SETTINGS = {
    "NaN": '{"learning_rate": NaN, "n_envs": NaN}',
    "Infinity": '{"learning_rate": Infinity, "total_timesteps": -Infinity}',
    "1e400": '{"learning_rate": 1e400, "total_timesteps": 1e400}',
    "huge integers": json.dumps({"total_timesteps": 10**30, "n_envs": 10**40, "seed": -(10**25)}),
    "negative numbers": '{"total_timesteps": -5, "n_envs": -1, "n_steps": -2, "batch_size": -3}',
    "zeros": '{"total_timesteps": 0, "n_envs": 0, "n_steps": 0}',
    "objects and lists": '{"total_timesteps": {}, "n_envs": [], "env_id": {"a": 1}, "algorithm": ["ppo"], "seed": {}}',
    "booleans": '{"total_timesteps": true, "n_envs": false, "env_id": true, "algorithm": true}',
    "nulls": '{"total_timesteps": null, "n_envs": null, "env_id": null, "algorithm": null}',
    "empty keys": '{"": 1, " ": 2, "\\u0000": 3}',
    "5,000 keys": json.dumps({f"key{number}": number for number in range(5_000)}),
    "a value of 1 MB": json.dumps({"net_arch": "x" * 1_000_000}),
    "a key of 10 kB": json.dumps({"k" * 10_000: 1}),
    "the same key twice": '{"n_envs": 16, "n_envs": 8}',
    "markup": '{"env_id": "<script>alert(1)</script>{{ 7*7 }}", "algorithm": "| a | b |"}',
}
DATES = {
    "another form": "22.12.2025 10:00",
    "American": "12/22/2025 10:00 AM",
    "seconds since 1970": "1766397600",
    "a date alone": "2025-12-22",
    "a week date": "2025-W52-1T10:00",
    "no separators": "20251222T100000",
    "with a Z": "2025-12-22T10:00:00Z",
    "with an offset": "2025-12-22T10:00:00+05:30",
    "nine decimals": "2025-12-22T10:00:00.123456789",
    "month 13": "2025-13-01T10:00:00",
    "30 February": "2025-02-30T10:00:00",
    "24:00": "2025-12-22T24:00:00",
    "a leap second": "2025-12-22T23:59:60",
    "year 0": "0000-01-01T00:00:00",
    "year 1": "0001-01-01T00:00:00",
    "year 9999": "9999-12-31T23:59:59",
    "year 10000": "10000-01-01T00:00:00",
    "year -4000": "-4000-01-01T00:00:00",
    "before 1970": "1969-12-31T23:59:59",
    "a word": "yesterday",
    "NaT": "NaT",
    "blank": " ",
    "empty": "",
    "other digits": "２０２５-12-22T10:00:00",
    "10 kB": "2025-12-22T10:00:00" + "0" * 10_000,
}
READABLE = ("a date alone", "with a Z", "with an offset", "nine decimals", "no separators", "a week date")
UNREADABLE = tuple(
    kind for kind in DATES if kind not in (*READABLE, "year 1", "year 9999", "before 1970", "blank", "empty")
)
ODD_IDS = {
    "10 kB": "run-" + "x" * 10_000,
    "climbing": "../../../etc/passwd",
    "absolute": "/etc/passwd",
    "backslashes": "..\\..\\windows",
    "a drive": "C:\\runs\\one",
    "a device": "con",
    "a device with an ending": "nul.txt",
    "upper case": "RUN-ABCD0001",
    "lower case": "run-abcd0001",
    "mixed case": "Run-Abcd0001",
    "a dot": ".",
    "two dots": "..",
    "emoji": "run-🎯",
    "zero byte": "run-\x00end",
    "new lines": "run-\n\r\nend",
    "right to left": "run-\u202egnp.exe",
    "markup": "<img src=x onerror=alert(1)>",
    "template": "{{ 7*7 }}{% raw %}",
    "quotes": "run-'\"`",
    "only punctuation": "!!!???",
    "a number": "12345",
    "combining": "run-e\u0301",
    "composed": "run-\u00e9",
    "a lone surrogate's bytes": "run-\ufffd",
}


def with_text(con: sqlite3.Connection, run_id: str, column: str, value: str) -> None:
    healthy_run(con, run_id)
    con.execute(f"UPDATE experiment_runs SET {column} = ? WHERE run_id = ?", (value, run_id))


def with_row_dates(con: sqlite3.Connection, run_id: str, column: str, value: str) -> None:
    """One of twelve rows has an odd date."""
    healthy_run(con, run_id)
    con.execute(f"UPDATE training_metrics SET {column} = ? WHERE run_id = ? AND timestep = 24576", (value, run_id))


def with_only_dates(con: sqlite3.Connection, run_id: str, value: str) -> None:
    """Every date of a run is of one odd form."""
    add_run(con, run_id, {"total_timesteps": 49152}, start_time=value, end_time=value, updated_at=value)
    store(con, table_rows(run_id, range(1, 13), target=49152, timestamp=value, created_at=value))
    add_gpu_samples(con, run_id, range(0, 100, 20))
    con.execute("UPDATE gpu_metrics SET ts = ? WHERE run_id = ?", (value, run_id))
    add_annotation(con, run_id, "seen here", created_at=value)


def with_id(con: sqlite3.Connection, run_id: str, value: str) -> str:
    healthy_run(con, value)
    return value


def each(columns: tuple[str, ...], values: dict[str, str], make: object) -> tuple[Variant, ...]:
    return tuple(
        (f"{column}: {kind}", partial(make, column=column, value=value))
        for column in columns
        for kind, value in values.items()
    )


def only(values: dict[str, str], *kinds: str) -> dict[str, str]:
    return {kind: values[kind] for kind in kinds}


NO_OBJECT = {kind: text for kind, text in MALFORMED.items() if kind not in ("a lone surrogate",)}
TIMES = ("start_time", "end_time", "updated_at", "heartbeat_at")

FAULTS = (
    RunFault("config_json that is no JSON object", each(("config_json",), NO_OBJECT, with_text), r"configuration"),
    RunFault(
        "settings of the wrong type, NaN, 1e400, 10^40, 5,000 keys, 1 MB",
        each(("config_json",), ODD_SETTINGS | only(MALFORMED, "a lone surrogate"), with_text),
        r"0\.75",
        SHOWN,
    ),
    RunFault(
        "malformed JSON in the other columns",
        each(("dependencies_json", "tags_json", "metadata_json"), MALFORMED | ODD_SETTINGS, with_text),
        r"0\.75",
        SHOWN,
    ),
    RunFault(
        "dates of a run that are none, or out of range",
        each(TIMES, only(DATES, *UNREADABLE), with_text),
        r"no readable value",
    ),
    RunFault(
        "dates of a run at the ends of the calendar, or of other forms",
        each(TIMES, {kind: text for kind, text in DATES.items() if kind not in UNREADABLE}, with_text),
        r"0\.75",
        SHOWN,
    ),
    RunFault(
        "dates of a row that are none, or out of range",
        each(("timestamp", "created_at"), only(DATES, *UNREADABLE), with_row_dates),
        r"do(es)? not fit (its|their) column",
    ),
    RunFault(
        "dates of a row at the ends of the calendar, or of other forms",
        each(
            ("timestamp", "created_at"),
            {kind: text for kind, text in DATES.items() if kind not in UNREADABLE},
            with_row_dates,
        ),
        r"0\.75",
        SHOWN,
    ),
    RunFault(
        "every date of a run of one odd form",
        tuple((kind, partial(with_only_dates, value=value)) for kind, value in DATES.items()),
        "seen here",
        SHOWN,
    ),
    RunFault(
        "ids that are 10 kB long, paths, devices, markup, or differ only in case",
        tuple((kind, partial(with_id, value=value)) for kind, value in ODD_IDS.items()),
        r"0\.75",
        SHOWN,
    ),
)
