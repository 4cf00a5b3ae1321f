"""`runsum demo`: what it unpacks, builds, keeps and serves, and what the recorded archive promises."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runsum.demo import demo_files
from support.command import runsum

LARGEST_MB = 3.0
LARGEST_VIDEO_KB = 200


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo, unpacked and built."""
    folder = tmp_path_factory.mktemp("demo") / "runsum-demo"
    done = runsum("demo", "--no-serve", cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def runs(demo: Path) -> list[dict[str, object]]:
    """The rows of the recorded runs."""
    with closing(sqlite3.connect(demo / "ml_experiments.db")) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM experiment_runs")]


def config(run: dict[str, object]) -> dict[str, object]:
    return dict(json.loads(str(run["config_json"])))


def test_the_recorded_archive_is_as_rich_as_promised(runs: list[dict[str, object]]) -> None:
    """Thirty runs, five environments with an Atari game among them, three algorithms, seeds twice."""
    settings = [config(run) for run in runs]
    seeds = Counter((c["algorithm"], c["env_id"], c["learning_rate"], c["total_timesteps"]) for c in settings)
    assert len(runs) >= 30
    assert len({c["env_id"] for c in settings}) >= 5
    assert any(str(c["env_id"]).startswith("ALE/") for c in settings)
    assert any(str(c["env_id"]).startswith("LunarLander") for c in settings)
    assert {c["algorithm"] for c in settings} == {"ppo", "a2c", "dqn"}
    assert sum(count >= 3 for count in seeds.values()) >= 2


def test_the_recorded_archive_has_every_kind_of_ending(runs: list[dict[str, object]]) -> None:
    """Killed, failed with an exception, stopped by hand, ended early because it was solved."""
    notes = [str(run["status_note"]) for run in runs]
    assert Counter(run["status"] for run in runs)["running"] == 1
    assert any(run["status"] == "failed" and re.match(r"\w+Error: ", str(run["status_note"])) for run in runs)
    assert any(run["status"] == "stopped" and "by hand" in str(run["status_note"]) for run in runs)
    assert any("ended by a callback" in note for note in notes)


def test_the_recorded_archive_has_a_lineage_of_three_legs_and_a_fork(runs: list[dict[str, object]]) -> None:
    """Parents are in the file; one of them has two children."""
    ids = {run["run_id"] for run in runs}
    parents = Counter(run["parent_run_id"] for run in runs if run["parent_run_id"])
    assert set(parents) <= ids
    assert max(int(str(run["leg_number"])) for run in runs) >= 3
    assert max(parents.values()) >= 2


def test_the_recorder_filled_what_the_application_leaves_empty(demo: Path, runs: list[dict[str, object]]) -> None:
    """Columns of the runs and of their rows."""
    for column in ("git_commit", "python_version", "dependencies_json", "config_hash", "env_version", "end_timestep"):
        assert sum(run[column] is not None for run in runs) >= len(runs) - 1, column
    with closing(sqlite3.connect(demo / "ml_experiments.db")) as database:
        for column in ("episode_length_mean", "episode_reward_std", "kl_divergence", "clip_fraction", "total_loss",
                       "gradient_norm", "weight_norm"):  # fmt: skip
            (seen,) = database.execute(f"SELECT COUNT({column}) FROM training_metrics").fetchone()
            assert seen > 0, column
        (busy,) = database.execute("SELECT AVG(cpu_percent) FROM training_metrics").fetchone()
    assert busy > 1


def test_the_demo_is_small(demo: Path) -> None:
    """What the wheel carries, and its films."""
    import runsum.demo

    packed = Path(runsum.demo.__file__).with_name("recorded.zip")
    films = list((demo / "videos").glob("*"))
    assert packed.stat().st_size <= LARGEST_MB * 1e6
    assert len(films) >= 2
    assert all(film.stat().st_size <= LARGEST_VIDEO_KB * 1000 for film in films)


def test_the_pages_show_what_was_recorded(demo: Path, runs: list[dict[str, object]]) -> None:
    """A page per run, the films beside the pages, notes on them, and nothing odd in a healthy record."""
    pages = {path.parent.name for path in (demo / "docs" / "runs").glob("*/index.md")}
    assert len(pages) == len(runs)
    assert len(list((demo / "docs" / "runs").glob("*/*.mp4"))) >= 2
    problems = (demo / "docs" / "problems" / "index.md").read_text()
    assert "phantom" not in problems
    assert "contradict" not in problems
    noted = next((demo / "notes").glob("*.md"))
    text = (demo / "docs" / "runs" / noted.stem / "index.md").read_text()
    assert noted.read_text().split()[0] in text


def test_the_demo_is_the_same_whenever_it_is_unpacked(demo: Path, runs: list[dict[str, object]]) -> None:
    """The moment of unpacking stands nowhere: the file is as old as its last row."""
    written = datetime.fromtimestamp((demo / "ml_experiments.db").stat().st_mtime, UTC).isoformat()
    assert written[:16] == max(str(run["updated_at"]) for run in runs)[:16]


def test_mkdocs_takes_the_demo_strictly(demo: Path, tmp_path: Path) -> None:
    """No warning in it."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"],
        cwd=demo, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_second_demo_keeps_what_a_person_changed(demo: Path) -> None:
    """Settings of the first time stay, and nothing is written anew."""
    (demo / "runsum.yml").write_text((demo / "runsum.yml").read_text() + "# mine\n")
    done = runsum("demo", "--no-serve", cwd=demo.parent)
    assert done.returncode == 0
    assert "# mine" in (demo / "runsum.yml").read_text()


def test_another_database_is_never_touched(tmp_path: Path) -> None:
    """The demo refuses a folder with runs of its user."""
    (tmp_path / "ml_experiments.db").write_bytes(b"my own months of training")
    done = runsum("demo", tmp_path, "--no-serve", cwd=tmp_path)
    assert done.returncode == 2
    assert "ml_experiments.db is not the database of the demo" in done.stderr
    assert (tmp_path / "ml_experiments.db").read_bytes() == b"my own months of training"
    assert list(tmp_path.iterdir()) == [tmp_path / "ml_experiments.db"]


def test_a_folder_with_other_files_is_never_touched(tmp_path: Path) -> None:
    """Settings of another archive would be taken for those of the demo."""
    (tmp_path / "runsum.yml").write_text("databases: mine.db\n")
    done = runsum("demo", tmp_path, "--no-serve", cwd=tmp_path)
    assert done.returncode == 2
    assert "has other files in it" in done.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "runsum.yml"]


def test_the_page_of_a_solved_run_says_go(demo: Path, runs: list[dict[str, object]]) -> None:
    """It ended early because it was good enough, which is no lack of data."""
    solved = next(run for run in runs if "ended by a callback" in str(run["status_note"]))
    page = json.loads((demo / "docs" / "runs" / str(solved["run_id"]) / "run.json").read_text())
    assert page["summary"]["go_no_go"] == "go"


def test_speeds_are_steps_by_time(demo: Path) -> None:
    """Within a tenth, for every run of more than a minute."""
    checked = 0
    for file in (demo / "docs" / "runs").glob("*/run.json"):
        page = json.loads(file.read_text())["summary"]
        hours, speed = page["duration_h"], page["avg_fps"]
        if hours and hours > 1 / 60 and speed:
            with closing(sqlite3.connect(demo / "ml_experiments.db")) as database:
                (first, last) = database.execute(
                    "SELECT MIN(start_timestep), MAX(current_timestep) FROM experiment_runs WHERE run_id = ?",
                    (file.parent.name,),
                ).fetchone()
            assert speed == pytest.approx((last - first) / hours / 3600, rel=0.1), file.parent.name
            checked += 1
    assert checked > 10


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address that `runsum demo` prints."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "runsum", "demo"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield next(re.findall(r"http://\S+", line)[0] for line in process.stdout if "http://" in line)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_the_demo_is_served(served: str) -> None:
    """The home page answers under the address that was printed."""
    for _ in range(150):
        try:
            with urllib.request.urlopen(served, timeout=5) as answer:
                assert b"runsum demo" in answer.read()
            return
        except OSError:
            time.sleep(0.4)
    raise AssertionError(f"{served} does not answer")


def test_what_is_packed_is_only_what_the_demo_needs() -> None:
    """No model, no log, no path of the machine that recorded it."""
    files = demo_files()
    kinds = {name.rpartition(".")[2] for name in files}
    assert kinds == {"db", "mp4", "md", "yml"}
    assert b"/home/" not in files["ml_experiments.db"]
    assert b"/tmp/" not in files["ml_experiments.db"]
