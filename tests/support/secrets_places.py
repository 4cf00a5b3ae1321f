"""Plant texts in every place of a record that can hold one: columns, settings, files of the project, notes, names.

Text number `i` of a corpus begins at run `i`; the place number `p` of run `r` holds text `r + p`. With as many runs
as texts, every text stands once in every place.
"""

from __future__ import annotations

import codecs
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from support.project_files import MP4, put
from support.rows import CONFIG, Clock, add_run, insert, store, table_rows
from support.schema import columns_of
from support.secrets import Planted

CUTS = (60, 80, 100, 120, 160, 200, 240, 255, 300, 400, 500, 1000, 2000)
"""Lengths at which a page might cut a text."""
NOTE_BYTES = 200_000
TABLES = (
    "experiments",
    "video_artifacts",
    "video_generation_progress",
    "training_videos",
    "chart_annotations",
    "chart_states",
    "gpu_metrics",
    "training_metrics",
)
_KEYS = {"experiment_id", "video_id", "annotation_id", "state_id"}


@dataclass
class Planter:
    """Hands out the texts of one run, the next one for every place."""

    items: Sequence[Planted]
    run: int
    place: int = 0

    def next(self) -> Planted:
        self.place += 1
        return self.items[(self.run + self.place) % len(self.items)]

    def text(self) -> str:
        return self.next().text

    def cut(self, length: int) -> str:
        """A text with so much before it that its secret lies across a cut at `length`."""
        return _across(self.next(), length)


