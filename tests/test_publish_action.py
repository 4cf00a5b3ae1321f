"""The GitHub Action: its own scripts, run the way a runner runs them, on real databases."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from runsum import __version__
from runsum.resources import starter_mkdocs
from support.cli import ONE, TWO, make

ROOT = Path(__file__).resolve().parents[1]
ACTION = ROOT / ".github" / "actions" / "publish" / "action.yml"
SCRIPTS = sysconfig.get_path("scripts")
SHELLS = {"bash": ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"], "python": [sys.executable]}
INSTALLING = "install"  # the step that fetches packages; everything it would install is here already


@dataclass
class Run:
    """A run of the action: the code it ends with, what was said, and what it hands on."""

    code: int = 0
    log: str = ""
    summary: str = ""
    steps: dict[str, dict[str, str]] = field(default_factory=dict)  # outputs of the steps that ran
    used: dict[str, dict[str, str]] = field(default_factory=dict)  # the `with` of the actions it calls

    @property
    def uploaded(self) -> str | None:
        """The folder handed to GitHub Pages."""
        return next((given["path"] for name, given in self.used.items() if "upload-pages-artifact" in name), None)


def action() -> dict[str, Any]:
    loaded = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def run_action(work: Path, **given: str) -> Run:
    """Run the action with `work` as the workspace; a failed step ends it."""
    described = action()
    inputs = {name: word["default"] for name, word in described["inputs"].items()}
    inputs |= {name.replace("_", "-"): value for name, value in given.items()}
    runner = work.parent / f"{work.name}-runner"
    runner.mkdir()
    ran = Run()
    for place, step in enumerate(described["runs"]["steps"]):
        assert "if" not in step, "this runner knows no conditions"
        if "uses" in step:
            ran.used[step["uses"]] = {name: fill_in(str(value), inputs, ran) for name, value in step["with"].items()}
        elif step["id"] != INSTALLING:
            _run_step(step, work, runner / str(place), inputs, ran)
        if ran.code:
            break
    return ran


def _run_step(step: dict[str, Any], work: Path, runner: Path, inputs: dict[str, str], ran: Run) -> None:
    runner.mkdir()
    script, output, summary = runner / "script", runner / "output", runner.parent / "summary.md"
    script.write_text(step["run"], encoding="utf-8")
    output.touch()
    environment = {name: fill_in(value, inputs, ran) for name, value in step.get("env", {}).items()}
    done = subprocess.run(
        [*SHELLS[step["shell"]], str(script)],
        cwd=work / fill_in(step.get("working-directory", "."), inputs, ran),
        env=os.environ
        | {"PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}", "RUNNER_TEMP": str(runner.parent)}
        | {"GITHUB_ACTION_PATH": str(ACTION.parent), "GITHUB_WORKSPACE": str(work)}
        | {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
        | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    ran.code, ran.log = done.returncode, ran.log + done.stdout
    ran.summary = summary.read_text(encoding="utf-8") if summary.exists() else ""
    lines = output.read_text(encoding="utf-8").splitlines()
    ran.steps[step["id"]] = dict(line.split("=", 1) for line in lines)


def fill_in(text: str, inputs: dict[str, str], ran: Run) -> str:
    """Replace ${{ inputs.x }} and ${{ steps.y.outputs.z }}; anything else is not known here and fails."""

    def value(found: re.Match[str]) -> str:
        match found[1].split("."):
            case ["inputs", name]:
                return inputs[name]
            case ["steps", step, "outputs", name]:
                return ran.steps[step][name]
        raise AssertionError(f"unknown expression {found[0]}")

    return re.sub(r"\$\{\{ *(.*?) *\}\}", value, text)


def outputs(ran: Run) -> dict[str, str]:
    """What a workflow sees of the run."""
    return {name: fill_in(word["value"], {}, ran) for name, word in action()["outputs"].items()}


def pages_in(site: Path) -> int:
    return len(list(site.rglob("*.html")))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A fresh checkout of somebody's repository."""
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


# ---------------------------------------------------------------- a site is built


