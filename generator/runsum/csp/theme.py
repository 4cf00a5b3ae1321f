"""What is the theme's own: its inline scripts as its templates have them, its style sheets as its script has them.

The templates and scripts of the installed theme are read, so a new release of it brings its new scripts along.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_THEMES = ("material", "zensical")  # packages; both keep their templates in a folder "templates"
_INLINE = re.compile(r"<script>((?:(?!</?script|\{%).)*)</script>", re.DOTALL)
_FILLED_IN = re.compile(r'(?<=")\{\{.*?\}\}(?=")')
_ADDRESS = r"[\w./:~%@+-]*"  # the only thing these templates fill in; it can end neither a string nor a script

_SHADOW = 'attachShadow({mode:"open"})'
_STYLE_TEXT = re.compile(
    r"[=(,:](['\"])"  # a string that begins
    r"([.#:@*\w][^{}'\"\\;]*\{"  # with a selector
    r"(?:(?!\1)[^\\])+\})\1"  # and ends with a rule
)


class ThemeScripts:
    """The inline scripts that the templates of the installed themes make."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._shapes = [shape for folder in folders for shape in _read_shapes(folder)]

    def know(self, script: str) -> bool:
        """Whether a template makes this script, letter for letter but for the address of the site in it."""
        return any(shape.fullmatch(script) for shape in self._shapes)


@cache
def installed_scripts() -> ThemeScripts:
    """Those of all themes that are installed beside runsum."""
    found = (find_spec(name) for name in _THEMES)
    packages = [Path(spec.origin).parent for spec in found if spec and spec.origin]
    return ThemeScripts([package / "templates" for package in packages])


def _read_shapes(folder: Path) -> Iterator[re.Pattern[str]]:
    for template in sorted(folder.rglob("*.html")):
        for inline in _INLINE.finditer(template.read_text(encoding="utf-8")):
            fixed = _FILLED_IN.split(inline[1])
            if not any("{{" in part for part in fixed):
                yield re.compile(_ADDRESS.join(re.escape(part) for part in fixed))


def script_styles(script: str) -> list[str]:
    """The style sheets that a script of the theme makes itself.

    Zensical's search lives in an open shadow root, and brings its style sheet as a string in the script. Material makes
    none: its strings that look alike belong to diagrams, which need a foreign server.
    """
    return [found[2] for found in _STYLE_TEXT.finditer(script)] if _SHADOW in script else []
