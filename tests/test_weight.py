"""What a run adds to docs folder and site: hosts of static pages count bytes, and an archive has thousands of runs."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from support.many_runs import write_many
from support.weights import total, weights

RUNS, ROWS = 60, 200
LIMITS = {
    "runs/*/index.md": 25.0,
    "runs/*/run.json": 8.7,
    "runs/*/metrics.csv.gz": 6.1,
    "runs/*/data.js": 4.6,
    "runs/*/facts.js": 1.75,
    "seeds/*/index.md": 1.7,
    "seeds/*/data.js": 0.5,
    "lineages/*/index.md": 0.9,
    "lineages/*/data.js": 0.32,
    "games/*/index.md": 1.4,
    "games/*/data.js": 0.75,
}
"""kB a run; a tenth more than is measured."""
FEW = ("assets", ".runsum", "search")
"""What every site has once, however many runs there are."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Counter[str], Counter[str]]]:
    """The weights of the docs folder and of the site of many runs."""
    work = tmp_path_factory.mktemp("weight")
    as_of = write_many(work / "ml_experiments.db", RUNS, ROWS)
    for command in (["runsum", "init"], ["runsum", "build", "--as-of", as_of], ["mkdocs", "build", "-q"]):
        subprocess.run([sys.executable, "-m", *command], cwd=work, check=True, capture_output=True, timeout=300)
    yield weights(work / "docs"), weights(work / "site")


@pytest.mark.parametrize("kind", LIMITS)
def test_a_file_of_each_kind_is_small(made: tuple[Counter[str], Counter[str]], kind: str) -> None:
    """None of the kinds has grown by more than a tenth."""
    assert 0 < made[0][kind] / RUNS / 1000 <= LIMITS[kind]


def test_a_run_weighs_little(made: tuple[Counter[str], Counter[str]]) -> None:
    """Everything that grows with the runs, whichever page it is on."""
    docs, site = made
    assert total(docs, FEW) / RUNS / 1000 <= 56
    assert total(site, FEW) / RUNS / 1000 <= 82
