"""Fetch the vendored browser libraries again, those of the tests too, and rewrite each ``vendor.json``.

Usage::

    python site_template/assets/vendor/refresh.py          # the versions named in vendor.json
    python site_template/assets/vendor/refresh.py --latest # the newest ones
    python site_template/assets/vendor/refresh.py --check  # only compare the checksums, no network

Needs npm, nothing else: ``npm pack`` fetches a package without installing it, and what is bundled of Vega and Tabulator is
installed in a folder that goes away, together with the bundler (esbuild). No script of a package is run.
"""

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FOR_TESTS = HERE.parents[2] / "tests" / "vendor"
MANIFEST = "vendor.json"

FILES = (
    # npm package, file inside the package, name here
    ("iframe-worker", "shim/index.js", "iframe-worker.js"),
    ("tabulator-tables", "dist/css/tabulator_simple.min.css", "tabulator.min.css"),
)
"""What is vendored. The shim's name must contain "iframe-worker": Material's offline plugin looks for it."""

BUNDLES = (
    # npm packages, of which the first gives its name and licence; script that says what is used of them; name here
    (("vega", "vega-interpreter"), "vega.entry.mjs", "vega.min.js"),
    (("tabulator-tables",), "tabulator.entry.mjs", "tabulator.min.js"),
)
"""What is vendored in part: a third less of Vega and half of Tabulator, as modules do not load on file://."""

BUNDLER = "esbuild"

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

PACKAGE_OF = re.compile(r"node_modules/((?:@[^/]+/)?[^/]+)/(?!.*node_modules/)")


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
    if package == "iframe-worker":
        content, change = without_inline_script(content), "loads itself into its frames in place of an inline script"
    (home / name).write_bytes(content)
    (home / f"{package}.LICENSE.txt").write_bytes(licence.replace(b"\r\n", b"\n"))
    return {
        "name": name, "package": package, "version": about["version"], "licence": about["license"],
        "licence_file": f"{package}.LICENSE.txt", "file": file, "change": change, "sha256": hashlib.sha256(content).hexdigest(),
    }


def bundle(packages: tuple[str, ...], entry: str, name: str, known: dict[str, str], folder: Path) -> dict[str, object]:
    """Make one plain script of what an entry script uses of some packages.

    Args:
        packages: npm packages to install; the first is what the script is called after.
        entry: the script beside this file that imports from them.
        name: Name of the result.
        known: versions to take, by package, of everything that is built in and of the bundler; others are the newest.
        folder: An empty folder to work in.

    Returns:
        The bundle's entry in the manifest; `parts` are all packages of which something is in it.
    """
    wanted = known or dict.fromkeys((*packages, BUNDLER), "latest")
    (folder / "package.json").write_text("{}", "utf-8")
    exact = [f"{package}@{version}" for package, version in wanted.items()]
    npm = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact", *exact]
    subprocess.run(npm, check=True, cwd=folder, capture_output=True)
    (folder / entry).write_bytes((HERE / entry).read_bytes())
    esbuild = [f"node_modules/.bin/{BUNDLER}", entry, "--bundle", "--minify", "--format=iife", "--charset=utf8"]
    options = ["--legal-comments=none", "--log-level=error", "--metafile=meta.json", f"--outfile={name}"]
    subprocess.run([*esbuild, *options], check=True, cwd=folder)
    parts = [about(folder / "node_modules" / part) for part in sorted(parts_of(folder, name, packages))]
    main = next(part for part in parts if part["package"] == packages[0])
    licence_file = f"{packages[0]}.LICENSE.txt"
    (HERE / licence_file).write_text(licences(folder, parts, main), "utf-8")
    title = f"/*! {packages[0]} {main['version']}, in part. Licences: {licence_file} */\n"
    content = title.encode() + (folder / name).read_bytes()
    (HERE / name).write_bytes(content)
    built_with = about(folder / "node_modules" / BUNDLER)
    return {
        "name": name, **main, "licence_file": licence_file, "file": entry, "change": "only what the entry script imports",
        "sha256": hashlib.sha256(content).hexdigest(), "built_with": f"{BUNDLER} {built_with['version']}", "parts": parts,
    }


def parts_of(folder: Path, name: str, packages: tuple[str, ...]) -> set[str]:
    """The packages of which something is in a bundle, as its metafile says, and those it was asked for."""
    inputs = json.loads((folder / "meta.json").read_text("utf-8"))["outputs"][name]["inputs"]
    found = [PACKAGE_OF.search(path) for path, part in inputs.items() if part["bytesInOutput"]]
    return {match.group(1) for match in found if match} | set(packages)


def about(package: Path) -> dict[str, str]:
    """What an installed package says of itself."""
    said = json.loads((package / "package.json").read_text("utf-8"))
    return {"package": said["name"], "version": said["version"], "licence": said["license"]}


def licences(folder: Path, parts: list[dict[str, str]], main: dict[str, str]) -> str:
    """Every licence text of a bundle once, below the packages it is for; a part without one comes under the main one's."""
    by_text: dict[str, list[str]] = {}
    for part in [main, *(part for part in parts if part != main)]:
        own = sorted((folder / "node_modules" / part["package"]).glob("LICEN[CS]E*"))
        file = own[0] if own else next((folder / "node_modules" / main["package"]).glob("LICEN[CS]E*"))
        text = file.read_text("utf-8").replace("\r\n", "\n").strip()
        by_text.setdefault(text, []).append(f"{part['package']} {part['version']} ({part['licence']})")
    return "\n\n".join("\n".join([*names, "", text]) for text, names in by_text.items()) + "\n"


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


def recorded(home: Path) -> list[dict[str, Any]]:
    """Return what a folder's manifest says."""
    manifest = home / MANIFEST
    return json.loads(manifest.read_text("utf-8")) if manifest.exists() else []


def known_versions(entry: dict[str, Any]) -> dict[str, str]:
    """Of everything that went into a bundle: the versions of its manifest."""
    name, version = entry["built_with"].split()
    return {part["package"]: part["version"] for part in entry["parts"]} | {name: version}


def refresh(home: Path, latest: bool) -> None:
    """Fetch what belongs into a folder and rewrite its manifest."""
    home.mkdir(parents=True, exist_ok=True)
    before = {} if latest else {entry["name"]: entry for entry in recorded(home)}
    entries = []
    for package, file, name in FOLDERS[home]:
        version = before[name]["version"] if name in before else "latest"
        with tempfile.TemporaryDirectory() as folder:
            entries.append(fetch(package, version, file, name, Path(folder), home))
    for packages, script, name in BUNDLES if home == HERE else ():
        known = known_versions(before[name]) if "parts" in before.get(name, {}) else {}
        with tempfile.TemporaryDirectory() as folder:
            entries.append(bundle(packages, script, name, known, Path(folder)))
    for entry in entries:
        print(f"{entry['name']}: {entry['package']} {entry['version']} ({entry['licence']})")
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
