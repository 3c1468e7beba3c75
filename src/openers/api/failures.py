"""What callers who prove nothing may cost: how often they are heard, and how many audit entries they leave.

Used by the gateway and the OAuth endpoints. Kept in the process. See docs/adr/0050-failures-are-limited.md.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address, ip_network
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
"""How many times as many failures an address may have as one client at one address."""
WINDOW_S: Final = 60.0
"""For how long refusals of one source are counted into one audit entry, in seconds."""
MOST_SOURCES: Final = 10_000
"""Sources that are counted apart; further ones are counted together."""
MOST_PROVED: Final = 10_000
_log = structlog.get_logger()

Source = tuple[str, str, int]
"""World, address and status of refusals that are counted together."""


class Count(msgspec.Struct):
    """Refusals of one source within a window: the latest, how many in all, and how many without an entry."""

    world: World
    ends_s: float
    refused: int = 0
    unrecorded: int = 0


class Failures:
    """Counts failures of clients and addresses; bounded whatever callers do."""

    def __init__(self, per_minute: float, monotonic_s: Callable[[], float]) -> None:
        """`per_minute` failures of a client at an address are heard, and that many have an audit entry; 0: all.

        `monotonic_s` is a clock in seconds that never goes back.
        """
        self._per_minute, self._now = per_minute, monotonic_s
        of_address = per_minute * CLIENTS_OF_AN_ADDRESS
        self._clients = RateLimit(per_minute / 60, monotonic_s, per_minute)
        self._addresses = RateLimit(of_address / 60, monotonic_s, of_address)
        self._proofs: OrderedDict[str, str] = OrderedDict()
        self._counts: dict[Source, Count] = {}

    def wait_s(self, address: str, client: str, proof: str) -> int:
        """How long a client must wait before its secret is looked at, in seconds; 0 if it need not.

        `proof` is the digest of the secret. One that has proved the client at this address before need not wait.
        """
        key = _key(address, client)
        known = self._proofs.get(key)
        return 0 if known is not None and same(known, proof) else self._clients.wait_s(key)

    def proved(self, address: str, client: str, proof: str) -> None:
        """Remember by which secret a client has proved itself at an address."""
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
        """Count a failure of an address; 0 if its cause may be told, else how long it must wait, in seconds."""
        return 0 if self._addresses.admits(address) else max(1, self._addresses.wait_s(address))

    async def record(self, world: World, address: str) -> None:
        """Make the audit entry of a refusal durable, or count it if its source has many. Raises Unavailable."""
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
        """Record all counts, as far as the store takes them."""
        try:
            await self.settle(everything=True)
        except OpenersError as error:
            _log.warning("counts of refusals are lost", reason=type(error).__name__)

    def _count(self, world: World, address: str) -> Count:
        source = (world.name, address, world.entry.outcome)
        if source not in self._counts and len(self._counts) >= MOST_SOURCES:
            source = (world.name, "", world.entry.outcome)
        return self._counts.setdefault(source, Count(world, self._now() + WINDOW_S))


def address_of(scope: Mapping[str, Any]) -> str:
    """The address that a request comes from; of IPv6 the network of 64 bits, of which a caller has all addresses."""
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
    """The key of a client at an address; texts that can be no client id are all one."""
    return f"{address} {client if CLIENT_ID.fullmatch(client) else ''}"


def _summary(source: Source, count: Count) -> AuditEntry:
    """One audit entry for all refusals of a window that have none: the latest, with their number."""
    entry = count.world.entry
    return msgspec.structs.replace(
        entry, at=count.world.wall.now(), source=source[1], repeated=count.unrecorded, correlation_id=""
    )
