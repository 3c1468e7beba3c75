"""The machine's own clock and random identifiers, for worlds whose time nobody moves."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from uuid import UUID

from openers.domain.clock import Instant, in_utc


class SystemClock:
    """The wall clock."""

    def now(self) -> Instant:
        """The present instant, in UTC, cut to milliseconds."""
        return in_utc(datetime.now(UTC))


class RandomIds:
    """Random UUIDs: of the system's own source, or the same series again for the same seed. Never for secrets."""

    def __init__(self, seed: int | None = None) -> None:
        """`None` seeds from the system."""
        self._random = random.Random(seed)  # noqa: S311 - identifiers are unique, not secret

    def uuid(self) -> UUID:
        """A random (version 4) UUID."""
        return UUID(int=self._random.getrandbits(128), version=4)
