"""The events of a world in order and without gaps, for those who follow them. Implements the port `EventFeed`.

Where many processes write (PostgreSQL), an event may become visible after one with a higher number. A reader who has
gone past it would never see it; so the feed stops before a missing number until that is given up for lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from openers.domain.events import Event
from openers.usecases.ports.transaction import Tx

GIVEN_UP_AFTER_S: Final = 2.0
"""How long a missing number is waited for, in seconds: longer than any act takes to commit (rules of the store)."""
MOST_MISSING: Final = 1000
"""How many missing numbers are remembered."""


class Feed:
    """Reads the events of one world."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        """`monotonic_s` is a clock in seconds that never goes back."""
        self._now = monotonic_s
        self._missing: dict[int, float] = {}

    async def after(self, number: int, tx: Tx) -> Sequence[Event]:
        """The next events after one, in order; none before the missing ones among them have come or are given up."""
        events = await tx.events.since(number)
        expected = number + 1
        for index, event in enumerate(events):
            if event.number > expected and not self._is_given_up(expected):
                return events[:index]
            expected = event.number + 1
        return events

    def _is_given_up(self, number: int) -> bool:
        """Whether an event of this number is not waited for any more."""
        now = self._now()
        if number not in self._missing and len(self._missing) >= MOST_MISSING:
            del self._missing[next(iter(self._missing))]  # the one that has been missing longest
        return now - self._missing.setdefault(number, now) >= GIVEN_UP_AFTER_S


def write_event(event: Event, world: str) -> bytes:
    """An event as JSON, as every follower of a world gets it."""
    told = {"number": event.number, "world": world, "act": event.act, "at": event.at, "by": event.by}
    return msgspec.json.encode({**told, "kind": event.kind, "key": event.key, "version": event.version}, enc_hook=str)
