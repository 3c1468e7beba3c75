"""A019: the kind of patient letter for each state, its text, and the cases in which it is rejected."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from tests.api.papers import paper
from tests.kit.calls.expectations import code_of
from tests.kit.referrals.rig import NO_SLOTS, Rig
from tests.kit.service.arrangements import created, patient_called, put, sent_for_triage
from tests.kit.service.requests import PATIENT, create_referral
from tests.kit.service.running import GP, GP_ADMIN, RC, Person, Running, entry
from tests.kit.store.outside import fetch

from openers.domain.callers import SYSTEM
from openers.domain.identifiers import Ubrn
from openers.usecases.referring.access_codes import access_code_of, reset_access_code, revoke_access_code

pytestmark = pytest.mark.anyio
GP_ELSEWHERE = Person("555073103211", "B86011", RC)
CONFIRMATION, REQUEST, TRIAGE = (
    "Appointment_Confirmation_Summary",
    "Appointment_Request_Summary",
    "Triage_Summary",
)


def address(ubrn: str) -> str:
    return f"/STU3/ReferralRequest/{ubrn}/$ers.generatePatientLetter"


async def letter(run: Running, ubrn: str, kind: str, who: Person = GP) -> str:
    client = await run.as_person(who)
    return paper(await client.post(address(ubrn)), kind, ubrn, run.service.world.clock.now())


async def code_on(run: Running, ubrn: str) -> str:
    """Return the access code as letters print it."""
    async with run.service.world.read() as tx:
        return (await access_code_of(Ubrn(ubrn), run.service.world, tx)).grouped()


async def test_a_referral_that_is_not_booked_asks_to_choose_a_clinic(on_both: Running) -> None:
    gp = await on_both.as_person(GP)
    ubrn = (await gp.post(**create_referral(services=["11002", "11003"]))).json()["id"]
    text = await letter(on_both, ubrn, REQUEST)
    for said in (
        "Walter Hartley 7 Wharf Terrace Leeds LS1 4EY",
        "NHS number 991 200 3888",
        "Park Square Surgery",
        "Please book your appointment",
        "www.nhs.uk/referrals",
        "0345 608 8888",
        "0345 850 2250",
        f"{ubrn[:4]} {ubrn[4:8]} {ubrn[8:]}",
        await code_on(on_both, ubrn),
        "1 Rapid Access Heart Clinic, Aire General",
        "2 Heart Failure Clinic by Telephone, Northmoor",
        "0113 496 0311",
        "Book by ringing the clinic.",
    ):
        assert said in text, said


async def test_a_referral_for_triage_says_that_a_specialist_reads_it(service: Running) -> None:
    ubrn = await sent_for_triage(service)
    text = await letter(service, ubrn, TRIAGE, GP_ADMIN)
    assert "Cardiology Triage, Aire General" in text
    assert await code_on(service, ubrn) in text
    assert "Please book your appointment" not in text


async def test_a_booking_is_confirmed_with_day_time_and_place(booked: tuple[Rig, str, datetime]) -> None:
    rig, ubrn, start = booked
    local = start.astimezone(ZoneInfo("Europe/London"))
    text = await letter(rig.run, ubrn, CONFIRMATION)
    hour = local.hour % 12 or 12
    for said in (
        "You have an appointment",
        f"{local:%A} {local.day} {local:%B %Y}",
        f"{hour}:{local:%M}{'am' if local.hour < 12 else 'pm'}",
        "Rapid Access Heart Clinic, Aire General",
        "Aire General Hospital",
        await code_on(rig.run, ubrn),
    ):
        assert said in text, said


async def test_a_deferred_referral_says_who_gets_in_touch_and_by_when(booking: Rig) -> None:
    referral = await booking.refer(NO_SLOTS)
    reply = await booking.defer(referral, "NO_SLOTS_AT_SERVICE", NO_SLOTS)
    assert reply.status_code == 201, reply.text
    text = await letter(booking.run, referral["id"], REQUEST)
    assert "The clinic will contact you" in text
    assert "You need not book anything." in text


async def test_there_is_no_letter_once_the_appointment_is_cancelled(booked: tuple[Rig, str, datetime]) -> None:
    rig, ubrn, _ = booked
    async with rig.run.service.world.read() as tx:
        stored = await tx.referrals.find(Ubrn(ubrn), SYSTEM)
    assert stored is not None
    assert stored.value.appointment is not None
    current = (await rig.gp.get(f"/STU3/Appointment/{stored.value.appointment.id}")).json()
    assert (await rig.cancel(current, "PATIENT_ILL")).status_code == 200
    reply = await rig.gp.post(address(ubrn))
    assert (reply.status_code, code_of(reply)) == (422, "INVALID_REQUEST_STATE")


async def test_without_an_access_code_there_is_no_letter(on_both: Running) -> None:
    """Without an access code there is no letter. After a reset the letter shows the new code."""
    ubrn = Ubrn(await created(on_both))
    first = await code_on(on_both, ubrn)
    await revoke_access_code(ubrn, on_both.service.world.for_call(entry()))
    gp = await on_both.as_person(GP)
    reply = await gp.post(address(ubrn))
    assert (reply.status_code, code_of(reply)) == (422, "NO_ACCESS_CODE")
    await reset_access_code(ubrn, on_both.service.world.for_call(entry()))
    text = await letter(on_both, ubrn, REQUEST)
    assert await code_on(on_both, ubrn) in text
    assert first not in text


async def test_others_do_not_get_it(service: Running) -> None:
    ubrn = await created(service)
    reply = await (await service.as_person(GP_ELSEWHERE)).post(address(ubrn))
    assert (reply.status_code, code_of(reply)) == (422, "NO_RELATIONSHIP")


async def test_there_is_none_about_a_sensitive_record(service: Running) -> None:
    ubrn = await created(service)
    patient = await patient_called(service, PATIENT)
    await put(service, msgspec.structs.replace(patient, sensitive=True))
    reply = await (await service.as_person(GP)).post(address(ubrn))
    assert (reply.status_code, code_of(reply)) == (422, "PATIENT_ERROR")


async def test_there_is_none_about_a_referral_that_is_not_there(service: Running) -> None:
    assert (await (await service.as_person(GP)).post(address("999999999999"))).status_code == 404


async def test_the_code_is_in_the_letter_and_in_no_audit_entry(service: Running) -> None:
    ubrn = await created(service)
    await letter(service, ubrn, REQUEST)
    code = (await code_on(service, ubrn)).replace(" ", "")
    for (entries,) in await fetch(service.service.settings.database_url, "SELECT entries FROM audit_blocks"):
        assert code.encode() not in bytes(entries)
