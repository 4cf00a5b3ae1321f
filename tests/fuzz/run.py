"""Let atheris feed a target: `python -m fuzz.run TARGET CORPUS [libFuzzer options]`, in the folder tests.

Without an option it runs until it is stopped. What breaks the target is printed, with the traceback, and is kept in the
folder of the corpus.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["runsum", "fuzz.targets"]):
    from fuzz.targets import TARGETS

from fuzz.seeds import SEEDS


def fuzz(name: str, corpus: Path, options: list[str]) -> None:
    """Feed a target until the options say stop."""
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (corpus / f"seed-{number}").write_bytes(seed)

    def one(data: bytes) -> None:
        try:
            TARGETS[name](data)
        except BaseException:
            print(f"{name} breaks with {data!r}", file=sys.stderr)
            raise

    kept = f"-artifact_prefix={corpus.parent}/"
    atheris.Setup([name, "-timeout=20", "-rss_limit_mb=2048", kept, *options, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    place = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp()) / "corpus"
    fuzz(sys.argv[1], place, sys.argv[3:])
