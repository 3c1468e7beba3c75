"""What a caller has done before a call, as far as rules need it, in bounded memory.

A history belongs to one system. It is a fold over the system's exchanges: `before` a call the rules read it, then the
call is added. Each part keeps a fixed number of entries and forgets the oldest.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Final, Generic, TypeVar

import msgspec

from openers_assurance.exchange import SESSION_ENDED, Exchange

K = TypeVar("K")
V = TypeVar("V")

MOST: Final = 5_000
"""Entries that each part of a history keeps."""
MOST_NAMES: Final = 200
"""Operations and versions of the interface that are told apart."""
IDLE: Final = timedelta(minutes=30)
"""After this time without a call, an open session counts as left open."""
SEARCHES: Final = frozenset({"A010", "A035"})
UPLOADS: Final = frozenset({"A020", "A039"})
WORKLISTS: Final = frozenset({"A008", "A023"})


class Recent(Generic[K, V]):
    """A mapping that keeps the entries that were put last."""

    def __init__(self, most: int | None = None) -> None:
        """Keep at most `most` entries, or `MOST`."""
        self._most = MOST if most is None else most
        self._kept: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return the value of a key, if it is kept."""
        return self._kept.get(key)

    def put(self, key: K, value: V) -> None:
        """Put a value; the oldest one is dropped if there are too many."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def drop(self, key: K) -> None:
        """Remove a key, if it is kept."""
        self._kept.pop(key, None)

    def values(self) -> list[V]:
        """Return all values, the oldest first."""
        return list(self._kept.values())


class Session(msgspec.Struct):
    """A professional session: when it was last used, until when its calls run, and how it ended."""

    last: datetime
    busy_until: datetime
    refused: int = 0


class History:
    """The past of one system."""

    def __init__(self) -> None:
        """Begin without a past."""
        self.read: Recent[tuple[str, str], Exchange] = Recent()
        """The last call of a user (or session) by operation: `(who, op)`."""
        self.versions: Recent[str, str] = Recent()
        """The last version of a request that the service has handed out."""
        self.failed: Recent[str, Exchange] = Recent()
        """The last call of each request that failed, until a read or a success."""
        self.same: Recent[tuple[str, str, str], list[Exchange]] = Recent()
        """The last calls with the same subject without a success between them."""
        self.sessions: Recent[str, Session] = Recent()
        self.opened = self.closed = 0
        self.roles: Recent[str, tuple[str, str]] = Recent()
        """A role of each user, as organisation and function."""
        self.organisation = ""
        """The organisation of the first call in a session of 2018."""
        self.codes_read: datetime | None = None
        self.operations: set[str] = set()
        """Operations that have succeeded; the service has fewer than a hundred."""
        self.tried: set[str] = set()
        """Operations that were called, also without success."""
        self.generations: set[str] = set()
        self._running: list[datetime] = []

    def last(self, call: Exchange, *operations: str) -> Exchange | None:
        """Return the last successful call of the same user of one of the operations."""
        found = [self.read.get((who_of(call), each)) for each in operations]
        known = [each for each in found if each is not None]
        return max(known, key=lambda each: each.ts) if known else None

    def running(self, call: Exchange) -> int:
        """Return how many calls run when `call` begins, itself included."""
        while self._running and self._running[0] <= call.ts:
            heappop(self._running)
        return len(self._running) + 1

    def add(self, call: Exchange) -> None:
        """Fold a call into the history."""
        _add(self.generations, call.generation)
        _add(self.tried, call.op)
        heappush(self._running, call.ended)
        if len(self._running) > MOST:
            heappop(self._running)
        if call.user and call.org:
            self.roles.put(call.user, (call.org, call.function))
        if call.is_legacy and call.org:
            self.organisation = self.organisation or call.org
        self._add_result(call)
        self._add_session(call)

    def _add_result(self, call: Exchange) -> None:
        if call.is_success:
            _add(self.operations, call.op)
            self.read.put((who_of(call), call.op), call)
            self.same.drop(call.subject)
            if call.op == "A004":
                self.codes_read = call.ts
        elif call.status >= 400:
            self.same.put(call.subject, [*(self.same.get(call.subject) or [])[-4:], call])
        if not call.ubrn:
            return
        if call.is_success:
            self.failed.drop(call.ubrn)
            if call.etag:
                self.versions.put(call.ubrn, call.etag)
            elif not call.is_read and call.if_match:
                self.versions.drop(call.ubrn)  # the change made a version that the reply does not name
        elif call.status >= 400 and not call.is_read:
            self.failed.put(call.ubrn, call)

    def _add_session(self, call: Exchange) -> None:
        """Follow professional sessions: A001 opens one, A003 closes it."""
        if not call.is_legacy or not call.session_id:
            return
        if call.op == "A001" and call.is_success:
            self.opened += 1
            self.sessions.put(call.session_id, Session(call.ts, call.ended))
            return
        session = self.sessions.get(call.session_id)
        if session is None:
            return
        if call.op == "A003" and call.is_success:
            self.closed += 1
            self.sessions.drop(call.session_id)
        elif call.outcome_code == SESSION_ENDED:
            session.refused += 1
        else:
            session.last, session.busy_until = call.ts, max(session.busy_until, call.ended)


def _add(names: set[str], name: str) -> None:
    """Add a name, unless it is empty, as that of an unknown address is, or a log names more than any service has."""
    if name and len(names) < MOST_NAMES:
        names.add(name)


def who_of(call: Exchange) -> str:
    """Return the user of a call, or its session, or its system."""
    return call.user or call.session_id or call.caller
