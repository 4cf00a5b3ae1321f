"""`runsum init --github`: which files it writes, what it keeps, and what it says is left to do."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from runsum import __version__
from runsum.commands.starter import ACTION_NAME, WORKFLOW_NAME, advise_source
from runsum.resources import publish_action, template_folder
from support.cli import typed

ROOT = Path(__file__).resolve().parents[1]


def test_it_writes_the_workflow_and_the_action_too(work: Path) -> None:
    """Five files, each named, the last two as they are in the package."""
    done = typed("init", "--github")
    assert done.exit_code == 0
    names = ["mkdocs.yml", "runsum.yml", ".gitignore", WORKFLOW_NAME, ACTION_NAME]
    assert [line.split() for line in done.stdout.splitlines()[:5]] == [["wrote", name] for name in names]
    assert (work / WORKFLOW_NAME).read_bytes() == (template_folder() / "starter" / "publish.yml").read_bytes()
    assert (work / ACTION_NAME).read_bytes() == publish_action().read_bytes()
    assert publish_action().read_bytes() == (ROOT / ACTION_NAME).read_bytes()


def test_without_the_option_nothing_is_for_github(work: Path) -> None:
    """`runsum init` is what it was."""
    assert typed("init").stdout.splitlines()[-1] == "Next: runsum build, then mkdocs serve"
    assert not (work / ".github").exists()


def test_three_steps_are_left(work: Path) -> None:
    """The database, the setting of the repository, the push; with the folder's own paths."""
    steps = typed("init", "--github", "archive").stdout.split("Three steps are left:\n")[1].splitlines()
    assert [line[:2] for line in steps if line[0].isdigit()] == ["1.", "2.", "3."]
    assert "git add -f archive/ml_experiments.db" in steps[0]
    assert "archive/.github/workflows/publish.yml" in steps[1]
    assert "Settings > Pages > Source: GitHub Actions" in steps[2]
    assert [line.split()[:2] for line in steps[4:7]] == [["git", word] for word in ("add", "commit", "push")]
    assert "public" in steps[7]


@pytest.mark.parametrize("folder", ["my runs", "it's; mine", "plain"])
def test_the_lines_can_be_typed(work: Path, folder: str) -> None:
    """Whatever the folder is called, a shell reads the command as it is meant; nothing stands around it."""
    steps = typed("init", "--github", folder).stdout.split("Three steps are left:\n")[1].splitlines()
    command = steps[0].partition("finds it: ")[2]
    assert shlex.split(command) == ["git", "add", "-f", f"{folder}/ml_experiments.db"]
    assert [line.strip() for line in steps[4:7]] == ["git add .", 'git commit -m "Publish the archive"', "git push"]


def test_nothing_is_overwritten(work: Path) -> None:
    """A second time all five are kept, and a file changed in between is as it was."""
    (work / ".git").mkdir()
    typed("init", "--github")
    changed = (work / ACTION_NAME).read_text(encoding="utf-8") + "# mine\n"
    (work / ACTION_NAME).write_text(changed, encoding="utf-8")
    done = typed("init", "--github")
    assert [line.split()[0] for line in done.stdout.splitlines()[:5]] == ["kept"] * 5
    assert (work / ACTION_NAME).read_text(encoding="utf-8") == changed
    assert "warning" not in done.stderr


def test_a_workflow_of_ones_own_is_kept_and_named(work: Path) -> None:
    """It publishes something else; the action alone would do nothing, so that is said."""
    (work / WORKFLOW_NAME).parent.mkdir(parents=True)
    (work / WORKFLOW_NAME).write_text("name: Publish a package\n")
    done = typed("init", "--github")
    assert (work / WORKFLOW_NAME).read_text() == "name: Publish a package\n"
    assert f"warning: {WORKFLOW_NAME} is your own and does not use the action" in done.stderr


def test_outside_of_a_repository_it_says_so(work: Path) -> None:
    """There is nothing to push yet."""
    assert "is in no git repository yet. Type 'git init' in it" in typed("init", "--github").stderr


def test_below_the_top_of_a_repository_it_says_so(work: Path) -> None:
    """GitHub would not see the workflow there."""
    (work / ".git").mkdir()
    assert "warning" not in typed("init", "--github").stderr
    said = typed("init", "--github", "runs/archive").stderr
    assert f"Move it to {work.resolve()}, and set 'folder: runs/archive'" in said


# ---------------------------------------------------------------- where GitHub finds runsum


def test_from_an_index_there_is_nothing_to_say() -> None:
    """The version that the action names is there."""
    assert advise_source(None) is None


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        (
            {"url": "https://example.org/lab/runsum", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            "'runsum: git+https://example.org/lab/runsum@c0ffee'",
        ),
        (
            {"url": "file:///srv/runsum.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            "pip wheel --no-deps --wheel-dir . git+file:///srv/runsum.git@c0ffee'",
        ),
        ({"url": "https://example.org/runsum.whl", "archive_info": {}}, "'runsum: https://example.org/runsum.whl'"),
        (
            {"url": "file:///home/me/my%20runsum", "dir_info": {}},
            "pip wheel --no-deps --wheel-dir . '/home/me/my runsum'",
        ),
    ],
)
def test_from_anywhere_else_the_input_is_given(origin: dict[str, object], said: str) -> None:
    """By the address that pip has written down."""
    advice = advise_source(json.dumps(origin))
    assert advice is not None
    assert said in advice


@pytest.mark.slow
def test_the_advised_wheel_can_be_made(work: Path) -> None:
    """`pip wheel` on the checkout makes the file whose name is advised, with the workflow and the action in it."""
    words = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", ".", str(ROOT)]
    done = subprocess.run(words, cwd=work, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    name = f"runsum-{__version__}-py3-none-any.whl"
    assert [file.name for file in work.glob("*.whl")] == [name]
    with zipfile.ZipFile(work / name) as wheel:
        assert wheel.read("runsum/site_template/starter/action.yml") == publish_action().read_bytes()
        assert "runsum/site_template/starter/publish.yml" in wheel.namelist()
    advice = advise_source(json.dumps({"url": ROOT.as_uri(), "dir_info": {}}))
    assert f"'runsum: ./{name}'" in str(advice)
