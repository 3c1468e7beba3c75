"""Identifiers of a test world: the same series again for the same seed, and a place in it that can be kept."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

import msgspec


class IdsState(msgspec.Struct, frozen=True):
    """Which series, and how many of it were drawn. `given` come first, for worlds whose ids are known beforehand."""

    seed: int
    drawn: int = 0
    given: tuple[UUID, ...] = ()


class SeededIds:
    """The `Ids` port of a test world. Never for secrets."""

    def __init__(self, state: IdsState) -> None:
        """Go on where `state` is."""
        self.state = state

    def uuid(self) -> UUID:
        """The next UUID (version 4) of the series."""
        seed, drawn, given = self.state.seed, self.state.drawn, self.state.given
        self.state = IdsState(seed, drawn + 1, given)
        if drawn < len(given):
            return given[drawn]
        digest = blake2b(f"{seed}/{drawn}".encode(), digest_size=16).digest()
        return UUID(bytes=digest, version=4)