@pytest.mark.parametrize("builder", ["mkdocs", "properdocs", "zensical"])
def test_a_database_becomes_a_checked_site(work: Path, builder: str) -> None:
    """With every builder: the pages are counted, the data has no problems, and the site is handed over."""
    if shutil.which(builder, path=SCRIPTS) is None:
        pytest.skip(f"{builder} is not installed; type: pip install {builder}")
    make(work / "ml_experiments.db", ONE, TWO)
    ran = run_action(work, builder=builder)
    assert ran.code == 0, ran.log
    site = work / "site"
    assert outputs(ran) == {"pages": str(pages_in(site)), "problems": "0", "site": str(site)}
    assert (site / "runs" / ONE / "index.html").is_file()
    assert ran.uploaded == str(site)
    pages = [page.read_text(encoding="utf-8") for page in site.rglob("*.html")]
    assert all('<meta http-equiv="Content-Security-Policy"' in page for page in pages)


def test_the_summary_says_what_was_built(work: Path) -> None:
    """Runs, pages, problems by kind, size, and the result of the check, as a table."""
    make(work / "ml_experiments.db", ONE)
    make(work / "odd.db", TWO, status="crunching")
    ran = run_action(work, databases="ml_experiments.db\nodd.db\n")
    assert (ran.code, outputs(ran)["problems"]) == (0, "1"), ran.log
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]*) \|$", ran.summary, re.MULTILINE))
    assert (rows["Runs"], rows["Problems in the data"], rows["Site check"]) == ("2", "1 (unknown status 1)", "passed")
    assert rows["Pages"] == outputs(ran)["pages"] == str(pages_in(work / "site"))
    size = sum(file.stat().st_size for file in (work / "site").rglob("*") if file.is_file())
    assert rows["Size"] == f"{size / 1e6:.1f} MB of 900 MB"


def test_databases_are_paths_and_globs(work: Path) -> None:
    """One per line: spaces belong to the name, ** goes down, empty lines and Windows line ends do not matter."""
    make(work / "one run.db", ONE)
    make(work / "machines" / "left" / "second one.db", TWO)
    make(work / "machines" / "right.db", "run-0c110003")
    ran = run_action(work, databases="one run.db\r\n\nmachines/**/*.db\n")
    assert ran.code == 0, ran.log
    built = {folder.name for folder in (work / "docs" / "runs").iterdir() if folder.is_dir()}
    assert built == {ONE, TWO, "run-0c110003"}


def test_a_word_of_an_input_is_never_a_command(work: Path) -> None:
    """What looks like shell code is the name of a file."""
    make(work / "$(touch broken); touch broken.db", ONE)
    ran = run_action(work, databases="$(touch broken); touch broken.db")
    assert ran.code == 0, ran.log
    assert sorted(path.name for path in work.iterdir()) == [
        "$(touch broken); touch broken.db",
        ".cache",
        "docs",
        "mkdocs.yml",
        "site",
    ]


def test_a_folder_and_a_config_of_their_own(work: Path) -> None:
    """Both are found, and the site is reported with its full path."""
    make(work / "lab" / "data" / "a.db", ONE)
    (work / "lab" / "archive.yml").write_text("databases: data/*.db\n", encoding="utf-8")
    ran = run_action(work, folder="lab", config="archive.yml")
    assert ran.code == 0, ran.log
    assert ran.uploaded == outputs(ran)["site"] == str(work / "lab" / "site")


def test_the_site_is_where_mkdocs_yml_says(work: Path) -> None:
    """A site_dir of one's own is checked and handed over."""
    make(work / "ml_experiments.db", ONE)
    starter = starter_mkdocs().read_text(encoding="utf-8")
    (work / "mkdocs.yml").write_text(starter.replace("site_dir: site", "site_dir: public"), encoding="utf-8")
    ran = run_action(work)
    assert (ran.code, ran.uploaded) == (0, str(work / "public")), ran.log


