"""Wheel and source distribution: what is in them, and that the wheel does what the checkout does, from any folder."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from runsum import __version__
from support.command import build, fingerprints, runsum
from support.expect import AS_OF
from support.scenarios_known_runs import HEAD_LEG2_DOUBLED

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = "Scripts" if os.name == "nt" else "bin"


def run(*words: str | Path, cwd: Path) -> str:
    """The output of a command that must succeed, freed of everything that could point it at the checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment with the wheel in it; its dependencies are lent by this one."""
    home = tmp_path_factory.mktemp("fresh") / "venv"
    run(sys.executable, "-m", "venv", home, cwd=home.parent)
    python = home / SCRIPTS / "python"
    run(python, "-m", "pip", "install", "--no-index", "--no-deps", wheel, cwd=home.parent)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home.parent))
    lent = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    (site / "lent.pth").write_text("\n".join(sorted(lent)), encoding="utf-8")  # .pth files in there are not followed
    place = run(python, "-c", "import runsum; print(runsum.__file__)", cwd=home.parent)
    assert Path(place).resolve().is_relative_to(site.resolve()), "the checkout was imported instead of the wheel"
    return home / SCRIPTS


def test_the_wheel_holds_templates_assets_and_the_starter(wheel: Path) -> None:
    """Every file a site is made of is in the package, nothing made by Python or tests, and nothing outside of it."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
        starter = archive.read("runsum/mkdocs.yml")
    package = ROOT / "generator" / "runsum"
    wanted = {f"runsum/{path.relative_to(package).as_posix()}" for path in package.rglob("*.py")}
    wanted |= {"runsum/demo/recorded.zip", "runsum/demo/runsum.yml"}
    wanted |= {f"runsum/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "site_template").rglob("*.*")}
    wanted = {name for name in wanted if not name.endswith((".pyc", "/refresh.py"))}
    assert "runsum/site_template/pages/run.md.j2" in wanted
    assert wanted <= names, sorted(wanted - names)
    assert starter == (ROOT / "mkdocs.yml").read_bytes()
    assert {"runsum/py.typed", "runsum/site_template/starter/gitignore"} <= names
    assert {name.split("/")[0].rpartition(".")[2] for name in names} == {"runsum", "dist-info"}
    assert not [name for name in names if name.endswith(".pyc") or "__pycache__" in name]
    assert any(name.endswith("licenses/LICENSE") for name in names)


def contents(wheel: Path) -> dict[str, bytes]:
    """Every file of a wheel but the list of its files."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/RECORD")}


def test_the_source_distribution_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """Whoever builds from it gets the same package; its tests are in it, too."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, cwd=ROOT)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # the first releases of 3.11 know none
        archive.extractall(tmp_path)
    source = tmp_path / f"runsum-{__version__}"
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=source)
    assert contents(next(tmp_path.glob("*.whl"))) == contents(wheel)
    assert {"tests", ".github", "README.md", "CHANGELOG.md", "LICENSE"} <= {path.name for path in source.iterdir()}


def test_there_is_one_version(installed: Path, wheel: Path, tmp_path: Path) -> None:
    """The wheel's name, `runsum --version` and `python -m runsum --version` say the same."""
    assert wheel.name.startswith(f"runsum-{__version__}-")
    for command in ([installed / "runsum"], [installed / "python", "-m", "runsum"]):
        assert run(*command, "--version", cwd=tmp_path) == f"runsum, version {__version__}"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_the_commands(installed: Path, tmp_path: Path, shell: str) -> None:
    """The line that the README gives for each shell."""
    done = subprocess.run([installed / "runsum"], cwd=tmp_path, capture_output=True, text=True, check=False,
                          env=os.environ | {"_RUNSUM_COMPLETE": f"{shell}_source"})  # fmt: skip
    assert "_RUNSUM_COMPLETE" in done.stdout


def test_the_installed_package_shows_the_same_demo(installed: Path, tmp_path: Path) -> None:
    """The recorded archive is in the wheel, and its pages are those of the checkout."""
    for name in ("elsewhere", "checkout"):
        (tmp_path / name).mkdir()
    run(installed / "runsum", "demo", "--no-serve", cwd=tmp_path / "elsewhere")
    assert runsum("demo", "--no-serve", cwd=tmp_path / "checkout").returncode == 0
    assert fingerprints(tmp_path / "elsewhere") == fingerprints(tmp_path / "checkout")


def test_the_installed_package_builds_what_the_checkout_builds(installed: Path, tmp_path: Path) -> None:
    """The same docs folder, byte for byte, and the same starter files."""
    database = tmp_path / "ml_experiments.db"
    HEAD_LEG2_DOUBLED.build(database)
    checkout, elsewhere = tmp_path / "checkout", tmp_path / "elsewhere"
    assert build(database, checkout).returncode == 0
    elsewhere.mkdir()
    run(installed / "runsum", "build", "--db", database, "--as-of", AS_OF, cwd=elsewhere)
    assert fingerprints(elsewhere) == fingerprints(checkout)
    assert not [name for name in fingerprints(elsewhere) if name.endswith(".py")], "a script was published"


def test_the_installed_package_writes_the_starters(installed: Path, tmp_path: Path) -> None:
    """`runsum init` finds its files in the package, and MkDocs takes what is built on them."""
    HEAD_LEG2_DOUBLED.build(tmp_path / "ml_experiments.db")
    run(installed / "runsum", "init", cwd=tmp_path)
    assert {"mkdocs.yml", "runsum.yml", ".gitignore"} <= {file.name for file in tmp_path.iterdir()}
    run(installed / "runsum", "build", "--as-of", AS_OF, cwd=tmp_path)
    run(installed / "python", "-m", "mkdocs", "build", "--strict", cwd=tmp_path)
    assert (tmp_path / "site" / "index.html").is_file()
