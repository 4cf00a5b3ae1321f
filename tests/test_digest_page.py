"""The digest pages: what they say of literal runs and of a database, how large they get, and old configurations."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from runsum.formatting import day
from runsum.model import DataQuality, RunDigest, State, note
from runsum.pages import months as pages
from runsum.pages.contract import Page
from runsum.render import Renderer
from runsum.resources import starter_mkdocs, template_folder
from support.cli import build
from support.months import archive, legs, run
from support.rows import Clock, add_run, climb, store, table_rows
from support.schema import database

RENDERER = Renderer(template_folder())


def rendered(*runs: RunDigest) -> dict[str, str]:
    """The pages by path."""
    made = [page for page in pages.make_pages(archive(*runs)) if isinstance(page, Page)]
    return {page.path: RENDERER.page(page.template, page.context) for page in made}


def plain(markdown: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", markdown)).split())


def cells(row: str) -> list[str]:
    return [plain(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]


def section(page: str, title: str) -> str:
    """What stands below a heading, up to the next one."""
    found = re.search(rf"^##+ {title}(?: \{{[^}}]*\}})?$(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL)
    assert found is not None, f"no section {title}"
    return found.group(1)


def table(page: str, title: str) -> list[list[str]]:
    return [cells(row) for row in re.findall(r"<tr><td>.*?</tr>", section(page, title))]


def test_a_month_in_words_and_tables() -> None:
    """The sentence, the lists with their values, and nothing about what did not happen."""
    reason = note("error.log", kind="out of memory", line="CUDA out of memory")
    made = rendered(
        run("a", "2025-10-02T00:00:00", best=5.0),
        run("b", "2025-10-03T00:00:00", best=7.5, begun="2025-09-30T23:00:00"),
        run("c", "2025-10-04T00:00:00", state=State.FAILED, hours=None, reason=reason),
        run("d", "2025-10-05T00:00:00", state=State.FAILED, game=None),
    )
    page = made["digest/2025-10/index.md"]
    assert "3 runs began, 2 finished, 2 failed: 3 h of training, 4,000 timesteps. " in plain(page)
    assert "The training time of 1 run is not recorded." in plain(page)
    assert table(page, "Finished") == [
        ["b name of b", "Pong", "PPO", "completed", "3 Oct 2025, 00:00", "100.0 %", "7.5", "go"],
        ["a name of a", "Pong", "PPO", "completed", "2 Oct 2025, 00:00", "100.0 %", "5", "go"],
    ]
    assert table(page, "New best of its game") == [["Pong", "5 → 7.5", "b name of b", "PPO", "a name of a"]]
    assert table(page, "First result of its game") == [["Pong", "5", "a name of a", "PPO"]]
    assert table(page, "Failed") == [
        ["d name of d", "not recorded", "unknown", "PPO", "5 Oct 2025, 00:00", "100.0 %"],
        ["c name of c", "From the log (out of memory): CUDA out of memory", "Pong", "PPO", "4 Oct 2025, 00:00",
         "100.0 %"],
    ]  # fmt: skip
    assert "Got worse" not in page
    assert "Still open" not in page
    assert plain(section(made["digest/index.md"], "September 2025")) == "1 run began; none ended here."


def test_a_failed_run_without_a_row_says_so() -> None:
    """As home does: what is known of the failure, if only that nothing arrived."""
    silent = replace(run("a", "2025-10-02T00:00:00", state=State.FAILED), quality=DataQuality())
    (row,) = table(rendered(silent)["digest/2025-10/index.md"], "Failed")
    assert row[1] == "no metric rows arrived"


def test_steps_that_nobody_recorded_are_not_nought() -> None:
    """Neither in the sentence of a month nor in its line."""
    silent = replace(run("a", "2025-10-02T00:00:00", hours=None), current_timestep=None)
    page = rendered(silent)["digest/index.md"]
    assert "1 run began, 1 finished: no recorded timesteps. The training time of 1 run is not recorded." in plain(page)
    (line,) = re.findall(r"<tr><td><a href=\"\d{4}-.*?</tr>", page)
    assert cells(line)[-2:] == ["not recorded", "not recorded"]


def test_the_table_of_months_counts_what_the_months_list() -> None:
    """One line a month, newest first, linked to the page of the month."""
    page = rendered(
        *legs(5.0),
        run("c", None, state=State.STALE, active="2025-11-03T00:00:00", begun="2025-11-02T00:00:00"),
        run("d", "2025-11-04T00:00:00", state=State.FAILED, hours=None, begun="2025-11-02T00:00:00"),
        run("e", "2025-11-05T00:00:00", state=State.STOPPED, hours=2.5, best=30.0, begun="2025-11-02T00:00:00"),
    )["digest/index.md"]
    lines = re.findall(r'<tr><td><a href="(\d{4}-\d\d)/index.html">.*?</tr>', page)
    rows = [cells(row) for row in re.findall(r"<tr><td><a href=\"\d{4}-.*?</tr>", page)]
    assert lines == ["2025-11", "2025-10"]
    assert rows == [
        ["November 2025", "3", "0", "1", "1", "1", "1", "0", "3 h 30 min from 2 runs", "3,000"],
        ["October 2025", "2", "2", "0", "0", "0", "0", "1", "2 h", "2,000"],
    ]
    assert "3 runs began, 1 stopped, 1 failed, 1 still open: 3 h 30 min of training" in plain(page)
    assert [row[3] for row in table(page, "Finished or stopped")] == ["stopped"]
    assert table(page, "Got worse") == [
        ["b name of b", "ended at a level of 5, its parent a at 20", "Pong", "PPO", "completed"]]  # fmt: skip


def test_runs_without_a_date_are_the_last_section() -> None:
    """They are named, and an archive of nothing else says that it has no month."""
    page = rendered(run("a", None, begun=None), run("b", "2025-10-02T00:00:00"))["digest/index.md"]
    assert table(page, "Without a date") == [["a name of a", "Pong", "PPO", "completed", "100.0 %", "not recorded"]]
    assert page.rindex("\n## ") == page.index("\n## Without a date")
    assert "No run of this archive has a date." in rendered(run("a", None, begun=None))["digest/index.md"]


def test_ten_thousand_runs_give_small_pages() -> None:
    """36 months: one overview with three of them in full and cut, and a page a month; what is cut is counted."""
    runs = []
    for place in range(10_000):
        name = f"{2023 + place % 36 // 12}-{place % 12 + 1:02d}"
        state = State.FAILED if place % 7 == 0 else State.COMPLETED
        end = f"{name}-{place % 28 + 1:02d}T10:00:00"
        runs.append(run(f"run-{place:08x}", end, state=state, best=float(place), game=f"Game {place % 160}"))
    made = rendered(*runs)
    overview = made["digest/index.md"]
    assert len(made) == 36 + 1
    assert len(overview.encode()) < 150_000
    assert max(len(page.encode()) for page in made.values()) < 300_000
    assert len(re.findall(r'<tr><td><a href="\d{4}-\d\d/', overview)) == 36
    headings = re.findall(r"^## ([^{]*?)(?: \{.*\})?$", overview, re.MULTILINE)
    assert headings == ["December 2025", "November 2025", "October 2025"]
    counted = cells(re.findall(r'<tr><td><a href="2025-12/.*?</tr>', overview)[0])
    assert sum(map(int, counted[2:5])) == 10_000 // 36
    more = [int(n) for n in re.findall(r"^(\d+) more (?:is|are) on", overview, re.MULTILINE)]
    assert len(more) >= 3
    assert int(counted[2]) == 20 + more[0]


def test_a_list_that_is_cut_leads_to_the_rest() -> None:
    """On the overview to the page of the month, from there to the table of all runs."""
    made = rendered(*(run(f"run-{n:04x}", "2025-10-02T00:00:00", best=float(n)) for n in range(250)))
    overview, page = made["digest/index.md"], made["digest/2025-10/index.md"]
    assert len(table(overview, "Finished")) == 20
    assert "230 more are on [the page of this month](2025-10/index.md)." in section(overview, "Finished")
    assert len(table(page, "Finished")) == 200
    assert "50 more are in [the table of all runs](../../runs/index.md)." in section(page, "Finished")


def test_months_lead_to_their_neighbours() -> None:
    """Older to the left, newer to the right, and none beyond the ends."""
    made = rendered(*(run(m, f"2025-{m}-02T00:00:00", begun=f"2025-{m}-01T00:00:00") for m in ("01", "03", "06")))
    links = {path: re.findall(r"\[(.*?)\]\((.*?)\)", page) for path, page in made.items()}
    home = ("all months", "../index.md")
    assert links["digest/2025-06/index.md"] == [("← March 2025", "../2025-03/index.md"), home]
    assert links["digest/2025-03/index.md"] == [
        ("← January 2025", "../2025-01/index.md"), home, ("June 2025 →", "../2025-06/index.md")]  # fmt: skip
    assert links["digest/2025-01/index.md"] == [home, ("March 2025 →", "../2025-03/index.md")]


@pytest.mark.parametrize("number", range(1, 13))
def test_every_month_has_a_name(number: int) -> None:
    """January to December, as the day of a date spells it in short."""
    name = RENDERER.words(pages.month_name(f"2025-{number:02d}"))
    assert re.fullmatch(r"[A-Z][a-z]+ 2025", name)
    assert name[:3] == day(f"2025-{number:02d}-01").split()[1]


# ---------------------------------------------------------------- from a database


def write(path: Path) -> None:
    """A run, a leg far below it, a failure that the stale guard noticed a month later, and one left open."""
    with database(path) as con:
        add_run(con, "run-00000001", {"total_timesteps": 409_600}, end_time=Clock().iso(900))
        store(con, table_rows("run-00000001", range(1, 101), target=409_600))
        leg = {"parent_run_id": "run-00000001", "base_run_id": "run-00000001", "leg_number": 2}
        later = Clock(Clock().local(1000))
        add_run(
            con, "run-00000002", {"total_timesteps": 409_600}, start_time=later.iso(0), end_time=later.iso(900), **leg
        )
        store(
            con, table_rows("run-00000002", range(1, 101), clock=later, target=409_600, reward=lambda s: climb(s) / 2)
        )
        guard = "Auto-failed by stale-run-guard: pid_missing, last_activity>30m (2025-12-22T10:15:00)"
        add_run(con, "run-00000003", status="failed", end_time="2026-01-02T09:00:00", status_note=guard)
        store(con, table_rows("run-00000003", range(1, 51)))
        add_run(con, "run-00000004", status="running", process_paused=1, updated_at=Clock().iso(100))


def test_the_digest_of_a_database(work: Path) -> None:
    """Every value is that of the rows."""
    write(work / "ml_experiments.db")
    build(as_of="2026-02-01T12:00:00")
    docs = work / "docs"
    assert not (docs / "digest" / "2026-01").exists()  # nothing happened then but that a guard looked
    december = (docs / "digest" / "2025-12" / "index.md").read_text()
    assert table(december, "Failed") == [
        [
            "run-00000003 ppo-Breakout-v5",
            "No error text; the stale guard gave up on it.",
            "Breakout",
            "PPO",
            "last activity 22 Dec 2025, 10:15",
            "25.3 %",
        ]
    ]
    assert "4 runs began, 2 finished, 1 failed, 1 still open: 38 min of training, 1.02 M timesteps." in plain(december)
    assert [row[0].split()[0] for row in table(december, "Still open")] == ["run-00000004"]
    assert table(december, "First result of its game") == [["Breakout", "6.25", "run-00000001 ppo-Breakout-v5", "PPO"]]
    assert table(december, "Got worse") == [
        ["run-00000002 ppo-Breakout-v5", "ended at a level of 3, its parent run-00000001 at 6", "Breakout", "PPO",
         "completed"],
    ]  # fmt: skip
    home = (docs / "index.md").read_text()
    assert 'href="digest/index.html"' in home
    assert 'href="feed.xml"' in home


def test_a_configuration_of_before_still_builds(work: Path) -> None:
    """A mkdocs.yml that knows nothing of the digest: `mkdocs build --strict` has nothing against it."""
    write(work / "ml_experiments.db")
    old = "".join(line for line in starter_mkdocs().read_text().splitlines(True) if "digest/" not in line)
    assert old != starter_mkdocs().read_text()
    (work / "mkdocs.yml").write_text(old)
    build()
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (work / "site" / "digest" / "2025-12" / "index.html").is_file()
