"""What holds of every database of the right tables, whatever is in it; hypothesis makes up the databases.

`RUNSUM_HYPOTHESIS=hunt pytest -n 0 tests/test_property_databases.py` looks for a quarter of an hour instead of a
minute, at others each time, and remembers what it found; `long` looks for a day.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

import markdown
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

import runsum.build
from runsum.build import BuildReport, build_archive
from runsum.clock import AsOf
from runsum.config import DatabasePath, MkdocsFacts, Settings
from runsum.errors import RunsumError
from runsum.workers import ChartsWorker
from support.arbitrary import Contents, Edit, PlannedRun, contents, edits, planned_runs
from support.arbitrary_values import MARK, TAKEN
from support.command import build, documents, fingerprints
from support.expect import AS_OF

NOW = AsOf(datetime.fromisoformat(AS_OF).replace(tzinfo=UTC).timestamp(), local=True)

_EXAMPLES = {"ci": 1, "hunt": 20, "long": 2_000}
PROFILE = os.environ.get("RUNSUM_HYPOTHESIS", "ci")
MORE = _EXAMPLES[PROFILE]


def examined(number: int) -> settings:
    """How many databases a property is tried on; under CI the same ones every time."""
    return settings(
        max_examples=number * MORE,
        deadline=None,
        derandomize=PROFILE == "ci",
        database=None if PROFILE == "ci" else settings.default.database,  # type: ignore[union-attr]
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        print_blob=True,
    )


# ---------------------------------------------------------------- building


@cache
def chart_specs() -> bytes:
    """The compiled chart specs: the same for every archive, so they are compiled once and not per example."""
    with ChartsWorker() as worker:
        return worker.result()


class CompiledCharts(ChartsWorker):
    """A worker that is done already."""

    def __enter__(self) -> CompiledCharts:
        return self

    def result(self) -> bytes:
        return chart_specs()

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def charts_are_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runsum.build, "ChartsWorker", CompiledCharts)


@contextmanager
def written(*held: Contents) -> Iterator[list[Path]]:
    """The files of databases, in a folder of their own."""
    with TemporaryDirectory(prefix="runsum-property-") as folder:
        paths = [Path(folder, f"data{number}.db") for number in range(len(held))]
        for path, one in zip(paths, held, strict=True):
            one.write(path)
        yield paths


def build_docs(*databases: Path) -> BuildReport | RunsumError:
    """Build the docs folder beside databases; an error that was meant for the user comes back as it is."""
    folder = databases[0].parent
    site = MkdocsFacts(folder / "docs", folder / "site", "", "Training runs")
    try:
        return build_archive([DatabasePath(path) for path in databases], Settings(folder), site, NOW, lambda *_: None)
    except RunsumError as error:
        return error


def is_one_clear_line(error: RunsumError, database: Path) -> bool:
    """Whether an error names the file and the next step, on one line."""
    said = str(error)
    return str(database) in said and len(said.splitlines()) == 1 and re.search(r"\. [A-Z][^.]{10,}", said) is not None


def recorded_ids(database: Path) -> tuple[Counter[str], int]:
    """Every id of a run, as text can be read, and how many rows have none."""
    with closing(sqlite3.connect(database)) as con:
        con.text_factory = lambda raw: raw.decode("utf-8", "replace")
        found = [run_id for (run_id,) in con.execute("SELECT run_id FROM experiment_runs")]
    ids = [str(run_id) for run_id in found if not isinstance(run_id, bytes | None) and str(run_id).strip()]
    return Counter(ids), len(found) - len(ids)


# ---------------------------------------------------------------- looking


class Planted(HTMLParser):
    """Looks for planted text that became more than text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style")
        if MARK in tag or tag == "onx":
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if MARK in name or name.startswith("on"):
                self.found.append(f"<{tag} {name}>")
            if name in ("href", "src", "action", "data", "poster") and _is_strange(value or ""):
                self.found.append(f"<{tag} {name}={value!r}>")
            if name == "class" and MARK in (value or ""):
                self.found.append(f"<{tag} class={value!r}>")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")

    def handle_comment(self, data: str) -> None:
        if MARK in data:
            self.found.append(f"<!--{data[:60]}-->")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)


def _is_strange(address: str) -> bool:
    """Whether an address has a scheme that nobody but a database can have given it."""
    scheme = address.strip().partition(":")[0].lower()
    return ":" in address and (scheme == "javascript" or MARK in scheme or (MARK in address and "/" not in scheme))


def planted_in(html: str) -> list[str]:
    """Everything planted that works in a page."""
    looked = Planted()
    looked.feed(html)
    looked.close()
    return looked.found + re.findall(f"(?:{TAKEN}).{{0,20}}", "\n".join(looked.words))


