"""feed.xml: a valid Atom feed of the runs that are over, whatever the runs are called."""

from __future__ import annotations

import os
import re
import uuid
import xml.etree.ElementTree as ET
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

from runsum.archive.archive import SourceFacts, make_archive
from runsum.archive.slugs import SlugMaker
from runsum.config import MkdocsFacts
from runsum.feed import make_feed
from runsum.render import Renderer
from runsum.resources import starter_mkdocs, template_folder
from runsum.thresholds import Thresholds
from support.cli import build, make
from support.months import archive, run
from support.rows import Clock, add_run, store, table_rows
from support.schema import database

ATOM = "{http://www.w3.org/2005/Atom}"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def read(work: Path) -> ET.Element:
    return ET.parse(work / "docs" / "feed.xml").getroot()


def entries(work: Path) -> list[ET.Element]:
    return read(work).findall(f"{ATOM}entry")


def texts(element: ET.Element, name: str) -> list[str]:
    return [found.text or "" for found in element.findall(f"{ATOM}{name}")]


def text(element: ET.Element, name: str) -> str:
    """The text of the only child of a name."""
    (only,) = texts(element, name)
    return only


def href(element: ET.Element, rel: str) -> str:
    (only,) = [link.get("href", "") for link in element.findall(f"{ATOM}link") if link.get("rel") == rel]
    return only


def faults(feed: ET.Element) -> list[str]:
    """What RFC 4287 has against a feed, as far as a file alone can tell."""
    found = [] if feed.tag == f"{ATOM}feed" else [f"the root is {feed.tag}"]
    items = feed.findall(f"{ATOM}entry")
    seen: set[str] = set()
    for element in (feed, *items):
        for name in ("id", "title", "updated"):
            if len(texts(element, name)) != 1:
                found.append(f"{len(texts(element, name))} × {name}")
        address = text(element, "id")
        if not urlsplit(address).scheme or address in seen:
            found.append(f"id {address!r} is not absolute or not unique")
        seen.add(address)
        if not RFC3339.fullmatch(text(element, "updated")):
            found.append(f"{text(element, 'updated')!r} is no RFC 3339 date")
        if len([link for link in element.findall(f"{ATOM}link") if link.get("rel") == "alternate"]) != 1:
            found.append("not one alternate link")
        found += [
            f"category without a term in {address}" for c in element.findall(f"{ATOM}category") if not c.get("term")
        ]
        constructs = [c for c in element if c.tag[len(ATOM) :] in ("title", "subtitle", "summary")]
        found += [f"{c.tag} is not plain text" for c in constructs if c.get("type", "text") != "text" or len(c)]
    if not any(text(author, "name").strip() for author in feed.findall(f"{ATOM}author")):
        found.append("no author with a name")
    return found


def write(path: Path, count: int) -> None:
    """Runs without rows, one a minute."""
    with database(path) as con:
        for place in range(count):
            add_run(con, f"run-{place:08x}", end_time=Clock().iso(60 * place))


# ---------------------------------------------------------------- what stands in it


def test_the_feed_is_valid_and_says_what_became_of_a_run(work: Path) -> None:
    """All that Atom asks for; name, game, algorithm, state; the outcome in the words of its page; a link to it."""
    make(work / "ml_experiments.db", "run-00000001", display_name="my best")
    build()
    feed = read(work)
    assert faults(feed) == []
    assert (text(feed, "title"), text(feed, "subtitle")) == ("Training runs", "Runs that are over, newest first.")
    assert (href(feed, "alternate"), href(feed, "self")) == ("index.html", "feed.xml")
    assert feed.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    (entry,) = entries(work)
    assert text(entry, "title") == "my best · Breakout · PPO: completed"
    assert text(entry, "summary") == (
        "Trained 409.6 k of 409.6 k steps (100.0 %) in 15 min at 455 steps/s. "
        "The best mean reward, 6.25, is also the last value."
    )
    assert [c.get("term") for c in entry.findall(f"{ATOM}category")] == ["Breakout", "PPO", "completed"]
    assert href(entry, "alternate") == "runs/run-00000001/index.html"
    page = (work / "docs" / "runs" / "run-00000001" / "index.md").read_text()
    assert text(entry, "summary") in unescape(page)


