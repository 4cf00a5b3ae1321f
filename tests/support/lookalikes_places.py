"""One healthy run per look-alike, which stands in every place that a run's page or its run.json shows."""

from __future__ import annotations

import html
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from support.lookalikes import SETTINGS
from support.project_files import put
from support.rows import Clock, add_annotation, add_run, insert, store, table_rows

SUMMARY = ("experiment_name", "custom_name_or_leg", "model_path", "tensorboard_path", "preset")
"""What run.json says of a run in one word: each of them is the look-alike itself."""
SAID = ("description", "annotation", "error", "log", "metadata", "dependency", "video", "note")
"""Places with words around the look-alike, see `sentence`."""
PLACES = (*SUMMARY, "tags", "config", "config_nested", *SAID)


def run_id(number: int) -> str:
    """The id of the run that holds a look-alike."""
    return f"run-{0xBEEF0000 + number:08x}"


def sentence(text: str, place: str) -> str:
    """The look-alike as it stands in a place where people write sentences."""
    return f"{text} — as in {place}"


def plant(con: sqlite3.Connection, root: Path, notes: Path, texts: Sequence[str]) -> None:
    """Fill a database, a project root and a folder of notes."""
    for number, text in enumerate(texts):
        _run(con, run_id(number), text)
        log = f"a banner\nRuntimeError: CUDA out of memory\n{sentence(text, 'log')}\n"
        put(root, f"outputs/{run_id(number)}/training.log", log)
        put(notes, f"{run_id(number)}.md", "```\n" + sentence(text, "note") + "\n```\n")
    add_run(con, run_id(len(texts)), SETTINGS)
    store(con, table_rows(run_id(len(texts)), range(1, 9)))
    home = f"models/checkpoints/{run_id(len(texts))}"
    put(root, f"{home}/run_metadata.json", json.dumps({"run_id": run_id(len(texts)), **SETTINGS}))
    put(root, f"{home}/config_effective.yaml", yaml.safe_dump({"train": SETTINGS}))


def _run(con: sqlite3.Connection, name: str, text: str) -> None:
    clock = Clock()
    add_run(
        con,
        name,
        {"remark": text, "wrappers": {"first": [text, 4]}},
        status="failed",
        end_time=clock.iso(900),
        experiment_name=text,
        custom_name=text,
        model_path=text,
        tensorboard_path=text,
        tags_json=json.dumps(["ppo", text]),
        description=sentence(text, "description"),
        status_note=sentence(text, "error"),
        metadata_json=json.dumps({"remark": sentence(text, "metadata")}),
        dependencies_json=json.dumps({"torch": sentence(text, "dependency")}),
    )
    store(con, table_rows(name, range(1, 9)))
    add_annotation(con, name, sentence(text, "annotation"))
    insert(
        con,
        "training_videos",
        run_id=name,
        segment_number=1,
        file_path=sentence(text, "video"),
        start_time=clock.iso(100),
        status="completed",
    )
    insert(
        con,
        "experiments",
        experiment_id=f"exp of {name}",
        name="a name",
        game="ALE/Breakout-v5",
        algorithm="ppo",
        preset=text,
        config_json="{}",
        lineage_json="{}",
        status="running",
        created=clock.iso(0),
        notes=f"Training run {name}",
    )


def missing_places(folder: Path, text: str) -> list[str]:
    """The places of a run in which a look-alike does not stand as it was written."""
    twin: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    page = " ".join(html.unescape((folder / "index.md").read_text(encoding="utf-8")).split())
    lost = [place for place in SUMMARY if twin["summary"][place] != text]
    lost += [] if text in twin["tags"] else ["tags"]
    lost += [] if twin["config"].get("remark") == text else ["config"]
    lost += [] if _nested(twin["config"]) == [text, 4] else ["config_nested"]
    return lost + [place for place in SAID if " ".join(sentence(text, place).split()) not in page]


def _nested(config: dict[str, Any]) -> Any:
    """The list below `wrappers`, which run.json may hold as JSON text."""
    value = config.get("wrappers")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return value
    return value.get("first") if isinstance(value, dict) else value


def lost_settings(folder: Path) -> dict[str, object]:
    """The settings of the last run that were not published as they are, and what stands there instead."""
    config = json.loads((folder / "run.json").read_text(encoding="utf-8"))["config"]
    found = {name: config.get(name, "not there") for name in SETTINGS}
    return {name: value for name, value in found.items() if not _same(value, SETTINGS[name])}


def _same(value: object, wanted: object) -> bool:
    if isinstance(wanted, list) and isinstance(value, str):  # a list may be shown as its JSON
        return value in (json.dumps(wanted), json.dumps(wanted, separators=(",", ":")), str(wanted))
    return value == wanted
