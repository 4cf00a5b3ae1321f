"""The command as it is typed: what it writes, what it says, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import markdown
import pytest
from click.testing import CliRunner, Result

from runsum import __version__
from runsum.build import BuildReport
from runsum.cli import main_command
from runsum.resources import starter_mkdocs, template_folder
from support.expect import AS_OF
from support.rows import Clock, add_run, store, table_rows
from support.schema import database

ONE, TWO = "run-0c110001", "run-0c110002"
END = Clock().iso(900)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to type commands in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(path: Path, *run_ids: str, **columns: Any) -> None:
    """A database of healthy runs that nothing can be said against, unless `columns` make them ill."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with database(path) as con:
        for run_id in run_ids:
            values = {"end_time": END} | columns
            add_run(con, run_id, {"total_timesteps": 409_600}, **values)
            store(con, table_rows(run_id, range(1, 101), target=409_600))


def typed(*words: str) -> Result:
    return CliRunner().invoke(main_command, words, prog_name="runsum")


def build(*words: str, as_of: str = AS_OF) -> dict[str, Any]:
    """A build that must succeed, and its report."""
    done = typed("build", "--as-of", as_of, "--json", *words)
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    report = json.loads(done.stdout)
    assert isinstance(report, dict)
    return report


def complaint(*words: str) -> str:
    """The one line with which a command fails."""
    done = typed(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("runsum: ")
    return done.stderr


# ---------------------------------------------------------------- init


def test_init_writes_three_files_and_says_so(work: Path) -> None:
    """The starters as they are in the package."""
    done = typed("init")
    assert done.exit_code == 0
    assert (work / "mkdocs.yml").read_bytes() == starter_mkdocs().read_bytes()
    assert (work / "runsum.yml").read_bytes() == (template_folder() / "starter" / "runsum.yml").read_bytes()
    assert (work / ".gitignore").read_bytes() == (template_folder() / "starter" / "gitignore").read_bytes()
    assert [line.split() for line in done.stdout.splitlines()[:3]] == [
        ["wrote", name] for name in ("mkdocs.yml", "runsum.yml", ".gitignore")
    ]


def test_init_never_overwrites(work: Path) -> None:
    """What is there is kept and named; the rest is written."""
    (work / "mkdocs.yml").write_text("site_name: mine\n")
    done = typed("init")
    assert (work / "mkdocs.yml").read_text() == "site_name: mine\n"
    assert "kept   mkdocs.yml" in done.stdout
    assert "wrote  runsum.yml" in done.stdout


def test_init_makes_the_folder(work: Path) -> None:
    """`runsum init a/b` makes both."""
    assert typed("init", "a/b").exit_code == 0
    assert (work / "a" / "b" / "mkdocs.yml").is_file()


def test_init_in_a_file_is_one_line(work: Path) -> None:
    """A folder cannot be made where a file is."""
    (work / "taken").write_text("x")
    assert "taken" in complaint("init", "taken")


def test_the_starters_build(work: Path) -> None:
    """What `init` wrote is what `build` reads."""
    typed("init")
    make(work / "ml_experiments.db", ONE)
    assert build()["runs"] == 1


# ---------------------------------------------------------------- a build


def test_without_a_database_it_says_what_to_type(work: Path) -> None:
    """Nothing is written, not even the starter mkdocs.yml."""
    assert "Type 'runsum build --db " in complaint("build")
    assert list(work.iterdir()) == []


def test_a_first_build_writes_the_starter(work: Path) -> None:
    """Without a mkdocs.yml there is one afterwards, and it is said on stderr."""
    make(work / "a.db", ONE)
    done = typed("build", "--db", "a.db", "--as-of", AS_OF)
    assert (work / "mkdocs.yml").read_bytes() == starter_mkdocs().read_bytes()
    assert "wrote mkdocs.yml" in done.stderr


def test_a_failed_build_leaves_no_starter(work: Path) -> None:
    """The folder is as it was."""
    assert "gone.db" in complaint("build", "--db", "gone.db")
    assert not (work / "mkdocs.yml").exists()


def test_the_report_as_json(work: Path) -> None:
    """Every field of the report, nothing else on stdout, and true numbers."""
    make(work / "a.db", ONE, TWO)
    report = build("--db", "a.db")
    assert list(report) == [field.name for field in fields(BuildReport)]
    assert (report["runs"], report["docs_dir"], report["databases"]) == (2, "docs", ["a.db"])
    assert (report["removed"], report["kept"], report["unchanged"], report["problems"]) == (0, [], 0, {})
    assert report["pages"] == len(list((work / "docs").rglob("*.md")))
    written = [file for file in (work / "docs").rglob("*") if file.is_file() and ".runsum" not in file.parts]
    assert report["written"] == len(written)


def test_the_report_for_people(work: Path) -> None:
    """Runs, pages, files, problems, and what to type next."""
    make(work / "a.db", ONE, status="crunching")
    lines = typed("build", "--db", "a.db", "--as-of", AS_OF).stdout.splitlines()
    assert lines[0].startswith("1 run on ")
    assert "unknown status 1" in lines[2]
    assert lines[-1] == "next: mkdocs serve"


def test_a_second_build_writes_nothing(work: Path) -> None:
    """Everything is as it was."""
    make(work / "a.db", ONE)
    written = build("--db", "a.db")["written"]
    second = build("--db", "a.db")
    assert (second["written"], second["unchanged"], second["removed"]) == (0, written, 0)


def test_strict_fails_on_problems_only(work: Path) -> None:
    """Exit code 1 with a problem, 0 without; the site is written in both cases."""
    make(work / "good.db", ONE)
    make(work / "odd.db", TWO, status="crunching")
    assert typed("build", "--strict", "--as-of", AS_OF, "--db", "good.db").exit_code == 0
    assert typed("build", "--strict", "--as-of", AS_OF, "--db", "odd.db").exit_code == 1
    assert typed("build", "--as-of", AS_OF, "--db", "odd.db").exit_code == 0
    assert (work / "docs" / "runs" / TWO / "index.md").is_file()


def test_strict_fails_on_a_page_changed_by_hand(work: Path) -> None:
    """The page is kept and named on stderr."""
    make(work / "a.db", ONE)
    build("--db", "a.db")
    (work / "docs" / "index.md").write_text("mine")
    done = typed("build", "--strict", "--as-of", AS_OF, "--db", "a.db")
    assert (done.exit_code, (work / "docs" / "index.md").read_text()) == (1, "mine")
    assert "docs/index.md was changed by hand" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("build", "--colour"), "No such option"),
        (("--colour",), "No such option"),
        (("biuld",), "No such command"),
        (("build", "--db"), "requires an argument"),
        (("build", "a.db"), "unexpected extra argument"),
        (("build", "--as-of", "tomorrow", "--db", "a.db"), "'tomorrow' is not an ISO time"),
        (("build", "--as-of", "2025-13-01", "--db", "a.db"), "'2025-13-01' is not an ISO time"),
        (("build", "--as-of", "", "--db", "a.db"), "'' is not an ISO time"),
        (("build", "--config", "gone.yml"), "gone.yml: no such settings file"),
        (("build", "--db", "gone.db"), "gone.db"),
        (("build", "--db", "."), "."),
    ],
)
def test_a_typing_mistake_is_one_line(work: Path, words: tuple[str, ...], said: str) -> None:
    """Exit code 2, one line on stderr, nothing on stdout."""
    make(work / "a.db", ONE)
    assert said.lower() in complaint(*words).lower()


