"""Send the time of the world to the Test PASes that services are linked to. A real PAS has no such interface."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from openers.usecases.world import World
from openers.worlds.running.clock import WorldClock

WITHIN_S: Final = 10.0
CONTROL: Final = "/_control/clock"


class ClockReport(msgspec.Struct, frozen=True):
    """Whether a PAS adopted the new time; if not, `reason` is the cause."""

    pas: str
    told: bool
    reason: str | None = None


async def tell_linked(world: World, clock: WorldClock) -> list[ClockReport]:
    """Send the time to each linked system once; a system that cannot be reached keeps its own time."""
    async with world.read() as tx:
        links = await tx.links.all()
    origins = sorted({f"{parts.scheme}://{parts.netloc}" for parts in (urlsplit(link.url) for link in links)})
    if not origins:
        return []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN_S)) as http:
        return [await _tell(http, origin, clock) for origin in origins]


async def _tell(http: aiohttp.ClientSession, origin: str, clock: WorldClock) -> ClockReport:
    real = clock.is_running and not clock.state.ahead_s
    now = None if real else clock.now().isoformat()
    try:
        async with http.put(f"{origin}{CONTROL}", json={"now": now}, allow_redirects=False) as reply:
            if reply.status == 200:
                return ClockReport(origin, True)
            return ClockReport(origin, False, f"it returned {reply.status}")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return ClockReport(origin, False, type(error).__name__)
