"""The look at one file of a site: what is wrong with it alone, and what it names."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.etree.ElementTree import ParseError

from runsum.check.damage import find_damage
from runsum.check.feeds import feed_addresses, is_feed
from runsum.check.files import SiteFiles, is_page
from runsum.check.leaks import LeakFinder
from runsum.check.links import Place, judge
from runsum.check.marks import count_marks, count_marks_in, may_have_marks
from runsum.check.pages import PageFacts, read_page
from runsum.check.problems import Problem
from runsum.check.references import Reference, Use
from runsum.check.styles import css_addresses


@dataclass
class Seen:
    """What a look at one file has found.

    Attributes:
        path: the file.
        problems: what is wrong with it, whatever the other files hold.
        hosts: how many of its links lead to each other server.
        links: (page, fragment, address) of its links to places in pages.
        marks: marks of redaction by rule.
        anchors: its places, if it is a page that can be read.
        searches: it loads a search.
        keeps_state: its fragment says what is shown.
    """

    path: str
    problems: list[Problem] = field(default_factory=list)
    hosts: Counter[str] = field(default_factory=Counter)
    links: list[tuple[str, str, str]] = field(default_factory=list)
    marks: Counter[str] = field(default_factory=Counter)
    anchors: frozenset[str] | None = None
    searches: bool = False
    keeps_state: bool = False

    def report(self, kind: str, target: str, hint: str = "") -> None:
        """Note something that is wrong with the file."""
        self.problems.append(Problem(kind, self.path, target, hint))

    def cannot_be_read(self, why: str) -> None:
        """Note that nobody can use the file."""
        self.report("unreadable_file", self.path, why)


class Looker:
    """Looks at file after file.

    Args:
        files: all of the site.
        place: where it will lie.
        leaks: what looks for secrets.
    """

    def __init__(self, files: SiteFiles, place: Place, leaks: LeakFinder) -> None:
        self._files, self._place, self._leaks = files, place, leaks

    def look(self, path: str) -> Seen:
        """Look at a file.

        Args:
            path: one of the site's files.
        """
        seen, file = Seen(path), self._files.root / path
        if is_page(path):
            self._page(seen)
        elif path.lower().endswith(".css"):
            self._style(seen)
        elif is_feed(path):
            self._feed(seen)
        if may_have_marks(path) and not is_page(path):
            try:
                seen.marks = count_marks_in(file)
            except (OSError, EOFError, zlib.error) as error:
                seen.cannot_be_read(str(error))
        self._look_for_leaks(seen)
        damage = find_damage(file, path, self._files.sizes[path])
        if damage:
            seen.cannot_be_read(damage)
        return seen

    def script(self, path: str, names: Iterable[str]) -> Seen:
        """What a script loads.

        Args:
            path: the script.
            names: the files that it names.
        """
        seen = Seen(path)
        self._follow(seen, [Reference(name, Use.ASSET) for name in names])
        return seen

    def _page(self, seen: Seen) -> None:
        text, reason = read_text(seen.path, self._files)
        seen.marks = count_marks(text)
        facts, reason = parse(text, reason)
        if facts is None:
            seen.cannot_be_read(reason)
            return
        seen.anchors, seen.searches, seen.keeps_state = facts.anchors, facts.searches, facts.keeps_state
        self._follow(seen, facts.references)

    def _style(self, seen: Seen) -> None:
        text, reason = read_text(seen.path, self._files)
        if reason:
            seen.cannot_be_read(reason)
        self._follow(seen, [Reference(address, Use.ASSET) for address in css_addresses(text)])

    def _feed(self, seen: Seen) -> None:
        try:
            addresses = feed_addresses(self._files.root / seen.path)
        except (OSError, ParseError) as error:
            seen.cannot_be_read(f"not XML: {error}")
            return
        self._follow(seen, [Reference(address, Use.LINK) for address in addresses])

    def _follow(self, seen: Seen, references: Iterable[Reference]) -> None:
        for reference in references:
            verdict = judge(reference, seen.path, self._files, self._place)
            if verdict.kind:
                seen.report(verdict.kind, reference.address, verdict.hint)
            if verdict.host:
                seen.hosts[verdict.host] += 1
            if verdict.fragment and is_page(verdict.file):
                seen.links.append((verdict.file, verdict.fragment, reference.address))

    def _look_for_leaks(self, seen: Seen) -> None:
        try:
            found = sorted(set(self._leaks.find(self._files.root / seen.path, seen.path)))
        except (OSError, EOFError, zlib.error):
            return  # told as unreadable elsewhere
        for rule, line in found:
            seen.report("leak", rule, f"in line {line}" if line else "in its name")


def read_text(path: str, files: SiteFiles) -> tuple[str, str]:
    """The text of a file, or why there is none."""
    try:
        return (files.root / path).read_text(encoding="utf-8-sig"), ""
    except OSError as error:
        return "", error.strerror or "cannot be read"
    except UnicodeDecodeError as error:
        return "", f"not UTF-8: byte {error.start}"


def parse(text: str, reason: str) -> tuple[PageFacts | None, str]:
    """What a page says, or why nothing can be known."""
    if reason or not text.strip():
        return None, reason or "empty"
    try:
        return read_page(text), ""
    except ValueError as error:
        return None, f"not HTML: {error}"
