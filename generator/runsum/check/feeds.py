"""What sitemaps and feeds (RSS, Atom) link to."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

_NAMES = ("sitemap", "feed", "rss", "atom")
_ROOTS = ("urlset", "sitemapindex", "rss", "RDF", "feed")


def is_feed(path: str) -> bool:
    """Whether a file is a sitemap or a feed, by its name."""
    name = path.rpartition("/")[2].lower()
    return name.endswith(".xml") and name.startswith(_NAMES)


def feed_addresses(file: Path) -> list[str]:
    """Every address a sitemap or feed links to, in order, each once; identifiers (`id`, `guid`) are no addresses.

    Raises:
        ElementTree.ParseError: not XML.
        OSError: cannot be read.
    """
    found: dict[str, None] = {}
    root = None
    with file.open("rb") as stream:
        for event, element in ElementTree.iterparse(stream, events=("start", "end")):
            name = element.tag.rpartition("}")[2]
            if root is None:
                root = name
            if root not in _ROOTS:
                return []
            if event == "start":
                continue
            if name in ("loc", "link", "enclosure"):
                address = element.get("href") or element.get("url") or element.text or ""
                found[address.strip()] = None
            if name in ("url", "item", "entry"):
                element.clear()  # a sitemap of 10,000 pages is never held as a whole
    found.pop("", None)
    return list(found)
