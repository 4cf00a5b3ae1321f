"""Files for programs: the canonical series and the table of runs as CSV."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterable, Sequence

import numpy as np

from runsum.chartdata import number_texts
from runsum.cleaning.series import Series
from runsum.source.columns import Floats
from runsum.source.records import METRICS

_LEVEL = 2  # of gzip: a fifth larger than level 6, in a quarter of the time
_FORMULA = ("=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠")  # the wide ones too: some spreadsheets read them so
# Where a semicolon parts cells, as in German spreadsheets, quotes hold nothing together: neither it nor a line break.
_INNER_FORMULA = re.compile(r"([;\n])(?=[\"\s]{0,99}[=+\-@＝＋－＠])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # what a terminal that shows the file would obey


def metrics_csv(series: Series) -> bytes:
    """The canonical series at full resolution as gzipped CSV, readable by `pandas.read_csv(URL)`.

    Columns: timestep, hours (since the run began), session (0-based), then every metric with a value.
    There is no time stamp inside the file, so equal rows give equal bytes.
    """
    names = [name for name in METRICS if np.isfinite(series.columns[name]).any()]
    numbers = [np.trunc(series.timestep), np.round(series.hours, 6), series.session.astype(np.float64)]
    numbers += [series.columns[name] for name in names]
    header = ",".join(("timestep", "hours", "session", *names))
    lines = [header, *map(",".join, zip(*map(_texts, numbers), strict=True))]
    return gzip.compress(("\n".join(lines) + "\n").encode("ascii"), compresslevel=_LEVEL, mtime=0)


def _texts(values: Floats) -> list[str]:
    """Shortest text that reads back as the same number; empty where missing."""
    if not len(values):
        return []
    if (values == values[0]).all():  # a learning rate, a speed
        return [number_texts(values[:1]).replace("null", "")] * len(values)
    return number_texts(values).replace("null", "").split(",")


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
    value = value.replace("\r\n", "\n").replace("\r", "\n")  # a lone one would begin a row of its own
    value = _INNER_FORMULA.sub(r"\1'", _CONTROL.sub("", value))
    return "'" + value if value.startswith(_FORMULA) else value
