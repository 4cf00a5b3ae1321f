"""MkDocs' collection of files, which knows what need not be made again and what each page has looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mkdocs.structure.files import File, Files, InclusionLevel

Answer = list[Any] | None
"""What a page learns of a file that it links to: its address and whether it is published; None for no such file."""


class SparingFiles(Files):
    """Files of which some need not be made again.

    Attributes:
        kept_pages: pages, by their source, that are left out where MkDocs goes through pages to make them.
        kept_files: other files that are in the site already.
        looked_up: what the page that is being made has asked for; None while nobody is listening.
    """

    def __init__(self, files: Iterable[File]) -> None:
        super().__init__(files)
        self.kept_pages: set[str] = set()
        self.kept_files: set[str] = set()
        self.looked_up: dict[str, Answer] | None = None

    def get_file_from_path(self, path: str) -> File | None:
        """As MkDocs' own, and remembered for the page that asks."""
        file = super().get_file_from_path(path)
        if self.looked_up is not None:
            self.looked_up[path] = _answer(file)
        return file

    def still_answers(self, looked_up: dict[str, Answer]) -> bool:
        """Whether all that a page has looked up is as it was."""
        return all(
            _answer(super(SparingFiles, self).get_file_from_path(path)) == was for path, was in looked_up.items()
        )

    def documentation_pages(self, *, inclusion: Callable[[InclusionLevel], bool] | None = None) -> Sequence[File]:
        """All pages; those to be made where somebody says which kind is wanted, as MkDocs does in its loops only."""
        if inclusion is None:
            return super().documentation_pages()
        return [
            file for file in super().documentation_pages(inclusion=inclusion) if file.src_uri not in self.kept_pages
        ]

    def copy_static_files(
        self, dirty: bool = False, *, inclusion: Callable[[InclusionLevel], bool] = InclusionLevel.is_included
    ) -> None:
        """Copy what is not in the site already."""
        for file in self:
            is_wanted = not file.is_documentation_page() and inclusion(file.inclusion)
            if is_wanted and file.src_uri not in self.kept_files:
                file.copy_file(dirty)


def _answer(file: File | None) -> Answer:
    return None if file is None else [file.url, file.inclusion.is_excluded()]
