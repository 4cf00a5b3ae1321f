"""Numbers, times and text as a page shows them; the filters of every template and wording.

Missing values never come here: a template asks for `missing` first.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from runsum.clock import moment_of

_MINUS = "−"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\ufffe\uffff]"  # halves of a character, which JSON can hold, and what neither YAML nor XML allows
)
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_FLOOD = re.compile(f"([{_MARKS}]{{8}})[{_MARKS}]+")  # more marks on one letter than any language has cover other lines
_BREAKS = re.compile(r"[\r\n\t\u2028\u2029]+")
_REMEMBERED = 200
_SPECIAL = re.compile(r"[!-$&'*+\-./:<-@\[-`{-~]")  # every ASCII mark but , ; % ( and )


def escape_markdown(text: str) -> str:
    """Text that is nothing but text in Markdown, in HTML and in an attribute.

    Every ASCII character that could mean something becomes `&#NN;`; control and direction characters go, line
    breaks become blanks. What means nothing anywhere (, ; % and brackets without a link) stays readable, and so do
    points and colons inside numbers, dashes and slashes inside words.
    """
    return _escaped(text) if len(text) <= _REMEMBERED else _escape(text)


def _escape(text: str) -> str:
    escaped = _SPECIAL.sub(_entity, clean_text(text))
    return "&#32;" + escaped[1:] if escaped.startswith("    ") else escaped  # else code, where it begins a line


_escaped = lru_cache(maxsize=8_192)(_escape)  # pages say the same short texts again and again


def _entity(match: re.Match[str]) -> str:
    """Keep a mark where it cannot mean anything, encode all others: each costs three parsers a call."""
    mark, whole = match.group(), match.string
    before, after = whole[match.start() - 1 : match.start()], whole[match.end() : match.end() + 1]
    digits = before.isdigit() and after.isdigit()
    inside = before.isascii() and before.isalnum() and after.isascii() and after.isalnum()
    if (mark in ".:" and digits) or (mark in "-/_" and inside):
        return mark
    if after == " " and ((mark == ":" and before.isalnum()) or (mark == "=" and before == " ")):
        return mark
    return f"&#{ord(mark)};"


def clean_text(text: str) -> str:
    """Text without control and direction characters, on one line."""
    if text.isascii() and text.isprintable():
        return text
    plain = _CONTROL.sub("", _BREAKS.sub(" ", text))
    return plain if plain.isascii() else _FLOOD.sub(r"\1", plain)


def _sign(text: str) -> str:
    """A real minus sign, and none before nought."""
    if not text.startswith("-"):
        return text
    return _MINUS + text[1:] if any(digit in text for digit in "123456789") else text[1:]


def steps(value: float) -> str:
    """Timesteps: 811,008 is "811.0 k", 1,220,608 is "1.22 M", those of a whole archive may be "4,063.65 M"."""
    size = abs(value)
    if size >= 999_950:
        return _sign(f"{value / 1e6:,.2f}") + " M"
    if size >= 10_000:
        return _sign(f"{value / 1e3:.1f}") + " k"
    return _sign(f"{value:,.0f}")


def exact(value: float) -> str:
    """A number in full, with thousands separators."""
    return _sign(f"{value:,.0f}" if float(value).is_integer() else f"{value:,.10g}")


def reward(value: float) -> str:
    """A reward with at most four significant digits, never more than recorded."""
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size >= 10_000:
        return _sign(f"{value:,.0f}")
    if size >= 1_000:
        return _sign(f"{value:,.1f}".removesuffix(".0"))
    return _sign(f"{value:.4g}")


def delta(value: float) -> str:
    """A difference with its sign."""
    return f"+{reward(value)}" if value > 0 else reward(value) if value else "±0"


def number(value: float) -> str:
    """Any measured number with three significant digits."""
    if not math.isfinite(value):
        return str(value)
    return _sign(f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}")


def percent(value: float) -> str:
    """Percent with one decimal; just below 100 with as many as it takes not to say 100."""
    digits = next((n for n in (1, 2, 3) if value >= 100 or float(f"{value:.{n}f}") < 100), 4)
    return _sign(f"{value:.{digits}f}") + " %"


def percent_below(value: float, limit: float) -> str:
    """Percent below a limit, with one decimal or as many as it takes not to say the limit: 24.99 where that is 25.0."""
    digits = next((n for n in range(1, 6) if float(f"{value:.{n}f}") < float(f"{limit:.1f}")), 6)
    return _sign(f"{value:.{digits}f}") + " %"


def whole_percent(value: float) -> str:
    """Percent without decimals."""
    return _sign(f"{value:.0f}") + " %"


def as_percent(value: float) -> str:
    """A share as percent without decimals: 0.23 is "23 %"."""
    return whole_percent(value * 100)


def at_least(share: float) -> str:
    """A share that may be larger: 0.83 is "at least 83 %", the whole "all"."""
    return "all" if share >= 0.995 else f"at least {as_percent(share)}"


def duration(seconds: float) -> str:
    """Seconds as people say them: 45 min, 9 h 32 min, 3 d 4 h."""
    minutes = round(seconds / 60)
    if seconds < 120 and (seconds < 90 or seconds % 60):
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
    hours = round(seconds / 3600)
    return f"{hours // 24} d" + (f" {hours % 24} h" if hours % 24 else "")


def hours(value: float) -> str:
    """Hours as a duration."""
    return duration(value * 3600)


def mib(value: float) -> str:
    """MiB, or GiB from 10,000 MiB."""
    return f"{value / 1024:.1f} GiB" if value >= 10_000 else f"{value:,.0f} MiB"


def megabytes(value: float) -> str:
    """MB as recorded; kB below a tenth of one."""
    if value < 0.1:
        return f"{value * 1000:,.0f} kB"
    return f"{value:,.1f} MB"


def kwh(value: float) -> str:
    """Energy with three significant digits."""
    return f"{number(value)} kWh"


def speed(value: float) -> str:
    """Steps per second."""
    return f"{value:,.0f} steps/s" if value >= 10 else f"{value:.3g} steps/s"


def signed_speed(value: float) -> str:
    """A difference of speeds."""
    return ("+" if value >= 0.05 else "") + _sign(f"{value:,.1f}") + " steps/s"


def when(iso: str) -> str:
    """A recorded time: 30 Nov 2025, 22:20; unreadable text as it is."""
    try:
        moment = moment_of(iso)
    except ValueError:
        return clean_text(iso)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}, {moment:%H:%M}"


def day(iso: str) -> str:
    """The day of a recorded time: 30 Nov 2025."""
    return when(iso).partition(",")[0]


def offset(minutes: int) -> str:
    """An offset from UTC: UTC−06:00."""
    sign = _MINUS if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def setting(value: object) -> str:
    """A configuration value as people write it."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.10g}"
    return clean_text(str(value))


