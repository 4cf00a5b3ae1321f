"""A docs folder that is written by builds of a few pages."""

from __future__ import annotations

from pathlib import Path

from runsum.site.writer import SiteWriter, WriteReport


def build(docs: Path, **files: str) -> WriteReport:
    """One whole build; `a__b` stands for a/b."""
    writer = SiteWriter(docs)
    for name, content in files.items():
        writer.write(path_of(name), content.encode())
    return writer.finish()


def path_of(name: str) -> str:
    return name.replace("__", "/") + ".md"


def pages(docs: Path) -> dict[str, str]:
    """The files of a docs folder without runsum's own notes."""
    return {
        file.relative_to(docs).as_posix(): file.read_text()
        for file in sorted(docs.rglob("*"))
        if file.is_file() and ".runsum" not in file.parts
    }
