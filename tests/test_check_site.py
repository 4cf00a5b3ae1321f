"""What `runsum check` finds besides addresses: what cannot be read, how large a site is, what was redacted."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from runsum.check.files import SiteError, list_files
from runsum.check.marks import count_marks, count_marks_in
from runsum.check.problems import KINDS
from runsum.check.report import as_lines
from runsum.check.site import check_site
from runsum.check.sizes import SIZE_KINDS, kind_of, largest_files, measure
from test_check_links import BUDGET, Files, a, checked, found, written

# ---------------------------------------------------------------- files


def test_a_folder_without_a_home_page_is_no_site(tmp_path: Path) -> None:
    """Nor is a file, or nothing at all; the complaint says what to type."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "file").write_text("x")
    for name, said in (("docs", "no index.html"), ("file", "not a folder"), ("gone", "no such folder")):
        with pytest.raises(SiteError, match=f"{name}: {said}.*Type 'mkdocs build'"):
            check_site(tmp_path / name, BUDGET)


def test_files_are_named_from_the_site_on(tmp_path: Path) -> None:
    """With slashes, in order; what git keeps in a checkout of the site is no part of it."""
    written(tmp_path, {"b/c/x.txt": "12", ".git/config": "x", ".nojekyll": "", "a.txt": "1"})
    files = list_files(tmp_path)
    assert list(files.sizes) == [".nojekyll", "a.txt", "b/c/x.txt", "index.html"]
    assert (files.sizes["b/c/x.txt"], files.pages) == (2, ["index.html"])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in folders")
def test_what_is_no_file_is_named_and_not_waited_for(tmp_path: Path) -> None:
    """A pipe or a device, whatever it is called: to read it could take for ever."""
    written(tmp_path, {"a.txt": "1"})
    os.mkfifo(tmp_path / "page.html")
    (tmp_path / "null.css").symlink_to(os.devnull)
    files = list_files(tmp_path)
    reason = "a pipe or a device, not a file"
    assert (list(files.sizes), files.unreadable) == (
        ["a.txt", "index.html"], (("null.css", reason), ("page.html", reason))
    )  # fmt: skip
    (tmp_path / "page.html").unlink()
    assert ("unreadable_file", "null.css", "null.css") in found(check_site(tmp_path, BUDGET))


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"<p>caf\xe9</p>", "not UTF-8: byte 6"),
        ("<p>x".encode("utf-16"), "not UTF-8: byte 0"),
        (b"", "empty"),
        (b" \n", "empty"),
    ],
)
def test_a_page_that_cannot_be_read(tmp_path: Path, content: bytes, hint: str) -> None:
    """In another encoding, or cut to nothing; links to places in it are not told in addition."""
    report = checked(tmp_path, {"index.html": a("p.html#x"), "p.html": content})
    assert found(report) == [("unreadable_file", "p.html", "p.html")]
    assert report.problems[0].hint == hint


def test_a_home_page_that_cannot_be_read(tmp_path: Path) -> None:
    """The rest of the site is checked all the same."""
    report = checked(tmp_path, {"index.html": b"\xff", "p.html": a("gone")})
    assert [problem.kind for problem in report.problems] == ["unreadable_file", "dead_link"]


def test_odd_html_is_read_or_told(tmp_path: Path) -> None:
    """A declaration that no parser knows; how much of the page is understood depends on the version of Python."""
    report = checked(tmp_path, {"p.html": "<![foo[x]]>" + a("gone.html")})
    assert {problem.kind for problem in report.problems} <= {"unreadable_file", "dead_link"}
    assert len(report.problems) == 1


def test_a_byte_order_mark_is_no_matter(tmp_path: Path) -> None:
    """Some editors write one."""
    assert found(checked(tmp_path, {"p.html": "\ufeff<p>"})) == []


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege on Windows")
def test_symbolic_links_are_told(tmp_path: Path) -> None:
    """To a file, to a folder, and to nothing; what lies behind a folder is not part of the site."""
    site = written(tmp_path / "site", {})
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "x.txt").write_text("1")
    (site / "file").symlink_to(tmp_path / "secret" / "x.txt")
    (site / "folder").symlink_to(tmp_path / "secret")
    (site / "nothing").symlink_to("gone")
    report = check_site(site, BUDGET)
    assert report.files == 2
    assert found(report) == [
        ("unreadable_file", "nothing", "nothing"),
        *(("symbolic_link", name, name) for name in ("file", "folder", "nothing")),
    ]


