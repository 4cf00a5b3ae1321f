"""The report of a check, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from runsum.check.problems import KINDS, Problem
from runsum.check.site import SiteReport
from runsum.formatting import clean_text, cut, exact, megabytes, percent, plural

_SHOWN = 20
_HOSTS_SHOWN = 10
_SINGLE = "leak"  # two secrets in a line 1 have nothing in common


def as_document(report: SiteReport) -> dict[str, Any]:
    """The report for programs; its keys stay as they are."""
    return {
        "site": report.site,
        "files": report.files,
        "pages": report.pages,
        "problem_count": len(report.problems),
        "problems": [_problem(found) for found in report.problems],
        "sizes": {kind: asdict(row) for kind, row in report.sizes.items()},
        "largest": [{"file": path, "bytes": size} for path, size in report.largest],
        "total_bytes": report.total_bytes,
        "budget_bytes": report.budget_bytes,
        "external_hosts": report.external_hosts,
        "redacted": report.redacted,
        "unredacted": report.unredacted,
    }


def _problem(found: Problem) -> dict[str, str]:
    told = {"kind": found.kind, "page": found.page, "target": found.target}
    return told | {"hint": found.hint} if found.hint else told


def as_lines(report: SiteReport) -> list[str]:
    """The report for people: problems first, then sizes, other servers and what was redacted."""
    files, pages = plural(report.files, "file", "files"), plural(report.pages, "page", "pages")
    share = percent(100 * report.total_bytes / report.budget_bytes)
    lines = [
        f"{report.site}: {files}, {pages}",
        *_problems(report.problems),
        "",
        *_sizes(report),
        f"total: {_size(report.total_bytes)}, {share} of the budget of {_size(report.budget_bytes)}",
        "",
        "largest files:",
        *(f"  {_size(size):>10}  {path}" for path, size in report.largest),
        "",
        _hosts(report),
        *([f"redaction is off ({report.unredacted}): secrets were not looked for"] if report.unredacted else []),
        *_redacted(report.redacted),
    ]
    return [clean_text(line) for line in lines]


def _size(size: float) -> str:
    return megabytes(size / 1e6) if size >= 1000 or not size else f"{size:.0f} B"


def _problems(problems: Sequence[Problem]) -> Iterator[str]:
    if not problems:
        yield "no problems"
        return
    yield plural(len(problems), "problem", "problems")
    for kind in KINDS:
        found = [problem for problem in problems if problem.kind == kind.name]
        if not found:
            continue
        yield ""
        yield f"{plural(len(found), kind.one, kind.many)}. {kind.advice}"
        yield from _grouped(found)


def _grouped(found: Sequence[Problem]) -> Iterator[str]:
    """One line for all that have the same cause: a dead link of the navigation stands on every page."""
    causes: dict[tuple[str, ...], list[Problem]] = {}
    for problem in found:
        what = problem.hint or problem.target
        cause = (what, problem.page, problem.target) if problem.kind == _SINGLE else (what,)
        causes.setdefault(cause, []).append(problem)
    for alike in list(causes.values())[:_SHOWN]:
        first, others = alike[0], len(alike) - 1
        line = f"  {first.page}" if first.page == first.target else f"  {first.page} → {cut(first.target, 120)}"
        line += f" ({cut(first.hint, 160)})" if first.hint else ""
        yield line + (f", and {plural(others, 'time', 'times')} more" if others else "")
    if len(causes) > _SHOWN:
        left = sum(len(alike) for alike in list(causes.values())[_SHOWN:])
        yield f"  and {exact(left)} more; --json names them all"


def _sizes(report: SiteReport) -> Iterator[str]:
    yield f"{'size':<16}{'files':>8}{'total':>12}{'mean':>12}{'largest':>12}"
    for kind, row in report.sizes.items():
        if row.files:
            sizes = (row.total_bytes, row.mean_bytes, row.largest_bytes)
            yield f"{kind.replace('_', ' '):<16}{exact(row.files):>8}" + "".join(f"{_size(size):>12}" for size in sizes)


def _hosts(report: SiteReport) -> str:
    hosts = report.external_hosts
    if not hosts:
        return "links to other servers: none"
    named = {host: f"{host} (this site)" if host == report.own_host else host for host in hosts}
    shown = ", ".join(f"{named[host]} {exact(count)}" for host, count in list(hosts.items())[:_HOSTS_SHOWN])
    left = len(hosts) - _HOSTS_SHOWN
    return f"links to other servers: {shown}" + (f" and {exact(left)} more" if left > 0 else "")


def _redacted(redacted: dict[str, dict[str, int]]) -> Iterator[str]:
    if not redacted:
        yield "redacted: nothing in the site is marked as redacted"
        return
    yield f"redacted: {plural(sum(sum(places.values()) for places in redacted.values()), 'value', 'values')}"
    for rule, places in redacted.items():
        where = ", ".join(f"{kind.replace('_', ' ')} {exact(count)}" for kind, count in places.items())
        yield f"  {cut(rule)}: {where}"
