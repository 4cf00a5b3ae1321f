"""Fetch the vendored browser libraries again, those of the tests too, and rewrite each ``vendor.json``.

Usage::

    python site_template/assets/vendor/refresh.py          # the versions named in vendor.json
    python site_template/assets/vendor/refresh.py --latest # the newest ones
    python site_template/assets/vendor/refresh.py --check  # only compare the checksums, no network

Needs npm (``npm pack`` fetches a package without installing it), nothing else.
"""

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOR_TESTS = HERE.parents[2] / "tests" / "vendor"
MANIFEST = "vendor.json"

FILES = (
    # npm package, file inside the package, name here
    ("vega", "build/vega.min.js", "vega.min.js"),
    ("vega-interpreter", "build/vega-interpreter.js", "vega-interpreter.js"),
    ("iframe-worker", "shim/index.js", "iframe-worker.js"),
    ("tabulator-tables", "dist/js/tabulator.min.js", "tabulator.min.js"),
    ("tabulator-tables", "dist/css/tabulator_simple.min.css", "tabulator.min.css"),
)
"""What is vendored. The shim's name must contain "iframe-worker": Material's offline plugin looks for it."""

TEST_FILES = (("axe-core", "axe.min.js", "axe.min.js"),)
"""What only the tests load; it lies with them and is in no site and no wheel."""

FOLDERS = {HERE: FILES, FOR_TESTS: TEST_FILES}

LICENCES = ("LICENSE", "LICENSE-3RD-PARTY.txt")  # the package's own, and that of what is built into it
SOURCE_MAPS = (b"//# sourceMappingURL=", b"/*# sourceMappingURL=")

IN_A_FRAME = (
    # A worker on file:// is a frame. What the shim writes into it must not be an inline script, which a policy of the
    # page blocks: its text has an address in it, so no hash can allow it. The frame loads the shim itself instead.
    (b'"use strict";(()=>{', b'"use strict";(()=>{var shim=document.currentScript.src,of=frameElement&&frameElement.dataset.workerOf;'),
    (b"r.hidden=!0,", b"r.hidden=!0,r.dataset.workerOf=e,"),
    (
        b'<script>postMessage=${c};importScripts=${d};addEventListener("error",({error})=>'
        b'{parent.dispatchEvent(new ErrorEvent("error",{filename:"${e}",error}))})<\\/script>',
        b'<script src="${shim}"><\\/script>',
    ),
    (
        b'location.protocol==="file:"&&(window.Worker=o);',
        b'of?(postMessage=c,window.importScripts=d,addEventListener("error",({error})=>'
        b'{parent.dispatchEvent(new ErrorEvent("error",{filename:of,error}))})):'
        b'location.protocol==="file:"&&(window.Worker=o);',
    ),
)
"""What is changed in iframe-worker, in order: text there, text here."""

IMPORT = re.compile(rb"^import \{([^}]*)\} from 'vega-util';$", re.MULTILINE)
EXPORT = re.compile(rb"^export \{ (\w+) as expressionInterpreter \};$", re.MULTILINE)


def fetch(package: str, version: str, file: str, name: str, folder: Path, home: Path = HERE) -> dict[str, str]:
    """Copy one file and its licence out of an npm package.

    Args:
        package: Name of the npm package.
        version: Version or tag to fetch.
        file: Path of the file inside the package.
        name: Name of the copy.
        folder: Where the archive may lie meanwhile.
        home: Where the copy belongs.

    Returns:
        The package's entry in the manifest.
    """
    done = subprocess.run(
        ["npm", "pack", f"{package}@{version}", "--json", "--pack-destination", str(folder)],
        check=True, capture_output=True, text=True,
    )
    archive = folder / json.loads(done.stdout)[0]["filename"]
    with tarfile.open(archive) as members:
        content = read_member(members, file)
        about = json.loads(read_member(members, "package.json"))
        given = [name for name in LICENCES if f"package/{name}" in members.getnames()]
        licence = b"\n".join(read_member(members, name) for name in given)
    content = b"\n".join(line for line in content.splitlines() if not line.startswith(SOURCE_MAPS)) + b"\n"
    change = ""
    if IMPORT.search(content):
        content, change = as_plain_script(content), "ES module wrapped as a plain script (modules fail on file://)"
    if package == "iframe-worker":
        content, change = without_inline_script(content), "loads itself into its frames in place of an inline script"
    (home / name).write_bytes(content)
    (home / f"{package}.LICENSE.txt").write_bytes(licence.replace(b"\r\n", b"\n"))
    return {
        "name": name, "package": package, "version": about["version"], "licence": about["license"],
        "licence_file": f"{package}.LICENSE.txt", "file": file, "change": change, "sha256": hashlib.sha256(content).hexdigest(),
    }


def as_plain_script(module: bytes) -> bytes:
    """Wrap the one ES module we vendor, so that it loads without a server and takes its imports from Vega."""
    body, imports = IMPORT.subn(rb"var {\1} = vega;", module)
    body, exports = EXPORT.subn(rb"window.vegaInterpreter = { expressionInterpreter: \1 };", body)
    if (imports, exports) != (1, 1):
        raise SystemExit("vega-interpreter no longer has one import from vega-util and one export")
    return b"(function () {\n'use strict';\n" + body + b"})();\n"


def without_inline_script(shim: bytes) -> bytes:
    """Let iframe-worker work under a Content-Security-Policy that knows no inline scripts."""
    for there, here in IN_A_FRAME:
        if shim.count(there) != 1:
            raise SystemExit(f"iframe-worker no longer has this once: {there.decode()}")
        shim = shim.replace(there, here)
    return shim


def read_member(archive: tarfile.TarFile, path: str) -> bytes:
    """Return the content of a file of an npm package."""
    member = archive.extractfile(f"package/{path}")
    if member is None:
        raise SystemExit(f"{path} is not a file in {archive.name}")
    return member.read()


def check() -> int:
    """Compare the files with the manifests; return the exit code."""
    entries = [(home / e["name"], e["sha256"]) for home in FOLDERS for e in recorded(home)]
    wrong = [file.name for file, wanted in entries if hashlib.sha256(file.read_bytes()).hexdigest() != wanted]
    print("\n".join(f"changed: {name}" for name in wrong) or f"{len(entries)} files as recorded")
    return 1 if wrong else 0


def recorded(home: Path) -> list[dict[str, str]]:
    """Return what a folder's manifest says."""
    manifest = home / MANIFEST
    return json.loads(manifest.read_text("utf-8")) if manifest.exists() else []


def refresh(home: Path, latest: bool) -> None:
    """Fetch what belongs into a folder and rewrite its manifest."""
    home.mkdir(parents=True, exist_ok=True)
    known = {e["package"]: e["version"] for e in recorded(home)}
    entries = []
    with tempfile.TemporaryDirectory() as folder:
        for package, file, name in FOLDERS[home]:
            version = "latest" if latest else known.get(package, "latest")
            entry = fetch(package, version, file, name, Path(folder), home)
            print(f"{entry['name']}: {package} {entry['version']} ({entry['licence']})")
            entries.append(entry)
    (home / MANIFEST).write_text(json.dumps(entries, indent=2) + "\n", "utf-8")


def main(arguments: list[str]) -> int:
    """Run what the command line asks for."""
    if "--check" in arguments:
        return check()
    for home in FOLDERS:
        refresh(home, "--latest" in arguments)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
