"""What is wrong, as it may stand in a public log: messages quote settings, paths and what was recorded."""

from __future__ import annotations

from runsum.errors import RunsumError


def published(message: str) -> str:
    """A message without what must not be published."""
    from runsum.redact.redactor import Redactor  # its rules cost more than a build that has nothing to do

    return Redactor().text(message)


def complaint(error: RunsumError) -> str:
    """The line of an error without what must not be published."""
    return ": ".join(published(part) for part in error.parts)
