"""Saved models are published when their path is asked for, and never else."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command import documents, runsum
from support.expect import AS_OF
from support.project_files import MP4
from support.rows import add_run, store, table_rows
from support.schema import database

RUN = "run-5afe0001"
MODEL = f"models/checkpoints/{RUN}/latest.zip"
ZIP = b"PK\x03\x04" + bytes(60)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A run and its project root with a model and a file that is none."""
    with database(tmp_path / "ml_experiments.db") as con:
        add_run(con, RUN, {})
        store(con, table_rows(RUN, range(1, 30)))
    folder = tmp_path / "root" / "models" / "checkpoints" / RUN
    folder.mkdir(parents=True)
    (folder / "latest.zip").write_bytes(ZIP)
    (folder / "notes.zip").write_bytes(b"my passwords")
    (tmp_path / "outside.zip").write_bytes(ZIP)
    return tmp_path


def built(work: Path, *lines: str) -> tuple[dict, list[str]]:
    """run.json and the names of all zip files in docs."""
    (work / "runsum.yml").write_text("\n".join(("project_root: root", *lines)), encoding="utf-8")
    done = runsum("build", "--as-of", AS_OF, cwd=work)
    assert done.returncode == 0, done.stderr
    return documents(work)[RUN], sorted(file.name for file in (work / "docs").rglob("*.zip"))


def test_no_model_is_published_by_itself(work: Path) -> None:
    """The page names the checkpoint; the file stays where it is."""
    document, files = built(work)
    assert document["files"]["checkpoints"] > 0
    assert files == []


def test_a_video_keeps_its_type_when_its_name_is_redacted(work: Path) -> None:
    """The rule takes what stands behind the name, up to the end: a player would not know the rest."""
    video = work / "root" / "outputs" / RUN / "step_4096_token=Zq7kLm9PxR2vT4wYb8Nd.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(MP4)
    built(work)
    copied = [file.name for file in (work / "docs" / "runs" / RUN).glob("video-*")]
    assert [Path(name).suffix for name in copied] == [".mp4"]
    assert "Zq7k" not in copied[0]


def test_a_model_that_is_asked_for_lies_beside_the_page(work: Path) -> None:
    """Byte for byte, with a link to it."""
    document, files = built(work, f"publish_models: [{MODEL}]")
    assert files == ["model-1-latest.zip"]
    assert document["files"]["models"] == [{"file": "model-1-latest.zip", "path": MODEL, "size_mb": 0.0}]
    page = work / "docs" / "runs" / RUN
    assert (page / "model-1-latest.zip").read_bytes() == ZIP
    assert 'href="model-1-latest.zip"' in (page / "index.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "kind", "more"),
    [
        (f"models/checkpoints/{RUN}/gone.zip", "model_not_there", ""),
        (f"models/checkpoints/{RUN}/notes.zip", "model_no_zip", ""),
        (f"models/checkpoints/{RUN}/link.zip", "model_not_there", ""),
        (MODEL, "model_too_large", "thresholds: {max_model_mb: 0.00001}"),
    ],
)
def test_what_is_no_model_is_named_and_not_copied(work: Path, path: str, kind: str, more: str) -> None:
    """By content and size; a link out of the project root leads nowhere."""
    (work / "root" / "models" / "checkpoints" / RUN / "link.zip").symlink_to(work / "outside.zip")
    document, files = built(work, f"publish_models: [{path}]", more)
    assert files == []
    assert kind in [found["kind"] for found in document["problems"]]


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../outside.zip", f"models/../../{RUN}/x.zip", "latest.zip", "C:/x/y.zip"]
)
def test_a_path_that_leads_elsewhere_is_refused(work: Path, path: str) -> None:
    """With one line, before anything is read."""
    (work / "runsum.yml").write_text(f"project_root: root\npublish_models: ['{path}']\n", encoding="utf-8")
    done = runsum("build", cwd=work)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "publish_models" in done.stderr
