"""Styles, scripts, vendored libraries and the theme's own part, as they lie in the docs folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ASSET_HOME = "assets/runsum"
THEME_HOME = ".runsum/theme"
"""Where `theme.custom_dir` of the starter looks; builders do not publish folders that begin with a dot."""
_NOT_PUBLISHED = (".py", ".pyc", ".mjs")

_SPECS = "specs of the charts"
"""In `JOINED`: what the build makes, where the others are files of site_template/assets."""
JOINED: dict[str, tuple[str, ...]] = {
    "charts.js": ("vendor/vega.min.js", _SPECS),
    "drawing.js": ("runsum-tools.js", "runsum-chart.js", "runsum-controls.js"),
    "finder.js": (
        "vendor/tabulator.min.js", "runsum-tools.js", "runsum-format.js", "runsum-runs.js", "runsum-numbers.js",
        "runsum-query.js", "runsum-facets.js", "runsum-cells.js", "runsum-finder.js",
    ),
    "compare.js": (
        "runsum-format.js", "runsum-runs.js", "runsum-compare-data.js", "runsum-compare-tables.js", "runsum-compare.js",
    ),
    "finder.css": ("vendor/tabulator.min.css", "runsum-finder.css"),
    "compare.css": ("runsum-compare.css",),
}  # fmt: skip
"""What runsum.js asks for, each with its rooms in the order in which they run: one request in place of eight."""
_COMPILE_AT_ONCE = b"//# allFunctionsCalledOnLoad\n"
"""Asks the browser to compile a script while it arrives, beside the page's own work; others take it for a comment."""


def read_assets(folder: Path, specs: bytes) -> Iterator[tuple[str, bytes]]:
    """(path in the docs folder, content) of everything in site_template that is no page, in the order of the names.

    Args:
        folder: site_template, with the folders `assets` (published) and `theme` (read by the builder).
        specs: the script with one Vega spec per kind of chart.
    """
    rooms = {room for joined in JOINED.values() for room in joined}
    for part, home in (("assets", ASSET_HOME), ("theme", THEME_HOME)):
        for file in sorted((folder / part).rglob("*")):
            name = file.relative_to(folder / part).as_posix()
            is_published = file.is_file() and file.suffix not in _NOT_PUBLISHED and "__pycache__" not in file.parts
            if is_published and name not in rooms:
                yield f"{home}/{name}", file.read_bytes()
    for name, joined in JOINED.items():
        parts = [specs if room == _SPECS else (folder / "assets" / room).read_bytes() for room in joined]
        hint = _COMPILE_AT_ONCE if name.endswith(".js") else b""
        yield f"{ASSET_HOME}/{name}", hint + b"\n".join(parts)
