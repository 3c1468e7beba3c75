"""A012 for a booked referral: when its letter can no longer be changed. Source: rules 1.3 and 4 (A012)."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
import msgspec
import pytest

from openers.domain.identifiers import AppointmentId
from openers.domain.lifecycle import Act, ReferralState
from openers.domain.principal import BusinessFunction
from tests.kit.files.samples import attachments_of, document, maintain, upload
from tests.kit.referrals.rig import SERVICE, Json, Rig, code
from tests.kit.service.arrangements import Moved, at_time, put, service_called
from tests.kit.service.running import GP, Running
from tests.kit.store.records import caller

pytestmark = pytest.mark.anyio
TOO_LATE = (422, "INVALID_REQUEST_STATE")
DAY = timedelta(days=1)
FREEZE_DAYS = 2


@pytest.fixture(scope="module")
async def clinic(desk: Rig) -> Rig:
    """Return a service with free slots from tomorrow, whose letters freeze two days before the appointment."""
    await desk.add_slots(20)
    known = await service_called(desk.run, SERVICE)
    await put(desk.run, msgspec.structs.replace(known, letter_freeze_days=FREEZE_DAYS))
    return desk


async def booked(clinic: Rig) -> tuple[str, Json]:
    """Book a referral; return its UBRN and the appointment."""
    referral = await clinic.refer()
    reply = await clinic.book(referral, (await clinic.free())[0])
    assert reply.status_code == 201, reply.text
    return str(referral["id"]), reply.json()


async def before(clinic: Rig, appointment: Json, by: timedelta) -> Running:
    """Return the service at a time this long before the appointment."""
    start = datetime.fromisoformat(appointment["start"])
    clock = clinic.run.service.world.clock
    return at_time(clinic.run, clock=Moved(clock, start - by - clock.now()))


async def add(clinic: Rig, ubrn: str, run: Running | None = None, *names: str) -> httpx.Response:
    """Add files to the letter (A012) at the time of `run`."""
    gp = await (run or clinic.run).as_person(GP)
    referral = (await gp.get(f"/STU3/ReferralRequest/{ubrn}")).json()
    known = [document(each["url"].removeprefix("Binary/")) for each in attachments_of(referral)]
    new = [document(await upload(clinic.gp, ubrn=ubrn, name=each)) for each in names or ("letter.pdf",)]
    return await gp.post(**maintain(ubrn, referral["meta"]["versionId"], *known, *new))


async def test_a_letter_may_come_until_the_appointment_begins(clinic: Rig) -> None:
    """The freeze period applies only to an existing letter, not to the first one."""
    ubrn, appointment = await booked(clinic)
    assert code(await add(clinic, ubrn, await before(clinic, appointment, timedelta()))) == TOO_LATE
    assert code(await add(clinic, ubrn, await before(clinic, appointment, -DAY))) == TOO_LATE
    assert (await add(clinic, ubrn, await before(clinic, appointment, timedelta(minutes=1)))).status_code == 200


async def test_a_letter_that_is_there_freezes(clinic: Rig) -> None:
    """The service defines the freeze period in days before the appointment."""
    ubrn, appointment = await booked(clinic)
    early = await before(clinic, appointment, FREEZE_DAYS * DAY + timedelta(minutes=1))
    assert (await add(clinic, ubrn, early, "1.pdf")).status_code == 200
    assert (await add(clinic, ubrn, early, "2.pdf")).status_code == 200
    for ahead in (FREEZE_DAYS * DAY, DAY, timedelta(minutes=1)):
        late = await add(clinic, ubrn, await before(clinic, appointment, ahead), f"{ahead}.pdf".replace(":", "-"))
        assert code(late) == TOO_LATE
        assert "is locked" in late.text


async def test_nothing_freezes_without_an_appointment_that_has_a_time(clinic: Rig) -> None:
    """The letter never freezes if the appointment has no time: unbooked, for triage, or cancelled by the patient."""
    unbooked = await clinic.refer()
    assert (await add(clinic, unbooked["id"])).status_code == 200
    assert (await add(clinic, unbooked["id"], None, "2.pdf")).status_code == 200
    triage = await clinic.refer("11004")
    assert (await clinic.defer(triage, "TRIAGE", "11004")).status_code == 201
    assert (await add(clinic, triage["id"])).status_code == 200
    ubrn, appointment = await booked(clinic)
    assert (await clinic.cancel(appointment, "PATIENT_ILL")).status_code == 200
    late = await before(clinic, appointment, -DAY)
    assert (await add(clinic, ubrn, late, "1.pdf")).status_code == 200
    assert (await add(clinic, ubrn, late, "2.pdf")).status_code == 200


async def test_a_letter_changes_neither_state_nor_appointment(clinic: Rig) -> None:
    ubrn, appointment = await booked(clinic)
    early = await before(clinic, appointment, 3 * DAY)
    reply = await add(clinic, ubrn, early)
    assert reply.status_code == 200, reply.text
    assert "BOOKED" in reply.text
    now = (await clinic.gp.get(f"/STU3/Appointment/{appointment['id']}")).json()
    quoted = {
        "incomingReferral": [{"reference": f"ReferralRequest/{ubrn}/_history/{reply.json()['meta']['versionId']}"}]
    }
    assert now == {**appointment, **quoted}


async def test_whoever_did_not_attend_needs_no_letter(clinic: Rig) -> None:
    ubrn, appointment = await booked(clinic)
    by = caller(BusinessFunction.REFERRING_CLINICIAN, GP.organisation)
    async with clinic.world.begin("miss for a test") as tx:
        stored = await tx.referrals.of_appointment(AppointmentId(appointment["id"]), by)
        assert stored.value.appointment is not None
        missed = stored.value.change_appointment(Act.MISS, stored.value.appointment, clinic.world.clock.now())
        assert missed.state is ReferralState.DID_NOT_ATTEND
        await tx.referrals.put(stored, missed)
    assert code(await add(clinic, ubrn)) == TOO_LATE
