"""`redact:` in runsum.yml, the report of a build, and the door of the command line."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from runsum.commands.build import HowToBuild
from runsum.commands.watch import follow
from runsum.complaints import published
from support.cli import ONE, TWO, build, make, typed, work

__all__ = ["work"]  # a fixture

TOKEN = "gh" + "p_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3gH6"
NOTE = f"pushed with {TOKEN} by ann@example.org, Project Falcon"


@pytest.fixture
def told(work: Path) -> Path:
    """A database with a note that holds a token, an address and a code word."""
    make(work / "ml_experiments.db", ONE, custom_name=NOTE)
    return work


def settings(folder: Path, text: str) -> None:
    (folder / "runsum.yml").write_text(text, encoding="utf-8")


def name_of(folder: Path) -> str:
    document = json.loads((folder / "docs" / "runs" / ONE / "run.json").read_text(encoding="utf-8"))
    return str(document["summary"]["custom_name_or_leg"])


def test_redaction_is_on_and_told_without_the_secret(told: Path) -> None:
    """In --json and on the problems page: rule, table, column, count."""
    report = build()
    assert report["redact"] == "standard"
    found = {(one["rule"], one["table"], one["column"]): one["count"] for one in report["redactions"]}
    assert found[("github-token", "experiment_runs", "custom_name")] == 1
    assert found[("e-mail", "experiment_runs", "custom_name")] == 1
    assert name_of(told) == "pushed with ‹redacted:github-token› by ‹redacted:e-mail›, Project Falcon"
    page = (told / "docs" / "problems" / "index.md").read_text(encoding="utf-8")
    assert "<td><code>github-token</code></td><td>experiment_runs</td><td>custom_name</td>" in page
    assert "Nothing was redacted" not in (told / "docs" / "index.md").read_text(encoding="utf-8")
    assert TOKEN not in json.dumps(report)


def test_what_only_looks_random_is_said_to_bepublished(work: Path) -> None:
    """A warning, and never "left out"; in strict mode it is left out, and said to be."""
    make(work / "ml_experiments.db", ONE, custom_name="Zq7kLm9PxR2vT4wYb8NdAq1Sw2De3Fr4")
    said = typed("build").stdout
    assert "published, although they look random: 1 text (see" in said
    assert "left out" not in said
    settings(work, "redact: strict")
    assert "left out: looks-random 1 (see" in typed("build").stdout


def test_off_needs_a_reason_and_shows_it_on_the_home_page(told: Path) -> None:
    """As a word or in a mapping; YAML reads the bare word as a flag."""
    for words in ("redact: off", "redact: {mode: 'off'}", "redact: {mode: off, reason: ' '}"):
        settings(told, words)
        done = typed("build")
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
        assert "needs a reason" in done.stderr
    assert not (told / "docs").exists()
    settings(told, "redact: {mode: off, reason: only toys <here>}")
    report = build()
    assert (report["redact"], report["redactions"]) == ("off", [])
    assert name_of(told) == NOTE
    home = (told / "docs" / "index.md").read_text(encoding="utf-8")
    assert "Nothing was redacted in this archive." in home
    assert "only toys &#60;here&#62;" in home


def test_own_rules_and_exceptions_of_the_settings(told: Path) -> None:
    """Patterns by name or as a list; texts that are allowed."""
    settings(told, "redact:\n  patterns: {codename: 'Project \\w+'}\n  allow_values: [ann@example.org]\n")
    build()
    assert name_of(told) == "pushed with ‹redacted:github-token› by ann@example.org, ‹redacted:codename›"
    settings(told, "redact: {mode: strict, patterns: ['Falcon']}")
    assert build()["redact"] == "strict"
    assert name_of(told).endswith("Project ‹redacted:own-rule›")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("redact: loud", "must be standard, strict or off"),
        ("redact: {mod: strict}", "Did you mean 'mode'?"),
        ("redact: {patterns: ['(']}", "no regular expression"),
        ("redact: {patterns: {'Bad Name': x}}", "no name of a rule"),
        ("redact: {patterns: [3]}", "must be a list of texts"),
        ("redact: {allow_keys: {a: b}}", "must be a list of texts"),
        ("redact: [strict]", "must be standard, strict or off"),
    ],
)
def test_a_mistake_in_the_settings_is_one_line(told: Path, text: str, complaint: str) -> None:
    """With what to write instead, and nothing built."""
    settings(told, text)
    done = typed("build")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert complaint in done.stderr
    assert not (told / "docs").exists()


def test_unknown_tables_columns_and_blobs_are_dropped_and_counted(told: Path) -> None:
    """Whatever they hold."""
    with closing(sqlite3.connect(told / "ml_experiments.db")) as con:
        con.execute("ALTER TABLE experiment_runs ADD COLUMN password TEXT DEFAULT 'zzsecret'")
        con.execute("CREATE TABLE users (name TEXT)")
        con.execute("INSERT INTO users VALUES ('zzsecret')")
        con.execute("UPDATE experiment_runs SET git_commit = CAST('zzsecret' AS BLOB)")
        con.commit()
    report = build()
    found = {(one["rule"], one["table"], one["column"]) for one in report["redactions"]}
    assert ("unknown-column", "experiment_runs", "password") in found
    assert ("unknown-table", "users", "*") in found
    assert ("blob", "experiment_runs", "git_commit") in found
    assert not [file for file in (told / "docs").rglob("*") if file.is_file() and b"zzsecret" in file.read_bytes()]


def test_two_ids_that_look_the_same_afterwards_stay_two_runs(work: Path) -> None:
    """Each has its page, and what names it as its parent still finds it."""
    first, second = f"{TOKEN}1", f"{TOKEN}2"
    make(work / "ml_experiments.db", first, second)
    with closing(sqlite3.connect(work / "ml_experiments.db")) as con:
        con.execute("UPDATE experiment_runs SET base_run_id = ?, leg_number = 2 WHERE run_id = ?", (first, second))
        con.commit()
    assert build()["runs"] == 2
    documents = [json.loads(file.read_text(encoding="utf-8")) for file in (work / "docs" / "runs").glob("*/run.json")]
    assert sorted(document["run_id"] for document in documents) == [
        "‹redacted:github-token›",
        "‹redacted:github-token› (2)",
    ]
    child = next(document for document in documents if document["run_id"].endswith("(2)"))
    assert child["summary"]["base_run_id"] == "‹redacted:github-token›"


def test_names_of_sources_tell_no_user(work: Path) -> None:
    """Neither the file's name nor that of the folder that tells two equal names apart."""
    for run_id, place in ((ONE, f"home/{TOKEN}"), (TWO, "b")):
        make(work / place / "ml_experiments.db", run_id)
    report = build("--db", f"home/{TOKEN}/ml_experiments.db", "--db", "b/ml_experiments.db")
    assert TOKEN not in json.dumps(report)
    assert not [file for file in (work / "docs").rglob("*") if file.is_file() and TOKEN.encode() in file.read_bytes()]


