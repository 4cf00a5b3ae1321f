"""What a build did, as the terminal and `--json` print it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from runsum.frozen import frozen
from runsum.redact.found import Found
from runsum.redact.policy import Mode
from runsum.stages import Stage


@frozen
class Remark:
    """Something that a person may want to correct.

    Attributes:
        kind: "notes", "solved", "publish_models": what runsum.yml names in vain there; "no_root": a model without a
            project root to look below; "encoding": a note that is not UTF-8.
        name: what it is about, as far as it may be published.
        close: a name that is there and looks like it; empty without one.
    """

    kind: str
    name: str
    close: str = ""


@dataclass(slots=True)
class BuildReport:
    """What a build did.

    Attributes:
        read: runs that were read anew; the others were as in an earlier build.
        rendered: pages of runs that were made anew.
        written, unchanged, removed: files of the docs folder.
        kept: files that somebody changed by hand.
        left: such files that belong to nothing any more.
        problems: by kind, most frequent first.
        redactions: what was taken out of texts.
        remarks: what a person may want to correct in the settings or the notes.
        stages: how long each part took, and its memory.
    """

    docs_dir: str
    databases: list[str]
    runs: int = 0
    read: int = 0
    pages: int = 0
    rendered: int = 0
    written: int = 0
    unchanged: int = 0
    removed: int = 0
    kept: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    problems: dict[str, int] = field(default_factory=dict)
    redact: str = Mode.STANDARD
    redactions: list[Found] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    seconds: float = 0.0
    stages: list[Stage] = field(default_factory=list)

    @classmethod
    def of_nothing_new(cls, last: dict[str, Any], seconds: float) -> BuildReport:
        """The report of a build that had nothing to do, from that of the build before.

        Args:
            last: that report as plain values.
            seconds: how long it took to see that.

        Raises:
            TypeError: these are no such values.
        """
        last = last | {
            "redactions": [Found(**found) for found in last["redactions"]],
            "remarks": [Remark(**found) for found in last["remarks"]],
            "stages": [],
        }
        files = last["written"] + last["unchanged"]
        return cls(
            **last | {"read": 0, "rendered": 0, "written": 0, "removed": 0, "unchanged": files, "seconds": seconds}
        )
