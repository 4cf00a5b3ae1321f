"""What the contracts are checked on: the archive of all scenarios, the wordings and the code of the package."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

import runsum
from runsum.archive.archive import Archive, make_archive
from runsum.archive.slugs import SlugMaker
from runsum.build import make_common, make_parts, mark_twins
from runsum.cache import BuildCache
from runsum.clock import AsOf
from runsum.config import Settings
from runsum.digest import DigestSettings
from runsum.formatting import FILTERS
from runsum.gather import Gatherer
from runsum.pages.contract import Page
from runsum.pages.run import RunPages
from runsum.pages.twin import run_twin
from runsum.parallel import Workers
from runsum.redact.redactor import Redactor
from runsum.render import Renderer
from runsum.resources import template_folder
from runsum.site.writer import SiteWriter
from runsum.thresholds import Thresholds
from support.scenarios import SCENARIOS

PACKAGE = Path(runsum.__file__).parent
TEMPLATES = template_folder() / "pages"
WORDING_FILE = template_folder() / "wording.yml"
WORDING: dict[str, Any] = yaml.safe_load(WORDING_FILE.read_text(encoding="utf-8"))
WORDS: dict[str, str] = {key: text for section in WORDING["phrases"].values() for key, text in section.items()}
AS_OF_S = 1_766_491_200.0  # 23 Dec 2025, 12:00


def environment() -> jinja2.Environment:
    known = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES))
    known.filters |= FILTERS
    known.filters |= dict.fromkeys(Renderer(template_folder())._page.filters, str)
    return known


ENVIRONMENT = environment()


@dataclass(frozen=True)
class Rendered:
    """The archive of all scenarios with its pages, made without a docs folder."""

    archive: Archive
    pages: tuple[Page, ...]
    markdown: dict[str, str]
    documents: dict[str, dict[str, Any]]
    renderer: Renderer


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """Every scenario in one archive."""
    folder = tmp_path_factory.mktemp("scenarios")
    settings, slugs = Settings(folder, notes_dir=folder / "notes", solved={"Breakout": 5.0}), SlugMaker()
    use = DigestSettings(Thresholds(), AsOf(AS_OF_S, local=True), settings.solved)
    named = [(scenario.name, folder / f"{scenario.name}.db") for scenario in SCENARIOS]
    for scenario, (_, path) in zip(SCENARIOS, named, strict=True):
        scenario.build(path)
    with SiteWriter(folder / "docs") as writer, Workers(1) as workers:
        gatherer = Gatherer(settings, use, Redactor(), BuildCache(None), writer, workers, lambda *_: None)
        gathered = gatherer.gather(named, slugs)
    archive = make_archive(mark_twins(gathered.digests), gathered.sources, slugs, settings.thresholds, settings.solved)
    renderer = Renderer(template_folder())
    parts = [item for part in make_parts(archive) for item in part.make()]
    items = (
        *map(RunPages(archive, {}).page, archive.runs),
        *(item for make in make_common(archive, {}, renderer.words) for item in make()),
        *parts,
    )
    pages = tuple(item for item in items if isinstance(item, Page))
    return Rendered(
        archive,
        pages,
        {page.path: renderer.page(page.template, page.context) for page in pages},
        {run.digest.slug: json.loads(run_twin(run, archive, renderer.words)) for run in archive.runs},
        renderer,
    )


@cache
def sources() -> tuple[ast.Module, ...]:
    return tuple(ast.parse(file.read_text(encoding="utf-8")) for file in sorted(PACKAGE.rglob("*.py")))