def plural(count: float, one: str, many: str) -> str:
    """The count with its noun: 1 row, 3 rows."""
    return f"{exact(count)} {one if count == 1 else many}"


def cut(text: str, length: int = 80) -> str:
    """Text of at most `length` characters on one line, without what a page cannot show."""
    return shortened(clean_text(text), length)


def shortened(text: str, length: int) -> str:
    """Text of at most `length` characters; one that was cut ends in "…", so that it is not taken for whole."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def pairs(items: list[tuple[Any, Any]]) -> str:
    """Pairs as "key = value, …"."""
    return ", ".join(f"{key} = {setting(value)}" for key, value in items)


def changes(items: list[tuple[str, Any, Any]]) -> str:
    """Changes as "key: before → after; …"."""
    return "; ".join(f"{key}: {setting(before)} → {setting(after)}" for key, before, after in items)


def counts(items: list[tuple[str, int]]) -> str:
    """Counts as "completed 2, failed 1"."""
    return ", ".join(f"{name} {count}" for name, count in items)


def joined(items: list[Any]) -> str:
    """Items with semicolons between."""
    return "; ".join(clean_text(str(item)) for item in items)


def text(value: object) -> str:
    """Anything else as text."""
    return clean_text(str(value))


FILTERS: dict[str, Callable[..., str]] = {
    f.__name__: f
    for f in (
        steps,
        exact,
        reward,
        delta,
        number,
        percent,
        percent_below,
        whole_percent,
        as_percent,
        at_least,
        duration,
        hours,
        mib,
        megabytes,
        kwh,
        speed,
        signed_speed,
        when,
        day,
        offset,
        setting,
        plural,
        cut,
        pairs,
        changes,
        counts,
        joined,
        text,
    )
}
"""Every filter by name."""
