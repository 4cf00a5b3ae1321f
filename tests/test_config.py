"""runsum.yml and mkdocs.yml: what they may say, and one clear line for everything else."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from mkdocs.config import load_config

from runsum.config import (
    DatabasePath,
    MkdocsFacts,
    Settings,
    find_databases,
    read_mkdocs,
    read_settings,
    require_own_folder,
)
from runsum.errors import ConfigError
from runsum.thresholds import Thresholds, rules_in_force


def settings(folder: Path, text: str) -> Settings:
    (folder / "runsum.yml").write_text(text, encoding="utf-8")
    return read_settings(None, folder)


# ---------------------------------------------------------------- what can be said


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    """No runsum.yml is no error."""
    assert read_settings(None, tmp_path) == Settings(tmp_path, notes_dir=tmp_path / "notes")


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "\ufeff"])
def test_an_empty_file_says_nothing(tmp_path: Path, text: str) -> None:
    """An empty file, or the starter with every line commented out, is the defaults."""
    assert settings(tmp_path, text) == Settings(tmp_path, notes_dir=tmp_path / "notes")


def test_every_setting_is_read(tmp_path: Path) -> None:
    """Paths start at the folder of the file."""
    text = """
databases: [a.db, {path: b.db, name: other machine}]
project_root: ../app
notes: words
copy_videos: false
solved: {ALE/Breakout-v5: 30, CartPole-v1: 475.5}
thresholds: {stale_after_min: 10}
"""
    read = settings(tmp_path, text)
    assert read == Settings(
        folder=tmp_path,
        databases=(DatabasePath(tmp_path / "a.db"), DatabasePath(tmp_path / "b.db", "other machine")),
        project_root=tmp_path / "../app",
        notes_dir=tmp_path / "words",
        names_notes=True,
        copy_videos=False,
        solved={"ALE/Breakout-v5": 30.0, "CartPole-v1": 475.5},
        thresholds=Thresholds(stale_after_min=10.0),
    )


@pytest.mark.parametrize("value", ["a.db", "{path: a.db}", "[a.db]", "[{path: a.db}]"])
def test_one_database_needs_no_list(tmp_path: Path, value: str) -> None:
    """A path alone, a path in braces, or a list of one."""
    assert settings(tmp_path, f"databases: {value}").databases == (DatabasePath(tmp_path / "a.db"),)


def test_another_file_has_its_own_folder(tmp_path: Path) -> None:
    """`--config` elsewhere: its paths start there."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.yml").write_text("databases: a.db\n")
    read = read_settings(tmp_path / "there" / "mine.yml", tmp_path)
    assert read.databases == (DatabasePath(tmp_path / "there" / "a.db"),)


def test_the_starter_says_nothing_until_it_is_changed(tmp_path: Path) -> None:
    """Every line of the starter file is a comment, and every one is a valid setting without it."""
    from runsum.resources import template_folder

    text = (template_folder() / "starter" / "runsum.yml").read_text(encoding="utf-8")
    assert settings(tmp_path, text) == Settings(tmp_path, notes_dir=tmp_path / "notes")
    uncommented = re.sub(r"^# (?=(\s*- |\s*\w+:|\s+\S+: ))", "", text, flags=re.MULTILINE)
    read = settings(tmp_path, uncommented)
    assert (len(read.databases), read.solved["CartPole-v1"], read.thresholds.max_video_mb) == (2, 475.0, 25.0)


