"""Where new identifiers come from. Seeded in a world, so that the same calls give the same ids; never for secrets."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID


class Ids(Protocol):
    """A source of identifiers that are unique, not secret."""

    def uuid(self) -> UUID:
        """A fresh random (version 4) UUID."""
        ...
