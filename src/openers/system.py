"""The machine's own clock and random identifiers, for worlds whose time is not controlled."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from uuid import UUID

from openers.domain.clock import Instant, in_utc


class SystemClock:
    """The wall clock."""

    def now(self) -> Instant:
        """Return the present instant, in UTC, cut to milliseconds."""
        return in_utc(datetime.now(UTC))


def repeatable(seed: int | str | None) -> random.Random:
    """Return a source of random numbers: the same ones for the same seed. Never for secrets."""
    return random.Random(seed)  # noqa: S311 - see above


class RandomIds:
    """Random UUIDs, from the system's random source or from a seed. Never for secrets."""

    def __init__(self, seed: int | None = None) -> None:
        """Seed the generator; `None` uses the system's random source."""
        self._random = repeatable(seed)

    def uuid(self) -> UUID:
        """Return a random (version 4) UUID."""
        return UUID(int=self._random.getrandbits(128), version=4)
