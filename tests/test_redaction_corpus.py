"""From the outside: planted secrets of every kind in every place reach neither docs nor site; look-alikes all do."""

from __future__ import annotations

import html
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runsum.redact.redactor import Redactor
from support import lookalikes_places, secrets_places
from support.command import build, runsum
from support.expect import AS_OF
from support.lookalikes import SETTINGS, TEXTS
from support.rows import add_run
from support.schema import database
from support.secrets import Planted, all_secrets
from support.secrets_found import Searched

# With RUNSUM_TESTS=all, an archive of all of them, which takes some minutes.
EVERY = all_secrets()
SECRETS = EVERY if os.environ.get("RUNSUM_TESTS") == "all" else EVERY[::3]
FEW = EVERY[::12]
REASON = "Nothing here is confidential, says the owner of this archive."
ROOT = "project_root: root\n"
TESTS = Path(__file__).parent


@dataclass(frozen=True)
class Built:
    """What a build left and said."""

    work: Path
    done: subprocess.CompletedProcess[str]

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.done.stdout)
        return found

    def searched(self, *folders: str) -> Searched:
        """All words of the terminal and of folders."""
        found = Searched()
        found.add("stdout", self.done.stdout)
        found.add("stderr", self.done.stderr)
        for folder in folders:
            found.add_folder(self.work / folder)
        return found


def make_site(work: Path) -> subprocess.CompletedProcess[str]:
    """Have MkDocs build the site of a folder."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"],
        cwd=work,
        env=os.environ | {"PYTHONUTF8": "1", "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def plant(work: Path, items: tuple[Planted, ...], settings: str = "") -> Built:
    """An archive with every secret in every place."""
    work.mkdir(exist_ok=True)
    with database(work / "data.db") as con:
        secrets_places.plant_database(con, items)
    secrets_places.plant_project(work / "root", work / "notes", items)
    (work / "runsum.yml").write_text(ROOT + settings, encoding="utf-8")
    return Built(work, build(work / "data.db", work))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The archive of all secrets, its docs folder and its site."""
    built = plant(tmp_path_factory.mktemp("planted"), SECRETS)
    assert built.done.returncode == 0, built.done.stderr
    site = make_site(built.work)
    assert site.returncode == 0, site.stderr
    return built


