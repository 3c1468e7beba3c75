"""What happened, in the order in which it happened: each act appends one event in its own commit."""

from __future__ import annotations

import msgspec

from openers.domain.clock import Instant


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event: what was done, by whom, to which record, which version that made.

    `due` is the end of the time that somebody has to respond, where a request has such a target.
    """

    act: str
    at: Instant
    by: str
    kind: str
    key: str
    version: int
    number: int = 0
    due: Instant | None = None
