"""Callers that create referrals, read reference data and book slots, while a test breaks what is behind the service."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import chain, repeat
from typing import Any, Final

import aiohttp

from openers.store.audit.chain import lines_of
from tests.kit.referrals.rig import booking
from tests.kit.referrals.scene import SERVICE
from tests.kit.service.live import Live
from tests.kit.service.requests import create_referral
from tests.kit.service.running import FHIR, GP
from tests.kit.store.outside import fetch

CALLERS: Final = 24
UNKNOWN: Final = "It is unknown whether"
LONGEST_S: Final = 120
RIVALS: Final = 3
"""Callers that try to book each slot, one after another or at once."""
Json = dict[str, Any]


class Load:
    """Callers of one or more processes, who go on until they are stopped."""

    def __init__(self, services: Sequence[Live], slots: Sequence[Json] = ()) -> None:
        """Log in. With `slots`, some callers book them."""
        person = services[0].as_person(GP)
        self._headers = dict(person.headers)
        self._bases = [f"{each.base_url}/referrals/FHIR" for each in services]
        self._slots: Iterator[Json] = chain.from_iterable(repeat(slot, RIVALS) for slot in slots)
        self._with_slots = bool(slots)
        self.outcomes: dict[str, tuple[int, str]] = {}
        """Status and text of each creation, by request id."""
        self.booked: defaultdict[str, list[Json]] = defaultdict(list)
        """Acknowledged bookings by slot."""
        self.statuses: Counter[int] = Counter()
        self.hasty = 0
        """Number of replies 503 that do not say when to try again."""
        self._answered = asyncio.Condition()
        self._stops = False

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run the callers."""
        async with aiohttp.ClientSession(headers=self._headers) as session, asyncio.TaskGroup() as callers:
            for number in range(CALLERS):
                base = self._bases[number % len(self._bases)]
                match number % 3:
                    case 0:
                        callers.create_task(self._read(session, base))
                    case 1 if self._with_slots:
                        callers.create_task(self._book(session, base))
                    case _:
                        callers.create_task(self._create(session, base))
            try:
                yield
            finally:
                self._stops = True

    async def more(self, count: int, status: int | None = None) -> None:
        """Wait for `count` more replies, of any status or of one."""
        until = self._count(status) + count
        async with self._answered, asyncio.timeout(LONGEST_S):
            await self._answered.wait_for(lambda: self._count(status) >= until)

    def _count(self, status: int | None) -> int:
        return self.statuses.total() if status is None else self.statuses[status]

    async def _read(self, session: aiohttp.ClientSession, base: str) -> None:
        while not self._stops:
            await self._tell(session.get(f"{base}/STU3/CodeSystem/SPECIALTY"))

    async def _create(self, session: aiohttp.ClientSession, base: str) -> None:
        request = create_referral()
        while not self._stops:
            await self._refer(session, base, request)

    async def _book(self, session: aiohttp.ClientSession, base: str) -> None:
        """Create a referral for each slot, and try to book the slot with it."""
        while not self._stops and (slot := next(self._slots, None)) is not None:
            status, text = await self._refer(session, base, create_referral(services=(SERVICE,)))
            if status == 201:
                body = booking(json.loads(text), slot)
                call = session.post(f"{base}/STU3/Appointment", json=body, headers={"Content-Type": FHIR})
                status, text, _ = await self._tell(call)
                if status == 201:
                    self.booked[slot["id"]].append(json.loads(text))

    async def _refer(self, session: aiohttp.ClientSession, base: str, request: Json) -> tuple[int, str]:
        call = session.post(base + request["url"], json=request["json"], headers={"Content-Type": FHIR})
        status, text, number = await self._tell(call)
        self.outcomes[number] = (status, text)
        return status, text

    async def _tell(self, call: Any) -> tuple[int, str, str]:
        """Return status, text and request id of a reply, and count it."""
        async with call as reply:
            text = await reply.text()
        self.hasty += reply.status == 503 and "retry-after" not in reply.headers
        async with self._answered:
            self.statuses[reply.status] += 1
            self._answered.notify_all()
        return reply.status, text, reply.headers["x-request-id"]


def differences(load: Load, before: set[str], stored: set[str]) -> list[str]:
    """Return how the stored creations differ from what callers were told; `before` is what was stored before them."""
    acknowledged = {each for each, (status, _) in load.outcomes.items() if status == 201}
    unknown = {each for each, (_, text) in load.outcomes.items() if UNKNOWN in text}
    lost, unasked = acknowledged - stored, stored - before - acknowledged - unknown
    found = [f"{len(lost)} acknowledged and lost"] if lost else []
    found += [f"{len(unasked)} refused and stored"] if unasked else []
    return [*found, f"{load.hasty} replies 503 without Retry-After"] if load.hasty else found


async def created(url: str) -> set[str]:
    """Return the request ids of all audit entries for new referrals."""
    blocks = await fetch(url, "SELECT entries FROM audit_blocks")
    texts = [line[17:] for (entries,) in blocks for line in lines_of(bytes(entries))]
    texts += [bytes(entry) for (entry,) in await fetch(url, "SELECT entry FROM audit_pending")]
    entries = [json.loads(text) for text in texts]
    return {
        each["request_id"] for each in entries if (each.get("act"), each.get("outcome")) == ("create referral", 201)
    }
