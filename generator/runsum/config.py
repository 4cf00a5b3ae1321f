"""Read runsum.yml and the few words of mkdocs.yml that matter here."""

from __future__ import annotations

import difflib
import glob
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path

from runsum.errors import ConfigError
from runsum.frozen import frozen
from runsum.redact.policy import Mode, Policy
from runsum.thresholds import Thresholds, with_overrides
from runsum.yaml_files import BACKSLASHES, load_inherited, load_settings

CONFIG_NAME = "runsum.yml"
MKDOCS_NAME = "mkdocs.yml"
DEFAULT_DATABASES = ("ml_experiments.db", "data/ml_experiments.db")
_KEYS = ("databases", "project_root", "notes", "copy_videos", "publish_models", "solved", "thresholds", "redact")
_DATABASE_KEYS = ("path", "name")
_REDACT_KEYS = ("mode", "reason", "patterns", "allow_keys", "allow_values")


@frozen
class DatabasePath:
    """A database file and the name of its source on the pages (None: made from the file name)."""

    path: Path
    name: str | None = None


@frozen
class Settings:
    """What a build is told, besides the databases themselves.

    Attributes:
        folder: the folder of runsum.yml; relative paths start here.
        databases: as they are written there: a path may be a pattern, which `find_databases` resolves.
        names_notes: whether runsum.yml says where the notes are.
        publish_models: saved models to copy beside the pages of their runs, relative to the project root.
        solved: reward at which a game counts as solved, by env id, as the user declared it.
    """

    folder: Path
    databases: tuple[DatabasePath, ...] = ()
    project_root: Path | None = None
    notes_dir: Path = Path("notes")
    names_notes: bool = False
    copy_videos: bool = True
    publish_models: tuple[str, ...] = ()
    solved: Mapping[str, float] = field(default_factory=dict)
    thresholds: Thresholds = field(default_factory=Thresholds)
    redaction: Policy = field(default_factory=Policy)


def read_settings(path: Path | None, folder: Path) -> Settings:
    """Read runsum.yml; without a file, the defaults.

    Args:
        path: `--config`, or None for `folder`/runsum.yml where it exists.
        folder: the folder the command runs in.

    Raises:
        ConfigError: a file that cannot be read or says something unknown.
    """
    file = path or folder / CONFIG_NAME
    if path is not None and not path.is_file():
        raise ConfigError("no such settings file", "Type 'runsum init' for a starter", place=path)
    if not os.path.lexists(file):  # a link that leads nowhere is not passed over
        return Settings(folder, notes_dir=folder / "notes")
    data = load_settings(file)
    _require_known(data, _KEYS, str(file))
    home = file.parent
    root, notes = _path(data, "project_root", file), _path(data, "notes", file)
    return Settings(
        folder=home,
        databases=tuple(_databases(data.get("databases"), home, str(file))),
        project_root=home / _from_home(root) if root else None,
        notes_dir=home / (notes or "notes"),
        names_notes=bool(notes),
        publish_models=_models(data.get("publish_models"), str(file)),
        copy_videos=_flag(data.get("copy_videos", True), "copy_videos", str(file)),
        solved=_numbers(data.get("solved"), str(file)),
        thresholds=with_overrides(_mapping(data.get("thresholds"), "thresholds", str(file)), str(file)),
        redaction=_redaction(data.get("redact"), str(file)),
    )


def find_databases(given: Sequence[Path], settings: Settings) -> tuple[DatabasePath, ...]:
    """The databases of a build: `--db`, else runsum.yml, else the usual places in its folder; each file once.

    Raises:
        ConfigError: none found.
    """
    home = settings.folder
    chosen = [DatabasePath(p) for p in given] or [
        found for entry in settings.databases for found in _matching(entry, home)
    ]
    if not chosen:
        chosen = [DatabasePath(home / name) for name in DEFAULT_DATABASES if (home / name).is_file()]
    if not chosen:
        here = "here" if home == Path() else f"in {home}"
        raise ConfigError(
            f"No database: neither {' nor '.join(DEFAULT_DATABASES)} is {here}, and {CONFIG_NAME} names none",
            "Type 'runsum build --db PATH/TO/ml_experiments.db'",
        )
    seen: dict[str, DatabasePath] = {}
    for entry in chosen:
        seen.setdefault(os.path.realpath(entry.path), entry)  # Path.resolve ends in a traceback at a circle of links
    return tuple(seen.values())


