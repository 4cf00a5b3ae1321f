"""From `pip install` to the page: a training of CartPole, recorded with two lines, and what its page says of it."""
# ruff: noqa: E402 (what is imported must be looked for first)

from __future__ import annotations

from support.training import need_sb3, read_csv

need_sb3()

import csv
import gzip
import html
import json
import math
import os
import re
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
TRAIN = """
from stable_baselines3 import PPO
from stable_baselines3.common.logger import configure
from runsum.record import RunRecorder

model = PPO("MlpPolicy", "CartPole-v1", n_steps=256, n_epochs=4, seed=1, device="cpu")
model.set_logger(configure("sb3", ["csv"]))
with RunRecorder("ml_experiments.db") as recorder:
    model.learn(10_000, callback=recorder)
"""
LOGGED = {
    "timestep": "time/total_timesteps",
    "episode_reward_mean": "rollout/ep_rew_mean",
    "episode_length_mean": "rollout/ep_len_mean",
    "fps": "time/fps",
    "policy_loss": "train/policy_gradient_loss",
    "value_loss": "train/value_loss",
    "entropy_loss": "train/entropy_loss",
    "total_loss": "train/loss",
    "explained_variance": "train/explained_variance",
    "kl_divergence": "train/approx_kl",
    "clip_fraction": "train/clip_fraction",
    "learning_rate": "train/learning_rate",
}
"""Column of metrics.csv.gz: what SB3 calls it."""


def run(*words: str | Path, cwd: Path) -> str:
    """The output of a command that must succeed, freed of everything that could point it at the checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment, into which the wheel was installed with the extra.

    PyTorch and the others are lent by this environment, so that nothing is fetched twice; pip must find in the wheel
    what the extra needs, and find it there.
    """
    folder = tmp_path_factory.mktemp("fresh")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    python = folder / "venv" / SCRIPTS / "python"
    run(python, "-m", "pip", "uninstall", "-y", "-q", "setuptools", cwd=folder)  # Python 3.11 brings an old one
    run(python, "-m", "pip", "install", "--no-index", "--no-deps", wheel, cwd=folder)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder))
    lent = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    (site / "lent.pth").write_text("\n".join(sorted(lent)), encoding="utf-8")  # .pth files in there are not followed
    said = run(python, "-m", "pip", "install", "--no-index", "runsum[sb3]", cwd=folder)
    assert re.search(r"Requirement already satisfied: stable-baselines3>=2\.\d+ .*runsum\[sb3\]", said), said
    assert "does not provide the extra" not in said
    place = run(python, "-c", "import runsum.record; print(runsum.record.RunRecorder.__module__, runsum.__file__)",
                cwd=folder)  # fmt: skip
    assert Path(place.split(maxsplit=1)[1]).resolve().is_relative_to(site.resolve()), "that is the checkout"
    return python.parent


@dataclass(frozen=True)
class Published:
    """A training as SB3 logged it, and as runsum shows it."""

    logged: list[dict[str, float]]
    document: dict[str, Any]
    metrics: list[dict[str, str]]
    page: str
    said: str


@pytest.fixture(scope="module")
def published(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Train, and build the archive, in a folder that holds nothing else."""
    folder = tmp_path_factory.mktemp("mine")
    (folder / "train.py").write_text(TRAIN)
    run(installed / "python", "train.py", cwd=folder)
    said = run(installed / "runsum", "build", "--json", cwd=folder)
    (of_run,) = (folder / "docs" / "runs").glob("run-*")
    with gzip.open(of_run / "metrics.csv.gz", "rt", newline="") as file:
        metrics = list(csv.DictReader(file))
    return Published(
        read_csv(folder / "sb3"), json.loads((of_run / "run.json").read_text()), metrics,
        (of_run / "index.md").read_text(), said,
    )  # fmt: skip


def field(page: str, name: str) -> str:
    """What the page says in a field, as a reader sees it."""
    match = re.search(rf'data-field="{name}"[^>]*>(.*?)(?: <small>|</dd>|</span>)', page)
    assert match is not None, name
    return html.unescape(match.group(1))


def column(logged: list[dict[str, float]], name: str) -> np.ndarray:
    return np.array([line[name] for line in logged if name in line])


def test_every_row_is_published_as_sb3_logged_it(published: Published) -> None:
    """metrics.csv.gz against progress.csv, at full precision, row by row and column by column."""
    assert len(published.metrics) == len(published.logged) == 40
    for row, line in zip(published.metrics, published.logged, strict=True):
        for name, wanted in LOGGED.items():
            told = line.get(wanted, math.nan)
            if math.isnan(told):
                assert row[name] == "", (name, line)
            else:  # SB3 has some as single-precision numbers and prints those shorter
                assert float(row[name]) in (told, float(np.float32(told))), (name, line)


def test_the_summary_is_computed_from_what_sb3_logged(published: Published) -> None:
    """Best, last, steps, speed and KL: from SB3's own file, computed here once more."""
    summary, rewards = published.document["summary"], column(published.logged, "rollout/ep_rew_mean")
    steps = int(column(published.logged, "time/total_timesteps")[-1])
    assert steps == 10_240
    wanted = {"best_reward": rewards.max(), "final_reward": rewards[-1], "current_timestep": steps,
              "total_timesteps": 10_000, "progress_pct": steps / 100, "algorithm": "PPO", "game": "CartPole-v1",
              "n_steps": 256, "seed": 1, "status": "completed", "log_path": "sb3/progress.csv"}  # fmt: skip
    assert {name: summary[name] for name in wanted} == wanted
    median = float(np.median(column(published.logged, "train/approx_kl")))
    assert summary["kl_note"].startswith(f"Median {median:.3g}")
    assert 0 < summary["cpu_avg"] <= summary["cpu_max"]
    assert (json.loads(published.said)["problems"], published.document["problems"]) == ({}, [])


def test_the_page_says_the_same(published: Published) -> None:
    """The text that a person reads, with its four digits."""
    rewards = column(published.logged, "rollout/ep_rew_mean")
    assert field(published.page, "best_reward") == f"{rewards.max():.4g}"
    assert field(published.page, "final_reward") == f"{rewards[-1]:.4g}"
    assert re.search(r'data-field="current_timestep" title="10,240">10\.2.k<', published.page)
    assert re.search(r'data-field="total_timesteps" title="10,000">10\.0.k<', published.page)
    median = float(np.median(column(published.logged, "train/approx_kl")))
    assert field(published.page, "kl_note").startswith(f"Median {median:.3g}")
    assert field(published.page, "error_summary_if_failed") == "None: the run did not fail."
    (headline,) = re.findall(r'<p class="rs-headline"[^>]*>(.*?)</p>', published.page)
    assert {"10.2", f"{rewards.max():.4g}", f"{rewards[-1]:.4g}"} <= set(re.findall(r"\d+(?:\.\d+)?", headline)), (
        headline
    )
