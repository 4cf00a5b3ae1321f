"""The report of a policy, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from runsum.csp.policy import HEADER
from runsum.csp.site import Blocked, PolicyReport
from runsum.formatting import clean_text, cut, plural

_SHOWN = 20
KINDS = {
    "inline_script": (
        "inline script that is not the theme's",
        "inline scripts that are not the theme's",
        "They do not run. Put each into a file of its own and load that with src; 'pip install' the site's theme here "
        "when it comes from there.",
    ),
    "script_attribute": (
        "attribute that is a script",
        "attributes that are scripts",
        "They do not run. Let a script in a file add the listener.",
    ),
    "unread_page": (
        "page without a policy",
        "pages without a policy",
        "Pages must be files in UTF-8.",
    ),
}
"""Every kind of what is blocked: one of it, many of it, and what to do."""


def as_document(report: PolicyReport) -> dict[str, Any]:
    """The report for programs; its keys stay as they are."""
    return {
        "site": report.site,
        "pages": report.pages,
        "header": HEADER,
        "policy": report.policy,
        "written": report.written,
        "unchanged": report.unchanged,
        "blocked": [{"kind": found.kind, "page": found.page, "text": found.text} for found in report.blocked],
    }


def as_header(report: PolicyReport) -> str:
    """The header of all pages, as a server sends it."""
    return f"{HEADER}: {report.policy}"


def as_lines(report: PolicyReport, written: bool) -> list[str]:
    """What was done or what to do, for people; what is blocked comes last."""
    allowed = report.allowed
    inline = plural(len(allowed.scripts), "inline script", "inline scripts")
    styles = plural(len(allowed.styles) + len(allowed.attributes), "inline style", "inline styles")
    pages = plural(report.pages, "page", "pages")
    lines = [f"{report.site}: {pages}; allowed by hash: {inline} of the theme, {styles}"]
    if written:
        done = plural(report.written, "page", "pages")
        lines.append(f"policy written into {done}, {report.unchanged} had it already")
    else:
        lines += [
            "next: let the server send this header with every file, or put it into the pages: runsum csp --write",
            f'  nginx:  add_header {HEADER} "…" always;',
            f'  Apache: Header always set {HEADER} "…"',
        ]
    return [clean_text(line) for line in (*lines, *_blocked(report.blocked))]


def _blocked(blocked: list[Blocked]) -> Iterator[str]:
    for kind, (one, many, advice) in KINDS.items():
        pages: dict[str, list[str]] = {}
        for found in blocked:
            if found.kind == kind:
                pages.setdefault(found.text, []).append(found.page)
        if not pages:
            continue
        yield ""
        yield f"{plural(sum(map(len, pages.values())), one, many)}. {advice}"
        for text, where in list(pages.items())[:_SHOWN]:
            others = len(where) - 1
            more = f", and {plural(others, 'time', 'times')} more" if others else ""
            yield f"  {where[0]}: {cut(text, 120)}{more}"
        if len(pages) > _SHOWN:
            yield f"  and {len(pages) - _SHOWN} more; --json names them all"
