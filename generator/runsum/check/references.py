"""What a document names: addresses, and what a browser does with each."""

from __future__ import annotations

from enum import StrEnum

from runsum.frozen import frozen


class Use(StrEnum):
    """What happens with an address."""

    LINK = "link"
    """A reader may follow it."""
    ASSET = "asset"
    """A browser loads it without being asked."""
    HINT = "hint"
    """A browser opens a connection to its server without being asked."""


@frozen
class Reference:
    """An address as a document writes it, entities decoded."""

    address: str
    use: Use
