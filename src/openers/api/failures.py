"""Limit unauthenticated callers: how often their secrets are checked, and how many audit entries they create.

The gateway and the OAuth endpoints use it. Counts are kept in the process. See docs/adr/0050-failures-are-limited.md.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from time import monotonic
from typing import Any, Final

import msgspec
import structlog

from openers.api.rate_limit import RateLimit
from openers.domain.audit import AuditEntry
from openers.domain.errors import OpenersError
from openers.identity.clients import CLIENT_ID
from openers.identity.opaque import same
from openers.usecases.world import World

CLIENTS_OF_AN_ADDRESS: Final = 10
"""Failures allowed for an address, as a multiple of those allowed for one client at one address."""
WINDOW_S: Final = 60.0
"""Time in seconds during which refusals of one source are counted into one audit entry."""
MOST_SOURCES: Final = 10_000
"""Sources that have their own count; further sources share one."""
MOST_PROVED: Final = 10_000
_log = structlog.get_logger()

Source = tuple[str, str, int]
"""World, address and status of refusals that are counted together."""


class Count(msgspec.Struct):
    """Refusals of one source within a window: world of the latest, total number, and number without an audit entry."""

    world: World
    ends_s: float
    refused: int = 0
    unrecorded: int = 0


class Failures:
    """Counts failures of clients and addresses, in bounded memory."""

    def __init__(self, per_minute: float, monotonic_s: Callable[[], float]) -> None:
        """Allow `per_minute` failures of a client at an address, each with its own audit entry; 0 means no limit.

        `monotonic_s` is a clock in seconds that never goes back.
        """
        self._per_minute, self._now = per_minute, monotonic_s
        of_address = per_minute * CLIENTS_OF_AN_ADDRESS
        self._clients = RateLimit(per_minute / 60, monotonic_s, per_minute)
        self._addresses = RateLimit(of_address / 60, monotonic_s, of_address)
        self._proofs: OrderedDict[str, str] = OrderedDict()
        self._counts: dict[Source, Count] = {}

    def wait_s(self, address: str, client: str, proof: str) -> int:
        """Return how many seconds a client must wait before its secret is checked; 0 if it need not wait.

        `proof` is the digest of the secret. A client need not wait if it last authenticated at this address with the
        same secret.
        """
        key = _key(address, client)
        known = self._proofs.get(key)
        return 0 if known is not None and same(known, proof) else self._clients.wait_s(key)

    def proved(self, address: str, client: str, proof: str) -> None:
        """Remember the secret with which a client last authenticated at an address."""
        if self._per_minute:
            key = _key(address, client)
            self._proofs[key] = proof
            self._proofs.move_to_end(key)
            if len(self._proofs) > MOST_PROVED:
                self._proofs.popitem(last=False)

    def client_failed(self, address: str, client: str) -> None:
        """Count a wrong secret of a client at an address."""
        self._clients.admits(_key(address, client))

    def failed(self, address: str) -> int:
        """Count a failure of an address; return the seconds it must wait, or 0 if the reply may state the cause."""
        return 0 if self._addresses.admits(address) else max(1, self._addresses.wait_s(address))

    async def record(self, world: World, address: str) -> None:
        """Persist the audit entry of a refusal, or count it if its source has many. Raises Unavailable."""
        if not self._per_minute:
            await world.store.witness(world.entry)
            return
        count = self._count(world, address)
        count.world, count.refused = world, count.refused + 1
        if count.refused <= self._per_minute:
            await world.store.witness(world.entry)
        else:
            count.unrecorded += 1

    async def settle(self, *, everything: bool = False) -> None:
        """Record the counts whose window has ended, or all of them: one audit entry each. Raises Unavailable."""
        now = self._now()
        for source, count in list(self._counts.items()):
            if not everything and now < count.ends_s:
                continue
            if count.unrecorded:
                await count.world.store.witness(_summary(source, count))
            self._counts.pop(source, None)

    async def close(self) -> None:
        """Record all counts; log a warning for those that the store does not accept."""
        try:
            await self.settle(everything=True)
        except OpenersError as error:
            _log.warning("counts of refusals are lost", reason=type(error).__name__)

    def _count(self, world: World, address: str) -> Count:
        source = (world.name, address, world.entry.outcome)
        if source not in self._counts and len(self._counts) >= MOST_SOURCES:
            source = (world.name, "", world.entry.outcome)
        return self._counts.setdefault(source, Count(world, self._now() + WINDOW_S))


UNLIMITED: Final = Failures(0, monotonic)
"""No limit: each failure is checked and each refusal is recorded."""


def address_of(scope: Mapping[str, Any]) -> str:
    """Return the address that a request comes from; for IPv6 its 64-bit network, since a caller owns all of it."""
    client = scope.get("client")
    if not client:
        return ""
    host = str(client[0])[:64]
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else host


def _key(address: str, client: str) -> str:
    """Return the key of a client at an address; all invalid client ids share one key."""
    return f"{address} {client if CLIENT_ID.fullmatch(client) else ''}"


def _summary(source: Source, count: Count) -> AuditEntry:
    """Return one audit entry for the unrecorded refusals of a window: the latest refusal, with their number."""
    entry = count.world.entry
    return msgspec.structs.replace(
        entry, at=count.world.wall.now(), source=source[1], repeated=count.unrecorded, correlation_id=""
    )
