"""Compiled templates of an earlier build are believed only where they are whole."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from runsum.compiled import CompiledTemplates

TEXT = "{% for one in many %}{{ one }}, {% endfor %}"


def rendered(folder: Path) -> str:
    """What a template says in an environment that keeps its code in a folder."""
    made = jinja2.Environment(loader=jinja2.DictLoader({"a": TEXT}), bytecode_cache=CompiledTemplates(folder))
    return made.get_template("a").render(many=[1, 2])


def test_a_template_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next environment takes the code that is there."""
    assert rendered(tmp_path / "kept") == "1, 2, "
    assert len(list((tmp_path / "kept").iterdir())) == 1
    monkeypatch.setattr(jinja2.Environment, "compile", None)
    assert rendered(tmp_path / "kept") == "1, 2, "


def test_damage_is_noticed_wherever_it_is(tmp_path: Path) -> None:
    """Cut off anywhere, a bit turned anywhere, or of Jinja's own cache: compiled anew, and whole again."""
    rendered(tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    places = range(0, len(whole), 7)
    flipped = (whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :] for at in places)
    for damaged in (*(whole[:at] for at in places), *flipped, whole[16:]):
        file.write_bytes(damaged)
        assert rendered(tmp_path) == "1, 2, "
        assert file.read_bytes() == whole


def test_where_nothing_can_be_kept_it_is_compiled_each_time(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "kept").write_text("mine")
    assert rendered(tmp_path / "kept") == "1, 2, "
    assert (tmp_path / "kept").read_text() == "mine"


def test_what_cannot_be_kept_leaves_nothing(tmp_path: Path) -> None:
    """Or a full disk would be filled further by each build; here a folder stands in the place of the file."""
    rendered(tmp_path)
    (file,) = tmp_path.iterdir()
    file.unlink()
    file.mkdir()
    assert rendered(tmp_path) == "1, 2, "
    assert list(tmp_path.iterdir()) == [file]