def test_a_mistake_in_a_file_is_one_line(work: Path) -> None:
    """runsum.yml and mkdocs.yml that cannot be followed, and a docs folder that is a file."""
    make(work / "a.db", ONE)
    (work / "runsum.yml").write_text("databses: a.db\n")
    assert "Did you mean 'databases'?" in complaint("build")
    (work / "runsum.yml").write_text("databases: a.db\n")
    (work / "mkdocs.yml").write_text("docs_dir: [\n")
    assert "mkdocs.yml" in complaint("build")
    (work / "mkdocs.yml").write_text("docs_dir: taken\n")
    (work / "taken").write_text("a file")
    assert "taken" in complaint("build")


def test_a_name_with_escapes_does_not_reach_the_terminal(work: Path) -> None:
    """Control characters of a path are not printed."""
    assert "\x1b" not in complaint("build", "--db", "\x1b[31mred.db")


def test_states_are_judged_at_the_given_time(work: Path) -> None:
    """At 10:16 a run goes on, an hour later it is stale: on the machine's own clock and in UTC."""
    with database(work / "a.db") as con:
        add_run(con, ONE, status="running", updated_at=Clock().iso(0))
        store(con, table_rows(ONE, range(1, 101)))
    twin = work / "docs" / "runs" / ONE / "run.json"
    states = []
    for moment in ("2025-12-22T10:16:00", "2025-12-22T11:16:00", "2025-12-22T16:16:00Z", "2025-12-22T17:16:00Z"):
        build("--db", "a.db", as_of=moment)
        states.append(json.loads(twin.read_text())["state"])
    assert states == ["running", "stale", "running", "stale"]


