"""Settings as texts by which they are compared: equal settings have equal texts, however they were written down."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from runsum.analysis.settings import NOT_SETTINGS, plain
from runsum.formatting import cut, setting
from runsum.model import ConfigValue
from runsum.source.columns import number

TEXT_LENGTH = 300


def settings_of(config: Mapping[str, ConfigValue]) -> dict[str, str]:
    """Every setting that is set, by its name, as the text by which it is compared: equal settings have equal texts.

    Sections become part of the name (`custom_params.normalize`), and 2.5e-4, "2.5e-4" and 0.00025 are one value.
    """
    found: dict[str, str] = {}
    for name, value in config.items():
        if name not in NOT_SETTINGS:
            _collect(name, value.value, found)
    return dict(sorted(found.items()))


def _collect(name: str, value: object, found: dict[str, str]) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _collect(f"{name}.{key}", inner, found)
    elif value is not None:
        found[cut(name, TEXT_LENGTH)] = setting_text(value)


def setting_text(value: object) -> str:
    """A setting as the text by which it is compared."""
    if isinstance(value, int):
        return setting(value)  # whole, however many digits it has
    measured = number(value)
    text = setting(plain(value if measured is None else measured))
    if len(text) <= TEXT_LENGTH:
        return text
    rest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{text[:TEXT_LENGTH]}… ({rest})"  # what differs behind the cut still differs