def test_a_failed_run_says_why(work: Path) -> None:
    """The reason where one is on record, after how far it came."""
    with database(work / "ml_experiments.db") as con:
        add_run(con, "run-00000001", status="failed", end_time=Clock().iso(900), status_note="power cut in the lab")
        store(con, table_rows("run-00000001", range(1, 51)))
    build()
    (entry,) = entries(work)
    assert text(entry, "summary").endswith(" No error text; the last note says: power cut in the lab")
    assert text(entry, "summary").startswith("Trained 204.8 k of 810.0 k steps (25.3 %)")


def test_only_runs_that_are_over_stand_in_it(work: Path) -> None:
    """Also one that has trained all its steps and was never marked; none that is open, none of unknown status."""
    with database(work / "ml_experiments.db") as con:
        for place, status in enumerate(("completed", "stopped", "failed", "running", "supervised")):
            add_run(con, f"run-0000000{place}", status=status, updated_at=Clock().iso(0), end_time=Clock().iso(900))
        add_run(con, "run-0000000d", {"total_timesteps": 409_600}, status="running", updated_at=Clock().iso(0))
        store(con, table_rows("run-0000000d", range(1, 101)))
        add_run(con, "run-0000000e", start_time="some day", end_time="later", updated_at="?")
    build()
    states = {text(entry, "title").rpartition(": ")[2] for entry in entries(work)}
    assert states == {"completed", "stopped", "failed", "finished (status not updated)"}
    assert len(entries(work)) == 4


def test_the_newest_fifty(work: Path) -> None:
    """By the time at which they ended; the feed is as old as the first of them."""
    write(work / "ml_experiments.db", 60)
    build()
    found = entries(work)
    assert [href(e, "alternate").split("/")[1] for e in found] == [f"run-{n:08x}" for n in range(59, 9, -1)]
    assert text(read(work), "updated") == text(found[0], "updated")


# ---------------------------------------------------------------- times and ids


def test_times_carry_the_offset_where_it_is_known(work: Path) -> None:
    """Rows tell how far the clock was from UTC; without rows the recorded time counts as UTC, and moments decide."""
    with database(work / "ml_experiments.db") as con:
        add_run(con, "run-00000001", end_time="2025-12-22T10:15:00")
        store(con, table_rows("run-00000001", range(1, 101)))
        add_run(con, "run-00000002", end_time="2025-12-22T12:00:00")
    build()
    assert [text(entry, "updated") for entry in entries(work)] == [
        "2025-12-22T10:15:00-06:00",
        "2025-12-22T12:00:00+00:00",
    ]
    assert text(read(work), "updated") == "2025-12-22T10:15:00-06:00"


def test_ids_stay(work: Path) -> None:
    """Wherever the site lies, whenever it is built and whatever is added; two databases do not share them."""
    make(work / "a.db", "run-00000001")
    build("--db", "a.db")
    before = [text(read(work), "id"), *(text(e, "id") for e in entries(work))]
    assert all(uuid.UUID(address.removeprefix("urn:uuid:")).version == 5 for address in before)
    (work / "mkdocs.yml").write_text(starter_mkdocs().read_text() + "site_url: https://example.org/runs\n")
    make(work / "b.db", "run-00000001", start_time=Clock().iso(60))
    build("--db", "a.db", "--db", "b.db", as_of="2026-05-01T00:00:00")
    after = [text(read(work), "id"), *(text(e, "id") for e in entries(work))]
    assert set(before) < set(after)
    assert after[0] == before[0]
    assert len(set(after)) == 3


def test_links_are_absolute_where_the_address_is_declared(work: Path) -> None:
    """`site_url` and `site_name` of mkdocs.yml."""
    make(work / "ml_experiments.db", "run-00000001")
    starter = starter_mkdocs().read_text().replace("site_name: Training runs", "site_name: The <lab> & us")
    (work / "mkdocs.yml").write_text(starter + "site_url: https://example.org/runs\n")
    build()
    feed = read(work)
    assert faults(feed) == []
    assert text(feed, "title") == "The <lab> & us"
    assert href(feed, "self") == "https://example.org/runs/feed.xml"
    assert href(feed, "alternate") == "https://example.org/runs/"
    assert href(entries(work)[0], "alternate") == "https://example.org/runs/runs/run-00000001/index.html"