# ---------------------------------------------------------------- several databases, runs that go


def test_equal_ids_of_two_databases_are_two_runs(work: Path) -> None:
    """Two pages, two names of sources, and the problem is said on both."""
    make(work / "home" / "ml_experiments.db", ONE)
    make(work / "lab" / "ml_experiments.db", ONE, TWO)
    report = build("--db", "home/ml_experiments.db", "--db", "lab/ml_experiments.db")
    documents = [json.loads(file.read_text()) for file in sorted((work / "docs" / "runs").glob("*/run.json"))]
    assert (report["runs"], report["problems"]) == (3, {"same_run_id": 2})
    assert sorted((d["run_id"], d["source"]) for d in documents) == [
        (ONE, "home/ml_experiments"),
        (ONE, "lab/ml_experiments"),
        (TWO, "lab/ml_experiments"),
    ]


def test_one_database_given_twice_is_one(work: Path) -> None:
    """Also by another path."""
    make(work / "a.db", ONE)
    assert build("--db", "a.db", "--db", "./a.db")["runs"] == 1


def test_declared_names_and_globs_are_used(work: Path) -> None:
    """A name from runsum.yml stands on the pages."""
    make(work / "old" / "x.db", ONE)
    make(work / "old" / "y.db", TWO)
    (work / "runsum.yml").write_text("databases: [{path: 'old/*.db', name: attic}]\n")
    build()
    sources = [json.loads(file.read_text())["source"] for file in sorted((work / "docs" / "runs").glob("*/run.json"))]
    assert sources == ["attic", "attic (2)"]


def test_the_pages_of_a_removed_run_go(work: Path) -> None:
    """Its folder is gone, the other run's is untouched."""
    make(work / "a.db", ONE, TWO)
    build("--db", "a.db")
    make(work / "a.db", ONE)
    report = build("--db", "a.db")
    assert report["removed"] == 4  # index.md, run.json, data.js, metrics.csv.gz
    assert not (work / "docs" / "runs" / TWO).exists()
    assert (work / "docs" / "runs" / ONE / "index.md").exists()


# ---------------------------------------------------------------- settings that change a build


def test_a_threshold_changes_what_is_said(work: Path) -> None:
    """With a day of patience a silent run is not stale, and the Methods page says so."""
    with database(work / "ml_experiments.db") as con:
        add_run(con, ONE, status="running", updated_at=Clock().iso(0))
        store(con, table_rows(ONE, range(1, 101)))
    (work / "runsum.yml").write_text("thresholds: {stale_after_min: 1440}\n")
    build(as_of="2025-12-22T20:00:00")
    assert json.loads((work / "docs" / "runs" / ONE / "run.json").read_text())["state"] == "running"
    assert "1440" in (work / "docs" / "methods" / "index.md").read_text()


def test_any_threshold_may_be_nought(work: Path) -> None:
    """No rule of thumb divides by its threshold or takes it for granted; a run without rows included."""
    from runsum.thresholds import Thresholds

    make(work / "ml_experiments.db", ONE)
    with database(work / "b.db") as con:
        add_run(con, TWO, status="stopped", end_time=END)
    text = "databases: [ml_experiments.db, b.db]\nthresholds:\n"
    (work / "runsum.yml").write_text(text + "".join(f"  {field.name}: 0\n" for field in fields(Thresholds)))
    assert build()["runs"] == 2


def test_a_declared_threshold_solves_a_game(work: Path) -> None:
    """The run page says when it was crossed."""
    make(work / "ml_experiments.db", ONE)
    (work / "runsum.yml").write_text("solved: {ALE/Breakout-v5: 5}\n")
    build()
    said = json.loads((work / "docs" / "runs" / ONE / "run.json").read_text())["summary"]["solved_flag"]
    assert said.startswith("Reached the declared 5 first at 327.7 k steps")


def test_the_docs_dir_of_the_user_is_used(work: Path) -> None:
    """Another docs_dir, in a mkdocs.yml with tags of its own, which stays as it is."""
    text = "site_name: x\ndocs_dir: pages\nx: !!python/name:material.extensions.emoji.twemoji\n"
    (work / "mkdocs.yml").write_text(text)
    make(work / "a.db", ONE)
    assert build("--db", "a.db")["docs_dir"] == "pages"
    assert (work / "pages" / "runs" / ONE / "index.md").is_file()
    assert not (work / "docs").exists()
    assert (work / "mkdocs.yml").read_text() == text


