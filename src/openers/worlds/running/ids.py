"""Identifiers of a test world: the same series for the same seed, with a position that can be stored."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

import msgspec


class IdsState(msgspec.Struct, frozen=True):
    """The seed of the series, and the number of ids used. `given` ids come first, for worlds with predetermined ids."""

    seed: int
    drawn: int = 0
    given: tuple[UUID, ...] = ()


class SeededIds:
    """The `Ids` port of a test world. Never for secrets."""

    def __init__(self, state: IdsState) -> None:
        """Continue from `state`."""
        self.state = state

    def uuid(self) -> UUID:
        """Return the next UUID (version 4) of the series."""
        seed, drawn, given = self.state.seed, self.state.drawn, self.state.given
        self.state = IdsState(seed, drawn + 1, given)
        if drawn < len(given):
            return given[drawn]
        digest = blake2b(f"{seed}/{drawn}".encode(), digest_size=16).digest()
        return UUID(bytes=digest, version=4)
