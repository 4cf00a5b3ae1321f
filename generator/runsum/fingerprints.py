"""Fingerprints of values."""

from __future__ import annotations

import hashlib
import pickle
from io import BytesIO


def value_print(*values: object) -> str:
    """A fingerprint of plain values and frozen dataclasses, the same for equal ones."""
    stream = BytesIO()
    pickler = pickle.Pickler(stream, 5)
    pickler.fast = True  # without its memory of objects, equal values have equal bytes
    pickler.dump(values)
    return hashlib.blake2b(stream.getbuffer(), digest_size=16).hexdigest()


def text_print(*parts: str) -> str:
    """A fingerprint of some texts."""
    summed = hashlib.blake2b(digest_size=20)
    for part in parts:
        summed.update(part.encode("utf-8", "surrogatepass"))
        summed.update(b"\0")
    return summed.hexdigest()
