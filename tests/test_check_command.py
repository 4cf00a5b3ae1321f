"""`runsum check` as it is typed: on sites that MkDocs built, whole and damaged, and how it ends."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runsum.check.problems import KINDS
from runsum.check.sizes import SIZE_KINDS
from support.cli import typed
from test_check_links import a, written

if TYPE_CHECKING:
    from conftest import BuiltSite


def report_of(*words: str, code: int) -> dict[str, Any]:
    """The report as JSON, and nothing besides."""
    done = typed("check", "--json", *words)
    assert (done.exit_code, done.stderr) == (code, "")
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


# ---------------------------------------------------------------- a site that MkDocs built


@pytest.mark.parametrize("kind", ["online", "offline"])
def test_a_built_archive_has_no_problems(built_site: BuiltSite, kind: str) -> None:
    """Every scenario in one archive, with and without OFFLINE=true."""
    site: Path = getattr(built_site, kind)
    report = report_of(str(site), code=0)
    assert (report["problems"], report["problem_count"]) == ([], 0)
    files = [file for file in site.rglob("*") if file.is_file()]
    assert report["files"] == len(files)
    assert report["pages"] == len([file for file in files if file.suffix == ".html"])
    assert report["total_bytes"] == sum(file.stat().st_size for file in files)


def test_the_pages_of_an_archive_are_told_apart(built_site: BuiltSite) -> None:
    """As many pages of each kind as there are folders of it; every file is of one kind."""
    sizes = report_of(str(built_site.online), code=0)["sizes"]
    folders = {
        "run_pages": "runs", "lineage_pages": "lineages", "seed_pages": "seeds", "game_pages": "games",
        "algorithm_pages": "algorithms",
    }  # fmt: skip
    for kind, folder in folders.items():
        assert sizes[kind]["files"] == len(list((built_site.docs / folder).glob("*/index.md"))) > 0, kind
    data = [
        file for name in ("run.json", "data.js", "facts.js", "metrics.csv.gz") for file in built_site.docs.rglob(name)
    ]
    data += (built_site.docs / "data").iterdir()
    assert sizes["run_data"]["total_bytes"] == sum(file.stat().st_size for file in data)
    assert (sizes["home"]["files"], sizes["search_index"]["files"]) == (1, 1)


@dataclass(frozen=True)
class Damage:
    """One change of one file.

    Attributes:
        pattern: the file; `place` says which of several.
        old, new: a regular expression and what it becomes; without them the file is deleted.
        name: what the file is called afterwards.
    """

    kind: str
    pattern: str
    place: int = 0
    old: str = ""
    new: str = ""
    name: str = ""

    def do(self, site: Path) -> str:
        """Change the file and say which it was."""
        file = sorted(site.glob(self.pattern))[self.place]
        if self.name:
            file.rename(file.with_name(self.name))
        elif self.old:
            text, count = re.subn(self.old, self.new, file.read_text(encoding="utf-8"), count=1)
            assert count == 1, f"{file} has no {self.old}"
            file.write_text(text, encoding="utf-8")
        else:
            file.unlink()
        return file.relative_to(site).as_posix()


def insert(kind: str, place: int, html: str) -> Damage:
    return Damage(kind, "runs/run-*/index.html", place, "<h1", f"{html}<h1")


DAMAGES = (
    Damage("missing_asset", "assets/runsum/charts.js"),
    Damage("missing_asset", "assets/runsum/drawing.js"),
    Damage("missing_asset", "assets/runsum/finder.js"),
    Damage("missing_asset", "assets/runsum/vendor/iframe-worker.js"),
    Damage("missing_asset", "assets/stylesheets/main.*.css"),
    Damage("missing_asset", "assets/javascripts/bundle.*.js"),
    Damage("missing_asset", "assets/javascripts/workers/search.*.js"),
    Damage("missing_asset", "search/search_index.json"),
    Damage("missing_asset", "runs/run-*/data.js"),
    Damage("missing_asset", "lineages/*/data.js"),
    Damage("dead_link", "runs/run-*/metrics.csv.gz"),
    Damage("dead_link", "runs/run-*/run.json"),
    Damage("dead_link", "runs/run-*/run.json", 20, name="Run.json"),
    Damage("dead_link", "runs/run-*/index.html", 2),
    Damage("dead_link", "games/*/index.html"),
    Damage("dead_link", "data/runs.csv"),
    Damage("dead_anchor", "runs/run-*/index.html", 3, 'id="2-outcomes"', 'id="renamed"'),
    Damage("unreadable_file", "runs/run-*/index.html", 4, r"(?s)\A.*\Z", " "),
    Damage("external_asset", "assets/runsum/runsum.css", 0, r"\A", "@import url(https://fonts.example.com/x.css);"),
    insert("external_asset", 5, '<script src="https://cdn.example.com/x.js"></script>'),
    insert("dead_anchor", 6, '<a href="../index.html#gone">x</a>'),
    insert("absolute_path", 7, '<a href="/runs/index.html">x</a>'),
    insert("local_address", 8, '<a href="http://localhost:6006">x</a>'),
    insert("script_address", 9, '<a href="javascript:alert(1)">x</a>'),
    insert("leaves_site", 10, '<a href="../../../docs/index.md">x</a>'),
)


@pytest.fixture(scope="module")
def damaged(built_site: BuiltSite, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[dict[str, str]]]:
    """A copy of the archive with all damages at once: the files they changed, and the problems that were found."""
    site = tmp_path_factory.mktemp("damaged") / "site"
    shutil.copytree(built_site.online, site)
    changed = [damage.do(site) for damage in DAMAGES]
    return changed, report_of(str(site), code=1)["problems"]


def is_about(problem: dict[str, str], damage: Damage, changed: str) -> bool:
    """Whether a problem is of the damage's kind and names its file, as the page it is in or as what is missing."""
    named = (problem["page"], problem["target"], problem.get("hint", ""))
    folder, name = Path(changed).parent.as_posix(), damage.name or Path(changed).name
    return problem["kind"] == damage.kind and any(changed in text or f"{folder}/{name}" in text for text in named)