@pytest.mark.slow
def test_the_demo_is_published_this_way(work: Path) -> None:
    """The repository's own workflow: its script unpacks the demo, and the action takes the inputs given there."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "publish.yml").read_text(encoding="utf-8"))
    steps = {step["name"]: step for step in workflow["jobs"]["build"]["steps"]}
    script = [line for line in steps["Unpack the demo"]["run"].splitlines() if " pip install " not in line]
    assert script
    environment = os.environ | {"PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([*SHELLS["bash"], "-c", "\n".join(script)], cwd=work, env=environment, timeout=300, check=True)
    ran = run_action(work, **steps["Build, check and hand over the site"]["with"])
    assert ran.code == 0, ran.log
    assert ran.uploaded == str(work / "runsum-demo" / "site")
    assert "| Site check | passed |" in ran.summary


# ---------------------------------------------------------------- nothing is handed over


def test_a_site_that_is_too_large_is_not_handed_over(work: Path) -> None:
    """The step fails, the log and the summary say so, and the numbers are there all the same."""
    make(work / "ml_experiments.db", ONE)
    ran = run_action(work, max_size="1")
    assert (ran.code, ran.uploaded) == (1, None)
    assert "of 1 MB |" in ran.summary
    assert "| Site check | failed: 1, see the log |" in ran.summary
    assert "1 MB" in ran.log
    assert outputs(ran)["pages"] == str(pages_in(work / "site"))


def test_a_broken_page_is_not_handed_over(work: Path) -> None:
    """A missing picture in a page of one's own fails, even where the builder does not mind."""
    make(work / "ml_experiments.db", ONE)
    (work / "docs").mkdir()
    (work / "docs" / "mine.md").write_text('# Mine\n\n<img src="gone.png" alt="gone">\n', encoding="utf-8")
    ran = run_action(work)
    assert (ran.code, ran.uploaded) == (1, None), ran.log
    assert "gone.png" in ran.log


def test_a_page_with_a_script_of_its_own_is_not_handed_over(work: Path) -> None:
    """The policy would keep it from running, so the log names the page and the script, and the check never begins."""
    make(work / "ml_experiments.db", ONE)
    (work / "docs").mkdir()
    (work / "docs" / "mine.md").write_text("# Mine\n\n<script>countVisitors()</script>\n", encoding="utf-8")
    ran = run_action(work)
    assert (ran.code, ran.uploaded, "check" in ran.steps) == (1, None, False), ran.log
    assert "mine.html: countVisitors()" in ran.log


def test_without_a_database_the_log_says_what_to_do(work: Path) -> None:
    """The first step fails with one line, and nothing follows."""
    ran = run_action(work)
    assert (ran.code, ran.uploaded, ran.summary) == (2, None, "")
    assert ran.log.startswith("runsum: No database: ")
    assert ran.log.count("\n") == 1


def test_an_unknown_builder_is_never_run(work: Path) -> None:
    """The first script of all refuses it, before anything is installed."""
    (step,) = [step for step in action()["runs"]["steps"] if step.get("id") == INSTALLING]
    done = subprocess.run(
        [*SHELLS["bash"], "-c", step["run"]],
        cwd=work,
        env=os.environ | {"BUILDER": "touch", "RUNSUM": "./nothing-to-install"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "::error::builder must be mkdocs, properdocs or zensical\n")


# ---------------------------------------------------------------- what the file promises


def test_the_default_is_this_version() -> None:
    """The action installs the runsum that it came with."""
    assert action()["inputs"]["runsum"]["default"] == f"runsum=={__version__}"


def test_the_steps_are_in_their_order() -> None:
    """Nothing is uploaded before the check, and nothing comes after the upload."""
    names = [step["name"] for step in action()["runs"]["steps"]]
    assert names[-3:] == ["Write the Content-Security-Policy", "Check the site", "Hand the site to GitHub Pages"]


def test_every_input_is_optional_and_explained() -> None:
    """A workflow may say `uses:` and nothing else."""
    for name, word in action()["inputs"].items():
        assert word["description"].endswith("."), name
        assert (word["required"], type(word["default"])) == (False, str), name


def test_the_readme_names_every_input_and_output() -> None:
    """Beside the way to GitHub Pages."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## Publishing\n")[1].split("\n## ")[0]
    assert [name for name in (*action()["inputs"], *action()["outputs"]) if f"`{name}`" not in section] == []
