"""The second walk: find slots, book, read the appointment, cancel it, defer another referral."""

from __future__ import annotations

import pytest

from tests.kit.referrals.rig import NO_SLOTS, Rig, code

pytestmark = pytest.mark.anyio


async def test_find_book_read_and_cancel(booking: Rig) -> None:
    """A slot of A015 can be booked by A016, read by A038 and A005, and cancelled by A034. The PAS agrees."""
    await booking.add_slots(3)
    referral, (slot, *_) = await booking.refer(), await booking.free()
    booked = await booking.book(referral, slot)
    assert booked.status_code == 201, booked.text
    appointment = booked.json()
    assert booked.headers["etag"] == 'W/"0"'
    assert len(await booking.free()) == 2
    assert [each["status"] for each in booking.pas.appointments.values()] == ["booked"]
    read = await booking.gp.get(f"/STU3/Appointment/{appointment['id']}")
    assert read.json() == appointment
    shown = await booking.read(referral)
    assert shown["extension"][-1]["extension"][0]["valueCoding"]["code"] == "BOOKED"
    cancelled = await booking.cancel(appointment, "PATIENT_ILL")
    assert cancelled.status_code == 200, cancelled.text
    assert (cancelled.json()["status"], cancelled.headers["etag"]) == ("cancelled", 'W/"1"')
    assert [each["status"] for each in booking.pas.appointments.values()] == ["cancelled"]
    assert len(await booking.free()) == 3


async def test_deferral_is_refused_while_there_are_slots(booking: Rig) -> None:
    """NO_SLOTS_AT_SERVICE is only for services without free slots."""
    await booking.add_slots(1)
    referral = await booking.refer()
    assert code(await booking.defer(referral, "NO_SLOTS_AT_SERVICE")) == (422, "SLOTS_CURRENTLY_AVAILABLE")
    deferred = await booking.defer(referral, "NO_SLOTS_AT_SERVICE", NO_SLOTS, comment="none left")
    assert deferred.status_code == 201, deferred.text
    assert (deferred.json()["status"], deferred.headers["etag"]) == ("proposed", 'W/"1"')


async def test_sending_for_triage(booking: Rig) -> None:
    """A016 with reason TRIAGE has the same result as A021 in one step."""
    referral = await booking.refer()
    sent = await booking.defer(referral, "TRIAGE", "11004")
    assert sent.status_code == 201, sent.text
    shown = await booking.read(referral)
    state = shown["extension"][-1]["extension"]
    assert [each["valueCoding"]["code"] for each in state] == ["AWAITING_TRIAGE", "TRIAGE"]