@pytest.mark.parametrize(
    "place", range(len(DAMAGES)), ids=lambda place: f"{DAMAGES[place].kind}-{DAMAGES[place].pattern}"
)
def test_damage_to_an_archive_is_found(damaged: tuple[list[str], list[dict[str, str]]], place: int) -> None:
    """A file that is gone, an anchor that has another name, a foreign address: each is named."""
    changed, problems = damaged
    assert [problem for problem in problems if is_about(problem, DAMAGES[place], changed[place])]


def test_nothing_besides_the_damage_is_told(damaged: tuple[list[str], list[dict[str, str]]]) -> None:
    """Every problem is about one of the files that were changed."""
    changed, problems = damaged
    pairs = list(zip(DAMAGES, changed, strict=True))
    assert not [problem for problem in problems if not any(is_about(problem, *pair) for pair in pairs)]


# ---------------------------------------------------------------- the command


def test_the_report_as_json(tmp_path: Path) -> None:
    """Its keys, in their order; a hint only where there is one."""
    site = written(tmp_path, {"p.html": a("gone.html") + a("/x") + a("https://example.com/") + "‹redacted:jwt›"})
    report = report_of(str(site), code=1)
    total = sum(file.stat().st_size for file in tmp_path.iterdir())
    assert list(report) == [
        "site", "files", "pages", "problem_count", "problems", "sizes", "largest", "total_bytes", "budget_bytes",
        "external_hosts", "redacted", "unredacted",
    ]  # fmt: skip
    assert report["problems"] == [
        {"kind": "dead_link", "page": "p.html", "target": "gone.html", "hint": "gone.html is not in the site"},
        {"kind": "absolute_path", "page": "p.html", "target": "/x"},
    ]
    assert (report["site"], report["files"], report["pages"], report["problem_count"]) == (str(site), 2, 2, 2)
    assert list(report["sizes"]) == list(SIZE_KINDS)
    assert list(report["sizes"]["home"]) == ["files", "total_bytes", "mean_bytes", "largest_bytes"]
    assert report["largest"][0] == {"file": "p.html", "bytes": (tmp_path / "p.html").stat().st_size}
    assert (report["total_bytes"], report["budget_bytes"]) == (total, 900_000_000)
    assert report["external_hosts"] == {"example.com": 1}
    assert report["redacted"] == {"jwt": {"other_pages": 1}}


def test_json_holds_all_problems(tmp_path: Path) -> None:
    """Also those that the report for people only counts."""
    site = written(tmp_path, {"p.html": "".join(a(f"gone{number}.html") for number in range(50))})
    assert len(report_of(str(site), code=1)["problems"]) == 50


