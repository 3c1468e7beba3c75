"""Rounds of a race: ten concurrent callers for each slot, whose results are compared with the guarantees.

One booking of each slot succeeds, every other caller gets a loser's reply, and the PAS has the same bookings. Each
acknowledged booking can be read.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import cycle
from random import Random
from typing import Any, Final

import aiohttp

from tests.kit.pas.small_pas import SmallPas
from tests.kit.referrals.rig import RULES, booking
from tests.kit.referrals.scene import SERVICE
from tests.kit.service.live import Live
from tests.kit.service.requests import create_referral
from tests.kit.service.running import FHIR, GP
from tests.kit.store.outside import fetch

SLOTS: Final = 20
CALLERS: Final = 200
LOST: Final = frozenset({(422, "SLOT_NOT_AVAILABLE"), (409, ""), (423, "")})
"""Replies that a loser may get; the code is compared only where the status has several."""
AT_ONCE: Final = 50
"""Number of referrals created at once."""
DOUBLE: Final = "double booking"
Json = dict[str, Any]
Answer = tuple[int, Json]


class Race:
    """Callers of live processes that are linked to one PAS."""

    def __init__(self, services: Sequence[Live], pas: SmallPas, chance: Random) -> None:
        """`chance` decides which referrals compete for a slot."""
        self._pas, self._chance = pas, chance
        self._headers = dict(services[0].as_person(GP).headers)
        self._bases = cycle([f"{each.base_url}/referrals/FHIR" for each in services])
        self._referrals: list[Json] = []
        self.acknowledged: list[Json] = []

    async def run(self, rounds: int) -> list[str]:
        """Run the rounds, and return the errors found; empty if there are none."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, headers=self._headers) as session:
            slots = await self._free_slots(session, rounds * SLOTS)
            wrong: list[str] = []
            for number in range(rounds):
                found = await self._round(session, slots[number * SLOTS : (number + 1) * SLOTS])
                wrong += [f"{each}, in round {number}" for each in found]
            return wrong + await self._unreadable(session)

    async def _round(self, session: aiohttp.ClientSession, slots: Sequence[Json]) -> list[str]:
        """Let all callers book one of the slots at once."""
        await self._refer(session)
        contest = [(referral, slots[at % len(slots)]) for at, referral in enumerate(self._referrals)]
        self._chance.shuffle(contest)
        answers = await asyncio.gather(*(self._book(session, *each) for each in contest))
        booked: dict[str, list[Json]] = defaultdict(list)
        wrong: list[str] = []
        self._referrals = []
        for (referral, slot), (status, body) in zip(contest, answers, strict=True):
            if status == 201:
                booked[slot["id"]].append(body)
            else:
                self._referrals.append(referral)
                wrong += [] if _lost(status, body) else [f"a loser was told {status} {_code(body)}"]
        self.acknowledged += [each for bookings in booked.values() for each in bookings]
        return [*wrong, *_miscounted(slots, booked), *self._disagreements(booked)]

    def _disagreements(self, booked: Mapping[str, Sequence[Json]]) -> list[str]:
        """Return how the PAS's active bookings differ from the acknowledged ones.

        The PAS then forgets them, so that each round starts anew.
        """
        made = list(self._pas.appointments.values())
        self._pas.appointments.clear()
        at_pas = Counter(_start(each) for each in made if each["status"] == "booked")
        here = Counter(_start(each) for bookings in booked.values() for each in bookings)
        doubled = [f"{DOUBLE} at the PAS: {count} at {start}" for start, count in at_pas.items() if count > 1]
        return doubled + ([] if at_pas == here else ["the PAS has other bookings than were acknowledged"])

    async def _refer(self, session: aiohttp.ClientSession) -> None:
        """Create referrals until there is one for each caller."""
        while missing := CALLERS - len(self._referrals):
            request = create_referral(services=(SERVICE,))
            made = await asyncio.gather(
                *(self._post(session, request["url"], request["json"]) for _ in range(min(missing, AT_ONCE)))
            )
            assert all(status == 201 for status, _ in made), made
            self._referrals += [body for _, body in made]

    async def _book(self, session: aiohttp.ClientSession, referral: Json, slot: Json) -> Answer:
        return await self._post(session, "/STU3/Appointment", booking(referral, slot))

    async def _post(self, session: aiohttp.ClientSession, path: str, body: Json) -> Answer:
        async with session.post(next(self._bases) + path, json=body, headers={"Content-Type": FHIR}) as reply:
            return reply.status, await reply.json(content_type=None)

    async def _get(self, session: aiohttp.ClientSession, path: str, **query: str) -> Answer:
        async with session.get(next(self._bases) + path, params=query, headers=RULES) as reply:
            return reply.status, await reply.json(content_type=None)

    async def _free_slots(self, session: aiohttp.ClientSession, count: int) -> list[Json]:
        """Return the first `count` free slots (A015)."""
        found: list[Json] = []
        while len(found) < count:
            query = {
                "schedule.actor:HealthcareService": SERVICE,
                "appointmentType": "URGENT",
                "status": "free",
                "_count": "100",
                "page": str(len(found) // 100 + 1),
            }
            status, bundle = await self._get(session, "/STU3/Slot", **query)
            assert status == 200, bundle
            found += [each["resource"] for each in bundle["entry"] if each["search"]["mode"] == "match"]
        return found[:count]

    async def _unreadable(self, session: aiohttp.ClientSession) -> list[str]:
        """Return acknowledged bookings that A038 does not show as acknowledged."""
        wrong: list[str] = []
        for at in range(0, len(self.acknowledged), AT_ONCE):
            expected = self.acknowledged[at : at + AT_ONCE]
            read = await asyncio.gather(*(self._get(session, f"/STU3/Appointment/{each['id']}") for each in expected))
            pairs = zip(expected, read, strict=True)
            wrong += [f"{was['id']} is read as {got}" for was, got in pairs if got != (200, was)]
        return wrong


async def misfits(url: str, bookings: int) -> list[str]:
    """Return how the store differs from exactly `bookings` bookings, one for each slot, and no claims."""
    counts = {
        "booked slots": "SELECT count(*) FROM slots WHERE state = 'BOOKED'",
        "booked referrals": "SELECT count(DISTINCT slot) FROM referrals WHERE slot IS NOT NULL",
    }
    found = {name: (await fetch(url, sql))[0][0] for name, sql in counts.items()}
    wrong = [f"{name}: {count} for {bookings} bookings" for name, count in found.items() if count != bookings]
    [(claims,)] = await fetch(url, "SELECT count(*) FROM claims")
    [(held,)] = await fetch(url, "SELECT count(*) FROM slots WHERE state = 'HELD'")
    return wrong + ([f"{claims} claims and {held} held slots are left"] if claims or held else [])


def _miscounted(slots: Iterable[Json], booked: Mapping[str, Sequence[Json]]) -> list[str]:
    """Return the slots that were not booked by exactly one caller."""
    counts = {slot["id"]: len(booked.get(slot["id"], ())) for slot in slots}
    return [
        f"{DOUBLE}: {count} of slot {slot}" if count else f"nobody got slot {slot}"
        for slot, count in counts.items()
        if count != 1
    ]


def _lost(status: int, body: Json) -> bool:
    return (status, _code(body) if status == 422 else "") in LOST


def _code(body: Json) -> str:
    return str(body.get("issue", [{}])[0].get("details", {}).get("coding", [{}])[0].get("code", ""))


def _start(appointment: Json) -> datetime:
    """Return the start of an appointment; each slot of the service has a different one."""
    return datetime.fromisoformat(appointment["start"])
