"""Liveness, health and metrics: public, without personal data.

Health is `fail` (503) if the service cannot serve. It is `warn` (200) if slots were not polled
in time, the virus scanner does not respond, or the disk is nearly full. Without polls the service misses slots that
were taken; without the scanner new files cannot be read.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Final

import msgspec
from starlette.routing import Route

from openers.api.addresses import Declared, route
from openers.api.dialects import ProblemDialect
from openers.api.http.reply import Header, Reply
from openers.api.interaction import ActiveCall, Interaction, Loop, Trace
from openers.domain.clock import Instant
from openers.domain.errors import Unavailable
from openers.telemetry.metrics import CONTENT_TYPE
from openers.usecases.ports.files import Scanner
from openers.usecases.world import World
from openers.wire.instants import write_instant

HEALTH: Final = Interaction(audit="", operation="health", dialect=ProblemDialect(), trace=Trace.NOTHING)
"""Monitoring calls it every few seconds without a token, so it is neither audited nor observed."""
_JSON: Final[Header] = (b"content-type", b"application/json")
PASS: Final = "pass"
WARN: Final = "warn"
FAIL: Final = "fail"
LATE_AFTER: Final = 3
"""A service counts as not polled after this many poll intervals."""
SCANNER_ANSWERS_WITHIN_S: Final = 2.0
SCANNER_ASKED_EVERY_S: Final = 5.0
"""Pause between two checks of the scanner, in seconds: callers need no token, so their calls must not load it."""


class Upkeep(msgspec.Struct, frozen=True, kw_only=True):
    """The dependencies of the service besides its database: the poll interval, and free space in these directories."""

    poll_every: timedelta
    directories: Sequence[Path]
    low_bytes: int = 256 * 1024 * 1024
    full_bytes: int = 16 * 1024 * 1024


class Health:
    """The health of the service in each world."""

    def __init__(self, scanner: Scanner, upkeep: Upkeep) -> None:
        """Store the scanner of all worlds and the limits; nothing is checked yet."""
        self._upkeep = upkeep
        self._scanner = _RememberedScanner(scanner)

    async def report(self, world: World) -> tuple[int, dict[str, object]]:
        """Return the status code and body of the health page of a world."""
        checks = {"database": await _database(world), "disk": self._disk(), "scanner": await self._scanner.check()}
        polled = await _polled(world) if checks["database"] == PASS else {}
        now = world.clock.now()
        checks["polls"] = WARN if any(self._is_late(each, now) for each in polled.values()) else PASS
        found = set(checks.values())
        status = next(each for each in (FAIL, WARN, PASS) if each in found)
        slots = {service: None if each is None else write_instant(each) for service, each in polled.items()}
        return 503 if status == FAIL else 200, {"status": status, "checks": checks, "slots": slots}

    def _disk(self) -> str:
        """Return the state of the fullest disk."""
        try:
            free = min((_free_bytes(each) for each in self._upkeep.directories), default=self._upkeep.low_bytes)
        except OSError:
            return FAIL
        if free < self._upkeep.full_bytes:
            return FAIL
        return WARN if free < self._upkeep.low_bytes else PASS

    def _is_late(self, polled: Instant | None, now: Instant) -> bool:
        return polled is None or now - polled > LATE_AFTER * self._upkeep.poll_every


async def _database(world: World) -> str:
    try:
        await world.store.check()
    except Unavailable:
        return FAIL
    return PASS


async def _polled(world: World) -> dict[str, Instant | None]:
    """Return when the slots of each linked service were last polled; `None` if never."""
    try:
        async with world.read() as tx:
            linked, polls = await tx.links.all(), await tx.links.polls()
    except Unavailable:
        return {}
    polled = {poll.service: poll.polled for poll in polls}
    return {link.service: polled.get(link.service) for link in linked}


class _RememberedScanner:
    """Checks whether the scanner answers, and caches the result."""

    def __init__(self, scanner: Scanner) -> None:
        """Store the scanner; it is not checked yet."""
        self._scanner = scanner
        self._asking = asyncio.Lock()
        self._answer, self._until_s = PASS, 0.0

    async def check(self) -> str:
        """Return `pass` or `warn`."""
        async with self._asking:
            if monotonic() >= self._until_s:
                self._answer = await self._ask()
                self._until_s = monotonic() + SCANNER_ASKED_EVERY_S
        return self._answer

    async def _ask(self) -> str:
        try:
            async with asyncio.timeout(SCANNER_ANSWERS_WITHIN_S):
                await self._scanner.check()
        except (Unavailable, TimeoutError):
            return WARN
        return PASS


def health_routes(loop: Loop, health: Health, *, with_metrics: bool) -> list[Route]:
    """Return the routes of `/referrals/_ping`, `/referrals/_status`, and `/metrics` unless it has its own port."""

    async def _ping(_call: ActiveCall) -> Reply:
        return Reply(200, b'{"status":"pass"}', (_JSON,))

    async def _status(call: ActiveCall) -> Reply:
        status, body = await health.report(call.world)
        return Reply(status, msgspec.json.encode(body), (_JSON,))

    routes = [
        route(loop, "/referrals/_ping", {"GET": Declared(HEALTH, _ping)}),
        route(loop, "/referrals/_status", {"GET": Declared(HEALTH, _status)}),
    ]
    return [*routes, metrics_route(loop)] if with_metrics else routes


def metrics_route(loop: Loop) -> Route:
    """Return the route of `/metrics`, for Prometheus."""

    async def _render(_call: ActiveCall) -> Reply:
        return Reply(200, loop.metrics.render(), ((b"content-type", CONTENT_TYPE.encode()),))

    return route(loop, "/metrics", {"GET": Declared(HEALTH, _render)})


def _free_bytes(directory: Path) -> int:
    """Return the free bytes on a directory's disk for users other than root. Raises OSError."""
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize
