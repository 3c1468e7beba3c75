"""Source of new identifiers. A world seeds it, so that the same calls give the same ids; never use it for secrets."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID


class Ids(Protocol):
    """A source of identifiers that are unique but not secret."""

    def uuid(self) -> UUID:
        """Return a new random (version 4) UUID."""
        ...
