"""The check of a whole site: every page, style sheet, feed and data file once, and how they fit together."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from sys import intern

from runsum.check.files import ERROR_PAGE, HOME, SiteFiles, list_files
from runsum.check.leaks import LeakFinder
from runsum.check.links import Place, guess_path, is_place, is_state, place_of
from runsum.check.look import Looker, Seen, parse, read_text
from runsum.check.problems import KINDS, Problem
from runsum.check.sizes import LARGEST_FILE, SizeRow, kind_of, largest_files, measure
from runsum.formatting import megabytes
from runsum.frozen import frozen
from runsum.parallel import in_processes
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
        awaited: (file, fragment, page, address) of links to places in pages that were not looked at yet.
        searching: a page with a search; empty when there is none.
        stateful: the pages whose fragment says what they show.
    """

    files: SiteFiles
    problems: list[Problem] = field(default_factory=list)
    hosts: Counter[str] = field(default_factory=Counter)
    marks: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    anchors: dict[str, frozenset[str]] = field(default_factory=dict)
    awaited: list[tuple[str, str, str, str]] = field(default_factory=list)
    searching: str = ""
    stateful: set[str] = field(default_factory=set)

    def report(self, kind: str, page: str, target: str, hint: str = "") -> None:
        self.problems.append(Problem(kind, page, target, hint))

    def add(self, seen: Seen) -> None:
        """Take over what a look at one file found."""
        self.problems += seen.problems
        self.hosts.update(seen.hosts)
        for rule, count in seen.marks.items():
            self.marks[rule][kind_of(seen.path)] += count
        if seen.anchors is not None:
            # pages have most names in common, and what comes from another process has copies of its own
            self.anchors[seen.path] = frozenset(map(intern, seen.anchors))
        if seen.keeps_state:
            self.stateful.add(seen.path)
        if seen.searches:
            self.searching = self.searching or seen.path
        for file, fragment, address in seen.links:
            if file in self.anchors:
                self._check_anchor(file, fragment, seen.path, address)
            else:
                self.awaited.append((file, fragment, seen.path, address))

    def check_awaited(self) -> None:
        """The links to places in pages that came later."""
        for file, *awaited in self.awaited:
            if file in self.anchors:
                self._check_anchor(file, *awaited)

    def _check_anchor(self, file: str, fragment: str, page: str, address: str) -> None:
        if file in self.stateful and is_state(fragment):
            return
        if not is_place(fragment, self.anchors[file]):
            self.report("dead_anchor", page, address, f"{file} has no #{fragment}")


def check_site(root: Path, budget_bytes: int, policy: Policy | None = None, jobs: int = 1) -> SiteReport:
    """Check a built site.

    Args:
        root: its folder.
        budget_bytes: how large it may be.
        policy: what must not be published; None: by the standard rules.
        jobs: how many processes look at files.

    Raises:
        SiteError: the folder is not there, or is not a site.
    """
    files = list_files(root)
    place = _find_place(files)
    looker = Looker(files, place, LeakFinder(Redactor(policy), place.host))
    found = _Findings(files)
    for seen in in_processes([partial(looker.look, path) for path in files.sizes], jobs):
        found.add(seen)
    _check_scripts(found, looker)
    _check_search(found)
    found.check_awaited()
    _check_files(found, budget_bytes)
    return _report(found, budget_bytes, policy or Policy(), place.host)


def _find_place(files: SiteFiles) -> Place:
    """Where the site will lie: as its home page says, else as far as 404.html shows."""
    home = parse(*read_text(HOME, files))[0]
    place = place_of(home.canonical) if home else None
    if place is not None or ERROR_PAGE not in files.sizes:
        return place or Place()
    lost = parse(*read_text(ERROR_PAGE, files))[0]
    return Place(path=guess_path(lost.references, files)) if lost else Place()


def _check_scripts(found: _Findings, looker: Looker) -> None:
    """What the script of the charts loads when a chart comes near: it names each file in quotes."""
    if _RUNSUM_SCRIPT not in found.files.sizes:
        return
    text, reason = read_text(_RUNSUM_SCRIPT, found.files)
    if reason:
        found.report("unreadable_file", _RUNSUM_SCRIPT, _RUNSUM_SCRIPT, reason)
    found.add(looker.script(_RUNSUM_SCRIPT, _SCRIPT_NAME.findall(text)))


def _check_search(found: _Findings) -> None:
    """The index that the search of the theme loads; each builder has a name of its own for it."""
    if found.searching and not any(index in found.files.sizes for index in _SEARCH_INDEXES):
        found.report("missing_asset", found.searching, _SEARCH_INDEXES[0], "the site has a search, but no search index")


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


def _report(found: _Findings, budget_bytes: int, policy: Policy, own_host: str) -> SiteReport:
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
        own_host=own_host,
        unredacted=policy.reason if policy.mode is Mode.OFF else "",
    )
