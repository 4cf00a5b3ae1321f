"""Fetch the vendored browser libraries again and rewrite ``vendor.json``.

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
MANIFEST = HERE / "vendor.json"

FILES = (
    # npm package, file inside the package, name here
    ("vega", "build/vega.min.js", "vega.min.js"),
    ("vega-interpreter", "build/vega-interpreter.js", "vega-interpreter.js"),
    ("iframe-worker", "shim/index.js", "iframe-worker.js"),
    ("tabulator-tables", "dist/js/tabulator.min.js", "tabulator.min.js"),
    ("tabulator-tables", "dist/css/tabulator_simple.min.css", "tabulator.min.css"),
)
"""What is vendored. The shim's name must contain "iframe-worker": Material's offline plugin looks for it."""

SOURCE_MAPS = (b"//# sourceMappingURL=", b"/*# sourceMappingURL=")

IMPORT = re.compile(rb"^import \{([^}]*)\} from 'vega-util';$", re.MULTILINE)
EXPORT = re.compile(rb"^export \{ (\w+) as expressionInterpreter \};$", re.MULTILINE)


def fetch(package: str, version: str, file: str, name: str, folder: Path) -> dict[str, str]:
    """Copy one file and its licence out of an npm package.

    Args:
        package: Name of the npm package.
        version: Version or tag to fetch.
        file: Path of the file inside the package.
        name: Name of the copy beside this script.
        folder: Where the archive may lie meanwhile.

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
        licence = read_member(members, "LICENSE")
    content = b"\n".join(line for line in content.splitlines() if not line.startswith(SOURCE_MAPS)) + b"\n"
    change = ""
    if IMPORT.search(content):
        content, change = as_plain_script(content), "ES module wrapped as a plain script (modules fail on file://)"
    (HERE / name).write_bytes(content)
    (HERE / f"{package}.LICENSE.txt").write_bytes(licence.replace(b"\r\n", b"\n"))
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


def read_member(archive: tarfile.TarFile, path: str) -> bytes:
    """Return the content of a file of an npm package."""
    member = archive.extractfile(f"package/{path}")
    if member is None:
        raise SystemExit(f"{path} is not a file in {archive.name}")
    return member.read()


def check() -> int:
    """Compare the files with the manifest; return the exit code."""
    entries = json.loads(MANIFEST.read_text("utf-8"))
    wrong = [e["name"] for e in entries if hashlib.sha256((HERE / e["name"]).read_bytes()).hexdigest() != e["sha256"]]
    print("\n".join(f"changed: {name}" for name in wrong) or f"{len(entries)} files as recorded")
    return 1 if wrong else 0


def main(arguments: list[str]) -> int:
    """Run what the command line asks for."""
    if "--check" in arguments:
        return check()
    known = {e["package"]: e["version"] for e in json.loads(MANIFEST.read_text("utf-8"))} if MANIFEST.exists() else {}
    entries = []
    with tempfile.TemporaryDirectory() as folder:
        for package, file, name in FILES:
            version = "latest" if "--latest" in arguments else known.get(package, "latest")
            entry = fetch(package, version, file, name, Path(folder))
            print(f"{entry['name']}: {package} {entry['version']} ({entry['licence']})")
            entries.append(entry)
    MANIFEST.write_text(json.dumps(entries, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
