"""The event log: each act appends one event in its own transaction, in order."""

from __future__ import annotations

import msgspec

from openers.domain.clock import Instant


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event: the act, who performed it, the record, and the record's version after it.

    `due` is when a response falls due, if the request has such a target.
    """

    act: str
    at: Instant
    by: str
    kind: str
    key: str
    version: int
    number: int = 0
    due: Instant | None = None
