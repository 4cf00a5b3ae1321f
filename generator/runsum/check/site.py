"""The check of a whole site: every page, style sheet, feed and data file once, one at a time."""

from __future__ import annotations

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import ParseError

from runsum.check.damage import find_damage
from runsum.check.feeds import feed_addresses, is_feed
from runsum.check.files import ERROR_PAGE, HOME, SiteFiles, is_page, list_files
from runsum.check.leaks import LeakFinder
from runsum.check.links import Place, guess_path, is_place, is_state, judge, place_of
from runsum.check.marks import count_marks, count_marks_in, may_have_marks
from runsum.check.pages import PageFacts, read_page
from runsum.check.problems import KINDS, Problem
from runsum.check.references import Reference, Use
from runsum.check.sizes import LARGEST_FILE, SizeRow, kind_of, largest_files, measure
from runsum.check.styles import css_addresses
from runsum.formatting import megabytes
from runsum.frozen import frozen
from runsum.redact.policy import Mode, Policy
from runsum.redact.redactor import Redactor

_RUNSUM_SCRIPT = "assets/runsum/runsum.js"
_SCRIPT_NAME = re.compile(r"\"([\w./-]+\.js)\"")
_SEARCH_INDEXES = ("search/search_index.json", "search/search_index.js", "search.json", "search.js")


@frozen
class SiteReport:
    """What the check of a site found.

    Attributes:
        files: how many there are.
        pages: how many of them are HTML.
        problems: in the order of `KINDS`, within a kind by page.
        sizes: a row for every kind of file.
        largest: the ten largest files with their bytes.
        external_hosts: how many links lead to each other server, most frequent first.
        redacted: marks of redaction, by rule and by kind of file.
        unredacted: why redaction is off; then nobody looks for secrets here either.
        own_host: the one of `external_hosts` where the site itself will lie; empty when its pages do not say.
    """

    site: str
    files: int
    pages: int
    problems: tuple[Problem, ...]
    sizes: dict[str, SizeRow]
    largest: list[tuple[str, int]]
    total_bytes: int
    budget_bytes: int
    external_hosts: dict[str, int]
    redacted: dict[str, dict[str, int]]
    own_host: str
    unredacted: str = ""


@dataclass
class _Findings:
    """What has been found so far; of a page only its anchors are kept.

    Attributes:
        awaited: (file, fragment, page, address) of links to places in pages that were not read yet.
        searching: a page with a search; empty when there is none.
        stateful: the pages whose fragment says what they show.
    """

    files: SiteFiles
    place: Place
    leaks: LeakFinder
    problems: list[Problem] = field(default_factory=list)
    hosts: Counter[str] = field(default_factory=Counter)
    marks: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    anchors: dict[str, frozenset[str]] = field(default_factory=dict)
    awaited: list[tuple[str, str, str, str]] = field(default_factory=list)
    searching: str = ""
    stateful: set[str] = field(default_factory=set)

    def report(self, kind: str, page: str, target: str, hint: str = "") -> None:
        self.problems.append(Problem(kind, page, target, hint))

    def count_marks(self, path: str, marks: Counter[str]) -> None:
        for rule, count in marks.items():
            self.marks[rule][kind_of(path)] += count


def check_site(root: Path, budget_bytes: int, policy: Policy | None = None) -> SiteReport:
    """Check a built site.

    Args:
        root: its folder.
        budget_bytes: how large it may be.
        policy: what must not be published; None: by the standard rules.

    Raises:
        SiteError: the folder is not there, or is not a site.
    """
    files = list_files(root)
    place = _find_place(files)
    found = _Findings(files, place, LeakFinder(Redactor(policy), place.host))
    for path in files.sizes:
        if is_page(path):
            _check_page(path, found)
        elif path.lower().endswith(".css"):
            _check_style(path, found)
        elif is_feed(path):
            _check_feed(path, found)
        if may_have_marks(path) and not is_page(path):
            _count_marks(path, found)
        _check_leaks(path, found)
        damage = find_damage(files.root / path, path, files.sizes[path])
        if damage:
            found.report("unreadable_file", path, path, damage)
    _check_scripts(found)
    _check_search(found)
    _check_anchors(found)
    _check_files(found, budget_bytes)
    return _report(found, budget_bytes, policy or Policy())


def _find_place(files: SiteFiles) -> Place:
    """Where the site will lie: as its home page says, else as far as 404.html shows."""
    home = _parse(*_read(HOME, files))[0]
    place = place_of(home.canonical) if home else None
    if place is not None or ERROR_PAGE not in files.sizes:
        return place or Place()
    lost = _parse(*_read(ERROR_PAGE, files))[0]
    return Place(path=guess_path(lost.references, files)) if lost else Place()


def _read(path: str, files: SiteFiles) -> tuple[str, str]:
    """The text of a file, or why there is none."""
    try:
        return (files.root / path).read_text(encoding="utf-8-sig"), ""
    except OSError as error:
        return "", error.strerror or "cannot be read"
    except UnicodeDecodeError as error:
        return "", f"not UTF-8: byte {error.start}"


