"""Files for programs: the canonical series and the table of runs as CSV."""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Iterable, Sequence

import numpy as np
import orjson

from runsum.cleaning.series import Series
from runsum.source.columns import Floats
from runsum.source.records import METRICS

# Numbers repeat in short stretches. For such there is a strategy: with it level 4 makes less than level 6 without it,
# in half of its time.
_LEVEL = 4
_FAST_LEVEL, _LONG = 1, 60_000  # bytes: long runs are many seconds of an archive's build, short ones most of its size
_GZIP, _MEMORY = 31, 8
_FORMULA = ("=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠")  # the wide ones too: some spreadsheets read them so
# Where a semicolon parts cells, as in German spreadsheets, quotes hold nothing together: neither it nor a line break.
_INNER_FORMULA = re.compile(r"([;\n])(?=[\"\s]{0,99}[=+\-@＝＋－＠])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # what a terminal that shows the file would obey


def metrics_csv(series: Series) -> bytes:
    """The canonical series at full resolution as gzipped CSV, readable by `pandas.read_csv(URL)`.

    Columns: timestep, hours (since the run began), session (0-based), then every metric with a value.
    There is no time stamp inside the file, so equal rows give equal bytes.
    """
    names = [name for name in METRICS if len(series.values(name))]
    table = np.empty((len(series), 3 + len(names)))
    table[:, 0], table[:, 1], table[:, 2] = np.trunc(series.timestep), np.round(series.hours, 6), series.session
    for place, name in enumerate(names, start=3):
        table[:, place] = series.columns[name]
    header = ",".join(("timestep", "hours", "session", *names)).encode("ascii")
    lines = _lines(table) if len(series) else b""
    level = _FAST_LEVEL if len(lines) > _LONG else _LEVEL
    packer = zlib.compressobj(level, zlib.DEFLATED, _GZIP, _MEMORY, zlib.Z_FILTERED)
    return packer.compress(header + b"\n" + lines) + packer.flush()


def _lines(table: Floats) -> bytes:
    """Rows of numbers as lines: the shortest text that reads back as the same number, empty where it is missing.

    All numbers are written at once, as a list in JSON, and what is not CSV goes by its place beside a comma: to look
    for it in so long a text takes three times as long, and a loop over the rows four times.

    Args:
        table: shape (rows, columns), at least one of each; the first column has no gaps.
    """
    text = orjson.dumps(table.ravel(), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1] + b","
    if np.isnan(table).any():
        text = text.replace(b"null", b"")
    letters = np.frombuffer(text, dtype=np.uint8).copy()
    commas = np.flatnonzero(letters == ord(","))
    whole = commas[(letters[commas - 1] == ord("0")) & (letters[commas - 2] == ord("."))]  # these have no point
    letters[commas[table.shape[1] - 1 :: table.shape[1]]] = ord("\n")
    kept = np.ones(len(letters), dtype=bool)
    kept[whole - 1] = kept[whole - 2] = False
    return letters[kept].tobytes()


def table_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A table as CSV. Text that a spreadsheet would run as a formula gets an apostrophe in front of it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return buffer.getvalue().encode("utf-8", "replace")


def _cell(value: object) -> object:
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    if ";" in value or not (value.isascii() and value.isprintable()):  # else there is nothing in it to be changed
        value = value.replace("\r\n", "\n").replace("\r", "\n")  # a lone one would begin a row of its own
        value = _INNER_FORMULA.sub(r"\1'", _CONTROL.sub("", value))
    return "'" + value if value.startswith(_FORMULA) else value
