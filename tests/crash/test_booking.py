"""A service killed between the steps of bookings and cancellations: after a restart it finds the outcome of each.

The steps of an act are: claim, call the PAS, the PAS replies, confirm. One kill hits a booking and a cancellation
between each two steps; the PAS signals when they are there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.crash.audit import check_audit
from tests.crash.gates import Gate, GatedPas, Where
from tests.kit.pas.small_pas import small_pas
from tests.kit.referrals.rig import RULES, Rig, booking, cancellation
from tests.kit.referrals.scene import SERVICE, add_slots, prepared
from tests.kit.run.waiting import HANGS_AFTER_S, until_it
from tests.kit.service.live import Live, live
from tests.kit.service.requests import HEADERS, create_referral
from tests.kit.service.running import GP, running, settings_for
from tests.kit.store.outside import fetch

pytestmark = pytest.mark.anyio
QUICK: Final = {"OPENERS_POLL_EVERY_S": "1"}
EXPIRED: Final = timedelta(minutes=4)
"""Time after which an act of unknown outcome is settled; longer than the service waits for the PAS."""
LATE: Final = timedelta(minutes=16)
"""Time after which the PAS is asked once more about an act that the service gave up, ten minutes later."""
Json = dict[str, Any]
POINTS: Final = {
    "claimed": Where.BEFORE_THE_DEED,
    "asked": Where.BEFORE_THE_DEED,
    "answered": Where.BEFORE_THE_REPLY,
}
"""The progress of an act when the service is killed; a `claimed` one reaches the PAS after the service gave it up."""


class Desk:
    """A GP at a live service."""

    def __init__(self, service: Live) -> None:
        """Log in."""
        self.gp = service.as_person(GP)

    def refer(self) -> Json:
        """Create a referral."""
        return self._done(self.gp.post(**create_referral(services=(SERVICE,))), 201)

    def free(self) -> list[Json]:
        """Return the free slots (A015)."""
        query = {
            "schedule.actor:HealthcareService": SERVICE,
            "appointmentType": "URGENT",
            "status": "free",
            "_count": "100",
            "page": "1",
        }
        bundle = self._done(self.gp.get("/STU3/Slot", params=query, headers=RULES), 200)
        return [each["resource"] for each in bundle["entry"] if each["search"]["mode"] == "match"]

    def book(self, referral: Json, slot: Json) -> Json:
        """Book an appointment, and return it."""
        return self._done(self.gp.post("/STU3/Appointment", json=booking(referral, slot), headers=HEADERS), 201)

    def cancel(self, appointment: Json) -> Json:
        """Cancel an appointment, and return it."""
        tag = f'W/"{appointment["meta"]["versionId"]}"'
        address, body = f"/STU3/Appointment/{appointment['id']}", cancellation(appointment, "PATIENT_ILL")
        return self._done(self.gp.put(address, json=body, headers={**HEADERS, "If-Match": tag}), 200)

    def read(self, appointment: str) -> Json:
        """Read the appointment (A038)."""
        return self._done(self.gp.get(f"/STU3/Appointment/{appointment}"), 200)

    def state(self, referral: Json) -> tuple[str, str | None]:
        """Return the referral's state and the id of its appointment (A005)."""
        shown = self._done(self.gp.get(f"/STU3/ReferralRequest/{referral['id']}"), 200)
        known = {each["url"].rpartition("/")[2]: each for each in shown["extension"]}
        [state, *_] = known["Extension-eRS-ReferralState-1"]["extension"]
        address = known.get("Extension-eRS-Appointment-Reference-1", {}).get("valueReference", {}).get("reference")
        return state["valueCoding"]["code"], address and address.removeprefix("Appointment/")

    def _done(self, reply: httpx.Response, status: int) -> Json:
        assert reply.status_code == status, reply.text
        body: Json = reply.json()
        return body


class Acts:
    """A booking and a cancellation for each point, each with a gate at the PAS, and an acknowledged booking."""

    def __init__(self, desk: Desk, pas: GatedPas, pas_slots: Mapping[str, str]) -> None:
        """Create them; `pas_slots` maps each slot to the PAS's own id."""
        slots = desk.free()
        self.kept = desk.book(desk.refer(), slots.pop())
        self.to_cancel = {point: desk.book(desk.refer(), slots.pop()) for point in POINTS}
        self.to_book = {point: (desk.refer(), slots.pop()) for point in POINTS}
        booked_as = {each["slot"][0]["reference"].removeprefix("Slot/"): key for key, each in pas.appointments.items()}
        self.booking_gates: dict[str, Gate] = {}
        self.cancellation_gates: dict[str, Gate] = {}
        for point, where in POINTS.items():
            at_pas = booked_as[pas_slots[_slot_of(self.to_cancel[point])]]
            self.booking_gates[point] = pas.gate(pas_slots[self.to_book[point][1]["id"]], where)
            self.cancellation_gates[point] = pas.gate(at_pas, where)

    def interrupt(self, desk: Desk, kill: Callable[[], None]) -> None:
        """Start all acts, and kill the service when each has reached its gate, so that no caller gets a reply."""
        with ThreadPoolExecutor(2 * len(POINTS)) as pool:
            begun = [pool.submit(desk.book, *each) for each in self.to_book.values()]
            begun += [pool.submit(desk.cancel, each) for each in self.to_cancel.values()]
            for gate in (*self.booking_gates.values(), *self.cancellation_gates.values()):
                gate.wait_for_somebody()
            kill()
            assert all(isinstance(each.exception(), httpx.TransportError) for each in begun)

    def open(self, *points: str) -> None:
        """Release the requests that wait at these points."""
        for point in points:
            self.booking_gates[point].open()
            self.cancellation_gates[point].open()