def test_a_mkdocs_yml_without_the_script_is_warned_about(work: Path) -> None:
    """Charts would stay static; with the script nothing is said."""
    make(work / "a.db", ONE)
    (work / "mkdocs.yml").write_text("site_name: x\n")
    assert "does not load assets/runsum/runsum.js" in typed("build", "--db", "a.db", "--as-of", AS_OF).stderr
    (work / "mkdocs.yml").write_bytes(starter_mkdocs().read_bytes())
    assert typed("build", "--db", "a.db", "--as-of", AS_OF).stderr == ""


# ---------------------------------------------------------------- a person's notes

NOTE = """# What I saw

It **learned** to [tunnel](https://example.org/tunnel). <script>alert(1)</script> <img src=x onerror=alert(2)>

- [bad](javascript:alert(3)) and <a href="java&#115;cript:alert(4)" onclick="alert(5)">worse</a>
- {: .rs-hidden onclick=alert(6) } and {{ 7 * 7 }} and [TOC] and <div markdown="1">*x*</div>

```
first line
  second line
```

<iframe src="https://evil.example"></iframe><style>body { display: none }</style></div></div>

| a | b |
|---|---|
| 1 | 2 |
"""


class Tags(HTMLParser):
    """Every tag of a page with its attributes, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page_with(work: Path, note: str) -> Tags:
    """The page of a run with a note, as Markdown makes it."""
    make(work / "ml_experiments.db", ONE)
    (work / "notes").mkdir(exist_ok=True)
    (work / "notes" / f"{ONE}.md").write_text(note, encoding="utf-8")
    build()
    text = (work / "docs" / "runs" / ONE / "index.md").read_text(encoding="utf-8").partition("---\n\n")[2]
    extensions = ["tables", "attr_list", "toc", "admonition", "footnotes", "abbr", "md_in_html", "fenced_code"]
    return Tags(markdown.markdown(text, extensions=extensions))


def test_a_note_stands_on_the_page_of_its_run(work: Path) -> None:
    """Words, emphasis, links, lists, code and tables of a person's Markdown."""
    page = page_with(work, NOTE)
    assert "What I saw" in page.text
    assert "first line\n  second line" in page.text
    assert ("a", {"href": "https://example.org/tunnel", "rel": "noopener noreferrer"}) in page.tags


def test_a_note_brings_nothing_that_runs(work: Path) -> None:
    """No script, no handler, no frame, no style, no link but to the web and the mail."""
    page = page_with(work, NOTE)
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "iframe", "style", "img", "object", "form"}
    assert not [attribute for _, attrs in page.tags for attribute in attrs if attribute.startswith("on")]
    assert not [attrs for _, attrs in page.tags if "script:" in (attrs.get("href") or "")]
    assert "alert(1)" not in page.text


def test_a_note_does_not_break_out_of_its_box(work: Path) -> None:
    """The page has the sections it has without the note, and the note's own marks stay text."""
    page, plain = page_with(work, NOTE), page_with(work, "x")
    assert [t for t, _ in page.tags].count("h2") == [t for t, _ in plain.tags].count("h2")
    assert [t for t, _ in page.tags].count("div") == [t for t, _ in plain.tags].count("div")
    assert "{: .rs-hidden onclick=alert(6) } and {{ 7 * 7 }} and [TOC]" in page.text


def test_notes_of_nobody_are_left_alone(work: Path) -> None:
    """A file that names no run changes no page, and is not touched itself."""
    make(work / "ml_experiments.db", ONE)
    written = build()["written"]
    (work / "notes").mkdir()
    (work / "notes" / "shopping.md").write_text("milk")
    report = build()
    assert (report["written"], report["unchanged"]) == (0, written)
    assert (work / "notes" / "shopping.md").read_text() == "milk"


def test_a_changed_note_changes_one_page(work: Path) -> None:
    """Only the page of its run is written again."""
    page_with(work, "first")
    (work / "notes" / f"{ONE}.md").write_text("second")
    assert build()["written"] == 1
    assert "second" in (work / "docs" / "runs" / ONE / "index.md").read_text()


# ---------------------------------------------------------------- the command itself


def test_the_version_is_that_of_the_package() -> None:
    """`python -m runsum --version`, in a process of its own."""
    words = [sys.executable, "-W", "error", "-m", "runsum", "--version"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"runsum, version {__version__}\n"


@pytest.mark.parametrize("words", [("--help",), ("-h",), ("build", "--help"), ("init", "-h")])
def test_help_is_given(words: tuple[str, ...]) -> None:
    """Each command explains itself."""
    done = typed(*words)
    assert done.exit_code == 0
    assert done.stdout.startswith("Usage: runsum")
