"""Compiled chart specs are kept for the next build, and believed only when they are whole and fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runsum import workers
from runsum.workers import ChartsWorker, KeptCharts

SCRIPT = b"window.runsumSpecs={};\n\x00"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the specs of this test are kept, with some in it."""
    monkeypatch.setattr(workers, "user_cache_path", lambda name: tmp_path / name)
    KeptCharts().write(SCRIPT)
    return tmp_path / "runsum" / "charts.js"


def test_the_next_build_takes_them(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compiled again, and nothing else lies beside them."""
    monkeypatch.setattr(workers, "_compiler", lambda: pytest.fail("compiled again"))
    with ChartsWorker() as worker:
        assert worker.result() == SCRIPT
    assert [path.name for path in file.parent.iterdir()] == ["charts.js"]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda data: data[:-1],
    "longer": lambda data: data + b" ",
    "another script": lambda data: data.replace(b"window", b"winnow"),
    "of other code": lambda data: b"0" * 64 + data[64:],
    "empty": lambda data: b"",
    "one line": lambda data: b"window",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_is_damaged_is_not_believed(file: Path, damage: Callable[[bytes], bytes]) -> None:
    """And is replaced by what is compiled."""
    file.write_bytes(damage(file.read_bytes()))
    assert KeptCharts().read() is None
    KeptCharts().write(SCRIPT)
    assert KeptCharts().read() == SCRIPT


def test_new_compilers_compile_anew(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key holds their versions, beside the code."""
    monkeypatch.setattr(workers, "installed", lambda: ["altair-999.dist-info"])
    assert KeptCharts().read() is None


def test_nothing_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build does not fail for it."""
    (tmp_path / "runsum").write_text("a file in the way", encoding="utf-8")
    monkeypatch.setattr(workers, "user_cache_path", lambda name: tmp_path / name)
    KeptCharts().write(SCRIPT)
    assert KeptCharts().read() is None


def test_kept_and_compiled_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first build compiles and keeps, the second has the same bytes."""
    monkeypatch.setattr(workers, "user_cache_path", lambda name: tmp_path / name)
    with ChartsWorker() as worker:
        compiled = worker.result()
    assert compiled.startswith(b"window.runsumCharts")
    assert KeptCharts().read() == compiled