def as_mkdocs_reads(page: Path) -> str:
    """The HTML of a page's Markdown, with the extensions that MkDocs and the starter's mkdocs.yml turn on."""
    text = re.sub(r"\A---\n.*?\n---\n", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return markdown.markdown(text, extensions=["toc", "tables", "fenced_code", "attr_list"])


def published(folder: Path) -> Iterator[tuple[str, str]]:
    """The name and the text of every file, unpacked."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            data = file.read_bytes()
            data = gzip.decompress(data) if file.suffix == ".gz" else data
            yield file.relative_to(folder).as_posix(), data.decode("utf-8", "replace")


# ---------------------------------------------------------------- properties


@examined(32)
@example(held=Contents((PlannedRun(rows=30, reward="wild"), PlannedRun(rows=30, reward="tiny"))))
@given(held=contents())
def test_every_database_becomes_an_archive(held: Contents) -> None:
    """Every run has its page, no surprise is hidden, nothing planted works, and a second build changes no byte."""
    with written(held) as (database,):
        report = build_docs(database)
        if isinstance(report, RunsumError):
            assert is_one_clear_line(report, database), report
            return
        docs = database.parent / "docs"
        shown = documents(database.parent)
        recorded, without = recorded_ids(database)
        assert set(shown) == set(recorded)
        assert report.runs == len(shown)
        assert (report.problems.get("repeated_run_ids", 0) > 0) == (recorded.total() > len(recorded))
        assert (report.problems.get("runs_without_id", 0) > 0) == (without > 0)
        assert "digest_failed" not in report.problems, [run["problems"] for run in shown.values()]
        for page in sorted(docs.rglob("*.md")):
            assert planted_in(as_mkdocs_reads(page)) == [], page.relative_to(docs)

        before = fingerprints(docs)
        again = build_docs(database)
        assert isinstance(again, BuildReport)
        assert (again.written, again.removed, again.kept) == (0, 0, [])
        assert fingerprints(docs) == before


@examined(6)
@given(held=st.lists(contents(least=1), min_size=2, max_size=4))
def test_several_databases_become_one_archive(held: list[Contents]) -> None:
    """Runs of equal id in several files keep a page each."""
    with written(*held) as databases:
        report = build_docs(*databases)
        if isinstance(report, RunsumError):
            assert any(is_one_clear_line(report, database) for database in databases), report
            return
        expected = sum((Counter(set(recorded_ids(database)[0])) for database in databases), Counter[str]())
        files = (database_file.read_text("utf-8") for database_file in databases[0].parent.glob("docs/runs/*/run.json"))
        assert Counter(json.loads(text)["run_id"] for text in files) == expected


@pytest.mark.slow
@examined(2)
@given(held=st.lists(contents(least=1, most=3), min_size=3, max_size=4))
def test_mkdocs_has_nothing_to_warn_about(held: list[Contents]) -> None:
    """The strict build ends with 0, and no page, script or index of the site lets planted text work."""
    with written(*held) as databases:
        finished = build(databases[0], databases[0].parent, *(f"--db={database}" for database in databases[1:]))
        if finished.returncode == 2:
            assert len(finished.stderr.strip().splitlines()) == 1, finished.stderr
            return
        assert finished.returncode == 0, finished.stderr
        site = build_site(databases[0].parent)
        for page in sorted(site.rglob("*.html")):
            assert planted_in(page.read_text(encoding="utf-8")) == [], page.relative_to(site)


def build_site(work: Path) -> Path:
    """What MkDocs makes of a docs folder, in strict mode and without a word."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q"],
        cwd=work,
        env=os.environ | {"PYTHONUTF8": "1", "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert not [line for line in said.splitlines() if line.startswith(("WARNING", "ERROR"))], said
    return work / "site"


# ---------------------------------------------------------------- secrets


def token() -> tuple[str, str]:
    """A key in the form of GitHub's, and the piece of it by which it is found; put together here, never in a file."""
    body = hashlib.sha256(b"a key that opens nothing").hexdigest()[:36]
    return "ghp" + "_" + body, body[:16]


CARRIERS = (
    "{}",
    "token={}",
    "see https://ada:{}@example.org/x.git",
    "https://example.org/?access_token={}&x=1",
    "first line\nexport GITHUB_TOKEN='{}'\nlast line",
    "a" * 150 + " {}",  # where a shortened text ends
    '{{"api_key": "{}", "learning_rate": 0.1}}',
    '{{"env": {{"list": ["x", {{"note": "use {} here"}}]}}}}',
    '["tag", "{}"]',
    '{{"{}": 1}}',
    "Training ppo on {} for 1,000 timesteps",
    "ALE/{}-v5",
    "video_{}_1",
    "C:\\models\\{}\\latest.zip",
    "{}.zip",
)
"""Texts that a secret may stand in."""


def secret_edits() -> st.SearchStrategy[Edit]:
    """The secret somewhere in a cell, or in a whole column."""
    carried = st.sampled_from([carrier.format(token()[0]) for carrier in CARRIERS])
    return st.builds(lambda edit, value: Edit(edit.table, edit.column, edit.row, value), edits(), carried)


@st.composite
def with_secrets(draw: st.DrawFn) -> Contents:
    """A plausible database with a secret in many places."""
    every = frozenset({"experiment", "annotation", "artifact", "video job", "segment"})
    runs = draw(st.lists(planned_runs(), min_size=1, max_size=3))
    runs = [
        PlannedRun(**{name: getattr(run, name) for name in run.__dataclass_fields__} | {"extras": every})
        for run in runs
    ]
    return Contents(tuple(runs), tuple(draw(st.lists(secret_edits(), min_size=6, max_size=40))))


@examined(12)
@given(held=with_secrets())
def test_no_planted_secret_is_published(held: Contents) -> None:
    """Wherever it stands in the database, no byte of the docs folder has it; not packed, not in a name, not in part."""
    needle = token()[1]
    with written(held) as (database,):
        report = build_docs(database)
        assert isinstance(report, BuildReport), report
        for name, text in published(database.parent / "docs"):
            assert needle not in name, name
            place = text.lower().find(needle)
            assert place < 0, f"{name}: …{text[max(0, place - 80) : place + 60]}…"


@pytest.mark.slow
@examined(1)
@given(held=with_secrets())
def test_no_planted_secret_is_in_the_site(held: Contents) -> None:
    """Nor has any page, search index or script that MkDocs makes of it."""
    with written(held) as (database,):
        assert build(database, database.parent).returncode == 0
        for name, text in published(build_site(database.parent)):
            assert token()[1] not in name + text.lower(), name
