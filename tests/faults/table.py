"""Try every fault and print what came of it as a Markdown table: `python tests/faults/table.py [WORDS]`.

With words, only the faults whose names hold one of them. Ends with 1 when any variant did not end as promised.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from faults import amounts, files, folders, large, relations, shapes, texts, values
from faults.model import (
    HEALTHY,
    Fault,
    RunFault,
    Tally,
    command,
    documents,
    healthy_run,
    judge_healthy,
    judge_page,
)
from support.schema import database

GROUPS = (values, texts, relations, amounts)
FAULTS: tuple[Fault, ...] = (*shapes.FAULTS, *files.FAULTS, *large.FAULTS, *folders.FAULTS)


def try_runs(faults: Sequence[RunFault], work: Path) -> dict[str, Tally]:
    """Every variant of every fault as a run of one database, built once."""
    placed: list[tuple[str, str, str, str]] = []
    with database(work / "runs.db") as con:
        for run_id in HEALTHY:
            healthy_run(con, run_id)
        for fault in faults:
            for name, make in fault.variants:
                run_id = f"run-fa{len(placed):06x}"
                placed.append((fault.name, name, str(make(con, run_id) or run_id), fault.says))
    done = command(work, "--db", work / "runs.db")
    found = documents(work) if done.returncode == 0 else {}
    tallies = {fault.name: Tally() for fault in faults}
    for fault_name, name, run_id, says in placed:
        tallies[fault_name].check(name, judge_page(found, run_id, says))
    first = tallies[faults[0].name]
    first.wrong += judge_healthy(found)
    complaint = done.stderr.removeprefix("wrote mkdocs.yml, a starter: change it as you like\n")
    if done.returncode != 0 or complaint:
        first.wrong.append(f"exit code {done.returncode}: {complaint[-500:]}")
    return tallies


def try_all(words: Sequence[str]) -> list[tuple[str, str, Tally]]:
    """(name, promise, what came of it) of every fault that is asked for."""

    def is_wanted(name: str) -> bool:
        return not words or any(word in name for word in words)

    done: list[tuple[str, str, Tally]] = []
    for group in GROUPS:
        faults = [fault for fault in group.FAULTS if is_wanted(fault.name)]
        if faults:
            with tempfile.TemporaryDirectory() as folder:
                tallies = try_runs(faults, Path(folder))
                done += [(fault.name, fault.promise, tallies[fault.name]) for fault in faults]
    for fault in FAULTS:
        if is_wanted(fault.name):
            with tempfile.TemporaryDirectory() as folder:
                done.append((fault.name, fault.promise, fault.attempt(Path(folder))))
    return done


def table(done: Sequence[tuple[str, str, Tally]]) -> str:
    """The table, and the sum of its numbers."""
    lines = ["| Fault | Tried | Outcome |", "|---|--:|---|"]
    for name, promise, tally in done:
        outcome = f"**{len(tally.wrong)} not as promised**" if tally.wrong else promise
        lines.append(f"| {name} | {tally.tried:,} | {outcome}{f' ({tally.note})' if tally.note else ''} |")
    tried, wrong = sum(tally.tried for *_, tally in done), sum(len(tally.wrong) for *_, tally in done)
    faults = "1 fault" if len(done) == 1 else f"{len(done)} faults"
    return "\n".join([*lines, f"| **{faults}** | **{tried:,}** | **{wrong} not as promised** |"])


def main(words: Sequence[str]) -> int:
    """Print the table on stdout, complaints and the time on stderr."""
    began = time.monotonic()
    done = try_all(words)
    print(table(done))
    for name, _, tally in done:
        for complaint in tally.wrong:
            print(f"{name}: {complaint}", file=sys.stderr)
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    return int(any(tally.wrong for *_, tally in done))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