def _matching(entry: DatabasePath, home: Path) -> list[DatabasePath]:
    """The files that a pattern matches, by name; where there is none, the pattern, to be named when it is opened."""
    inside = entry.path.is_relative_to(home)
    pattern = str(entry.path.relative_to(home) if inside else entry.path)
    # root_dir: only the setting is a pattern, the folder may have any name
    matches = sorted(glob.glob(pattern, root_dir=home, recursive=True)) or [pattern]  # noqa: PTH207
    return [DatabasePath(home / match, entry.name) for match in matches]


@frozen
class MkdocsFacts:
    """The few words of mkdocs.yml that matter here.

    Attributes:
        site_url: where the site will be read, with a slash at its end; empty when not declared.
        custom_dir: where MkDocs looks for changes to its theme; None when not declared.
    """

    docs_dir: Path
    site_dir: Path
    site_url: str
    site_name: str
    custom_dir: Path | None = None


def read_mkdocs(mkdocs_file: Path, folder: Path) -> MkdocsFacts:
    """Read where a mkdocs.yml puts things, whatever tags and extensions it uses; folders lie below `folder`.

    Raises:
        ConfigError: the file, or one that it inherits from, is missing or not YAML.
    """
    data = load_inherited(mkdocs_file)
    url = str(data.get("site_url") or "").strip()
    theme = data.get("theme")
    custom = theme.get("custom_dir") if isinstance(theme, dict) else None
    return MkdocsFacts(
        docs_dir=folder / (_path(data, "docs_dir", mkdocs_file) or "docs"),
        site_dir=folder / (_path(data, "site_dir", mkdocs_file) or "site"),
        site_url=url if not url or url.endswith("/") else url + "/",
        site_name=str(data.get("site_name") or "Training runs"),
        custom_dir=folder / custom if isinstance(custom, str) else None,
    )


def require_usual_names(folder: Path) -> None:
    """Refuse files that would be passed over because of their names.

    Raises:
        ConfigError: there is a mkdocs.yaml, beside which a mkdocs.yml would win, or a runsum.yaml, which nobody reads.
    """
    for name in (MKDOCS_NAME, CONFIG_NAME):
        long = folder / name.replace(".yml", ".yaml")
        if long.is_file() and not (folder / name).is_file():
            raise ConfigError(f"runsum reads {name}", f"Rename the file to {name}", place=long)


def require_own_folder(site: MkdocsFacts, folder: Path) -> None:
    """Refuse to write where other files lie; MkDocs builds none of these sites either.

    Args:
        site: what mkdocs.yml says.
        folder: where mkdocs.yml lies.

    Raises:
        ConfigError: the docs folder holds mkdocs.yml, the site, or lies in the site.
    """
    docs, built, here = (Path(os.path.realpath(path)) for path in (site.docs_dir, site.site_dir, folder))
    place = folder / MKDOCS_NAME
    if here.is_relative_to(docs):
        raise ConfigError(
            "'docs_dir' must be a folder of its own, not one that mkdocs.yml lies in",
            "Write docs_dir: docs",
            place=place,
        )
    if built.is_relative_to(docs) or docs.is_relative_to(built):
        raise ConfigError(
            "neither of 'docs_dir' and 'site_dir' may be the other or lie in it",
            "Write docs_dir: docs and site_dir: site",
            place=place,
        )


def _databases(value: object, home: Path, where: str) -> list[DatabasePath]:
    found: list[DatabasePath] = []
    for entry in value if isinstance(value, list) else [value] if value else []:
        if isinstance(entry, dict):
            _require_known(entry, _DATABASE_KEYS, f"{where}, databases")
        pattern, name = (entry.get("path"), entry.get("name")) if isinstance(entry, dict) else (entry, None)
        if not isinstance(pattern, str):
            raise ConfigError(
                f"a database must be a path or {{path: …, name: …}}, not {entry!r}", "Correct 'databases:'", place=where
            )
        if isinstance(name, bool) or not isinstance(name, str | int | float | None):
            raise ConfigError(
                f"the name of a database must be a text, not {name!r}", "Correct 'databases:'", place=where
            )
        _require_no_escape(pattern, "databases", where)
        found.append(DatabasePath(home / _from_home(pattern), str(name) if name else None))
    return found


