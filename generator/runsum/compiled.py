"""Compiled templates that an earlier build has left: believed only where they are whole."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import jinja2
import jinja2.bccache

from runsum.placing import put_whole

_SUM = 16  # bytes of the checksum that stands before the code


class CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """Keeps compiled templates; where nothing can be kept or read, each build compiles them again.

    What Jinja reads of a damaged file is code, which may do anything: each carries a checksum.

    Args:
        folder: where they lie; made when missing.
    """

    def __init__(self, folder: Path) -> None:
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        super().__init__(str(folder))

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Find a template that was compiled of the same text, if it is whole."""
        try:
            kept = Path(self._get_cache_filename(bucket)).read_bytes()
            if kept[:_SUM] == _sum(kept[_SUM:]):
                bucket.bytecode_from_string(kept[_SUM:])
        except (OSError, ValueError, EOFError, TypeError):
            bucket.reset()

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Keep a template."""
        code = bucket.bytecode_to_string()
        put_whole(Path(self._get_cache_filename(bucket)), _sum(code) + code)


def _sum(code: bytes) -> bytes:
    return hashlib.blake2b(code, digest_size=_SUM).digest()
