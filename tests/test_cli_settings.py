"""The command on several databases, and with settings that change a build."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from runsum.resources import starter_mkdocs
from support.cli import END, ONE, TWO, build, make, typed
from support.expect import AS_OF
from support.rows import Clock, add_run, store, table_rows
from support.schema import database

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
    assert report["removed"] == 5  # index.md, run.json, data.js, facts.js, metrics.csv.gz
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
    report = build()
    assert (report["runs"], report["problems"].get("digest_failed")) == (2, None)


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


def test_a_navigation_of_an_earlier_version_is_told(work: Path) -> None:
    """Compare stood in a file of its own once; MkDocs would only say that it is not there."""
    make(work / "a.db", ONE)
    starter = starter_mkdocs().read_text(encoding="utf-8")
    (work / "mkdocs.yml").write_text(starter, encoding="utf-8")
    assert "compare" not in typed("build", "--db", "a.db", "--as-of", AS_OF).stderr
    (work / "mkdocs.yml").write_text(starter.replace("compare/index.md", "compare.md"), encoding="utf-8")
    said = typed("build", "--db", "a.db", "--as-of", AS_OF).stderr
    assert "mkdocs.yml names compare.md; the page is compare/index.md now" in said


def test_a_docs_dir_that_moved_without_its_theme_is_told(work: Path) -> None:
    """MkDocs would refuse the configuration, or take the theme of an earlier time for ever."""
    make(work / "a.db", ONE)
    moved = starter_mkdocs().read_text(encoding="utf-8").replace("docs_dir: docs", "docs_dir: pages")
    (work / "mkdocs.yml").write_text(moved, encoding="utf-8")
    theme, old = Path("pages/.runsum/theme"), Path("docs/.runsum/theme")
    said = typed("build", "--db", "a.db", "--as-of", AS_OF).stderr
    assert said == (f"warning: mkdocs.yml: custom_dir is {old}, but docs_dir moved. Write custom_dir: {theme}\n")
    whole = moved.replace("custom_dir: docs/", "custom_dir: pages/")
    (work / "mkdocs.yml").write_text(whole, encoding="utf-8")
    assert typed("build", "--db", "a.db", "--as-of", AS_OF).stderr == ""
    (work / "mkdocs.yml").write_text(whole.replace("custom_dir: pages/.runsum/theme", "custom_dir: mine"))
    assert typed("build", "--db", "a.db", "--as-of", AS_OF).stderr == ""  # a theme of one's own


def test_a_parent_of_mkdocs_yml_counts(work: Path) -> None:
    """Its docs_dir and its script; when it changes, the next build sees it."""
    make(work / "a.db", ONE)
    starter = starter_mkdocs().read_bytes().replace(b"docs/.runsum", b"pages/.runsum")
    (work / "base.yml").write_bytes(starter + b"\ndocs_dir: pages\n")
    (work / "mkdocs.yml").write_text("INHERIT: base.yml\nsite_name: Mine\n")
    done = typed("build", "--db", "a.db", "--as-of", AS_OF)
    assert (done.stderr, (work / "docs").exists()) == ("", False)
    assert build("--db", "a.db")["stages"] == []
    with (work / "base.yml").open("a") as file:
        file.write("site_url: https://example.org/\n")
    assert build("--db", "a.db")["stages"] != []
    assert "https://example.org/" in (work / "pages" / "feed.xml").read_text()


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("runsum.yml", "redact: {mode: strict}\nsolved: {}\nredact: {}\n", 3),
        ("runsum.yml", "solved:\n  Pong: 1\n  Pong: 2\n", 3),
    ],
)
def test_a_name_that_stands_twice_is_told(work: Path, file: str, text: str, line: int) -> None:
    """The first would be lost in silence, and with it what must not be published."""
    make(work / "ml_experiments.db", ONE)
    (work / file).write_text(text)
    done = typed("build")
    assert done.exit_code == 2
    assert f"{file}: cannot be read (line {line}): " in done.stderr
    assert "stands there twice" in done.stderr


def test_a_setting_may_be_merged_and_overridden(work: Path) -> None:
    """That is what YAML's merge key is for; and of mkdocs.yml MkDocs takes what stands last, so runsum does."""
    make(work / "ml_experiments.db", ONE)
    (work / "runsum.yml").write_text("redact: &a {mode: strict}\nsolved: {<<: {Pong: 1}, Pong: 2}\n")
    (work / "mkdocs.yml").write_text("docs_dir: a\nsite_name: x\ndocs_dir: b\n")
    assert build()["docs_dir"] == "b"


@pytest.mark.parametrize("name", ["runsum", "mkdocs"])
@pytest.mark.parametrize("command", ["build", "init"])
def test_a_file_with_the_longer_ending_is_not_passed_over(work: Path, name: str, command: str) -> None:
    """Nobody would read the one, and a new mkdocs.yml would take the place of the other."""
    make(work / "ml_experiments.db", ONE)
    (work / f"{name}.yaml").write_text("{}")
    done = typed(command)
    assert (done.exit_code, done.stderr) == (
        2, f"runsum: {name}.yaml: runsum reads {name}.yml. Rename the file to {name}.yml\n"
    )  # fmt: skip
    assert not (work / f"{name}.yml").exists()


# ---------------------------------------------------------------- what is named and not there


def warned(*words: str) -> list[str]:
    return typed("build", "--db", "a.db", "--as-of", AS_OF, *words).stderr.splitlines()


def test_what_the_settings_name_in_vain_is_told(work: Path) -> None:
    """With what may be meant; a build that finds nothing new says it as well, and nothing when it is right."""
    make(work / "a.db", ONE)
    (work / "mkdocs.yml").write_bytes(starter_mkdocs().read_bytes())
    (work / "root").mkdir()
    wrong = "project_root: root\nnotes: nots\nsolved: {ALE/Brekout-v5: 30, Breakout: 30, Qbert: 1}\n"
    (work / "runsum.yml").write_text(f"{wrong}publish_models: [models/checkpoints/run-0c110009/latest.zip]\n")
    expected = [
        "warning: runsum.yml: notes: nots is no folder; no notes are shown",
        "warning: runsum.yml: solved: ALE/Brekout-v5 is a game of no run. Did you mean ALE/Breakout-v5?",
        "warning: runsum.yml: solved: Qbert is a game of no run",
        "warning: runsum.yml: publish_models: models/checkpoints/run-0c110009/latest.zip names no run of the archive. "
        f"Did you mean {ONE}?",
    ]
    assert warned() == expected
    assert warned() == expected
    assert build("--db", "a.db")["stages"] == []
    (work / "nots").mkdir()
    assert warned() == expected[1:]
    (work / "runsum.yml").write_text("solved: {ALE/Breakout-v5: 30}\n")
    assert warned() == []


def test_models_need_a_project_root(work: Path) -> None:
    """Without one, nothing would be copied and nothing said."""
    make(work / "a.db", ONE)
    (work / "mkdocs.yml").write_bytes(starter_mkdocs().read_bytes())
    path = f"models/checkpoints/{ONE}/latest.zip"
    (work / "runsum.yml").write_text(f"publish_models: [{path}]\n")
    assert warned() == [
        f"warning: runsum.yml: publish_models: {path} is looked for below project_root, which is not set"
    ]