def _path(data: Mapping[str, object], key: str, where: Path) -> str:
    """A path as it is written; empty where there is none."""
    value = data.get(key)
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"'{key}' must be a path, not {value!r}", f"Write {key}: path/to/folder", place=where)
    _require_no_escape(value or "", key, where)
    return value or ""


def _require_no_escape(path: str, key: str, where: object) -> None:
    r"""Refuse what YAML has made of a path like "D:\new\table.db"; elsewhere, a name may hold what it likes."""
    if re.match("[A-Za-z]:", path) and any(sign < " " or sign in "\x85\u2028\u2029" for sign in path):
        raise ConfigError(f"'{key}' must be a path, not {path!r}", BACKSLASHES, place=where)


def _from_home(path: str) -> str:
    return os.path.expanduser(path)  # noqa: PTH111 - Path takes ./~x for a home, and fails where there is none


def _mapping(value: object, key: str, where: str) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(
            f"'{key}:' must hold 'name: value' lines", "See the starter file of 'runsum init'", place=where
        )
    return {str(k): v for k, v in value.items()}


def _numbers(value: object, where: str) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for name, number in _mapping(value, "solved", where).items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise ConfigError(f"'solved: {name}' must be a number, not {number!r}", "Write for example 20", place=where)
        numbers[name] = float(number)
    return numbers


def _require_known(data: Mapping[str, object], known: Sequence[str], where: str) -> None:
    for key in data:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, 1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}"
            raise ConfigError(f"unknown setting {key!r}", hint, place=where)


def _redaction(value: object, where: str) -> Policy:
    """`redact:`, a mode alone or a mapping."""
    data = value if isinstance(value, dict) else {} if value is None else {"mode": value}
    _require_known(data, _REDACT_KEYS, f"{where}, redact")
    word = data.get("mode", Mode.STANDARD)
    word = "off" if word is False else word  # YAML reads off as a flag
    if not isinstance(word, str) or word not in tuple(Mode):
        raise ConfigError(
            f"'redact' must be standard, strict or off, not {word!r}", "Write redact: standard", place=where
        )
    reason = str(data.get("reason") or "").strip()
    if word == Mode.OFF and not reason:
        raise ConfigError(
            "redact: off needs a reason",
            "Write redact: {mode: off, reason: why nothing here is confidential}; it stands on the home page",
            place=where,
        )
    return Policy(
        Mode(word),
        reason,
        _patterns(data.get("patterns"), where),
        frozenset(key.lower() for key in _texts(data.get("allow_keys"), "allow_keys", where)),
        frozenset(_texts(data.get("allow_values"), "allow_values", where)),
    )


def _patterns(value: object, where: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The user's own rules: a list of regular expressions, or a mapping that names them."""
    named = (
        value.items() if isinstance(value, dict) else [("own-rule", one) for one in _texts(value, "patterns", where)]
    )
    patterns = []
    for name, pattern in named:
        if re.fullmatch(r"[a-z][a-z0-9-]{0,39}", str(name)) is None:
            raise ConfigError(
                f"'redact: patterns: {name}' is no name of a rule", "Use small letters, digits and dashes", place=where
            )
        try:
            patterns.append((str(name), re.compile(str(pattern))))
        except re.error as error:
            raise ConfigError(
                f"'redact: patterns' holds no regular expression: {pattern!r} ({error})", "Correct it", place=where
            ) from None
    return tuple(patterns)


def _models(value: object, where: str) -> tuple[str, ...]:
    """Models to publish: paths below the project root that name the folder of a run."""
    paths = _texts(value, "publish_models", where)
    for path in paths:
        if path.startswith(("/", "~")) or "\\" in path or ":" in path or ".." in path.split("/") or "/" not in path:
            raise ConfigError(
                f"'publish_models: {path}' is no path below project_root",
                "Write for example models/checkpoints/run-1a2b3c4d/latest.zip",
                place=where,
            )
    return tuple(paths)


def _texts(value: object, key: str, where: str) -> list[str]:
    entries = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(entry, str) for entry in entries):
        raise ConfigError(f"'{key}' must be a list of texts", f"Write {key}: [one, two]", place=where)
    return [str(entry) for entry in entries]


def _flag(value: object, key: str, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"'{key}' must be true or false, not {value!r}", "Write true or false", place=where)
    return value