# ---------------------------------------------------------------- what cannot


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("database: a.db", "unknown setting 'database'. Did you mean 'databases'?"),
        ("colour: blue", "unknown setting 'colour'. Known: databases"),
        ("1: 2", "unknown setting 1"),
        ("thresholds: {stale_after: 10}", "there is no threshold 'stale_after'"),
        ("thresholds: {stale_after_min: soon}", "threshold stale_after_min must be a number, not 'soon'"),
        ("thresholds: {stale_after_min: true}", "threshold stale_after_min must be a number, not True"),
        ("thresholds: {stale_after_min: null}", "threshold stale_after_min must be a number, not None"),
        ("thresholds: {stale_after_min: .nan}", "threshold stale_after_min must be a number"),
        ("thresholds: {stale_after_min: .inf}", "threshold stale_after_min must be a number"),
        ("thresholds: [1]", "'thresholds:' must hold"),
        ("solved: 30", "'solved:' must hold"),
        ("solved: {Pong: high}", "'solved: Pong' must be a number, not 'high'"),
        ("solved: {Pong: .nan}", "'solved: Pong' must be a number"),
        ("copy_videos: 'no'", "'copy_videos' must be true or false, not 'no'"),
        ("copy_videos: 1", "'copy_videos' must be true or false, not 1"),
        ("databases: [5]", "a database must be a path"),
        ("databases: 5", "a database must be a path"),
        ("databases: [{name: x}]", "a database must be a path"),
        ("databases: [{path: x.db, nam: y}]", "databases: unknown setting 'nam'. Did you mean 'name'?"),
        ("databases: {paht: x.db}", "databases: unknown setting 'paht'. Did you mean 'path'?"),
        ("databases: [{path: x.db, name: [1, 2]}]", "the name of a database must be a text, not [1, 2]"),
        ("databases: [{path: x.db, name: true}]", "the name of a database must be a text, not True"),
        ("thresholds: {stale_after_min: -5}", "threshold stale_after_min must not be below 0, but is -5"),
        ("thresholds: {max_video_mb: -0.1}", "threshold max_video_mb must not be below 0, but is -0.1"),
        ("project_root: true", "'project_root' must be a path, not True"),
        ("project_root: false", "'project_root' must be a path, not False"),
        ("notes: [a, b]", "'notes' must be a path, not ['a', 'b']"),
        ("- a\n- b", "must hold 'name: value' lines"),
        ("just words", "must hold 'name: value' lines"),
        ("a: [1", "cannot be read (line"),
        ("a: 1\n\tb: 2", "cannot be read (line 2)"),
        ("databases: 'a.db\n", "cannot be read"),
        ('databases: "D:\\runs\\my.db"', "(line 1): while scanning a double-quoted scalar. In double quotes"),
        (
            'databases: "D:\\new\\a.db"',
            "'databases' must be a path, not 'D:\\new\\x07.db'. In double quotes a backslash",
        ),
        ('databases: "D:\\Python"', "'databases' must be a path, not 'D:\\u2029ython'. In double quotes"),
        ('notes: "D:\\table"', "'notes' must be a path, not 'D:\\table'. In double quotes a backslash"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_file(tmp_path: Path, text: str, words: str) -> None:
    """What is wrong, where, and what to write instead."""
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text)
    said = str(caught.value)
    assert words in said
    assert str(tmp_path / "runsum.yml") in said
    assert "\n" not in said