def test_complaints_of_the_command_are_redacted(work: Path) -> None:
    """A message quotes settings and paths; logs of builds are public."""
    settings(work, f"{TOKEN}: 1")
    done = typed("build")
    assert done.exit_code == 2
    assert "‹redacted:github-token›" in done.stderr
    assert TOKEN not in done.stderr
    assert published("/home/ann/x.db: no such file") == "~/x.db: no such file"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("check", "passwd"), "passwd: not a folder. Type 'mkdocs build' first"),
        (("check", "my token"), "my token: no such folder. Type 'mkdocs build' first"),
        (("csp", "passwd"), "passwd: not the folder of a built site. Type 'mkdocs build' first"),
        (("build", "--db", "api.token"), "api.token: no such file. Check"),
        (("build", "--config", "secret"), "secret: no such settings file. Type"),
        (("build", "--config", "passwd"), "passwd: 'copy_videos' must be true or false, not 'hunter2'. Write"),
        (("build", "--config", f"api_key={TOKEN}"), "api_key=‹redacted:github-token›: no such settings file. Type"),
        (("check", "password: hunter2"), "password: ‹redacted:key-name›: no such folder. Type"),
    ],
)
def test_the_words_after_a_path_are_no_secret(work: Path, words: tuple[str, ...], said: str) -> None:
    """A path may end like the name of a secret; what a path itself holds is taken out all the same."""
    (work / "passwd").write_text("copy_videos: hunter2\n")
    done = typed(*words)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"runsum: {said}")


def test_the_watch_redacts_what_it_tells(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on after an error, and tells it as the other commands do."""
    make(work / "ml_experiments.db", ONE)
    said: list[str] = []

    def break_it(seconds: float) -> None:
        if any("‹redacted" in line or TOKEN in line for line in said):
            raise KeyboardInterrupt
        settings(work, f"{TOKEN}: 1")

    monkeypatch.setattr("runsum.commands.watch.time.sleep", break_it)
    with pytest.raises(KeyboardInterrupt):
        follow(HowToBuild(Path(), jobs=1), 0.0, said.append)
    assert "unknown setting '‹redacted:github-token›'" in said[-1]
