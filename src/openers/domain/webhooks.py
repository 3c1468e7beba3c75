"""A webhook: an address that is told of each event, in order, at least once."""

from __future__ import annotations

import msgspec


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One registration. `sent` is the number of the last event that its address has taken; `secret` signs what it gets.

    `problem` says why the address took no event the last time, empty where it took all.
    """

    id: str
    url: str
    secret: str
    sent: int
    problem: str = ""