def test_a_file_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    """Bytes of another encoding."""
    (tmp_path / "runsum.yml").write_bytes(b"notes: \xff\xfe\n")
    with pytest.raises(ConfigError, match=r"cannot be read: it is not UTF-8 \(byte 8\)\. Save it as UTF-8"):
        read_settings(None, tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
@pytest.mark.parametrize(("target", "said"), [(os.devnull, "is not a file"), ("gone", "No such file")])
def test_a_runsum_yml_that_is_no_file_is_not_passed_over(tmp_path: Path, target: str, said: str) -> None:
    """A pipe would be waited for, and settings that are not read would be missed late."""
    (tmp_path / "runsum.yml").symlink_to(target)
    with pytest.raises(ConfigError, match=said):
        read_settings(None, tmp_path)


def test_a_missing_settings_file_is_said(tmp_path: Path) -> None:
    """`--config` names a file that is not there."""
    with pytest.raises(ConfigError, match=r"mine\.yml: no such settings file"):
        read_settings(tmp_path / "mine.yml", tmp_path)


def test_an_explained_variance_may_be_negative(tmp_path: Path) -> None:
    """It is, where a critic predicts worse than a constant; no other limit can be."""
    names = ("explained_variance_poor", "explained_variance_none", "explained_variance_good")
    read = settings(tmp_path, "thresholds:\n" + "".join(f"  {name}: -0.5\n" for name in names))
    assert {rule.name for rule in rules_in_force(read.thresholds) if rule.value < 0} == set(names)


def test_every_threshold_can_be_overridden(tmp_path: Path) -> None:
    """Each field by its name, and the Methods page knows both values."""
    names = [field.name for field in fields(Thresholds)]
    read = settings(tmp_path, "thresholds:\n" + "".join(f"  {name}: 12345\n" for name in names))
    rules = rules_in_force(read.thresholds)
    assert [rule.name for rule in rules] == names
    assert {rule.value for rule in rules} == {12345.0}
    assert {rule.default for rule in rules} != {12345.0}


# ---------------------------------------------------------------- databases


def found(folder: Path, *given: str, **more: str) -> list[str]:
    read = settings(folder, more["text"]) if more else read_settings(None, folder)
    chosen = find_databases([folder / name for name in given], read)
    return [entry.path.relative_to(folder).as_posix() for entry in chosen]


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_given_databases_beat_everything(tmp_path: Path) -> None:
    """`--db` beats runsum.yml and the usual places."""
    touch(tmp_path, "ml_experiments.db", "a.db", "b.db")
    assert found(tmp_path, "b.db", text="databases: a.db") == ["b.db"]


def test_named_databases_beat_the_usual_places(tmp_path: Path) -> None:
    """runsum.yml beats what lies around."""
    touch(tmp_path, "ml_experiments.db", "a.db")
    assert found(tmp_path, text="databases: a.db") == ["a.db"]


def test_the_usual_places_are_looked_at(tmp_path: Path) -> None:
    """Both homes of the application, when nothing is named."""
    touch(tmp_path, "data/ml_experiments.db", "ml_experiments.db", "other.db")
    assert found(tmp_path) == ["ml_experiments.db", "data/ml_experiments.db"]


def test_globs_are_expanded_in_order(tmp_path: Path) -> None:
    """By name, folders included, and each file once though two patterns match it."""
    touch(tmp_path, "b.db", "a.db", "deep/er/c.db", "a.txt")
    assert found(tmp_path, text="databases: ['*.db', '**/*.db']") == ["a.db", "b.db", "deep/er/c.db"]


def test_one_file_under_two_names_is_one(tmp_path: Path) -> None:
    """A link and a detour lead to the same database."""
    touch(tmp_path, "a.db", "deep/x")
    (tmp_path / "link.db").symlink_to(tmp_path / "a.db")
    assert found(tmp_path, "a.db", "deep/../a.db", "link.db") == ["a.db"]


def test_a_named_file_that_is_missing_is_kept(tmp_path: Path) -> None:
    """It is named when it is opened, instead of being left out in silence."""
    assert found(tmp_path, text="databases: [gone.db, 'no*match.db']") == ["gone.db", "no*match.db"]


def test_brackets_in_a_folder_are_no_pattern(tmp_path: Path) -> None:
    """The folder of runsum.yml may have any name; only the setting is a pattern."""
    folder = tmp_path / "archive [1]"
    touch(folder, "a.db", "b.db")
    assert found(folder, text="databases: '*.db'") == ["a.db", "b.db"]


def test_the_usual_places_lie_beside_the_settings(tmp_path: Path) -> None:
    """`--config` elsewhere: there, as every relative path, and not where the command runs."""
    touch(tmp_path, "ml_experiments.db", "there/data/ml_experiments.db", "empty/mine.yml", "there/mine.yml")
    read = read_settings(tmp_path / "there" / "mine.yml", tmp_path)
    assert find_databases([], read) == (DatabasePath(tmp_path / "there" / "data" / "ml_experiments.db"),)
    with pytest.raises(ConfigError, match=rf"is in {tmp_path}/empty, and"):
        find_databases([], read_settings(tmp_path / "empty" / "mine.yml", tmp_path))


def test_no_database_says_what_to_type(tmp_path: Path) -> None:
    """Nothing given, nothing named, nothing found."""
    with pytest.raises(ConfigError, match=r"Type 'runsum build --db PATH"):
        find_databases([], read_settings(None, tmp_path))


# ---------------------------------------------------------------- mkdocs.yml


@pytest.mark.parametrize(
    ("text", "docs"),
    [
        ("site_name: x\n", "docs"),
        ("docs_dir: pages\n", "pages"),
        ("docs_dir: a/b c\n", "a/b c"),
        ("docs_dir: null\n", "docs"),
        ("docs_dir: !ENV [RUNSUM_TEST_UNSET, pages]\n", "pages"),
        ("", "docs"),
        ("docs_dir: d\nplugins: [{offline: {enabled: !ENV [OFFLINE, false]}}]\n", "d"),
        ("docs_dir: d\nx: !!python/name:material.extensions.emoji.twemoji\n", "d"),
        ("docs_dir: d\nx: !!python/name:material.extensions.emoji.twemoji ''\n", "d"),
        ("docs_dir: d\nx: !!python/object/apply:pymdownx.slugs.slugify {kwds: {case: lower}}\n", "d"),
        ("docs_dir: d\nhooks: [!relative $config_dir/x.py]\n", "d"),
    ],
)
def test_docs_dir_is_read_from_any_mkdocs_yml(tmp_path: Path, text: str, docs: str) -> None:
    """Whatever tags its extensions need, nothing of them is run."""
    (tmp_path / "mkdocs.yml").write_text(text)
    assert read_mkdocs(tmp_path / "mkdocs.yml", tmp_path).docs_dir == tmp_path / docs


def test_the_starter_mkdocs_yml_says_docs(tmp_path: Path) -> None:
    """The file that `runsum init` writes."""
    from runsum.resources import starter_mkdocs

    assert read_mkdocs(starter_mkdocs(), tmp_path).docs_dir == tmp_path / "docs"


@pytest.mark.parametrize("text", ["docs_dir: [", "docs_dir: [a]", "site_dir: true", "- a", "nav:\n  - a: 'b\n"])
def test_a_broken_mkdocs_yml_is_one_line(tmp_path: Path, text: str) -> None:
    """It names the file, and is no traceback."""
    (tmp_path / "mkdocs.yml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_mkdocs(tmp_path / "mkdocs.yml", tmp_path)
    assert "mkdocs.yml" in str(caught.value)
    assert "\n" not in str(caught.value)


def parents(folder: Path, **texts: str) -> Path:
    """Files of these texts, and that of the first one."""
    for name, text in texts.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "mkdocs.yml").write_text(text)
    return folder / next(iter(texts)) / "mkdocs.yml"


def test_a_mkdocs_yml_inherits(tmp_path: Path) -> None:
    """As MkDocs has it: the nearest file counts, parents lie beside their child, folders below the first file."""
    file = parents(
        tmp_path,
        a="INHERIT: ../b/mkdocs.yml\nsite_name: mine\n",
        b="INHERIT: ../c/mkdocs.yml\ndocs_dir: pages\nsite_name: b\nsite_dir:\n",
        c="docs_dir: other\nsite_dir: out\nsite_url: https://example.org/c\nextra: {x: !!python/name:os.path.join }\n",
    )
    read = read_mkdocs(file, file.parent)
    assert read == MkdocsFacts(tmp_path / "a" / "pages", tmp_path / "a" / "site", "https://example.org/c/", "mine")
    read.docs_dir.mkdir()
    loaded = load_config(str(file), plugins=[])
    assert (Path(loaded.docs_dir), Path(loaded.site_dir)) == (read.docs_dir, read.site_dir)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("INHERIT: ../gone.yml", "", "where no file is"),
        ("INHERIT: [a]", "", "'INHERIT' must be a path, not ['a']"),
        ("INHERIT:", "", "'INHERIT' must be a path, not None"),
        ("INHERIT: mkdocs.yml", "", "inherits from itself"),
        ("INHERIT: ../b/mkdocs.yml", "INHERIT: ../a/mkdocs.yml", "inherits from itself"),
        ("INHERIT: ../b/mkdocs.yml", "INHERIT: ../b/../c.yml", "where no file is"),
        ("INHERIT: ../b/mkdocs.yml", "docs_dir: [", "b/mkdocs.yml: cannot be read"),
    ],
)
def test_a_parent_that_is_none_is_one_line(tmp_path: Path, first: str, second: str, words: str) -> None:
    """Missing, no path, in a circle, broken."""
    with pytest.raises(ConfigError) as caught:
        read_mkdocs(parents(tmp_path, a=first, b=second), tmp_path / "a")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", True),
        ("docs_dir: a/b\nsite_dir: a/c", True),
        ("docs_dir: docs\nsite_dir: docs2", True),
        ("docs_dir: ../docs", True),
        ("docs_dir: .", False),
        ("docs_dir: docs/..", False),
        ("docs_dir: ..", False),
        ("docs_dir: link", False),
        ("docs_dir: site", False),
        ("site_dir: docs", False),
        ("docs_dir: site/docs", False),
        ("site_dir: docs/site", False),
    ],
)
def test_the_docs_folder_is_one_of_its_own(tmp_path: Path, text: str, fits: bool) -> None:
    """Neither the project's folder, by whatever path, nor the site's, as MkDocs has it."""
    home = tmp_path / "home"
    (home / "docs").mkdir(parents=True)
    (home / "link").symlink_to(home)
    (home / "mkdocs.yml").write_text(text)
    site = read_mkdocs(home / "mkdocs.yml", home)
    with contextlib.nullcontext() if fits else pytest.raises(ConfigError, match=r"mkdocs.yml: .*'docs_dir'"):
        require_own_folder(site, home)