# ---------------------------------------------------------------- sizes


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("index.html", "home"),
        ("runs/index.html", "other_pages"),
        ("runs/run-1/index.html", "run_pages"),
        ("lineages/run-1/index.html", "lineage_pages"),
        ("seeds/pong-ppo-1a2b3c/index.html", "seed_pages"),
        ("games/pong/index.html", "game_pages"),
        ("algorithms/ppo/index.html", "algorithm_pages"),
        ("methods/index.html", "other_pages"),
        ("404.html", "other_pages"),
        ("runs/run-1/data.js", "run_data"),
        ("runs/run-1/facts.js", "run_data"),
        ("games/pong/data.js", "run_data"),
        ("runs/run-1/metrics.csv.gz", "run_data"),
        ("runs/run-1/run.json", "run_data"),
        ("data/runs.csv", "run_data"),
        ("runs/run-1/clip.MP4", "videos"),
        ("search/search_index.json", "search_index"),
        ("search.json", "search_index"),
        ("assets/runsum/vendor/vega.LICENSE.txt", "assets"),
        ("css/extra.css", "assets"),
        ("sitemap.xml", "other"),
        ("CNAME", "other"),
    ],
)
def test_every_file_is_of_a_kind(path: str, kind: str) -> None:
    """By its place and its name."""
    assert kind_of(path) == kind
    assert kind in SIZE_KINDS


def test_sizes_by_kind() -> None:
    """Number, total, mean and largest; a kind without files has noughts."""
    rows = measure({"runs/a/run.json": 10, "runs/b/run.json": 21, "index.html": 5})
    assert list(rows) == list(SIZE_KINDS)
    row = rows["run_data"]
    assert (row.files, row.total_bytes, row.mean_bytes, row.largest_bytes) == (2, 31, 16, 21)
    assert (rows["videos"].files, rows["videos"].mean_bytes) == (0, 0)


def test_the_largest_files() -> None:
    """Ten, largest first, equal ones by name."""
    sizes = {f"{number:02}": number // 2 for number in range(14)}
    assert largest_files(sizes)[:3] == [("12", 6), ("13", 6), ("10", 5)]
    assert len(largest_files(sizes)) == 10


@pytest.mark.parametrize(("budget", "kinds"), [(1020, []), (1019, ["total_size"])])
def test_the_budget(tmp_path: Path, budget: int, kinds: list[str]) -> None:
    """As large as the budget is not too large."""
    written(tmp_path, {"index.html": "<p>" + 17 * "x", "x.txt": 1000 * "x"})
    report = check_site(tmp_path, budget)
    assert (report.total_bytes, report.budget_bytes) == (1020, budget)
    assert [problem.kind for problem in report.problems] == kinds


@pytest.mark.parametrize(("size", "kinds"), [(100_000_000, []), (100_000_001, ["large_file"])])
def test_a_file_that_github_refuses(tmp_path: Path, size: int, kinds: list[str]) -> None:
    """Over 100 MB, whatever the budget."""
    site = written(tmp_path, {})
    with (site / "x.mp4").open("wb") as video:
        video.truncate(size)
    assert [problem.kind for problem in check_site(site, BUDGET).problems] == kinds


# ---------------------------------------------------------------- what was redacted

MARK = "‹redacted:key-name›"


@pytest.mark.parametrize(
    "text",
    [
        MARK,
        "&#8249;redacted&#58;key&#45;name&#8250;",
        "&#x2039;redacted&#x3A;key-name&#x203a;",
        "&lsaquo;redacted:key-name&rsaquo;",
        r"\u2039redacted:key-name\u203a",
        r"\u2039redacted\u003akey\u002dname\u203A",
    ],
)
def test_a_mark_is_found_however_it_is_written(text: str) -> None:
    """As it is, as HTML and Markdown escape it, and as JSON and JavaScript do."""
    assert count_marks(f"<b>{text}</b> {text}") == {"key-name": 2}


@pytest.mark.parametrize("text", ["redacted", "‹redacted:›", "‹redacted:key name›", "‹redacted:x", "<redacted:x>", ""])
def test_words_about_redaction_are_no_marks(text: str) -> None:
    """Only the whole mark with a rule in it."""
    assert count_marks(text) == {}


@pytest.mark.parametrize("before", [*range(1_048_576 - 22, 1_048_576 + 3), 0, 3_000_000])
def test_a_mark_on_a_seam_is_found_once(tmp_path: Path, before: int) -> None:
    """A large file is read in pieces of 1,048,576 characters."""
    file = tmp_path / "runs.csv"
    file.write_text(before * "x" + MARK + MARK + 600 * "y", encoding="utf-8")
    assert count_marks_in(file) == {"key-name": 2}


def test_marks_are_counted_by_rule_and_kind_of_file(tmp_path: Path) -> None:
    """In pages, JSON, JavaScript, CSV, packed or not, and XML; not in other files."""
    files: Files = {
        "index.html": f"<p title='{MARK}'>{MARK}",
        "runs/a/index.html": "<p>‹redacted:user-path›",
        "runs/a/run.json": r'{"x": "\u2039redacted:user-path\u203a"}',
        "runs/a/data.js": f'x("{MARK}")',
        "runs/a/metrics.csv.gz": gzip.compress(MARK.encode()),
        "data/runs.csv": MARK,
        "search/search_index.json": MARK,
        "feed.xml": f"<feed>{MARK}</feed>",
        "notes.txt": MARK,
    }
    assert checked(tmp_path, files).redacted == {
        "key-name": {"home": 2, "other": 1, "run_data": 3, "search_index": 1},
        "user-path": {"run_data": 1, "run_pages": 1},
    }


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"x" * 99, mtime=0)[:-9], gzip.compress(b"x" * 99, mtime=0)[:12] + b"\0" * 9],
    ids=["none", "cut off", "zeros"],  # two workers must find the same names
)
def test_a_damaged_download_is_told(tmp_path: Path, content: bytes) -> None:
    """A reader could not unpack it either."""
    name = "runs/a/metrics.csv.gz"
    assert found(checked(tmp_path, {name: content})) == [("unreadable_file", name, name)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("runs/a/run.json", b""),
        ("runs/a/run.json", b'{"run_id": "a"'),
        ("search/search_index.json", b'{"docs": [{"loc'),
        ("runs/a/data.js", b"x("),
        ("runs/a/data.js", b'(window.runsumData=window.runsumData||{})["a"]={'),
        ("runs/a/facts.js", b'(window.runsumData=window.runsumData||{})["facts/a"]={"slug"'),
        ("runs/a/film.mp4", b""),
        ("assets/runsum/runsum.js", b""),
    ],
)
def test_damaged_data_are_told(tmp_path: Path, name: str, content: bytes) -> None:
    """Empty or cut off, as an interrupted copy leaves them."""
    assert ("unreadable_file", name, name) in found(checked(tmp_path, {name: content}))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("runs/a/run.json", b'{"run_id": "a"}\n'),
        ("runs/a/data.js", b'(window.runsumData=window.runsumData||{})["a"]={};\n'),
        ("runs/a/facts.js", b'(window.runsumData=window.runsumData||{})["facts/a"]={};\n'),
        ("data.js", b"of somebody else"),
        ("assets/extra.css", b""),
    ],
)
def test_whole_data_are_no_problem(tmp_path: Path, name: str, content: bytes) -> None:
    """Nor are files that are not ours."""
    assert found(checked(tmp_path, {name: content})) == []