def test_an_empty_feed_is_as_old_as_the_database(work: Path) -> None:
    """No clock: with nothing finished, the file's own time stands there."""
    with database(work / "ml_experiments.db") as con:
        add_run(con, "run-00000001", status="running", updated_at=Clock().iso(0))
    os.utime(work / "ml_experiments.db", (1_766_491_200, 1_766_491_200))
    build()
    assert (faults(read(work)), entries(work)) == ([], [])
    assert text(read(work), "updated") == "2025-12-23T12:00:00+00:00"


def test_an_archive_of_nothing_has_a_feed() -> None:
    """Without a run the feed is valid, with the id of its databases; without one it begins with time itself."""
    words, site = Renderer(template_folder()).words, MkdocsFacts(Path("docs"), Path("site"), "", "Nothing yet")
    lab = SourceFacts("lab \ud800", "lab.db", "2025-12-23T12:00+00:00", 0, 0)  # a name that is no UTF-8
    dates, addresses = [], []
    for sources in ((), (lab,)):
        feed = ET.fromstring(make_feed(make_archive((), sources, SlugMaker(), Thresholds(), {}), site, words))
        assert faults(feed) == []
        dates.append(text(feed, "updated"))
        addresses.append(text(feed, "id"))
    assert dates == ["1970-01-01T00:00:00+00:00", "2025-12-23T12:00:00+00:00"]
    assert len(set(addresses)) == 2


def test_a_best_of_few_episodes_is_not_told_without_saying_so() -> None:
    """The feed is a list of runs like the others: a lucky first mean is marked there, too."""
    words, site = Renderer(template_folder()).words, MkdocsFacts(Path("docs"), Path("site"), "", "Nothing yet")
    lucky = run("a", "2025-10-02T00:00:00", best=97.0, final=80.0)
    lucky = replace(lucky, signals={**lucky.signals, "best_early": 1.0})
    (entry,) = ET.fromstring(make_feed(archive(lucky), site, words)).findall(f"{ATOM}entry")
    assert text(entry, "summary").endswith("80. That best is a mean of fewer than 100 episodes, the first of the run.")


# ---------------------------------------------------------------- hostile names

HOSTILE = {
    "controls": "a\x00b\x01c\x08d\x0be\x0cf\x1fg\x7fh\x85i",
    "not characters": "a\ufffeb\uffffc",
    "direction": "a\u202eb\u2066c\ufeff",
    "lines": "a\r\nb\tc\u2028d",
    "markup": "<script>alert('x')</script> & <b>bold</b> &amp; ]]> <!-- <?xml ?>",
    "entity": "&#0; &#xfffe; &lol;",
    "template": "{{ 7*7 }} {% raw %} {# #}",
    "beyond": "👩‍🚀 \U0010ffff \U0001f3ae",
    "long": "x" * 5000,
}

UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")


def test_hostile_names_cannot_break_the_feed(work: Path) -> None:
    """In the run's name, the game, the algorithm, a note and the id: valid XML, and never a tag of its own."""
    with database(work / "ml_experiments.db") as con:
        for name in HOSTILE.values():
            told = {"display_name": name, "status_note": name, "status": "failed", "end_time": "2025-12-22"}
            add_run(con, f"run-{name}", {"env_id": name, "algorithm": name}, **told)
    build()
    assert faults(read(work)) == []
    found = entries(work)
    assert len(found) == len(HOSTILE)
    children = {child.tag.removeprefix(ATOM) for entry in found for child in entry}
    assert children == {"title", "link", "updated", "id", "category", "summary"}
    for entry in found:
        shown = " ".join([text(entry, "title"), text(entry, "summary"), *(c.get("term", "") for c in entry)])
        assert not UNSEEN.search(shown), shown
        assert "49" not in shown
    titles = [text(entry, "title") for entry in found]
    for begin in (
        "abcdefghi ·",
        "abc ·",
        "a b c d ·",
        "<script>alert('x')</script> & <b>",
        "&#0; &#xfffe;",
        "{{ 7*7 }} {%",
    ):
        assert any(title.startswith(begin) for title in titles), begin


def test_bytes_that_are_no_text_cannot_break_the_feed(work: Path) -> None:
    """A name in another encoding is read somehow, and the feed stays XML."""
    with database(work / "ml_experiments.db") as con:
        add_run(con, "run-00000001", end_time="2025-12-22T10:00:00")
        con.execute("UPDATE experiment_runs SET display_name = CAST(x'6162ff80edb2806364' AS TEXT)")
    build()
    assert faults(read(work)) == []
    assert text(entries(work)[0], "title").startswith("ab")
