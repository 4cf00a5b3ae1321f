"""Find the templates and assets, in an installed package and in a checkout alike."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def template_folder() -> Path:
    """`site_template`: inside the package (wheel), else at the repository root (checkout)."""
    return _first(_PACKAGE / "site_template", _PACKAGE.parents[1] / "site_template")


def starter_mkdocs() -> Path:
    """The starter mkdocs.yml."""
    return _first(_PACKAGE / "mkdocs.yml", _PACKAGE.parents[1] / "mkdocs.yml")


def _first(packaged: Path, checkout: Path) -> Path:
    return packaged if packaged.exists() else checkout
