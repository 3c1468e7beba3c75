"""Notifications of a PAS: accepted once, only from the right application, and never during an act.

Source: rules chapters 3.1, 7; docs/reference/pas-contract.md.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import msgspec
import pytest

from openers.domain.errors import PasRefused
from tests.kit.referrals.rig import SERVICE, Json, Rig, code
from tests.kit.referrals.rows import acts, claimed, rows, states
from tests.kit.service.running import GP

pytestmark = pytest.mark.anyio

CANCELLATION = "https://fhir.nhs.uk/STU3/CodeSystem/APPOINTMENT-CANCELLATION-REASON"
CLINICIAN = "555032006106"


class Hospital:
    """A booking, and its PAS that sends notifications."""

    def __init__(self, desk: Rig, referral: Json, appointment: Json, token: str) -> None:
        """`token` is the PAS's access token."""
        self.desk, self.referral, self.appointment, self.token = desk, referral, appointment, token
        (self.there,) = (each for each in desk.pas.appointments.values() if referral["id"] in str(each))

    async def tell(self, status: str, reason: str | None = None, **changes: Any) -> httpx.Response:
        """Send a notification about the booking with this status."""
        body = {**self.there, "status": status, **changes}
        if reason is not None:
            body["cancelationReason"] = {"coding": [{"system": CANCELLATION, "code": reason}]}
        return await self.post(json.dumps(body).encode())

    async def post(self, body: bytes, token: str | None = "") -> httpx.Response:
        """Send any body with any token, by default the PAS's own token."""
        headers = {} if token is None else {"Authorization": f"Bearer {token or self.token}"}
        async with self.desk.run.pages() as client:
            return await client.post("/pas/notifications", content=body, headers=headers)

    async def shown(self) -> Json:
        """Return the appointment as A038 shows it."""
        shown: Json = (await self.desk.gp.get(f"/STU3/Appointment/{self.appointment['id']}")).json()
        return shown

    async def state(self) -> tuple[list[str], int]:
        """Return the referral's state and reason, and its version."""
        now = await self.desk.read(self.referral)
        codes = [each["valueCoding"]["code"] for each in now["extension"][-1]["extension"] if "valueCoding" in each]
        return codes, int(now["meta"]["versionId"])


@pytest.fixture
async def hospital(booking: Rig) -> Hospital:
    """Return a PAS with a booking."""
    await booking.add_slots(3)
    referral, slot = await booking.refer(), (await booking.free())[0]
    reply = await booking.book(referral, slot)
    assert reply.status_code == 201, reply.text
    return Hospital(booking, referral, reply.json(), await booking.run.token(None, "demo-pas"))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (("cancelled", "CLINIC_CANCELLED"), ("APPT_CANCELLED_BY_PROVIDER", "GONE", "cancel by the provider")),
        (("noshow", "PATIENT_FORGOT"), ("DID_NOT_ATTEND", "GONE", "record non-attendance")),
        (("arrived", None), ("BOOKED", "BOOKED", "record arrival")),
    ],
)
async def test_what_is_told_is_taken_once(
    hospital: Hospital, told: tuple[str, str | None], expected: tuple[str, str, str]
) -> None:
    """Appointment and referral get one new version. A repeated notification changes nothing."""
    (status, reason), (state, slot, act) = told, expected
    _, version = await hospital.state()
    reply = await hospital.tell(status, reason)
    assert (reply.status_code, reply.json()) == (200, {"changed": True})
    assert await hospital.state() == ([state] if reason is None else [state, reason], version + 1)
    shown = await hospital.shown()
    assert (shown["status"], shown["meta"]["versionId"]) == (status, "1")
    assert ("slot" in shown) is (status == "arrived")
    assert (await states(hospital.desk))[f"{SERVICE}-any-0"] == slot
    assert (await acts(hospital.desk))[-1] == (act, hospital.referral["id"], version + 1)
    before = await rows(hospital.desk)
    for again in (status, "cancelled" if status != "arrived" else status):
        repeat = await hospital.tell(again, reason)
        assert (repeat.status_code, repeat.json()) == (200, {"changed": False})
    assert await rows(hospital.desk) == before
    audited = [each for each in await _audit(hospital.desk) if b"API PAS Notification" in each]
    assert audited
    assert b"demo-pas" in audited[0]


