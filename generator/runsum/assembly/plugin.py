"""The plugin: what MkDocs asks it, at which moment of a build."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

from mkdocs.config.base import Config
from mkdocs.config.config_options import Type
from mkdocs.plugins import BasePlugin, CombinedEvent, event_priority

from runsum.assembly.fingerprint import obstacle
from runsum.assembly.making import Making

if TYPE_CHECKING:
    import jinja2
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Navigation
    from mkdocs.structure.pages import Page

_log = logging.getLogger("mkdocs.plugins.runsum")
_FIRST, _LAST = 90, -90


class RunsumConfig(Config):
    """What can be set below `runsum:` in the list of plugins."""

    cache_dir = Type(str, default=".cache/runsum")
    """Where finished pages are kept; relative to mkdocs.yml."""


class RunsumPlugin(BasePlugin[RunsumConfig]):
    """Has MkDocs make the same site in less time.

    Where another plugin, a hook or an extension is at work of which it does not know what it does, it does nothing.
    """

    def __init__(self) -> None:
        self._making: Making | None = None
        self._is_dirty = False
        self._served: dict[str, list[Any]] | None = None

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Learn whether there is a site to be right at all, and stay for the next build of `mkdocs serve`."""
        self._is_dirty = dirty
        self._served = {} if command == "serve" else None

    @event_priority(_LAST)
    def on_config(self, config: MkDocsConfig) -> None:
        """Decide whether to help with this build."""
        self._making = None
        if self._is_dirty:
            return
        reason = obstacle(config)
        if reason:
            _log.info("runsum: every page is made anew, because of %s", reason)
            return
        self._making = Making(config, self.config.cache_dir, self._served)

    @event_priority(_LAST)
    def on_pre_build(self, *, config: MkDocsConfig) -> None:
        """Save the last site from being deleted."""
        if self._making:
            self._making.save_site()

    @event_priority(_LAST)
    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Hand MkDocs a collection that can leave files out."""
        return self._making.take_files(files) if self._making else files

    @event_priority(_LAST)
    def on_nav(self, nav: Navigation, *, config: MkDocsConfig, files: Files) -> None:
        """Find out which pages need not be made."""
        if self._making:
            self._making.choose(nav)

    def on_page_read_source(self, *, page: Page, config: MkDocsConfig) -> str | None:
        """Read a page, and remember what has been read."""
        return self._making.read(page) if self._making else None

    @event_priority(_LAST)
    def on_page_markdown(self, markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
        """Take out the blocks of HTML."""
        return self._making.before_rendering(page, markdown) if self._making else markdown

    @event_priority(_FIRST)
    def on_page_content(self, html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
        """See that every block has kept its place."""
        return self._making.after_rendering(page, html) if self._making else html

    @event_priority(_LAST)
    def on_env(self, env: jinja2.Environment, *, config: MkDocsConfig, files: Files) -> Any:
        """Have pages that are alike made from one."""
        return self._making.with_shells(env) if self._making else env

    @event_priority(_FIRST)
    def _before_search(self, context: Any, *, page: Page, config: MkDocsConfig, nav: Navigation) -> None:
        if self._making:
            self._making.before_search()

    @event_priority(_LAST)
    def _after_search(self, context: Any, *, page: Page, config: MkDocsConfig, nav: Navigation) -> None:
        if self._making:
            self._making.after_search(page)

    on_page_context = CombinedEvent(_before_search, _after_search)

    @event_priority(_LAST)
    def on_post_page(self, output: str, *, page: Page, config: MkDocsConfig) -> None:
        """Remember the finished page."""
        if self._making:
            self._making.finish_page(page, output)

    @event_priority(_FIRST)
    def _before_last(self, *, config: MkDocsConfig) -> None:
        if self._making:
            self._making.add_kept()

    @event_priority(_LAST)
    def _at_last(self, *, config: MkDocsConfig) -> None:
        if self._making:
            _log.info("runsum: %s", self._making.finish())

    on_post_build = CombinedEvent(_before_last, _at_last)

    def on_build_error(self, *, error: Exception) -> None:
        """Leave nothing hidden in the site."""
        if self._making:
            self._making.give_up()