async def test_acts_that_were_under_way_are_settled(demo_url: str, keys: Path) -> None:
    with small_pas(GatedPas()) as pas:
        assert isinstance(pas, GatedPas)
        add_slots(pas, 10)
        settings = await prepared(demo_url, keys, pas, **QUICK)
        pas_slots = {str(key): pas_id for key, pas_id in await fetch(demo_url, "SELECT id, pas_id FROM slots")}
        with live(settings) as service:
            desk = Desk(service)
            acts = Acts(desk, pas, pas_slots)
            acts.interrupt(desk, service.kill)
        try:
            assert await counted(demo_url, "claims") == 2 * len(POINTS)
            acts.open("asked", "answered")
            with live(settings) as service:
                advance(service, EXPIRED)
                await settled(demo_url)
                check_settled(acts, Desk(service))
                await polled(demo_url, free=7)
                check_usable(acts, Desk(service))
                assert await agreed(demo_url, pas)
                service.stop()
                check_audit(service, settings)
        finally:
            acts.open(*POINTS)
        assert not await agreed(demo_url, pas), "the PAS has booked after its key was given up"
        async with running(settings_for(demo_url, keys, base_url=settings["OPENERS_BASE_URL"])) as run:
            await Rig(run, pas, run.anonymous()).sweep(LATE)
        assert await agreed(demo_url, pas)


def advance(service: Live, by: timedelta) -> None:
    """Advance the service's clock and run the work that falls due."""
    address, stretch = f"{service.base_url}/_test/clock/advance", {"seconds": by.total_seconds()}
    httpx.post(address, json=stretch, timeout=HANGS_AFTER_S).raise_for_status()


def check_settled(acts: Acts, desk: Desk) -> None:
    """Assert that acts done by the PAS are confirmed, others released, and the acknowledged booking unchanged."""
    assert desk.read(acts.kept["id"]) == acts.kept
    states = {point: desk.state(referral) for point, (referral, _) in acts.to_book.items()}
    assert states["claimed"] == ("NOT_BOOKED", None)
    for point in ("asked", "answered"):
        state, appointment = states[point]
        assert (state, desk.read(str(appointment))["status"]) == ("BOOKED", "booked")
    for appointment in acts.to_cancel.values():
        assert desk.read(appointment["id"])["status"] == "cancelled"


def check_usable(acts: Acts, desk: Desk) -> None:
    """Assert that the slots without a booking are free again, and that the released referral can be booked."""
    referral, slot = acts.to_book["claimed"]
    free = {each["id"]: each for each in desk.free()}
    assert {slot["id"], *map(_slot_of, acts.to_cancel.values())} <= free.keys()
    del free[slot["id"]]
    booked = desk.book(referral, next(iter(free.values())))
    assert desk.state(referral) == ("BOOKED", booked["id"])


async def settled(url: str) -> None:
    """Return when no act is in progress."""
    await _come_to(url, "claims", 0)
    assert await counted(url, "slots WHERE state = 'HELD'") == 0


async def polled(url: str, free: int) -> None:
    """Return when `free` slots are free."""
    await _come_to(url, "slots WHERE state = 'FREE'", free)


async def counted(url: str, what: str) -> int:
    """Return the number of rows."""
    return int((await fetch(url, f"SELECT count(*) FROM {what}"))[0][0])


async def agreed(url: str, pas: GatedPas) -> bool:
    """Return whether the service and the PAS have the same slots booked."""
    here = sorted(row[0] for row in await fetch(url, "SELECT pas_id FROM slots WHERE state = 'BOOKED'"))
    live = [each for each in pas.appointments.values() if each["status"] == "booked"]
    return here == sorted(each["slot"][0]["reference"].removeprefix("Slot/") for each in live)


async def _come_to(url: str, what: str, count: int) -> None:
    async def _is_so() -> bool:
        return await counted(url, what) == count

    await until_it(_is_so, f"not {count} {what}")


def _slot_of(appointment: Json) -> str:
    return str(appointment["slot"][0]["reference"]).removeprefix("Slot/")
