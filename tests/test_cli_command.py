"""The command as it is typed: what it writes, what it says, and how it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from runsum import __version__
from runsum.build import BuildReport
from runsum.resources import starter_mkdocs, template_folder
from support.cli import ONE, TWO, build, make, typed
from support.expect import AS_OF
from support.rows import Clock, add_run, store, table_rows
from support.schema import database

# ---------------------------------------------------------------- init


def complaint(*words: str) -> str:
    """The one line with which a command fails."""
    done = typed(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("runsum: ")
    return done.stderr


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
    written = [
        file for file in (work / "docs").rglob("*") if file.is_file() and file.name not in ("manifest.json", "lock")
    ]
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
    assert "docs/index.md was changed by hand and was left as it is; delete it to get a new one" in done.stderr


def test_many_files_changed_by_hand_are_told_in_one_line(work: Path) -> None:
    """A formatter that went over the docs folder: --json has their names."""
    make(work / "a.db", ONE, TWO)
    build("--db", "a.db")
    for page in Path("docs").rglob("*.md"):
        page.write_text("formatted")
    done = typed("build", "--as-of", AS_OF, "--db", "a.db")
    count = len(build("--db", "a.db")["kept"])
    assert count == len(list(Path("docs").rglob("*.md"))) > 10
    assert done.stderr.count("\n") == 1
    assert f"warning: {count} files in docs were changed by hand, or by a program, and were left as they" in done.stderr
    assert "--json names all" in done.stderr


def test_a_page_changed_by_hand_whose_run_is_gone_is_told(work: Path) -> None:
    """There will be no new one, whatever is deleted; again at the next build, and not when it is deleted."""
    make(work / "a.db", ONE, TWO)
    build("--db", "a.db")
    page = Path("docs", "runs", TWO, "index.md")
    page.write_text("mine")
    make(work / "a.db", ONE)
    words = ("build", "--strict", "--as-of", AS_OF, "--db", "a.db")
    said = "was changed by hand and was left, but what it is about is gone; delete it if nobody needs it"
    for _ in range(2):
        done = typed(*words)
        assert (done.exit_code, done.stderr) == (1, f"warning: {page} {said}\n")
    page.unlink()
    assert (typed(*words).exit_code, typed(*words).stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("build", "--colour"), "No such option"),
        (("--colour",), "No such option"),
        (("biuld",), "No such command"),
        (("build", "--db"), "requires an argument"),
        (("build", "--db"), "Type 'runsum build --help' for its options."),
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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("build", "a.db"), "(a.db). A database is named by --db: type 'runsum build --db PATH'."),
        (("watch", "a", "b"), "(a b). A database is named by --db: type 'runsum watch --db PATH'."),
        (("csp", "a", "b"), "Got unexpected extra argument (b). Type 'runsum csp --help' for its options."),
        (("build", "--dbb", "x"), "Type 'runsum build --help' for its options."),
        (("biuld",), "Type 'runsum --help' for the commands."),
    ],
)
def test_a_typing_mistake_names_what_to_type(words: tuple[str, ...], said: str) -> None:
    """Sentences with their full stops, and the help of the command that was meant."""
    line = complaint(*words)
    assert line.endswith(f"{said}\n")
    assert re.search(r"[^.?!] Type|\) A ", line) is None


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


def test_an_executor_that_is_none_is_refused_at_once(work: Path) -> None:
    """Also when nothing has changed and nobody would be asked."""
    make(work / "a.db", ONE)
    build("--db", "a.db")
    assert "--executor 'foo' is not known" in complaint("build", "--db", "a.db", "--executor", "foo")


@pytest.mark.parametrize("text", ["docs_dir: .", "docs_dir: site", "site_dir: docs"])
def test_nothing_is_written_between_other_files(work: Path, text: str) -> None:
    """A docs folder that is the project's own, or the site's: one line, and the folder is as it was."""
    make(work / "a.db", ONE)
    (work / "mkdocs.yml").write_text(f"site_name: x\n{text}\n")
    assert "'docs_dir'" in complaint("build", "--db", "a.db")
    assert {file.name for file in work.iterdir()} == {"a.db", "mkdocs.yml"}


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


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every file name is text")
def test_a_database_whose_name_is_no_text_is_read(work: Path) -> None:
    """A file name in an older encoding stands on the pages with a question mark in it."""
    make(work / "plain.db", ONE)
    strange = Path(os.fsdecode(os.fsencode(work / "plain") + b"\xff.db"))
    (work / "plain.db").rename(strange)
    assert build("--db", str(strange))["runs"] == 1
    assert ",plain?," in (work / "docs" / "data" / "runs.csv").read_text(encoding="utf-8")


def test_a_source_whose_name_is_no_text_is_read(work: Path) -> None:
    """YAML can write half of a surrogate pair; files in UTF-8 cannot."""
    make(work / "runs.db", ONE)
    (work / "runsum.yml").write_text('databases:\n  - path: runs.db\n    name: "a\\ud800b"\n')
    assert build()["runs"] == 1
    assert "a?b" in (work / "docs" / "data" / "runs.csv").read_text(encoding="utf-8")


def test_the_command_alone_shows_its_help() -> None:
    """On many lines, as it is meant to be read."""
    done = typed()
    assert "Usage: runsum" in done.output
    assert done.output.count("\n") > 8


# ---------------------------------------------------------------- where nobody hears it


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a file that is always full")
@pytest.mark.parametrize("words", [("--help",), ("build", "--help"), ("init",), ("build", "--json"), ("check",)])
def test_an_output_that_cannot_be_written_is_one_line(work: Path, words: tuple[str, ...]) -> None:
    """Of whatever command; buffered or not."""
    make(work / "ml_experiments.db", ONE)
    (work / "site").mkdir()
    (work / "site" / "index.html").write_text("<title>x</title>")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "runsum", *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    said = done.stderr.replace("wrote mkdocs.yml, a starter: change it as you like\n", "")
    assert (done.returncode, said) == (
        2, "runsum: the output cannot be written: No space left on device. Free some space, or send it elsewhere\n"
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are closed by numbers on POSIX")
@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_output_is_no_mistake(work: Path, closed: int) -> None:
    """As a service is started by some."""
    make(work / "ml_experiments.db", ONE)
    (work / "site").mkdir()
    (work / "site" / "index.html").write_text("<title>x</title>")
    for words in (["build"], ["check"]):
        command = [sys.executable, "-m", "runsum", *words]
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}>&-', "sh", *command], capture_output=True, text=True, check=False
        )
        assert (done.returncode, "Traceback" in done.stderr) == (0, False)


# ---------------------------------------------------------------- what the system refuses


@pytest.mark.skipif(sys.platform == "win32", reason="names may be longer there")
def test_what_the_system_refuses_is_one_line(work: Path) -> None:
    """A folder that must not be entered, for example; here a name that is too long, which nobody may use."""
    make(work / "ml_experiments.db", ONE)
    name = "x" * 300
    said = f"runsum: {name}: File name too long. Choose a shorter name\n"
    assert complaint("build", "--config", name) == said
    assert complaint("check", name) == said
    (work / "runsum.yml").write_text(f"notes: {name}\n")
    assert complaint("build") == said
    assert complaint("watch") == said


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
def test_a_name_that_the_locale_has_no_letters_for_is_one_line(work: Path) -> None:
    """Where Python is kept from using UTF-8 all the same."""
    (work / "runsum.yml").write_text("databases: ünï.db\n", encoding="utf-8")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "runsum", "build"]
    done = subprocess.run(command, env=os.environ | ascii_only, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "is no name of a file here, where they are written in ascii. Set PYTHONUTF8=1" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="names may be longer there")
def test_a_cache_that_cannot_be_entered_is_none(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build without one takes its time, and that is all."""
    make(work / "ml_experiments.db", ONE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(work / ("x" * 300)))
    assert build()["read"] == 1