def test_several_processes_say_the_same(tmp_path: Path) -> None:
    """In the same order: of pages that name places in pages before and behind them, of marks, leaks and servers."""
    token = "ghp_" + "a1B2" * 9
    pages = {
        f"p{number:02}.html": f'<p id="at-{number}">‹redacted:jwt› {token if number % 7 == 0 else ""}</p>'
        + "".join(a(f"p{other:02}.html#at-{other % 11}") for other in range(0, 40, 9))
        + a(f"https://example{number % 3}.com/")
        for number in range(40)
    }
    site = written(tmp_path, pages | {"bad.html": " ", "s.css": "a { background: url(gone.png) }"})
    alone = report_of("--jobs", "1", str(site), code=1)
    assert {problem["kind"] for problem in alone["problems"]} == {
        "leak", "dead_anchor", "missing_asset", "unreadable_file",
    }  # fmt: skip
    assert report_of("--jobs", "3", str(site), code=1) == alone


def test_json_is_plain_ascii(tmp_path: Path) -> None:
    """Whatever the site holds, a terminal that shows it is not told what to do."""
    site = written(tmp_path, {"p.html": a("\u202egone\x1b")})
    assert typed("check", "--json", str(site)).stdout.isascii()
    assert report_of(str(site), code=1)["problems"][0]["target"] == "\u202egone\x1b"


def test_without_a_site_that_of_mkdocs_is_checked(work: Path) -> None:
    """`site_dir` of mkdocs.yml, else 'site'."""
    written(work / "site", {})
    written(work / "public", {"p.html": a("gone")})
    assert report_of(code=0)["site"] == "site"
    (work / "mkdocs.yml").write_text("site_name: x\n")
    assert report_of(code=0)["site"] == "site"
    (work / "mkdocs.yml").write_text("site_dir: public\n")
    assert report_of(code=1)["site"] == "public"
    assert report_of("site", code=0)["site"] == "site"


def test_the_budget_is_given_in_megabytes(work: Path) -> None:
    """A million bytes each; the report names both sizes."""
    written(work / "site", {"x.txt": 2_000_000 * "x"})
    assert report_of("--max-size", "3", code=0)["budget_bytes"] == 3_000_000
    said = typed("check", "--max-size", "2")
    assert said.exit_code == 1
    assert "1 site that is too large." in said.stdout
    assert ". → 2.0 MB (the budget is 2.0 MB)" in said.stdout


def test_the_report_for_people(work: Path) -> None:
    """Exit code 1 with a problem, 0 without."""
    written(work / "site", {"p.html": a("gone")})
    assert typed("check").exit_code == 1
    assert "p.html → gone (gone is not in the site)" in typed("check").stdout
    written(work / "site", {"gone": "found"})
    done = typed("check")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("site: 3 files, 2 pages\nno problems\n")


def test_every_secret_is_named(work: Path) -> None:
    """Two of different kinds in the first lines of two files have nothing in common."""
    token = "ghp_" + "0123456789abcdefghijklmnopqrstuvwxyz"[::-1]
    written(work / "site", {"a.txt": "ann@corp.com\n", "bad.html": f"<p>{token}</p>"})
    told = typed("check").stdout
    assert "a.txt → e-mail" in told
    assert "bad.html → " in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "site: no such folder. Type 'mkdocs build' first"),
        (("gone",), "gone: no such folder"),
        (("docs",), "docs: no index.html in there"),
        (("file",), "file: not a folder"),
        (("--max-size", "0"), "--max-size"),
        (("--max-size", "lots"), "--max-size"),
        (("a", "b"), "unexpected extra argument"),
    ],
)
def test_what_cannot_be_checked_is_one_line(work: Path, words: tuple[str, ...], said: str) -> None:
    """Exit code 2, what is wrong and what to type, nothing on stdout."""
    (work / "docs").mkdir()
    (work / "file").write_text("x")
    done = typed("check", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("runsum: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_a_mistake_in_mkdocs_yml_is_one_line(work: Path) -> None:
    """The default cannot be found out."""
    (work / "mkdocs.yml").write_text("site_dir: [\n")
    done = typed("check")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "mkdocs.yml" in done.stderr


def test_help_names_the_default_and_the_budget() -> None:
    """What is checked when nothing is said."""
    said = " ".join(typed("check", "--help").stdout.split())
    assert "[SITE]" in said
    assert "site_dir of mkdocs.yml, else 'site'" in said
    assert "default: 900" in said


def test_each_kind_can_be_found() -> None:
    """No words wait for a problem that no test brings forth."""
    tests = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_check_*.py"))
    assert not [kind.name for kind in KINDS if f'"{kind.name}"' not in tests]