# ---------------------------------------------------------------- the report for people


def lines(root: Path, files: Files) -> list[str]:
    return as_lines(checked(root, files))


def test_problems_come_first_and_grouped(tmp_path: Path) -> None:
    """By kind, with what to do; equal causes on one line."""
    same = a("../gone.html")
    said = lines(tmp_path, {"p/a.html": same + a("#x"), "p/b.html": same, "q/c.html": same})
    at = said.index("4 problems")
    assert at == 1
    assert said[at + 2].startswith("3 dead links. The site has no such page or file.")
    assert said[at + 3] == "  p/a.html → ../gone.html (gone.html is not in the site), and 2 times more"
    assert said[at + 5].startswith("1 dead anchor. ")
    assert said[at + 6] == "  p/a.html → #x (p/a.html has no #x)"


@pytest.mark.parametrize(("count", "last"), [(20, "g19.html"), (23, "and 3 more; --json names them all")])
def test_twenty_of_a_kind_are_shown(tmp_path: Path, count: int, last: str) -> None:
    """Then how many are left."""
    said = lines(tmp_path, {"p.html": "".join(a(f"g{number:02}.html") for number in range(count))})
    shown = said[4 : said.index("", 4)]
    assert len(shown) == min(count, 21)
    assert last in shown[-1]


def test_a_site_without_problems(tmp_path: Path) -> None:
    """Its sizes, and plainly that nothing is marked as redacted."""
    said = lines(tmp_path, {})
    assert said[0].endswith(": 1 file, 1 page")
    assert said[1] == "no problems"
    assert "total: 21 B, 0.0 % of the budget of 900.0 MB" in said
    assert said[-2:] == ["links to other servers: none", "redacted: nothing in the site is marked as redacted"]


def test_what_was_redacted_is_told(tmp_path: Path) -> None:
    """By rule, and where."""
    said = lines(tmp_path, {"index.html": MARK, "runs/a/run.json": MARK, "x.json": "‹redacted:jwt›"})
    assert said[-3:] == ["redacted: 3 values", "  jwt: other 1", "  key-name: home 1, run data 1"]


def test_other_servers_are_named(tmp_path: Path) -> None:
    """The ten most linked, and which of them is this site."""
    links = "".join(a(f"https://s{number:02}.example/") for number in range(11))
    own = '<link rel="canonical" href="https://own.example/">'
    said = lines(tmp_path, {"index.html": own + a("https://own.example/#"), "p.html": links})
    assert said[-2].startswith("links to other servers: own.example (this site) 2, s00.example 1, ")
    assert said[-2].endswith("s08.example 1 and 2 more")


def test_the_report_is_safe_on_a_terminal(tmp_path: Path) -> None:
    """Neither a name of a file, nor an address, a place or a rule brings control characters along."""
    odd = "x\x1b[31m\u202ey"
    files: Files = {f"{odd}.html": a(f"{odd}/gone") + a(f"#{odd}") + f"‹redacted:{odd}›"}
    said = lines(tmp_path, files)
    assert not [line for line in said if "\x1b" in line or "\u202e" in line or "\n" in line]
    assert "4 problems" not in said
    assert "2 problems" in said


def test_every_kind_of_problem_has_its_words() -> None:
    """A name of its own, and advice that is a sentence."""
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert not [kind.name for kind in KINDS if not (kind.one and kind.many and kind.advice.endswith("."))]
