"""The comparison in a browser, as the tests of its page open and read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from support.browser import WIDE, Visit, served, visiting
from support.compared import Compared

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REWARD, METRIC = ".rs-compare-reward", ".rs-compare-metric"
BOTH_DRAWN = f"{REWARD}.rs-drawn canvas"
from_a_server = pytest.mark.parametrize("home", ["http"], indirect=True)


@contextmanager
def reached(compared: Compared, way: str) -> Iterator[str]:
    """The archive from a server ("http"), or the OFFLINE one straight from its folder ("file")."""
    if way == "file":
        yield compared.offline.as_uri() + "/"
    else:
        with served(compared.online) as url:
            yield url


@contextmanager
def comparing(browser: Browser, home: str, fragment: str, viewport: dict[str, int] = WIDE) -> Iterator[Visit]:
    """A tab with a comparison, its charts drawn."""
    with visiting(browser, home, viewport=viewport) as visit:
        visit.open(f"compare/index.html#{fragment}")
        visit.page.wait_for_selector(BOTH_DRAWN)
        visit.page.wait_for_selector(f"{METRIC}.rs-drawn canvas")
        yield visit


def cells(page: Page, name: str) -> list[str]:
    """The values of a row of the table of outcomes, without the mark of the best."""
    found = page.locator(f"tr[data-row={name}] > td").all_inner_texts()
    return [re.sub(r"^best\s+", "", text, flags=re.IGNORECASE) for text in found]


def said(page: Page) -> str:
    return page.locator(".rs-compare-said").inner_text()
