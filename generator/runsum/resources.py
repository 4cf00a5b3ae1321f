"""Find the templates and assets, in an installed package and in a checkout alike."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]


def template_folder() -> Path:
    """`site_template`: inside the package (wheel), else at the repository root (checkout)."""
    return _first(_PACKAGE / "site_template", _CHECKOUT / "site_template")


def starter_mkdocs() -> Path:
    """The starter mkdocs.yml."""
    return _first(_PACKAGE / "mkdocs.yml", _CHECKOUT / "mkdocs.yml")


def publish_action() -> Path:
    """The GitHub Action that builds and checks a site."""
    packaged = _PACKAGE / "site_template" / "starter" / "action.yml"
    return _first(packaged, _CHECKOUT / ".github" / "actions" / "publish" / "action.yml")


def _first(packaged: Path, checkout: Path) -> Path:
    return packaged if packaged.exists() else checkout
