"""feed.xml: the runs that are over as an Atom feed. The only room that knows the feed library."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO
from typing import Any

from feedgenerator import Atom1Feed

from runsum.archive.archive import Archive, ArchivedRun
from runsum.archive.months import OVER, find_ending
from runsum.config import MkdocsFacts
from runsum.formatting import clean_text
from runsum.model import Phrase, State, phrase
from runsum.pages.contract import Words
from runsum.pages.headline import headline
from runsum.pages.months import failure_reason
from runsum.thresholds import Thresholds

FEED_PATH = "feed.xml"
_ENTRIES = 50
_NAMESPACE = uuid.UUID("8f57009e-7e52-4475-81b7-cfa4a7e082f9")  # drawn once: every id of every feed depends on it
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production Char
_DAY_MIN = 24 * 60
_FEW = ("headline.early", "headline.early_mean")


class _TextFeed(Atom1Feed):  # type: ignore[misc]  # the library ships no type information
    """An Atom feed of plain text whose dates never come from the clock."""

    def latest_post_date(self) -> datetime:
        dates = [item["updateddate"] for item in self.items]
        return max(dates, default=self.feed["changed"])  # type: ignore[no-any-return]

    def add_root_elements(self, handler: Any) -> None:
        super().add_root_elements(handler)
        handler.ignorableWhitespace("\n")  # a line per entry: what changed in a feed can be seen

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        # the library's own summary calls itself HTML: a name like <b> would be a tag to a reader
        handler.addQuickElement("summary", item["text"], {"type": "text"})
        handler.ignorableWhitespace("\n")


def make_feed(archive: Archive, site: MkdocsFacts, words: Words) -> bytes:
    """The newest runs that are over.

    Args:
        archive: all runs.
        site: its name, and its address where one is declared; without one links are relative to the feed.
        words: turns a phrase into plain text.
    """
    name = _plain(site.site_name)
    feed = _TextFeed(
        title=name,
        link=site.site_url or "index.html",
        description=words(phrase("entry.subtitle")),
        language="en",
        author_name=name,
        feed_url=site.site_url + FEED_PATH,
        feed_guid=_feed_id(archive),
        changed=max((_aware(source.modified_at) for source in archive.sources), default=datetime.fromtimestamp(0, UTC)),
    )
    for ended, run in _newest(archive):
        digest = run.digest
        parts = (_plain(part) for part in (digest.label, digest.game or "", digest.algorithm or ""))
        title = phrase("entry.title", name=" · ".join(part for part in parts if part), state=str(digest.state))
        feed.add_item(
            title=_plain(words(title)),
            link=f"{site.site_url}runs/{digest.slug}/index.html",
            description=None,
            unique_id=_run_id(run),
            updateddate=ended,
            categories=[_plain(term) for term in (digest.game, digest.algorithm, str(digest.state)) if term],
            text=_plain(" ".join(words(said) for said in _outcome(run, archive.thresholds))),
        )
    out = StringIO()
    feed.write(out, "utf-8")
    return (out.getvalue() + "\n").encode()


def _newest(archive: Archive) -> list[tuple[datetime, ArchivedRun]]:
    """The last runs that are over and when, newest first."""
    over = list(_ended(archive))
    over.sort(key=lambda item: (item[0], item[1].digest.source, item[1].digest.run_id), reverse=True)
    return over[:_ENTRIES]


def _ended(archive: Archive) -> Iterator[tuple[datetime, ArchivedRun]]:
    for run in archive.runs:
        ending = find_ending(run)
        if run.digest.state in OVER and ending is not None:
            yield _aware(ending.at, run.digest.quality.utc_offset_min or 0), run


def _aware(iso: str, offset_min: int = 0) -> datetime:
    """A moment with its offset from UTC; one of a day or more is no offset of this world."""
    moment = datetime.fromisoformat(iso)
    zone = timezone(timedelta(minutes=offset_min)) if abs(offset_min) < _DAY_MIN else UTC
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _outcome(run: ArchivedRun, limits: Thresholds) -> list[Phrase]:
    """What became of it in two sentences, and whether a mean is of few episodes; why it failed, where that is known."""
    said = headline(run, limits)
    reason = failure_reason(run) if run.digest.state is State.FAILED else None
    few = [words for words in said[2:] if words.key in _FEW]
    return [*said[:2], *few] if reason is None else [said[0], reason]


def _run_id(run: ArchivedRun) -> str:
    return _urn(f"{run.digest.source}\n{run.digest.run_id}")


def _feed_id(archive: Archive) -> str:
    """Made of the first run of the archive: it stays when runs are added, and when the site moves."""
    if archive.runs:
        return _urn(f"feed of\n{_run_id(archive.runs[-1])}")
    return _urn("\n".join(["feed of", *(source.name for source in archive.sources)]))


def _urn(name: str) -> str:
    return uuid.uuid5(_NAMESPACE, name.encode("utf-8", "backslashreplace").decode()).urn


def _plain(text: str) -> str:
    """Text on one line, without what XML does not allow."""
    return _NOT_XML.sub("", clean_text(text)).strip()
