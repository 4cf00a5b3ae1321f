"""Read settings files: YAML with whatever tags MkDocs knows, and the files that a mkdocs.yml inherits from."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from yaml_env_tag import construct_env_tag

from runsum.errors import ConfigError

BACKSLASHES = "In double quotes a backslash is none: write paths of Windows without quotes, or in single ones"


class _AnyTagLoader(yaml.SafeLoader):
    """mkdocs.yml may carry !relative or !!python/name, which do not matter here, and !ENV, which MkDocs resolves."""


def _ignore(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> None:
    return None


_AnyTagLoader.add_constructor("!ENV", construct_env_tag)
_AnyTagLoader.add_multi_constructor("!", _ignore)
_AnyTagLoader.add_multi_constructor("tag:yaml.org,2002:python/", _ignore)


class _OnceLoader(_AnyTagLoader):
    """runsum.yml: a name that stands twice in a mapping is an error; YAML would drop the first in silence."""


def _mapping(loader: _OnceLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands there twice", key.start_mark)
            seen.add(key.value)
    loader.flatten_mapping(node)
    return dict(loader.construct_pairs(node, deep=True))


_OnceLoader.add_constructor("tag:yaml.org,2002:map", _mapping)


def load_settings(file: Path) -> dict[str, Any]:
    """What a runsum.yml says.

    Raises:
        ConfigError: the file cannot be read, holds something else, or says something twice.
    """
    return _load(file, _OnceLoader)


def load_yaml(file: Path) -> dict[str, Any]:
    """What a mkdocs.yml says, with the tags and liberties that MkDocs allows.

    Raises:
        ConfigError: the file cannot be read, or holds something else.
    """
    return _load(file, _AnyTagLoader)


def _load(file: Path, loader: type[yaml.SafeLoader]) -> dict[str, Any]:
    """The mapping that a file holds; of an empty one, an empty one."""
    if file.exists() and not file.is_file():  # a pipe would be waited for
        raise ConfigError("is not a file", "Move it away, or make it one", place=file)
    try:
        data = yaml.load(file.read_text(encoding="utf-8-sig"), Loader=loader)
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"cannot be read: it is not UTF-8 (byte {error.start + 1})", "Save it as UTF-8", place=file
        ) from error
    except (OSError, yaml.YAMLError) as error:
        first = str(error).splitlines()[0]
        mark = getattr(error, "problem_mark", None)
        at = f" (line {mark.line + 1})" if mark else ""
        next_step = BACKSLASHES if "double-quoted" in first else "Correct the file and build again"
        raise ConfigError(f"cannot be read{at}: {first}", next_step, place=file) from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(
            "must hold 'name: value' lines", "Type 'runsum init' in an empty folder for an example", place=file
        )
    return data


def load_inherited(file: Path) -> dict[str, Any]:
    """What a mkdocs.yml says together with its parents, as far as it is no mapping: the nearest file counts.

    `INHERIT` names a parent by its path from the folder of the file, as in
    https://www.mkdocs.org/user-guide/configuration/#configuration-inheritance. MkDocs also merges mappings key by key;
    of none of them anything is read here.

    Raises:
        ConfigError: a file cannot be read, a parent is missing, or a file inherits from itself.
    """
    merged: dict[str, Any] = {}
    for _, data in _generations(file):
        merged = data | merged
    return merged


def inherited_files(file: Path) -> list[Path]:
    """The file and its parents, nearest first; one that is missing or broken is the last."""
    files = [file]
    with contextlib.suppress(ConfigError):
        for one, data in _generations(file):
            files += [parent for parent in [_parent(one, data)] if parent is not None]
    return files


def _generations(file: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    seen: set[str] = set()
    one: Path | None = file
    while one is not None:
        real = os.path.realpath(one)
        if real in seen:
            raise ConfigError(f"inherits from itself, by way of {one}", "Correct 'INHERIT:'", place=file)
        seen.add(real)
        data = load_yaml(one)
        yield one, data
        parent = _parent(one, data)
        if parent is not None and not parent.is_file():
            raise ConfigError(
                f"'INHERIT' names {parent}, where no file is", "Correct the path; it starts here", place=one
            )
        one = parent


def _parent(file: Path, data: dict[str, Any]) -> Path | None:
    if "INHERIT" not in data:
        return None
    if not isinstance(data["INHERIT"], str):
        raise ConfigError(f"'INHERIT' must be a path, not {data['INHERIT']!r}", "Write INHERIT: base.yml", place=file)
    return Path(os.path.normpath(file.parent / data["INHERIT"]))