def _parse(text: str, reason: str) -> tuple[PageFacts | None, str]:
    """What a page says, or why nothing can be known."""
    if reason or not text.strip():
        return None, reason or "empty"
    try:
        return read_page(text), ""
    except ValueError as error:
        return None, f"not HTML: {error}"


def _check_page(path: str, found: _Findings) -> None:
    text, reason = _read(path, found.files)
    found.count_marks(path, count_marks(text))
    facts, reason = _parse(text, reason)
    if facts is None:
        found.report("unreadable_file", path, path, reason)
        return
    found.anchors[path] = facts.anchors
    if facts.keeps_state:
        found.stateful.add(path)
    if facts.searches and not found.searching:
        found.searching = path
    _check_references(path, facts.references, found)


def _check_style(path: str, found: _Findings) -> None:
    text, reason = _read(path, found.files)
    if reason:
        found.report("unreadable_file", path, path, reason)
    _check_references(path, [Reference(address, Use.ASSET) for address in css_addresses(text)], found)


def _check_feed(path: str, found: _Findings) -> None:
    try:
        addresses = feed_addresses(found.files.root / path)
    except (OSError, ParseError) as error:
        found.report("unreadable_file", path, path, f"not XML: {error}")
        return
    _check_references(path, [Reference(address, Use.LINK) for address in addresses], found)


def _check_references(path: str, references: Sequence[Reference], found: _Findings) -> None:
    for reference in references:
        verdict = judge(reference, path, found.files, found.place)
        if verdict.kind:
            found.report(verdict.kind, path, reference.address, verdict.hint)
        if verdict.host:
            found.hosts[verdict.host] += 1
        if verdict.fragment and is_page(verdict.file):
            if verdict.file in found.anchors:
                _check_anchor(verdict.file, verdict.fragment, path, reference.address, found)
            else:
                found.awaited.append((verdict.file, verdict.fragment, path, reference.address))


def _check_anchor(file: str, fragment: str, page: str, address: str, found: _Findings) -> None:
    if file in found.stateful and is_state(fragment):
        return
    if not is_place(fragment, found.anchors[file]):
        found.report("dead_anchor", page, address, f"{file} has no #{fragment}")


def _check_scripts(found: _Findings) -> None:
    """What the script of the charts loads when a chart comes near: it names each file in quotes."""
    if _RUNSUM_SCRIPT not in found.files.sizes:
        return
    text, reason = _read(_RUNSUM_SCRIPT, found.files)
    if reason:
        found.report("unreadable_file", _RUNSUM_SCRIPT, _RUNSUM_SCRIPT, reason)
    _check_references(_RUNSUM_SCRIPT, [Reference(name, Use.ASSET) for name in _SCRIPT_NAME.findall(text)], found)


def _check_search(found: _Findings) -> None:
    """The index that the search of the theme loads; each builder has a name of its own for it."""
    if found.searching and not any(index in found.files.sizes for index in _SEARCH_INDEXES):
        found.report("missing_asset", found.searching, _SEARCH_INDEXES[0], "the site has a search, but no search index")


def _check_anchors(found: _Findings) -> None:
    """The links to places in pages that came later."""
    for awaited in found.awaited:
        if awaited[0] in found.anchors:
            _check_anchor(*awaited, found)


def _count_marks(path: str, found: _Findings) -> None:
    try:
        found.count_marks(path, count_marks_in(found.files.root / path))
    except (OSError, EOFError, zlib.error) as error:
        found.report("unreadable_file", path, path, str(error))


def _check_leaks(path: str, found: _Findings) -> None:
    seen: set[tuple[str, int]] = set()
    try:
        seen.update(found.leaks.find(found.files.root / path, path))
    except (OSError, EOFError, zlib.error):
        return  # reported as unreadable elsewhere
    for rule, line in sorted(seen):
        found.report("leak", path, rule, f"in line {line}" if line else "in its name")


def _check_files(found: _Findings, budget_bytes: int) -> None:
    for path, reason in found.files.unreadable:
        found.report("unreadable_file", path, path, reason)
    for path in found.files.symlinks:
        found.report("symbolic_link", path, path)
    for path, size in found.files.sizes.items():
        if size > LARGEST_FILE:
            found.report("large_file", path, megabytes(size / 1e6))
    total = sum(found.files.sizes.values())
    if total > budget_bytes:
        found.report("total_size", ".", megabytes(total / 1e6), f"the budget is {megabytes(budget_bytes / 1e6)}")


def _report(found: _Findings, budget_bytes: int, policy: Policy) -> SiteReport:
    order = {kind.name: place for place, kind in enumerate(KINDS)}
    sizes = found.files.sizes
    return SiteReport(
        site=str(found.files.root),
        files=len(sizes),
        pages=len(found.files.pages),
        problems=tuple(sorted(found.problems, key=lambda problem: (order[problem.kind], problem.page))),
        sizes=measure(sizes),
        largest=largest_files(sizes),
        total_bytes=sum(sizes.values()),
        budget_bytes=budget_bytes,
        external_hosts=dict(sorted(found.hosts.items(), key=lambda item: (-item[1], item[0]))),
        redacted={rule: dict(sorted(places.items())) for rule, places in sorted(found.marks.items())},
        own_host=found.place.host,
        unredacted=policy.reason if policy.mode is Mode.OFF else "",
    )
