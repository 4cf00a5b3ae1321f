"""Fingerprints of runsum itself, of its settings and of values."""

from __future__ import annotations

import hashlib
import json
import pickle
import sys
import zlib
from dataclasses import asdict
from functools import cache
from io import BytesIO
from pathlib import Path

from runsum.config import Settings
from runsum.resources import template_folder


@cache
def program() -> str:
    """A fingerprint of runsum itself, its templates and the libraries behind its results."""
    summed = hashlib.sha256()
    package, templates = Path(__file__).parent, template_folder()
    for file in sorted([*package.rglob("*.py"), *templates.rglob("*")]):
        if file.is_file():
            summed.update(f"{file.name}\n".encode("utf-8", "replace"))
            summed.update(file.read_bytes())
    summed.update(repr([sys.version, zlib.ZLIB_RUNTIME_VERSION, *installed()]).encode())
    return summed.hexdigest()


def settings_print(settings: Settings) -> str:
    """A fingerprint of everything in runsum.yml that a digest may depend on."""
    policy = settings.redaction
    facts = {
        "thresholds": asdict(settings.thresholds),
        "solved": dict(settings.solved),
        "root": str(settings.project_root),
        "videos": settings.copy_videos,
        "models": settings.publish_models,
        "redaction": [
            str(policy.mode),
            policy.reason,
            [(name, rule.pattern, rule.flags) for name, rule in policy.patterns],
            sorted(policy.allow_keys),
            sorted(policy.allow_values),
        ],
    }
    return text_print(program(), json.dumps(facts, sort_keys=True, default=str))


@cache
def installed() -> list[str]:
    """Names and versions of what is installed; their metadata would take longer to read than everything else."""
    folders = [Path(folder) for folder in sys.path if Path(folder).is_dir()]
    return sorted(found.name for folder in folders for found in folder.iterdir() if found.suffix == ".dist-info")


def value_print(*values: object) -> str:
    """A fingerprint of plain values and frozen dataclasses, the same for equal ones."""
    stream = BytesIO()
    pickler = pickle.Pickler(stream, 5)
    pickler.fast = True  # without its memory of objects, equal values have equal bytes
    pickler.dump(values)
    return hashlib.blake2b(stream.getbuffer(), digest_size=16).hexdigest()


def text_print(*parts: str) -> str:
    """A fingerprint of some texts."""
    told = "".join([f"{part}\0" for part in parts])
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()
