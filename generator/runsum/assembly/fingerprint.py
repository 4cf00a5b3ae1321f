"""Whether the plugin can help with a site, and what all of its pages depend on."""

from __future__ import annotations

import contextlib
import json
import platform
import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import markdown
import mkdocs
from mkdocs.utils.meta import get_data

import runsum
from runsum.assembly.memory import digest_of
from runsum.assembly.templates import own_templates

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.nav import Navigation

_PLUGINS = {"material/search", "material/offline", "runsum"}
_EXTENSIONS = {
    "abbr", "admonition", "attr_list", "def_list", "fenced_code", "footnotes", "md_in_html", "sane_lists", "tables",
    "toc", "pymdownx.details", "pymdownx.highlight", "pymdownx.inlinehilite", "pymdownx.superfences",
    "pymdownx.tabbed",
}  # fmt: skip
"""Extensions that make the same of the same Markdown, and leave HTML alone."""
_NOT_IN_PAGES = {
    "config_file_path", "dev_addr", "docs_dir", "hooks", "plugins", "site_dir", "strict", "theme", "watch",
}  # fmt: skip
_OF_ITS_OWN = {"description", "hide", "preload", "search", "title"}
"""Front matter that a page shows of itself alone; of the title, the navigation knows. Material shows icons, say."""
_OF_THE_BUILD = re.compile(r"\b(?:build_date_utc|update_date|pages)\b")
"""What a template may print that is not of its page: the day of the build, and all other pages."""


def obstacle(config: MkDocsConfig) -> str | None:
    """Why pages can depend on what the plugin does not know; None where they cannot."""
    if config.hooks:  # they stand among the plugins, too
        return "hooks"
    others = [name for name in config.plugins if name not in _PLUGINS]
    if others:
        return f"the plugin {others[0]}"
    if config.theme.name != "material":
        return f"the theme {config.theme.name}"
    extensions = [name for name in config.markdown_extensions if name not in _EXTENSIONS]
    if extensions:
        return f"the Markdown extension {extensions[0]}"
    for file in own_templates(config):
        if file.suffix == ".html" and _OF_THE_BUILD.search(file.read_text(encoding="utf-8", errors="replace")):
            return f"the template {file.name}, which prints what is not of its page"
    return None


def configuration(config: MkDocsConfig) -> str:
    """A digest of everything outside a page that its HTML depends on, but the navigation."""
    parts = {
        "versions": [runsum.__version__, mkdocs.__version__, version("mkdocs-material"), markdown.__version__,
                     version("jinja2"), version("markupsafe"), version("pyyaml"), platform.python_version()],
        "config": {name: value for name, value in config.items() if name not in _NOT_IN_PAGES},
        "plugins": {name: dict(plugin.config) for name, plugin in config.plugins.items()},
        "theme": [config.theme.name, dict(config.theme), sorted(config.theme.static_templates)],
        "templates": [[file.name, digest_of(file.read_bytes())] for file in own_templates(config)],
    }  # fmt: skip
    return digest_of(json.dumps(parts, default=_plain, sort_keys=True).encode())


def read_ahead(nav: Navigation) -> None:
    """Tell the pages of the navigation what stands in their front matter: the theme shows some of it on all pages.

    MkDocs tells them when it makes them, and reports what it cannot read.
    """
    for page in nav.pages:
        with contextlib.suppress(OSError, ValueError):
            page.meta = get_data(page.file.content_string)[1]


def outline(nav: Navigation) -> list[Any]:
    """What a page that is not in the navigation shows of it."""
    return _outline(nav.items)


def _outline(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        title = item.title
        if title is None and item.is_page:  # mkdocs.yml names none: the page will, when it has been read
            title = [digest_of(item.file.content_bytes)]
        meta = getattr(item, "meta", {})
        shown = sorted(repr(pair) for pair in meta.items() if pair[0] not in _OF_ITS_OWN)
        found.append([title, getattr(item, "url", None), shown, _outline(item.children or [])])
    return found


def _plain(value: Any) -> Any:
    """A value of the configuration as JSON can hold it."""
    if hasattr(value, "patterns"):  # what a .gitignore would say
        return [str(getattr(pattern, "regex", pattern)) for pattern in value.patterns]
    if hasattr(value, "items"):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    name = getattr(value, "__qualname__", None)
    return f"{value.__module__}.{name}" if name else repr(value)
