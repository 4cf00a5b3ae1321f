"""How large a site is, by what its files are."""

from __future__ import annotations

from collections.abc import Mapping

from runsum.check.files import HOME, is_page
from runsum.frozen import frozen

MEGABYTE = 1_000_000
LARGEST_FILE = 100 * MEGABYTE
"""GitHub refuses files above this."""

SIZE_KINDS = (
    "home", "run_pages", "lineage_pages", "seed_pages", "game_pages", "algorithm_pages", "other_pages",
    "run_data", "videos", "search_index", "assets", "other",
)  # fmt: skip
"""What a file can be, in the order of the report."""

_PAGES = {
    "runs": "run_pages", "lineages": "lineage_pages", "seeds": "seed_pages", "games": "game_pages",
    "algorithms": "algorithm_pages",
}  # fmt: skip
_DATA = ("data.js", "facts.js", "metrics.csv.gz", "run.json")
_SEARCH = ("search", "pagefind")
_SEARCH_FILES = ("search.json", "search.js")  # those of Zensical lie beside the home page
_VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".webm")
_ASSETS = (
    ".avif", ".css", ".gif", ".ico", ".jpeg", ".jpg", ".js", ".map", ".otf", ".png", ".svg", ".ttf", ".wasm", ".webp",
    ".woff", ".woff2",
)  # fmt: skip


@frozen
class SizeRow:
    """The files of one kind."""

    files: int = 0
    total_bytes: int = 0
    mean_bytes: int = 0
    largest_bytes: int = 0


def kind_of(path: str) -> str:
    """What a file of the site is, by its path."""
    folders, name = path.split("/")[:-1], path.rpartition("/")[2]
    top = folders[0] if folders else ""
    if is_page(path):
        if path == HOME:
            return "home"
        return _PAGES.get(top, "other_pages") if len(folders) > 1 else "other_pages"
    if name in _DATA or top == "data":
        return "run_data"
    if name.lower().endswith(_VIDEOS):
        return "videos"
    if top in _SEARCH or path in _SEARCH_FILES:
        return "search_index"
    return "assets" if top == "assets" or name.lower().endswith(_ASSETS) else "other"


def measure(sizes: Mapping[str, int]) -> dict[str, SizeRow]:
    """A row for every kind, also for those without files."""
    groups: dict[str, list[int]] = {kind: [] for kind in SIZE_KINDS}
    for path, size in sizes.items():
        groups[kind_of(path)].append(size)
    return {
        kind: SizeRow(len(group), sum(group), round(sum(group) / len(group)), max(group)) if group else SizeRow()
        for kind, group in groups.items()
    }


def largest_files(sizes: Mapping[str, int]) -> list[tuple[str, int]]:
    """The ten largest files, largest first."""
    return sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:10]