async def _audit(desk: Rig) -> list[bytes]:
    await desk.run.service.world.store.upkeep()
    return [bytes(row[2]) for row in (await rows(desk, "audit_blocks"))["audit_blocks"]]


async def test_a_freed_slot_comes_back_with_the_next_poll(hospital: Hospital) -> None:
    """If the PAS shows the slot as free, the next poll restores it, even if it was freed before the notification."""
    hospital.desk.pas.mark(f"{SERVICE}-any-0", "free")
    await hospital.desk.poll()
    hospital.desk.pas.slots[f"{SERVICE}-any-0"]["meta"]["lastUpdated"] = "2020-01-01T00:00:00+00:00"
    assert (await hospital.tell("cancelled", "CLINIC_CANCELLED")).json() == {"changed": True}
    await hospital.desk.poll()
    assert len(await hospital.desk.free()) == 3


async def test_a_booking_moves_to_another_slot(hospital: Hospital) -> None:
    """The new slot belongs to a clinician, and the old slot is free again. A repeated notification changes nothing."""
    desk = hospital.desk
    await desk.add_slots(1, clinician=CLINICIAN)
    key = f"{SERVICE}-{CLINICIAN}-0"
    moved: Json = {"slot": [{"reference": f"Slot/{key}"}]}
    assert (await hospital.tell("booked", **moved)).json() == {"changed": True}
    shown, there = await hospital.shown(), await states(desk)
    assert (shown["status"], shown["meta"]["versionId"]) == ("booked", "1")
    assert shown["slot"] != hospital.appointment["slot"]
    assert [each["actor"]["identifier"]["value"] for each in shown["participant"] if "type" in each] == [CLINICIAN]
    assert (there[key], there[f"{SERVICE}-any-0"]) == ("BOOKED", "FREE")
    before = await rows(desk)
    assert (await hospital.tell("booked", **moved)).json() == {"changed": False}
    assert await rows(desk) == before
    assert (await desk.cancel(shown, "PATIENT_ILL")).status_code == 200
    assert (await states(desk))[key] == "FREE"


async def test_a_slot_that_was_not_polled_yet_is_told_later(hospital: Hospital) -> None:
    """The PAS gets 503 with Retry-After. After the next poll the notification succeeds."""
    desk = hospital.desk
    moved: Json = {"slot": [{"reference": f"Slot/{SERVICE}-any-9"}]}
    before = await rows(desk)
    reply = await hospital.tell("booked", **moved)
    assert reply.status_code == 503
    assert int(reply.headers["retry-after"]) > 0
    assert await rows(desk) == before
    desk.pas.slots[f"{SERVICE}-any-9"] = {**desk.pas.slots[f"{SERVICE}-any-2"], "id": f"{SERVICE}-any-9"}
    desk.pas.mark(f"{SERVICE}-any-9", "free")
    await desk.poll()
    assert (await hospital.tell("booked", **moved)).json() == {"changed": True}


async def test_a_slot_that_somebody_else_has_is_not_taken(hospital: Hospital) -> None:
    """A notification cannot move a booking to a slot that is booked here. The PAS gets 503."""
    desk = hospital.desk
    other = (await desk.free())[0]
    assert (await desk.book(await desk.refer(), other)).status_code == 201
    before = await rows(desk)
    usrn = other["identifier"][0]["value"].removeprefix("USRN ")
    assert (await hospital.tell("booked", slot=[{"reference": f"Slot/{usrn}"}])).status_code == 503
    assert await rows(desk) == before


