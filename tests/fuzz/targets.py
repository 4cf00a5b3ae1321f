"""One target per parser: bytes in, and whatever they are, only what the parser promises comes out.

A target is a plain function, so that it also runs without the fuzzer. `SEEDS` are inputs that get far into the parser.
"""

from __future__ import annotations

import atexit
import html
import json
import math
import re
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from runsum import formatting, notes
from runsum.analysis.settings import custom_params_fact, described, diff_config, plain, read_config
from runsum.redact.policy import Mode, Policy
from runsum.redact.redactor import Redactor
from runsum.source import project_log, project_media, project_tree
from runsum.source.columns import integer, iso, json_list, json_object, number, seconds, time_column
from runsum.source.project import read_project_files
from runsum.source.records import RunRecord  # noqa: F401  loads what the reader loads before the fuzzer instruments

RUN, OTHER = "run-1a2b3c4d", "run-5e6f7a8b"
SCALAR = (str, int, float, bool, type(None))
KIND = re.compile(r"[a-z_]+")
DAY_S = 86_400.0
YEARS = (-62_135_596_800.0, 253_402_300_800.0)  # 1 to 9999


@cache
def folder() -> Path:
    """A folder of this process, which goes with it."""
    made = tempfile.mkdtemp(prefix="runsum-fuzz-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)


def put(root: Path, path: str, data: bytes) -> Path:
    """Write a file below a root."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def halves(data: bytes) -> tuple[bytes, bytes]:
    """Two inputs of one: what stands before and behind the first byte 0xff."""
    first, _, second = data.partition(b"\xff")
    return first, second


# ---------------------------------------------------------------- columns


def json_columns(data: bytes) -> None:
    """JSON columns: an object, a list, a configuration; never an exception, and only values that pages can show."""
    first, second = (part.decode("utf-8", "replace") for part in halves(data))
    found, listed = json_object(first), json_list(first)
    assert found is None or isinstance(found, dict)
    assert isinstance(listed, list)
    if found:
        again = json.dumps(found)
        assert json.dumps(json_object(again)) == again, "reading what was written changes it"
    file = _finite(json_object(second))  # files are read by a Tree, which knows no infinities
    config, problems = read_config({"config_json": first}, {}, {"hyperparameters": file})
    changed, _ = read_config({"config_json": second, "description": first}, _finite(found), {})
    assert list(config) == sorted(config)
    assert all(KIND.fullmatch(problem.kind) for problem in problems)
    for value in config.values():
        assert isinstance(plain(value.value), SCALAR)
        assert not isinstance(plain(value.value), float) or math.isfinite(plain(value.value))  # type: ignore[arg-type]
    assert diff_config(config, config) == (), "a configuration differs from itself"
    assert {c.key for c in diff_config(config, changed)} == {c.key for c in diff_config(changed, config)}
    custom_params_fact(config, "ppo")
    described({"description": first})


def _finite(document: dict[str, object] | None) -> dict[str, object]:
    found = (document or {}).items()
    return {key: value for key, value in found if not isinstance(value, float) or math.isfinite(value)}


def numbers(data: bytes) -> None:
    """Text in a column of numbers: a finite one or none."""
    text = data.decode("utf-8", "replace")
    found, whole = number(text), integer(text)
    assert found is None or math.isfinite(found)
    assert whole is None or abs(whole) <= 2**63


def timestamps(data: bytes) -> None:
    """Times of a column: seconds of the years 1 to 9999 or nothing, and shown without an exception."""
    words = data.decode("utf-8", "replace").split("|")
    column = time_column(words)
    assert column.shape == (len(words),)
    for word, value in zip(words, column, strict=True):
        alone = time_column([word])
        assert np.allclose(alone, [value], rtol=0, atol=1e-3, equal_nan=True), f"{word!r} depends on its neighbours"
        moment = seconds(word)
        assert moment is None or YEARS[0] - DAY_S <= moment <= YEARS[1] + DAY_S
        if moment is not None and math.isfinite(value):
            assert abs(moment - value) < 1e-3, f"{word!r} is {moment} alone and {value} in a column"
        if math.isfinite(value):
            shown = iso(float(value))
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", shown)
            assert YEARS[0] > value or value >= YEARS[1] or abs((seconds(shown) or 0.0) - value) < 1.0
        assert "\n" not in formatting.when(word)
        assert formatting.when(word).startswith(formatting.day(word))


# ---------------------------------------------------------------- files


def log_tails(data: bytes) -> None:
    """The end of a log: a few clean lines of bounded length."""
    file = put(folder(), "log", data)
    for only_run in (None, RUN):
        tail = project_log.read_log_tail(file, "logs/a.log", Redactor().text, only_run)
        if tail is None:
            continue
        assert tail.size_bytes == len(data)
        assert len(tail.findings) <= project_log.MAX_FINDINGS
        assert 1 <= len(tail.last_lines) <= project_log.LAST_LINES
        for line in (*tail.last_lines, *(finding.line for finding in tail.findings)):
            assert len(line) <= project_log.LINE_LENGTH
            assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]", line), ascii(line)


def documents(data: bytes) -> None:
    """JSON and YAML documents: a mapping of plain values within all limits, else one problem."""
    formats = (("json",), ("yaml",), ("json", "yaml"))[data[0] % 3 if data else 0]
    put(folder(), "document", data[1:])
    tree = project_tree.Tree(folder())
    entry = tree.find("document")
    assert entry is not None
    found = tree.document(entry, "sidecar_unreadable", formats)
    assert len(tree.problems) <= 1
    assert not (found and tree.problems)
    assert _count(found, 0) <= project_tree.MAX_VALUES
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode("utf-8")


def _count(value: object, depth: int) -> int:
    """How many values a document has; none too long, too deep or of another type."""
    assert depth <= project_tree.MAX_DEPTH + 1
    if isinstance(value, dict):
        assert all(isinstance(key, str) and len(key) <= project_tree.MAX_TEXT for key in value)
        return 1 + sum(_count(item, depth + 1) for item in value.values())
    if isinstance(value, list):
        return 1 + sum(_count(item, depth + 1) for item in value)
    assert isinstance(value, SCALAR), type(value)
    assert not isinstance(value, str) or len(value) <= project_tree.MAX_TEXT
    return 1


def sidecars(data: bytes) -> None:
    """Every small file that belongs to a run and its videos: read_project_files never raises."""
    first, second = halves(data)
    root = folder() / "project"
    home = f"models/checkpoints/{RUN}"
    put(root, f"{home}/run_metadata.json", first)
    put(root, f"{home}/config_effective.yaml", second or first)
    video = put(root, f"outputs/{RUN}/{RUN}_step_4096.mp4", b"\0\0\0\x20ftypisom")
    put(root, f"outputs/{RUN}/{video.name}.json", first)
    put(root, f"outputs/{RUN}/{video.name}.manifest.json", second)
    put(root, f"outputs/{RUN}/manifest.json", b'{"segments": [' + first + b"]}")
    put(root, f"logs/{RUN}.log", second)
    recorded = first.decode("utf-8", "replace")
    files = read_project_files(root, RUN, [recorded], frozenset({RUN, OTHER}), [recorded])
    assert [found.name for found in files.videos] == [video.name]
    assert files.videos[0].state == "playable"
    for problem in files.problems:
        assert KIND.fullmatch(problem.kind)
    assert all(isinstance(value, SCALAR) for value in files.effective_config.values())


def file_names(data: bytes) -> None:
    """Names of files and paths of other machines: what they mean never lies outside the root."""
    first, second = (part.decode("utf-8", "replace")[:255] for part in halves(data))  # as long as a name can be
    step = project_media.named_step(first)
    assert step is None or step >= 0
    assert project_media.names_run(RUN + first, RUN, frozenset({OTHER})) in (True, False)
    assert project_tree.natural(first) < project_tree.natural(first + "a")
    tree = project_tree.Tree(folder() / "project")
    entry = tree.find(second)
    assert entry is None or entry.file.is_relative_to(tree.root)
    read_project_files(folder(), first, [second], frozenset({first}), [second])


# ---------------------------------------------------------------- words


class _Tags(HTMLParser):
    """Collects what a note is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


NOTE_TAGS = {
    "p", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "a", "h4", "br", "hr",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


def written_notes(data: bytes) -> None:
    """A note in Markdown: one line of harmless HTML."""
    put(folder(), f"notes/{RUN}.md", data)
    made = str(notes.read_notes(folder() / "notes", frozenset({RUN}), Redactor()).blocks[RUN])
    assert "\n" not in made
    assert not set("{}[`") & set(made)
    found = _Tags()
    found.feed(made)
    found.close()
    assert found.tags <= NOTE_TAGS, found.tags - NOTE_TAGS
    for name, value in found.attributes:
        assert name in ("href", "rel"), name
        if name == "href":
            address = urlsplit_of(html.unescape(value or ""))
            assert address in ("", "http", "https", "mailto"), address


def urlsplit_of(address: str) -> str:
    """The scheme of an address; what is no address has none."""
    try:
        return urlsplit(address.strip()).scheme
    except ValueError:
        return ""


def redactor(data: bytes) -> None:
    """Texts and documents: a second redaction finds nothing more, and the text hardly grows."""
    text = data.decode("utf-8", "replace")
    for mode in (Mode.STANDARD, Mode.STRICT):
        keep = Redactor(Policy(mode=mode))
        once = keep.text(text)
        assert keep.text(once) == once, f"{mode}: {once!r} became {keep.text(once)!r}"
        assert len(once) <= 200 + 20 * len(text)
        document = keep.document(text, "experiment_runs", "config_json")
        assert keep.document(document, "experiment_runs", "config_json") == document
        keep.row("experiment_runs", {"a": text, "config_json": text, "b": data}, frozenset({"config_json"}))


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        json_columns, numbers, timestamps, log_tails, documents, sidecars, file_names, written_notes, redactor,
    )
}  # fmt: skip
"""Every target by its name."""
