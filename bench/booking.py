"""Booking against the Test PAS in a separate process: A015, A016, and other calls while the PAS hangs."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec
from tests.kit.referrals.rig import RULES, booking
from tests.kit.service.requests import create_referral
from tests.kit.service.running import FHIR, GP, load_demo, settings_for

from bench.load import Measured, Request, run
from bench.processes import Server, free_port, server
from openers.worlds.packs import read_pack
from openers_client import Application, log_in

FIND_SLOTS: Final = "A015 20 of 500 slots"
BOOK: Final = "A016"
HUNG: Final = 100
"""Number of bookings that hang at the PAS while other callers read."""
MANY: Final = "11002"
FIVE_HUNDRED: Final = "11001"
BOOKINGS_A_SECOND: Final = 150
"""Number of bookings for each second of another scenario, at each number of connections."""
MOST_BOOKINGS: Final = 2000
CLINICS: Final = f"""
[[clinics]]
id = "many"
service = "{MANY}"
name = "Many slots"
slot_minutes = 5
sessions = [
    {{ days = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"], opens = 07:00:00, closes = 19:00:00 }},
]

[[clinics]]
id = "five-hundred"
service = "{FIVE_HUNDRED}"
name = "About five hundred slots"
slot_minutes = 10
sessions = [
    {{ days = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"], opens = 09:00:00, closes = 11:10:00 }},
]
"""
FHIR_BASE: Final = "/referrals/FHIR"
Json = dict[str, Any]


class Figures(msgspec.Struct, frozen=True):
    """Rates by scenario and connections; slowdown of A005 while bookings hang."""

    rates: dict[str, dict[int, Measured]]
    hung_ratio: float


class Caller:
    """A GP at the service who sends concurrent requests."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        """Store `session`, which has the GP's headers."""
        self._session = session

    async def refer(self, count: int) -> list[Json]:
        """Create and return new referrals."""
        asked = create_referral(services=(MANY,))
        _, made = await self.timed([lambda: self._post(asked["url"], asked["json"], 201)] * count, 16)
        return [body for _, body in made]

    async def free(self, service: str, count: int) -> list[Json]:
        """Return the first free slots after at least `count` exist."""
        until = time.monotonic() + 60
        while (total := (await self._page(service, 1))["total"]) < count:
            if time.monotonic() > until:
                raise RuntimeError(f"{total} slots of {service} were polled, not {count}")
            await asyncio.sleep(0.2)
        found: list[Json] = []
        while len(found) < count:
            bundle = await self._page(service, len(found) // 100 + 1)
            found += [each["resource"] for each in bundle["entry"] if each["search"]["mode"] == "match"]
        return found[:count]

    def book(self, referral: Json, slot: Json, status: int = 201) -> Callable[[], Coroutine[None, None, Json]]:
        """Return a function that books. It raises RuntimeError unless the reply has `status`."""
        return lambda: self._post("/STU3/Appointment", booking(referral, slot), status)

    async def timed(
        self, acts: Sequence[Callable[[], Coroutine[None, None, Json]]], at_once: int
    ) -> tuple[float, list[tuple[float, Json]]]:
        """Run all acts, `at_once` concurrently; return the total time, and the time and result of each, in seconds."""
        waiting, done = iter(acts), list[tuple[float, Json]]()

        async def work() -> None:
            for act in waiting:
                began = time.perf_counter()
                body = await act()
                done.append((time.perf_counter() - began, body))

        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(at_once)))
        return time.perf_counter() - began, done

    async def _page(self, service: str, page: int) -> Json:
        async with self._session.get(FHIR_BASE + find_slots(service, 100, page), headers=RULES) as reply:
            return await _body(reply, 200)

    async def _post(self, path: str, body: Json, status: int) -> Json:
        async with self._session.post(FHIR_BASE + path, json=body, headers={"Content-Type": FHIR}) as reply:
            return await _body(reply, status)


def find_slots(service: str, count: int, page: int) -> str:
    """Return A015's path and query."""
    return (
        f"/STU3/Slot?schedule.actor:HealthcareService={service}&appointmentType=URGENT&status=free"
        f"&_count={count}&page={page}"
    )


def measure_booking(directory: Path, seconds: int, connections: Sequence[int]) -> Figures:
    """Return all figures about booking, on a separate store."""
    (directory / "clinics.toml").write_text(CLINICS)
    base_url = f"http://127.0.0.1:{free_port()}"
    environ = _prepared(directory, base_url, seconds)
    options = {"service": base_url, "database": directory / "testpas.db", "clinics": directory / "clinics.toml"}
    arguments = ["-m", "openers_testpas", "serve", "--port", "PORT"]
    for name, value in options.items():
        arguments += [f"--{name}", str(value)]
    with server(arguments, {}, "/_control/state", directory) as pas:
        for service in (MANY, FIVE_HUNDRED):
            command = [sys.executable, "-m", "openers.cli.main", "pas", "link", service, f"{pas.base_url}/fhir"]
            subprocess.run(command, env={**os.environ, **environ}, check=True, capture_output=True)  # noqa: S603 -- our own command line
        serve = ["-m", "openers.cli.main", "serve", "--port", "PORT"]
        port = int(base_url.rpartition(":")[2])
        with server(serve, environ, "/referrals/_ping", directory, port) as service:
            return asyncio.run(_measured((service, pas), directory, seconds, connections))


def _prepared(directory: Path, base_url: str, seconds: int) -> dict[str, str]:
    """Return the environment of a service with a loaded store; a hanging call ends after the other measurements."""
    settings = settings_for(f"sqlite:///{directory / 'booking.db'}", directory)
    load_demo(settings, msgspec.structs.replace(read_pack("demo"), pas=None))
    return {
        "OPENERS_DATABASE_URL": settings.database_url,
        "OPENERS_AUDIT_KEY_FILE": str(settings.audit_key_file),
        "OPENERS_KEPT_EXCHANGES": "0",  # production stores none
        "OPENERS_SIGNING_KEY_FILE": str(settings.signing_key_file),
        "OPENERS_ACCESS_CODE_KEY_FILE": str(settings.access_code_key_file),
        "OPENERS_BASE_URL": base_url,
        "OPENERS_PAS_TIMEOUT_S": str(seconds + 10),
    }


async def _measured(
    servers: tuple[Server, Server], directory: Path, seconds: int, connections: Sequence[int]
) -> Figures:
    service, pas = servers
    client = Application("demo-user-app", read_pack("demo").private_keys["demo-user-app"])
    token = log_in(service.base_url, GP.user, client).access_token
    headers = {"Authorization": f"Bearer {token}", **GP.headers}
    connector, patience = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(
        service.base_url, connector=connector, headers=headers, timeout=patience
    ) as session:
        gp = Caller(session)

        def asked(name: str, paths: Sequence[str], at_once: int) -> Measured:
            request = Request(name, "GET", tuple(FHIR_BASE + path for path in paths), {**headers, **RULES})
            return run(service.base_url, request, at_once, seconds, directory)

        await gp.free(FIVE_HUNDRED, 400)
        found = {each: asked(FIND_SLOTS, [find_slots(FIVE_HUNDRED, 20, 1)], each) for each in connections}
        each_time = min(BOOKINGS_A_SECOND * seconds, MOST_BOOKINGS)
        referrals = await gp.refer(each_time * len(connections) + HUNG)
        pairs = list(zip(referrals, await gp.free(MANY, len(referrals)), strict=True))
        to_hang, to_book = pairs[:HUNG], pairs[HUNG:]
        booked = {
            at_once: await _booked(gp, to_book[number * each_time : (number + 1) * each_time], at_once)
            for number, at_once in enumerate(connections)
        }
        paths = [f"/STU3/ReferralRequest/{each['id']}" for each in referrals[:200]]
        ratio = await _hung_ratio(gp, pas, to_hang, lambda: asked("A005 while calls hang", paths, 16))
    return Figures({FIND_SLOTS: found, BOOK: booked}, ratio)


async def _booked(gp: Caller, pairs: Sequence[tuple[Json, Json]], at_once: int) -> Measured:
    """Book each referral into its slot, `at_once` concurrently."""
    took, done = await gp.timed([gp.book(*pair) for pair in pairs], at_once)
    times = sorted(each for each, _ in done)
    return Measured(len(done) / took, times[len(times) * 99 // 100] * 1000, len(done))


async def _hung_ratio(
    gp: Caller, pas: Server, pairs: Sequence[tuple[Json, Json]], read: Callable[[], Measured]
) -> float:
    """Return the slowdown of reading while bookings hang, compared with before and after."""
    read()
    before = read()
    async with aiohttp.ClientSession(pas.base_url) as control:
        hanging = await _hung(control, gp, pairs)
        during = await asyncio.to_thread(read)
        await hanging
        await _faults(control, [])
    after = read()
    return (before.rate + after.rate) / 2 / during.rate


async def _hung(
    control: aiohttp.ClientSession, gp: Caller, pairs: Sequence[tuple[Json, Json]]
) -> asyncio.Task[tuple[float, list[tuple[float, Json]]]]:
    """Let these bookings hang at the PAS; the returned task ends when they time out."""
    await _faults(control, [{"kind": "hang"}])
    hanging = asyncio.create_task(gp.timed([gp.book(*pair, 504) for pair in pairs], len(pairs)))
    while True:
        async with control.get("/_control/state") as reply:
            if (await reply.json())["faults_played"].get("hang", 0) >= len(pairs):
                return hanging
        if hanging.done():
            raise RuntimeError("bookings did not hang") from hanging.exception()
        await asyncio.sleep(0.1)


async def _faults(control: aiohttp.ClientSession, faults: Sequence[Json]) -> None:
    async with control.put("/_control/faults", json={"faults": faults}) as reply:
        await _body(reply, 200)


async def _body(reply: aiohttp.ClientResponse, status: int) -> Json:
    if reply.status != status:
        raise RuntimeError(f"{reply.method} {reply.url} returned {reply.status}: {await reply.text()}")
    body: Json = await reply.json(content_type=None)
    return body
