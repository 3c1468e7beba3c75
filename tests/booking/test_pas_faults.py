"""A PAS that fails: what the caller hears, what stays as it was, and how the sweeper settles what nobody heard.

Source: rules chapter 7, 11.1 row 7; 2.6 for the texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest

from openers.domain.audit import AuditEntry
from openers.domain.errors import OpenersError, RecordLocked, Unavailable
from openers.usecases.ports import Tx
from tests.booking.rig import Json, Rig, code
from tests.booking.rows import acts, claimed, rows, states

pytestmark = pytest.mark.anyio

BOOKED_THERE = {"drop", "cut", "garbage"}
"""Faults of a PAS that has done what it was asked."""
SILENT = ("hang", "drop", "cut", "garbage", "502", "504")


async def _begin(desk: Rig) -> tuple[Json, Json, str]:
    await desk.add_slots(3)
    referral, slot = await desk.refer(), (await desk.free())[0]
    return referral, slot, slot["identifier"][0]["value"].removeprefix("USRN ")


async def _state(desk: Rig, referral: Json) -> str:
    shown = await desk.read(referral)
    return str(shown["extension"][-1]["extension"][0]["valueCoding"]["code"])


@pytest.mark.parametrize("fault", ["400", "401", "404", "409", "410", "422", "500", "503"])
async def test_a_refusal_is_told_and_undone(hurried: Rig, fault: str) -> None:
    """The referral is as before, and another slot can be booked at once."""
    referral, slot, key = await _begin(hurried)
    before = await rows(hurried, "referrals", "history", "events", "claims")
    hurried.pas.fault = fault
    assert code(await hurried.book(referral, slot)) == (502, "PAS_RESPONDED_WITH_ERROR")
    hurried.pas.fault = ""
    assert await rows(hurried, "referrals", "history", "events", "claims") == before
    assert (await states(hurried))[key] == "GONE"
    assert (await hurried.book(referral, (await hurried.free())[0])).status_code == 201


@pytest.mark.parametrize("fault", SILENT)
async def test_a_booking_that_nobody_heard_of_is_settled(hurried: Rig, fault: str) -> None:
    """Until then the slot is held and the referral can be read alone."""
    referral, slot, key = await _begin(hurried)
    before = await hurried.read(referral)
    hurried.pas.fault = fault
    reply = await hurried.book(referral, slot)
    assert code(reply) == (504, "PAS_NOT_RESPONDING")
    assert reply.json()["issue"][0]["diagnostics"].endswith("PAS Request Status: TIMED_OUT")
    assert await hurried.read(referral) == before
    assert (await claimed(hurried), (await states(hurried))[key]) == (1, "HELD")
    assert slot["id"] not in {each["id"] for each in await hurried.free()}
    another = (await hurried.free())[0]
    assert code(await hurried.book(referral, another)) == (423, "REFERRAL_LOCKED")
    assert code(await hurried.defer(referral, "TRIAGE", "11004")) == (423, "REFERRAL_LOCKED")
    assert code(await hurried.book(await hurried.refer(), slot)) == (422, "SLOT_NOT_AVAILABLE")
    held = await rows(hurried, "referrals", "claims", "slots", "events")
    hurried.pas.fault = "hang"
    assert {type(each).__name__ for each in await hurried.sweep()} == {"PasSilent"}
    assert await rows(hurried, "referrals", "claims", "slots", "events") == held
    hurried.pas.fault = ""
    assert await hurried.sweep(timedelta(minutes=20)) == []
    assert await claimed(hurried) == 0
    if fault in BOOKED_THERE:
        assert (await _state(hurried, referral), (await states(hurried))[key]) == ("BOOKED", "BOOKED")
        assert [each[0] for each in await acts(hurried)] == ["book"]
        return
    assert (await hurried.read(referral), await acts(hurried)) == (before, [])
    await hurried.poll()
    again = await hurried.book(referral, slot)
    assert again.status_code == 201, again.text


@pytest.mark.parametrize("done", ["booked", "cancelled"])
@pytest.mark.parametrize("failure", [Unavailable("database"), RecordLocked()], ids=["unavailable", "locked"])
async def test_an_act_that_the_pas_did_and_the_store_did_not_is_unknown_and_settled(
    booking: Rig, monkeypatch: pytest.MonkeyPatch, failure: OpenersError, done: str
) -> None:
    """The caller is told to read before a retry, since what the PAS did is confirmed later."""
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
async def test_a_cancellation_that_nobody_heard_of_is_settled(hurried: Rig, fault: str) -> None:
    """The booking stands until the PAS has been asked again, and then it is cancelled."""
    referral, slot, key = await _begin(hurried)
    appointment = (await hurried.book(referral, slot)).json()
    address = f"/STU3/Appointment/{appointment['id']}"
    hurried.pas.fault = fault
    assert code(await hurried.cancel(appointment, "PATIENT_ILL")) == (504, "PAS_NOT_RESPONDING")
    assert (await hurried.gp.get(address)).json() == appointment
    assert code(await hurried.cancel(appointment, "PATIENT_ILL")) == (423, "REFERRAL_LOCKED")
    hurried.pas.fault = ""
    assert await hurried.sweep() == []
    shown = (await hurried.gp.get(address)).json()
    assert (shown["status"], shown["reason"][0]["coding"][0]["code"]) == ("cancelled", "PATIENT_ILL")
    assert (await _state(hurried, referral), (await states(hurried))[key]) == ("APPT_CANCELLED_BY_PATIENT", "FREE")
    assert [each[0] for each in await acts(hurried)] == ["book", "cancel the appointment"]
    assert await claimed(hurried) == 0


async def test_a_booking_that_comes_too_late_is_cancelled_again(hurried: Rig) -> None:
    """The PAS books after its key was given up: the second look finds it."""
    referral, slot, key = await _begin(hurried)
    hurried.pas.fault = "hang"
    assert code(await hurried.book(referral, slot)) == (504, "PAS_NOT_RESPONDING")
    hurried.pas.fault = ""
    (booked_as,) = [row[1] for row in (await rows(hurried, "claims"))["claims"]]
    assert await hurried.sweep(timedelta(minutes=4)) == []
    assert await claimed(hurried) == 0
    identifiers = [{"system": "https://openers.example/Id/booking-key", "value": booked_as}]
    late = {"resourceType": "Appointment", "id": "late", "status": "booked", "identifier": identifiers}
    hurried.pas.appointments["late"] = {**late, "slot": [{"reference": f"Slot/{key}"}]}
    assert await hurried.sweep(timedelta(minutes=30)) == []
    assert hurried.pas.appointments["late"]["status"] == "cancelled"
    assert await _state(hurried, referral) == "NOT_BOOKED"


async def test_nobody_listens(hurried: Rig) -> None:
    """A PAS that was certainly not reached changed nothing: everything is as before at once."""
    referral, slot, key = await _begin(hurried)
    async with hurried.world.begin("link elsewhere") as tx:
        link = await tx.links.get((await tx.slots.get(slot["id"])).service)  # pyright: ignore[reportOptionalMemberAccess, reportArgumentType]  # is there
        assert link is not None
        await tx.links.put(type(link)(link.service, "http://127.0.0.1:1/fhir", link.client_id))
    assert code(await hurried.book(referral, slot)) == (504, "PAS_NOT_RESPONDING")
    assert (await claimed(hurried), (await states(hurried))[key]) == (0, "FREE")