async def test_while_an_act_is_under_way_nothing_is_taken(hospital: Hospital) -> None:
    """During the act the PAS gets 503. After the sweeper has settled the act, the notification succeeds."""
    desk = hospital.desk
    desk.pas.fault = "504"
    assert code(await desk.cancel(hospital.appointment, "PATIENT_ILL")) == (504, "PAS_NOT_RESPONDING")
    before = await rows(desk)
    reply = await hospital.tell("arrived")
    assert (reply.status_code, "retry-after" in reply.headers) == (503, True)
    assert await rows(desk) == before
    desk.pas.fault = "409"
    assert {type(each) for each in await desk.sweep()} == {PasRefused}  # only the polls fail; the claim is settled
    assert await claimed(desk) == 0
    assert (await hospital.tell("arrived")).json() == {"changed": True}


async def test_only_the_pas_of_the_service_is_heard(hospital: Hospital) -> None:
    """Callers without a valid token get 401. The notification of another application has no effect."""
    body, desk = json.dumps({**hospital.there, "status": "arrived"}).encode(), hospital.desk
    before = await rows(desk)
    for token in (None, "x", await desk.run.token(GP.user, "demo-user-app")):
        assert (await hospital.post(body, token)).status_code == 401
    other = await hospital.post(body, await desk.run.token(None, "demo-provider-app"))
    assert (other.status_code, other.json()) == (200, {"changed": False})
    assert await rows(desk) == before


UNREADABLE = (b"", b"{", b"[]", b"null", b"\xff", b'{"resourceType":"Slot","id":"1"}', b" " * 200_000, b"[" * 90_000)


async def test_what_cannot_be_read_never_comes_again(hospital: Hospital) -> None:
    """Invalid notifications get a status from 400 to 499, so that the PAS does not repeat them. Nothing changes."""
    before, there = await rows(hospital.desk), hospital.there
    lacking = [
        {name: value for name, value in there.items() if name != each} for each in ("id", "identifier", "status")
    ]
    wrong = [
        {**there, "status": "x"},
        {**there, "identifier": there["identifier"][:1]},
        {**there, "status": "arrived", "id": 7},
    ]
    for body in (*UNREADABLE, *(json.dumps(each).encode() for each in (*lacking, *wrong))):
        assert (await hospital.post(body)).status_code == 400, body[:80]
    for status, reason in (
        ("cancelled", "NO_SUCH"),
        ("noshow", "CLINIC_CANCELLED"),
        ("fulfilled", None),
        ("pending", None),
    ):
        assert 400 <= (await hospital.tell(status, reason)).status_code < 500
    assert await rows(hospital.desk) == before


async def test_what_is_not_known_is_taken_without_effect(hospital: Hospital) -> None:
    """Notifications with an unknown booking key or UBRN have no effect."""
    before, there = await rows(hospital.desk), hospital.there
    for index, value in ((0, "00000000-0000-4000-8000-000000000000"), (1, "999999999999")):
        identifiers = [dict(each) for each in there["identifier"]]
        identifiers[index]["value"] = value
        reply = await hospital.tell("arrived", identifier=identifiers)
        assert (reply.status_code, reply.json()) == (200, {"changed": False})
    assert await rows(hospital.desk) == before


async def test_events_are_shown_in_test_mode(hospital: Hospital) -> None:
    """The events are in order, and `since` selects the events after a number."""
    from openers.api.addresses import Addresses
    from openers.worlds.http.control import routes_of
    from openers.worlds.http.event_routes import event_routes
    from openers.worlds.recording.finder import only

    await hospital.tell("cancelled")
    world = hospital.desk.run.service.world
    loop = hospital.desk.run.service.edge.loop
    app = Addresses(loop, routes_of(loop, event_routes(only(world))))
    transport = httpx.ASGITransport(app=app)  # pyright: ignore[reportArgumentType] -- its scopes are dicts, too
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        events = (await client.get("/_test/events")).json()["events"]
        assert [each["act"] for each in events] == ["create", "book", "cancel by the provider"]
        assert events[2]["by"] == "demo-pas"
        after = (await client.get("/_test/events", params={"since": str(events[0]["number"])})).json()["events"]
        assert after == events[1:]
        for wrong in ("x", "-1", "9" * 30):
            assert (await client.get("/_test/events", params={"since": wrong})).status_code == 400
    assert msgspec.json.encode(events).find(b"9912003888") == -1