def _across(item: Planted, length: int) -> str:
    secret = (*item.parts, *item.whole)[0]
    at = item.text.find(secret)
    before = max(0, length - max(at, 0) - min(len(secret) // 2 + 3, len(secret) - 1))
    return ("a word " * (before // 7 + 1))[: max(0, before - 1)] + " " + item.text


def json_forms(item: Planted) -> dict[str, Any]:
    """One secret in every place of a JSON object: a value, a name, in a list, deeper, as JSON in JSON, by its name."""
    return {
        "remark": item.text,
        item.text: "named",
        "words": ["first", item.text],
        "section": {"inner": item.text, **item.pairs},
        "packed": json.dumps({"remark": item.text, **item.pairs}),
        "rows": [{"deep": {"deeper": [item.pairs or item.text]}}],
        **item.pairs,
    }


def safe_name(item: Planted) -> str | None:
    """The text as the name of a file, where a file system takes it."""
    text = item.text
    good = "/" not in text and "\0" not in text and "\n" not in text and len(text.encode()) < 150
    return text if good and text not in (".", "..") else None


def plant_database(con: sqlite3.Connection, items: Sequence[Planted]) -> None:
    """Two runs per text: one with a text in every column, one that is healthy and has texts where people write."""
    for number in range(len(items)):
        _full_run(con, items, number)
        _plain_run(con, items, number)
    _names(con, items)


def full_id(items: Sequence[Planted], number: int) -> str:
    """The id of a run that is named with a text."""
    return f"{items[number].text} {number}"


def plain_id(number: int) -> str:
    """The id of a run like any other."""
    return f"run-{0xABCD0000 + number:08x}"


def _full_run(con: sqlite3.Connection, items: Sequence[Planted], number: int) -> None:
    """Everything is a text, also what should be a number or a time."""
    planter, run_id = Planter(items, number), full_id(items, number)
    values: dict[str, Any] = {}
    for column in columns_of(con, "experiment_runs"):
        values[column] = run_id if column == "run_id" else _cell(planter, column)
    config = {key: planter.text() for key in CONFIG} | json_forms(planter.next())
    values["config_json"] = json.dumps(config)
    insert(con, "experiment_runs", **values)
    store(con, table_rows(run_id, range(1, 4)))
    for table in TABLES:
        row: dict[str, Any] = {}
        for column in columns_of(con, table):
            if column == "id":
                continue
            row[column] = run_id if column == "run_id" else _cell(planter, column)
            if column in _KEYS:
                row[column] = f"{row[column]} {number}"
        if table == "experiments":
            row["notes"] = f"{row['notes']}\nTraining run {run_id}"
        insert(con, table, **row)
    # rows that belong to no run
    insert(con, "training_metrics", **(table_rows(f"{planter.text()} lost {number}", [1])[0].values))


def _cell(planter: Planter, column: str) -> str:
    item = planter.next()
    if column == "tags_json" and planter.run % 3:
        return json.dumps(["ppo", item.text])
    if column.endswith("_json") and planter.run % 5:
        return json.dumps(json_forms(item), ensure_ascii=planter.run % 2 == 0)
    return item.text


def _plain_run(con: sqlite3.Connection, items: Sequence[Planted], number: int) -> None:
    """A failed run that people can find, with texts where pages show them."""
    planter, run_id = Planter(items, number), plain_id(number)
    one, two, three, name = planter.next(), planter.next(), planter.next(), planter.next()
    length = CUTS[number % len(CUTS)]
    remark = (planter.text(), planter.cut(length))
    add_run(
        con,
        run_id,
        json_forms(one) | {f"cut {length}": planter.cut(length) for length in CUTS},
        status="failed",
        end_time=Clock().iso(900),
        custom_name=name.text if number % 2 else None,
        experiment_name=planter.text(),
        status_note=remark[number % 2],
        description=planter.text() + "\n" + planter.cut(length),
        tags_json=json.dumps(["ppo", planter.text(), planter.cut(60)]),
        dependencies_json=json.dumps({"torch": planter.text(), planter.text(): "1.0"}),
        metadata_json=json.dumps(json_forms(two) | {"environment": three.pairs or {"line": three.text}}),
        model_path=planter.text(),
        log_path=planter.text(),
        git_commit=planter.text(),
    )
    store(con, table_rows(run_id, range(1, 9)))
    _rows_beside(con, planter, run_id, number)


def _rows_beside(con: sqlite3.Connection, planter: Planter, run_id: str, number: int) -> None:
    clock = Clock()
    for name in ("reward", planter.text()):
        insert(
            con,
            "chart_annotations",
            annotation_id=f"ann {run_id} {name}",
            run_id=run_id,
            axes_name=name,
            x=81_920.0,
            y=1.25,
            text=planter.text() if name == "reward" else planter.cut(CUTS[number % len(CUTS)]),
            created_at=clock.iso(100),
            color=planter.text(),
        )
    for status in ("failed", "error", "completed"):
        insert(
            con,
            "video_generation_progress",
            video_id=f"video_{run_id}_{status}",
            run_id=run_id,
            video_name=planter.text(),
            video_path=planter.text(),
            status=status,
            error_message=planter.cut(200) if status == "error" else planter.text(),
            started_at=clock.iso(1000),
        )
    insert(
        con,
        "video_artifacts",
        video_id=f"video_{run_id}_1",
        experiment_id=f"exp {number}",
        path=planter.text(),
        type=planter.text(),
        duration=60.0,
        size_mb=1.0,
        created=clock.iso(1000),
        tags_json=json.dumps([planter.text()]),
        metadata_json=json.dumps(json_forms(planter.next())),
    )
    insert(
        con,
        "training_videos",
        run_id=run_id,
        segment_number=1,
        file_path=planter.text(),
        start_time=clock.iso(1000),
        status=planter.text(),
    )
    insert(
        con,
        "experiments",
        experiment_id=f"exp {number}",
        name=planter.text(),
        game="ALE/Breakout-v5",
        algorithm="ppo",
        preset=planter.text(),
        config_json=json.dumps(json_forms(planter.next())),
        lineage_json=json.dumps(json_forms(planter.next())),
        status="running",
        created=clock.iso(0),
        notes=f"Training run {run_id}\n{planter.text()}",
        latest_metrics_json=json.dumps(json_forms(planter.next())),
        final_metrics_json=json.dumps(json_forms(planter.next())),
    )


def _names(con: sqlite3.Connection, items: Sequence[Planted]) -> None:
    """Texts as names of tables, columns and launch records of no run."""
    for number, item in enumerate(items):
        name = item.text.replace("\0", "").replace('"', '""')
        con.execute(f'CREATE TABLE "{name} {number}" (id INTEGER)')
        con.execute(f'ALTER TABLE experiment_runs ADD COLUMN "{name} {number}" TEXT')
        insert(
            con,
            "experiments",
            experiment_id=f"{item.text} of nobody {number}",
            name=item.text,
            game=item.text,
            algorithm=item.text,
            preset=item.text,
            config_json=item.text,
            lineage_json=item.text,
            created=item.text,
            notes=item.text,
        )


def plant_project(root: Path, notes: Path, items: Sequence[Planted]) -> None:
    """Files of the plain runs below a project root, and a person's notes on them."""
    for number in range(len(items)):
        planter, run_id = Planter(items, number), plain_id(number)
        _documents(root, planter, run_id)
        _log(root, planter, run_id)
        _videos(root, planter, run_id)
        put(notes, f"{run_id}.md", _note(planter))


def _documents(root: Path, planter: Planter, run_id: str) -> None:
    home = f"models/checkpoints/{run_id}"
    one = planter.next()
    inside = (run_id, planter.text())[planter.run % 2]
    metadata = {"run_id": inside, "custom_name": planter.text()}
    put(root, f"{home}/run_metadata.json", json.dumps(metadata | json_forms(one) | {"cut": planter.cut(2000)}))
    two = planter.next()
    config = {
        "train": {"run_id": planter.text(), "algo": "ppo", "policy": planter.text(), "custom_name": planter.cut(2000)},
        "game": {"env_id": "ALE/Breakout-v5"},
        "device": planter.text(),
        "more": _plain(json_forms(two)),
    }
    put(root, f"{home}/config_effective.yaml", yaml.safe_dump(config, allow_unicode=True))
    put(root, f"{home}/latest.zip")
    for _ in range(3):
        if name := safe_name(planter.next()):
            put(root, f"{home}/{name}.zip")
            put(root, f"logs/tb/{run_id}/{name}/events.out.tfevents.1.{name}")


def _plain(value: Any) -> Any:
    """Mappings and lists that YAML writes without tags."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _log(root: Path, planter: Planter, run_id: str) -> None:
    """A log whose end shows texts: bare, across the cut of a line, in the line of a failure, coloured."""
    kind = planter.run % 4
    lines = ["banner " * 20] * 2000 if kind == 0 else ["a banner"]
    if kind != 3:
        lines += [f"[Stats] {planter.text()}", planter.cut(200), planter.cut(200)]
        lines += [f"RuntimeError: CUDA out of memory {planter.text()}", f"\x1b[31m{planter.text()}\x1b[0m"]
    else:  # several lines belong together, and only the last of them are shown
        lines += [planter.text(), "Traceback (most recent call last):", '  File "train.py", line 3, in <module>']
        lines += [f"ValueError: {planter.text()}", planter.text()]
    text = "\n".join(lines) + "\n"
    name = safe_name(planter.next())
    path = f"logs/{run_id}_{name}.log" if name and kind == 1 else f"outputs/{run_id}/training.log"
    wide = codecs.BOM_UTF16_LE + text.encode("utf-16-le")
    put(root, path, wide if kind == 2 else text.encode())


def _videos(root: Path, planter: Planter, run_id: str) -> None:
    folder = f"outputs/{run_id}"
    sidecar = {"created_at": planter.text(), "run_id": planter.text(), "checkpoint_path": planter.text()}
    name = safe_name(planter.next()) or "clip"
    put(root, f"{folder}/{name}.mp4", MP4)
    put(root, f"{folder}/{name}.mp4.json", json.dumps(sidecar | json_forms(planter.next())))
    inner = safe_name(planter.next()) or "milestones"
    put(root, f"{folder}/{inner}/episode.mp4", MP4 if planter.run % 2 else b"no video")
    segments = [{"path": "episode.mp4", "created": planter.text(), "duration": 3}]
    put(root, f"{folder}/{inner}/manifest.json", json.dumps({"segments": segments, "by": planter.text()}))
    put(root, f"video/training/{run_id}/{safe_name(planter.next()) or 'one'}.mp4", b"broken")


def _note(planter: Planter) -> str:
    """A note: paragraph, heading, list, table, code, link, picture, HTML; one of them as long as notes may be."""
    parts = [
        f"# {planter.text()}",
        planter.text(),
        f"- {planter.text()}\n- item",
        f"| a | b |\n|---|---|\n| {planter.text()} | 2 |",
        f"```\n{planter.text()}\n```",
        f"[link](https://example.org/{planter.text()})",
        f"![picture](https://example.org/{planter.text()})",
        f"<b title='{planter.text()}'>bold</b>",
        f"Setext {planter.text()}\n===",
        "".join(f"{char}<!-- -->" for char in "split by comments"),
    ]
    text = "\n\n".join(parts)
    if planter.run % 40:
        return text
    item = planter.next()
    secret = (*item.parts, *item.whole)[0].encode()
    head = text.encode() + b"\n\n" + item.text.encode().partition(secret)[0]
    return (
        (head + b"a word " * NOTE_BYTES)[: NOTE_BYTES - len(secret) // 2 - 4].decode("utf-8", "replace")[:-1]
        + " "
        + item.text
    )
