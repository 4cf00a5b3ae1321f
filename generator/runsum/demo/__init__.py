"""The demo archive: real trainings, recorded with `runsum.record` (tests/recording), and the settings to show them."""

from __future__ import annotations

import calendar
import os
import zipfile
from pathlib import Path

from runsum.config import CONFIG_NAME, MKDOCS_NAME
from runsum.errors import OutputError
from runsum.resources import starter_mkdocs

_HERE = Path(__file__).resolve().parent
_PACKED = _HERE / "recorded.zip"
_DATABASE = "ml_experiments.db"


def unpack_demo(folder: Path) -> int:
    """Put the recorded database, its films and notes, and settings for them into a folder.

    Files of an earlier time are kept. A folder with anything else in it is never touched.

    Args:
        folder: made when missing.

    Returns:
        When the last training ended, seconds UTC.

    Raises:
        OutputError: the folder holds something else, or cannot be written.
    """
    files, recorded_at = demo_files(), _recorded_at()
    database = folder / _DATABASE
    known = database.exists()
    try:
        if known and database.read_bytes() != files[_DATABASE]:
            raise OutputError(f"{database} is not the database of the demo", "Name another folder: runsum demo DIR")
        if not known and folder.exists() and any(folder.iterdir()):
            raise OutputError(f"{folder} has other files in it", "Name an empty or a new folder: runsum demo DIR")
        for name, content in files.items():
            target = folder / name
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        if not known:
            os.utime(database, (recorded_at, recorded_at))  # the pages print it: unpacked twice, they are the same
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written: {error.strerror}", "Name another folder: runsum demo DIR"
        ) from error
    return recorded_at


def demo_files() -> dict[str, bytes]:
    """All files of the demo by their path in its folder."""
    with zipfile.ZipFile(_PACKED) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    mkdocs = starter_mkdocs().read_text(encoding="utf-8")
    files[MKDOCS_NAME] = mkdocs.replace("site_name: Training runs", "site_name: runsum demo").encode()
    files[CONFIG_NAME] = (_HERE / CONFIG_NAME).read_bytes()
    return files


def _recorded_at() -> int:
    """When the last training ended, seconds UTC."""
    with zipfile.ZipFile(_PACKED) as packed:
        return calendar.timegm(packed.getinfo(_DATABASE).date_time)
