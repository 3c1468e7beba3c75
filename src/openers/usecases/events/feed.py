"""The events of a world in order and without gaps. Implements the port `EventFeed`.

If several processes write (PostgreSQL), an event may become visible after one with a higher number. A reader who has
passed its number would never see it. The feed therefore stops before a missing number until it considers it lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from openers.domain.events import Event
from openers.usecases.ports.transaction import Tx

GIVEN_UP_AFTER_S: Final = 2.0
"""How long the feed waits for a missing number, in seconds.

It is longer than any act takes to commit (rules of the store).
"""
MOST_MISSING: Final = 1000
"""Maximum number of missing numbers that are remembered."""


class Feed:
    """Reads the events of one world."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        """Measure waiting times with `monotonic_s`, a clock in seconds that never goes back."""
        self._now = monotonic_s
        self._missing: dict[int, float] = {}

    async def after(self, number: int, tx: Tx) -> Sequence[Event]:
        """Return the next events after `number`, in order, up to the first missing number that may still appear."""
        events = await tx.events.since(number)
        expected = number + 1
        for index, event in enumerate(events):
            if event.number > expected and not self._is_given_up(expected):
                return events[:index]
            expected = event.number + 1
        return events

    def _is_given_up(self, number: int) -> bool:
        """Return whether the feed has stopped waiting for this number."""
        now = self._now()
        if number not in self._missing and len(self._missing) >= MOST_MISSING:
            del self._missing[next(iter(self._missing))]  # the one that has been missing longest
        return now - self._missing.setdefault(number, now) >= GIVEN_UP_AFTER_S


def write_event(event: Event, world: str) -> bytes:
    """Return an event as JSON, in the form that every follower of a world receives."""
    told = {"number": event.number, "world": world, "act": event.act, "at": event.at, "by": event.by}
    return msgspec.json.encode({**told, "kind": event.kind, "key": event.key, "version": event.version}, enc_hook=str)
