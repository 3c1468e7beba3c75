"""Failures of the PAS: the reply to the caller, the unchanged records, and the recovery by the sweeper.

Source: rules chapter 7, 11.1 row 7; 2.6 for the texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest

from openers.domain.audit import AuditEntry
from openers.domain.errors import OpenersError, RecordLocked, Unavailable
from openers.usecases.ports.transaction import Tx
from tests.kit.referrals.rig import Json, Rig, code
from tests.kit.referrals.rows import acts, claimed, rows, states

pytestmark = pytest.mark.anyio

BOOKED_THERE = {"drop", "cut", "garbage"}
"""Faults after which the PAS has carried out the booking."""
SILENT = ("hang", "drop", "cut", "garbage", "502", "504")


async def _begin(desk: Rig) -> tuple[Json, Json, str]:
    await desk.add_slots(3)
    referral, slot = await desk.refer(), (await desk.free())[0]
    return referral, slot, slot["identifier"][0]["value"].removeprefix("USRN ")


async def _state(desk: Rig, referral: Json) -> str:
    shown = await desk.read(referral)
    return str(shown["extension"][-1]["extension"][0]["valueCoding"]["code"])


@pytest.mark.parametrize("fault", ["400", "401", "404", "409", "410", "422", "500", "503"])
async def test_a_refusal_is_told_and_undone(booking: Rig, fault: str) -> None:
    """The referral does not change, and another slot can be booked at once."""
    referral, slot, key = await _begin(booking)
    before = await rows(booking, "referrals", "history", "events", "claims")
    booking.pas.fault = fault
    assert code(await booking.book(referral, slot)) == (502, "PAS_RESPONDED_WITH_ERROR")
    booking.pas.fault = ""
    assert await rows(booking, "referrals", "history", "events", "claims") == before
    assert (await states(booking))[key] == "GONE"
    assert (await booking.book(referral, (await booking.free())[0])).status_code == 201


@pytest.mark.parametrize("fault", SILENT)
async def test_a_booking_that_nobody_heard_of_is_settled(booking: Rig, fault: str) -> None:
    """Until the sweeper has settled the booking, the slot is held and the referral can only be read."""
    referral, slot, key = await _begin(booking)
    before = await booking.read(referral)
    booking.pas.fault = fault
    reply = await booking.book(referral, slot)
    assert code(reply) == (504, "PAS_NOT_RESPONDING")
    assert reply.json()["issue"][0]["diagnostics"].endswith("PAS Request Status: TIMED_OUT")
    assert await booking.read(referral) == before
    assert (await claimed(booking), (await states(booking))[key]) == (1, "HELD")
    assert slot["id"] not in {each["id"] for each in await booking.free()}
    another = (await booking.free())[0]
    assert code(await booking.book(referral, another)) == (423, "REFERRAL_LOCKED")
    assert code(await booking.defer(referral, "TRIAGE", "11004")) == (423, "REFERRAL_LOCKED")
    assert code(await booking.book(await booking.refer(), slot)) == (422, "SLOT_NOT_AVAILABLE")
    held = await rows(booking, "referrals", "claims", "slots", "events")
    booking.pas.fault = "hang"
    assert {type(each).__name__ for each in await booking.sweep()} == {"PasSilent"}
    assert await rows(booking, "referrals", "claims", "slots", "events") == held
    booking.pas.fault = ""
    assert await booking.sweep(timedelta(minutes=20)) == []
    assert await claimed(booking) == 0
    if fault in BOOKED_THERE:
        assert (await _state(booking, referral), (await states(booking))[key]) == ("BOOKED", "BOOKED")
        assert [each[0] for each in await acts(booking)] == ["book"]
        return
    assert (await booking.read(referral), await acts(booking)) == (before, [])
    await booking.poll()
    again = await booking.book(referral, slot)
    assert again.status_code == 201, again.text


@pytest.mark.parametrize("done", ["booked", "cancelled"])
@pytest.mark.parametrize("failure", [Unavailable("database"), RecordLocked()], ids=["unavailable", "locked"])
async def test_an_act_that_the_pas_did_and_the_store_did_not_is_unknown_and_settled(
    booking: Rig, monkeypatch: pytest.MonkeyPatch, failure: OpenersError, done: str
) -> None:
    """The reply says that the outcome is unknown. The sweeper later asks the PAS and confirms the act."""
    referral, slot, _ = await _begin(booking)
    appointment = None if done == "booked" else (await booking.book(referral, slot)).json()
    store = booking.world.store
    begin = store.begin

    def fail(entry: AuditEntry, lock: Sequence[str] = ()) -> AbstractAsyncContextManager[Tx]:
        if any(each["status"] == done for each in booking.pas.appointments.values()):
            raise failure
        return begin(entry, lock)

    monkeypatch.setattr(store, "begin", fail)
    reply = await (booking.book(referral, slot) if appointment is None else booking.cancel(appointment, "PATIENT_ILL"))
    assert code(reply) == (503, "SYSTEM_UNAVAILABLE")
    assert "unknown" in reply.json()["issue"][0]["diagnostics"]
    monkeypatch.undo()
    assert await booking.sweep() == []
    assert await _state(booking, referral) == ("BOOKED" if appointment is None else "APPT_CANCELLED_BY_PATIENT")


@pytest.mark.parametrize("fault", SILENT)
async def test_a_cancellation_that_nobody_heard_of_is_settled(booking: Rig, fault: str) -> None:
    """The appointment stays booked until the sweeper has asked the PAS, and is then cancelled."""
    referral, slot, key = await _begin(booking)
    appointment = (await booking.book(referral, slot)).json()
    address = f"/STU3/Appointment/{appointment['id']}"
    booking.pas.fault = fault
    assert code(await booking.cancel(appointment, "PATIENT_ILL")) == (504, "PAS_NOT_RESPONDING")
    assert (await booking.gp.get(address)).json() == appointment
    assert code(await booking.cancel(appointment, "PATIENT_ILL")) == (423, "REFERRAL_LOCKED")
    booking.pas.fault = ""
    assert await booking.sweep() == []
    shown = (await booking.gp.get(address)).json()
    assert (shown["status"], shown["reason"][0]["coding"][0]["code"]) == ("cancelled", "PATIENT_ILL")
    assert (await _state(booking, referral), (await states(booking))[key]) == ("APPT_CANCELLED_BY_PATIENT", "FREE")
    assert [each[0] for each in await acts(booking)] == ["book", "cancel the appointment"]
    assert await claimed(booking) == 0


async def test_a_booking_that_comes_too_late_is_cancelled_again(booking: Rig) -> None:
    """If the PAS books after the service gave up, the second check of the sweeper finds and cancels that booking."""
    referral, slot, key = await _begin(booking)
    booking.pas.fault = "hang"
    assert code(await booking.book(referral, slot)) == (504, "PAS_NOT_RESPONDING")
    booking.pas.fault = ""
    (booked_as,) = [row[1] for row in (await rows(booking, "claims"))["claims"]]
    assert await booking.sweep(timedelta(minutes=4)) == []
    assert await claimed(booking) == 0
    identifiers = [{"system": "https://openers.example/Id/booking-key", "value": booked_as}]
    late = {"resourceType": "Appointment", "id": "late", "status": "booked", "identifier": identifiers}
    booking.pas.appointments["late"] = {**late, "slot": [{"reference": f"Slot/{key}"}]}
    assert await booking.sweep(timedelta(minutes=30)) == []
    assert booking.pas.appointments["late"]["status"] == "cancelled"
    assert await _state(booking, referral) == "NOT_BOOKED"


async def test_nobody_listens(booking: Rig) -> None:
    """If the PAS was certainly not reached, the slot is free again at once."""
    referral, slot, key = await _begin(booking)
    async with booking.world.begin("link elsewhere") as tx:
        link = await tx.links.get((await tx.slots.get(slot["id"])).service)  # pyright: ignore[reportOptionalMemberAccess, reportArgumentType]  # the slot exists
        assert link is not None
        await tx.links.put(type(link)(link.service, "http://127.0.0.1:1/fhir", link.client_id))
    assert code(await booking.book(referral, slot)) == (504, "PAS_NOT_RESPONDING")
    assert (await claimed(booking), (await states(booking))[key]) == (0, "FREE")