@pytest.fixture(scope="module")
def alike(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The docs folder of an archive of look-alikes."""
    work = tmp_path_factory.mktemp("alike")
    with database(work / "data.db") as con:
        lookalikes_places.plant(con, work / "root", work / "notes", TEXTS)
    (work / "runsum.yml").write_text(ROOT, encoding="utf-8")
    done = build(work / "data.db", work)
    assert done.returncode == 0, done.stderr
    return work / "docs"


def told(leaks: dict[str, list[str]] | Any) -> str:
    """What was found, in lines short enough to read."""
    lines = [f"{kind} ({len(found)} places):\n    " + "\n    ".join(found[:3]) for kind, found in leaks.items()]
    return f"{len(leaks)} of the planted secrets were published\n" + "\n".join(lines)


# --- the corpora themselves


def test_corpora_are_large_enough() -> None:
    """At least 100 secrets of 30 kinds, each kind once; at least 200 look-alikes."""
    kinds = [item.kind for item in EVERY]
    assert len(SECRETS) >= 80
    assert len({item.kind.partition(":")[0] for item in SECRETS}) >= 60
    assert len(set(kinds)) == len(kinds)
    assert len(set(TEXTS)) == len(TEXTS)
    assert len(TEXTS) + len(SETTINGS) >= 200


def test_secrets_are_the_same_in_every_run() -> None:
    """The seed decides; nothing is left to chance."""
    assert all_secrets() == EVERY


@pytest.mark.parametrize("item", EVERY, ids=lambda item: item.kind)
def test_search_finds_what_is_planted(item: Planted) -> None:
    """The search finds a secret in its own text, and written as JSON and as entities."""
    for spelled in (item.text, json.dumps({"a": item.text}), html.escape(json.dumps(item.text))):
        searched = Searched()
        searched.add("here", spelled)
        assert item.kind in searched.leaks([item])


@pytest.mark.parametrize("item", EVERY, ids=lambda item: item.kind)
def test_the_redactor_leaves_nothing_of_it(item: Planted) -> None:
    """As a text, in a sentence, as a value of a document, under its name, and as a document in a document."""
    keep, found = Redactor(), Searched()
    document = {"remark": item.text, "inner": {"words": [item.text], **item.pairs}}
    found.add("text", keep.text(item.text))
    found.add("sentence", keep.text(f"It says: {item.text}."))
    found.add("document", keep.document(json.dumps(document), "t", "c"))
    found.add("packed", keep.document(json.dumps({"packed": json.dumps(document)}), "t", "c"))
    assert not found.leaks([item])


def test_look_alikes_hold_no_secret_and_the_source_holds_none() -> None:
    """No look-alike and no line of the tests is itself one of the secrets."""
    searched = Searched()
    for text in TEXTS:
        searched.add("look-alikes", text)
    for file in (*TESTS.glob("*.py"), *(TESTS / "support").glob("*.py")):
        searched.add(file.name, file.read_text(encoding="utf-8"))
    assert not searched.leaks(EVERY)


# --- secrets


@pytest.mark.slow
def test_without_redaction_all_are_published(tmp_path: Path) -> None:
    """With redaction off for a reason, every secret is found: the places are real and the search works."""
    built = plant(tmp_path / "open", FEW, f'redact: {{mode: "off", reason: "{REASON}"}}\n')
    assert built.done.returncode == 0, built.done.stderr
    leaks = built.searched("docs").leaks(FEW)
    assert [item.kind for item in FEW if item.kind not in leaks] == []


@pytest.mark.slow
def test_no_secret_in_docs_site_or_terminal(planted: Built) -> None:
    """None of them is found: not in a file or its name, packed or escaped, not in the report of the build."""
    leaks = planted.searched("docs", "site").leaks(SECRETS)
    assert not leaks, told(leaks)


@pytest.mark.slow
def test_no_secret_with_strict(tmp_path: Path) -> None:
    """The strict mode lets nothing through that the standard one keeps back."""
    built = plant(tmp_path / "strict", FEW, "redact: strict\n")
    assert built.done.returncode == 0, built.done.stderr
    leaks = built.searched("docs").leaks(FEW)
    assert not leaks, told(leaks)


@pytest.mark.slow
def test_report_counts_without_telling(planted: Built) -> None:
    """The report says by rule, table and column how often something was taken out."""
    found = planted.report["redactions"]
    assert {"rule", "table", "column", "count"} <= set(found[0])
    assert all(row["count"] > 0 for row in found)
    tables = {row["table"] for row in found}
    assert {"experiment_runs", "experiments", "chart_annotations", "video_generation_progress"} <= tables
    assert len({row["rule"] for row in found}) >= 10


@pytest.mark.slow
def test_problems_page_tells_what_was_redacted(planted: Built) -> None:
    """Whoever looks over the archive sees which columns held something."""
    page = html.unescape((planted.work / "docs" / "problems" / "index.md").read_text(encoding="utf-8"))
    assert "redact" in page.lower()
    assert "config_json" in page


@pytest.mark.slow
def test_runs_stay_apart(planted: Built) -> None:
    """Runs whose id was redacted have pages of their own."""
    assert planted.report["runs"] == 2 * len(SECRETS)
    assert len(list((planted.work / "docs" / "runs").glob("*/run.json"))) == 2 * len(SECRETS)


@pytest.mark.slow
def test_database_names_and_folders(tmp_path: Path) -> None:
    """Secrets as the name of a database, of its folder and of its source are published neither."""
    items = [item for item in EVERY if secrets_places.safe_name(item)][::6]
    lines = ["databases:"]
    for number, item in enumerate(items):
        name = secrets_places.safe_name(item)
        folder = f"{name} {number}" if number % 3 == 0 else str(number)
        file = f"{name}.db" if number % 3 == 1 else "runs.db"
        path = tmp_path / folder / file
        path.parent.mkdir()
        with database(path) as con:
            add_run(con, f"run-{number:08x}")
        said = {"path": f"./{folder}/{file}".replace("[", "[[]")} | ({"name": item.text} if number % 3 == 2 else {})
        lines.append(f"  - {json.dumps(said)}")
    (tmp_path / "runsum.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for options in (("--json",), ()):
        done = runsum("build", "--as-of", AS_OF, *options, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        leaks = Built(tmp_path, done).searched("docs").leaks(items)
        assert not leaks, told(leaks)


TOKENS = [item for item in EVERY if secrets_places.safe_name(item) and item.whole and item.parts]


@pytest.mark.parametrize("item", TOKENS[::9], ids=lambda item: item.kind)
def test_error_messages(item: Planted, tmp_path: Path) -> None:
    """What the command complains about does not stand whole in its complaint, which a public log may keep."""
    name = secrets_places.safe_name(item) or ""
    (tmp_path / name).mkdir()
    (tmp_path / name / "broken.db").write_bytes(b"no database")
    (tmp_path / f"{name}.yml").write_text(f"unknown: {json.dumps(item.text)}\n", encoding="utf-8")
    for words in (("--db", f"{name}/broken.db"), ("--db", f"{name}/gone.db"), ("--config", f"{name}.yml")):
        done = runsum("build", *words, cwd=tmp_path)
        assert done.returncode != 0
        leaks = Built(tmp_path, done).searched().leaks([item])
        assert not leaks, told(leaks)


# --- look-alikes


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(TEXTS)), ids=lambda number: TEXTS[number][:40])
def test_look_alike_is_kept(number: int, alike: Path) -> None:
    """A look-alike stands in every place as it was written."""
    folder = alike / "runs" / lookalikes_places.run_id(number)
    assert lookalikes_places.missing_places(folder, TEXTS[number]) == []


@pytest.mark.slow
def test_settings_are_kept(alike: Path) -> None:
    """Settings whose names only sound like secrets keep their values."""
    assert lookalikes_places.lost_settings(alike / "runs" / lookalikes_places.run_id(len(TEXTS))) == {}


# --- the check of the site


def leaks_found_by_check(work: Path) -> list[str]:
    """What `runsum check` takes for a secret in the site of a folder."""
    done = runsum("check", "--json", cwd=work)
    assert done.stdout, done.stderr
    found = [problem for problem in json.loads(done.stdout)["problems"] if problem["kind"] == "leak"]
    return [f"{problem['target']} in {problem['page']}, {problem.get('hint', '')}" for problem in found]


@pytest.mark.slow
def test_check_passes_the_site(planted: Built) -> None:
    """In a site that was built with redaction, the rules find nothing more."""
    assert leaks_found_by_check(planted.work) == []


@pytest.mark.slow
def test_check_passes_look_alikes(alike: Path) -> None:
    """A site full of look-alikes passes as well."""
    site = make_site(alike.parent)
    assert site.returncode == 0, site.stderr
    assert leaks_found_by_check(alike.parent) == []


@pytest.mark.slow
def test_check_finds_what_was_written_by_hand(planted: Built, tmp_path: Path) -> None:
    """A secret typed into a page is found there, and not repeated by the report."""
    site = tmp_path / "site"
    shell = (planted.work / "site" / "methods" / "index.html").read_text(encoding="utf-8")
    shell = shell[: shell.index("<body")] + "<body><article></article></body></html>"
    site.mkdir()
    (site / "index.html").write_text(shell, encoding="utf-8")
    pages = {}
    for number, item in enumerate(EVERY):
        page = f"typed-{number}/index.html"
        (site / page).parent.mkdir()
        typed = f"<p>{html.escape(item.text)}</p></article>"
        (site / page).write_text(shell.replace("</article>", typed), encoding="utf-8")
        pages[page] = item
    done = runsum("check", "site", "--json", cwd=tmp_path)
    assert done.returncode == 1
    named = {problem["page"] for problem in json.loads(done.stdout)["problems"] if problem["kind"] == "leak"}
    assert [item.kind for page, item in pages.items() if page not in named] == []
    for said in (done, runsum("check", "site", cwd=tmp_path)):
        leaks = Built(tmp_path, said).searched().leaks(EVERY)
        assert not leaks, told(leaks)


# --- settings


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder with one run that holds a token, a password, an own badge and a home folder."""
    with database(tmp_path / "data.db") as con:
        config = {"api_key": "open-sesame-1", "badge": "BADGE-123456", "remark": EVERY[0].text}
        add_run(con, "run-00000001", config, custom_name="by BADGE-654321")
    return tmp_path


def config_of(work: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((work / "docs/runs/run-00000001/run.json").read_text(encoding="utf-8"))["config"]
    return found


def test_off_without_a_reason_is_refused(small: Path) -> None:
    """Redaction cannot be switched off without saying why."""
    for setting in (
        "redact: off",
        "redact: {mode: off}",
        'redact: {mode: off, reason: ""}',
        "redact: {mode: off, reason: }",
    ):
        (small / "runsum.yml").write_text(setting + "\n", encoding="utf-8")
        done = build(small / "data.db", small)
        assert done.returncode != 0, setting
        assert "reason" in done.stderr
        assert not (small / "docs").exists()


def test_off_shows_a_banner(small: Path) -> None:
    """With a reason everything is published, and the home page says so."""
    (small / "runsum.yml").write_text(f'redact: {{mode: off, reason: "{REASON}"}}\n', encoding="utf-8")
    assert build(small / "data.db", small).returncode == 0
    assert config_of(small)["remark"] == EVERY[0].text
    assert config_of(small)["api_key"] == "open-sesame-1"
    page = html.unescape((small / "docs/index.md").read_text(encoding="utf-8"))
    assert REASON in page


def test_own_patterns(small: Path) -> None:
    """A pattern of one's own takes out what it matches, everywhere."""
    for setting in (r"{badge: 'BADGE-\d{6}'}", r"['BADGE-\d{6}']"):
        (small / "runsum.yml").write_text(f"redact: {{patterns: {setting}}}\n", encoding="utf-8")
        built = Built(small, build(small / "data.db", small))
        assert built.done.returncode == 0, built.done.stderr
        searched = built.searched("docs")
        assert not searched.leaks([Planted("badge", "", ("BADGE-123456", "BADGE-654321"))])


@pytest.mark.parametrize(
    "setting", ["{patterns: {badge: '('}}", "{mode: loud}", "{modes: strict}", "7", "{allow_keys: {a: b}}"]
)
def test_unusable_settings_are_refused(setting: str, small: Path) -> None:
    """What the settings say of redaction must be understood, or nothing is built."""
    (small / "runsum.yml").write_text(f"redact: {setting}\n", encoding="utf-8")
    done = build(small / "data.db", small)
    assert done.returncode != 0
    assert "redact" in done.stderr or "allow_keys" in done.stderr
    assert not (small / "docs").exists()


def test_allowed_keys_and_values(small: Path) -> None:
    """What the owner allows is published, and nothing else with it."""
    assert build(small / "data.db", small).returncode == 0
    assert config_of(small)["api_key"] != "open-sesame-1"
    (small / "runsum.yml").write_text("redact: {allow_keys: [API_KEY]}\n", encoding="utf-8")
    assert build(small / "data.db", small).returncode == 0
    assert config_of(small)["api_key"] == "open-sesame-1"
    assert EVERY[0].whole[0] not in config_of(small)["remark"]
    (small / "runsum.yml").write_text(f"redact: {{allow_values: [{EVERY[0].whole[0]}]}}\n", encoding="utf-8")
    assert build(small / "data.db", small).returncode == 0
    assert config_of(small)["remark"] == EVERY[0].text
    assert config_of(small)["api_key"] != "open-sesame-1"
