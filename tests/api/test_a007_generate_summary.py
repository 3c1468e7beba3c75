"""A007: the text of the clinical information summary, who can print it, and what printing changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.api.papers import LONDON, paper
from tests.kit.calls.expectations import code_of
from tests.kit.referrals.rig import Rig
from tests.kit.service.arrangements import Stopped, at_time, created, instant, patient_called, put, sent_for_triage
from tests.kit.service.requests import CS, HEADERS, PATIENT, SD, SDS_USER, create_referral, criteria, identifier
from tests.kit.service.running import CONSULTANT, CONSULTANT_ADMIN, CONSULTANT_ELSEWHERE, GP, RC, Person, Running
from tests.kit.store.outside import fetch

pytestmark = pytest.mark.anyio
KIND = "Clinical_Information_Summary"
GP_ELSEWHERE = Person("555073103211", "B86011", RC)


def address(ubrn: str) -> str:
    return f"/STU3/ReferralRequest/{ubrn}/$ers.generateCRI"


async def summary(run: Running, ubrn: str, who: Person = GP) -> str:
    client = await run.as_person(who)
    return paper(await client.post(address(ubrn)), KIND, ubrn, run.service.world.clock.now())


async def printed(run: Running, ubrn: str) -> tuple[int, bool]:
    """Return the referral's version, and whether its clinical information is marked as printed."""
    url = run.service.settings.database_url
    ((version, body),) = await fetch(url, "SELECT version, body FROM referrals WHERE ubrn = ?", ubrn)
    clinical = msgspec.json.decode(bytes(body), type=dict[str, Any])["clinical_information"]
    return version, clinical["printed"] is not None


async def test_it_says_who_was_referred_by_whom_and_where_to(on_both: Running) -> None:
    ubrn = await sent_for_triage(on_both)
    text = await summary(on_both, ubrn)
    for said in (
        "Clinical information summary",
        "HARTLEY, Walter",
        f"{ubrn[:4]} {ubrn[4:8]} {ubrn[8:]}",
        "991 200 3888",
        "14 March 1955",
        "Male",
        "7 Wharf Terrace Leeds LS1 4EY",
        "Park Square Surgery 14 Park Square, Leeds LS1 2NG 0113 496 0106",
        "Dr Amara Whitfield",
        "Awaiting triage",
        "Urgent",
        "Cardiology Triage, Aire General Aire General Hospital",
        "No files are attached.",
    ):
        assert said in text, said


async def test_it_says_what_was_searched_for(service: Running) -> None:
    """The summary names the specialty, the clinic type and the named clinician in plain words."""
    gp = await service.as_person(GP)
    of = criteria(identifier("namedClinician", SDS_USER, "555032006106"))
    reply = await gp.post(**create_referral(of=of, services=["11002"]))
    assert reply.status_code == 201, reply.text
    text = await summary(service, reply.json()["id"])
    assert "Named clinician Dr Tomas Lindqvist" in text
    assert "Clinical context Cardiology / Heart Failure" in text
    assert "Not booked" in text


async def test_it_says_when_the_appointment_is_in_london_time(booked: tuple[Rig, str, datetime]) -> None:
    rig, ubrn, start = booked
    local = start.astimezone(LONDON)
    text = await summary(rig.run, ubrn)
    assert f"Appointment date/time {local.day} {local:%B %Y}, {local:%H:%M}" in text


async def test_its_name_and_times_follow_the_clock_of_the_world(service: Running) -> None:
    """The file name contains the world's time in London, which is one hour ahead of UTC in summer."""
    ubrn = await created(service)
    summer = at_time(service, clock=Stopped(datetime(2031, 7, 1, 23, 30, 5, tzinfo=UTC)))
    gp = await summer.as_person(GP)
    reply = await gp.post(address(ubrn))
    assert reply.headers["content-disposition"] == f'attachment; filename="{ubrn}_{KIND}_20310702003005.pdf"'


@pytest.mark.parametrize("who", [CONSULTANT, CONSULTANT_ADMIN])
async def test_when_the_provider_prints_it_that_is_noted_and_the_version_stays(on_both: Running, who: Person) -> None:
    ubrn = await sent_for_triage(on_both)
    gp = await on_both.as_person(GP)
    before = await gp.get(f"/STU3/ReferralRequest/{ubrn}")
    version, was_printed = await printed(on_both, ubrn)
    assert not was_printed
    await summary(on_both, ubrn, who)
    assert await printed(on_both, ubrn) == (version, True)
    after = await gp.get(f"/STU3/ReferralRequest/{ubrn}")
    assert (after.headers["etag"], after.content) == (before.headers["etag"], before.content)


async def test_an_application_of_the_provider_prints_too(service: Running) -> None:
    ubrn = await sent_for_triage(service)
    application = await service.as_application("demo-provider-app")
    assert (await application.post(address(ubrn))).status_code == 200
    assert (await printed(service, ubrn))[1]


async def test_when_the_referrer_prints_it_the_provider_has_it_no_more_than_before(on_both: Running) -> None:
    ubrn = await sent_for_triage(on_both)
    await summary(on_both, ubrn)
    assert not (await printed(on_both, ubrn))[1]


async def test_printing_is_an_act_of_its_own_in_the_audit_once(service: Running) -> None:
    """Only the first print changes the referral. The audit records the second one as a read."""
    ubrn = await sent_for_triage(service)
    for _ in range(2):
        await summary(service, ubrn, CONSULTANT)
    blocks = await fetch(service.service.settings.database_url, "SELECT entries FROM audit_blocks ORDER BY seq")
    lines = [line for (entries,) in blocks for line in bytes(entries).splitlines() if b'"A007"' in line]
    assert [b"print clinical information" in line for line in lines] == [True, False]
    assert all(ubrn.encode() in line for line in lines)


async def test_it_lists_the_letter_that_was_attached(service: Running) -> None:
    """The summary lists the file with its description, author and date. A new letter is not marked as printed."""
    ubrn = await sent_for_triage(service)
    await summary(service, ubrn, CONSULTANT)
    gp = await service.as_person(GP)
    await attach(gp, ubrn, "Referral letter.txt", "To whom it may concern")
    assert not (await printed(service, ubrn))[1]
    text = await summary(service, ubrn, CONSULTANT)
    now = service.service.world.clock.now()
    for said in ("Referral letter.txt", "To whom it may concern", "Dr Amara Whitfield", f"{now.day} {now:%B %Y}"):
        assert said in text[text.index("Attachments") :], said
    assert (await printed(service, ubrn))[1]


async def attach(gp: Any, ubrn: str, name: str, description: str) -> None:
    """Upload a file and make it the referral letter."""
    sent = {"NHSD-eRS-File-Name": name, "NHSD-eRS-Referral-ID": ubrn, "Content-Type": "text/plain"}
    uploaded = await gp.post("/STU3/Binary", content=b"Dear colleague", headers=sent)
    assert uploaded.status_code == 201, uploaded.text
    document = {
        "resourceType": "DocumentReference",
        "meta": {"profile": [f"{SD}eRS-DocumentReference-1"]},
        "type": {"coding": [{"system": f"{CS}eRS-AttachmentType-1", "code": "REFERRER"}]},
        "status": "current",
        "indexed": instant(datetime.now(UTC)),
        "description": description,
        "content": [{"attachment": {"url": uploaded.headers["location"]}}],
    }
    body = {
        "resourceType": "Parameters",
        "meta": {"profile": [f"{SD}eRS-MaintainReferralLetter-Parameters-1"]},
        "parameter": [{"name": "referralLetterFile", "resource": document}],
    }
    version = (await gp.get(f"/STU3/ReferralRequest/{ubrn}")).headers["etag"]
    reply = await gp.post(
        f"/STU3/ReferralRequest/{ubrn}/$ers.maintainReferralLetter", json=body, headers={**HEADERS, "If-Match": version}
    )
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(
    ("who", "expected"),
    [(GP_ELSEWHERE, (422, "NO_RELATIONSHIP")), (CONSULTANT_ELSEWHERE, (422, "NO_RELATIONSHIP"))],
)
async def test_others_do_not_get_it(service: Running, who: Person, expected: tuple[int, str]) -> None:
    ubrn = await sent_for_triage(service)
    reply = await (await service.as_person(who)).post(address(ubrn))
    assert (reply.status_code, code_of(reply)) == expected
    assert not (await printed(service, ubrn))[1]


async def test_nothing_is_printed_of_a_sensitive_record(service: Running) -> None:
    ubrn = await sent_for_triage(service)
    patient = await patient_called(service, PATIENT)
    await put(service, msgspec.structs.replace(patient, sensitive=True))
    for who in (GP, CONSULTANT):
        reply = await (await service.as_person(who)).post(address(ubrn))
        assert (reply.status_code, code_of(reply)) == (422, "PATIENT_ERROR")
        assert b"Hartley" not in reply.content
    assert not (await printed(service, ubrn))[1]


async def test_there_is_none_of_a_referral_that_is_not_there(service: Running) -> None:
    gp = await service.as_person(GP)
    assert (await gp.post(address("999999999999"))).status_code == 404


@pytest.mark.parametrize(("accept", "status"), [("application/pdf", 200), ("*/*", 200), ("application/fhir+json", 406)])
async def test_it_is_a_pdf_or_nothing(service: Running, accept: str, status: int) -> None:
    ubrn = await created(service)
    gp = await service.as_person(GP)
    assert (await gp.post(address(ubrn), headers={"Accept": accept})).status_code == status


async def test_names_are_shown_as_they_are_however_odd(service: Running) -> None:
    ubrn = await created(service)
    patient = await patient_called(service, PATIENT)
    odd = msgspec.structs.replace(
        patient, family_name='#panic("x") *Ó*', given_name="محمد\x00\u202e", address=("\\#[a]",)
    )
    await put(service, odd)
    text = await summary(service, ubrn)
    assert '#PANIC("X") *Ó*' in text
    assert "\\#[a]" in text


async def test_an_older_one_is_not_given_again(service: Running) -> None:
    """Each call makes a new summary, so it shows the patient's new name."""
    ubrn = await created(service)
    await summary(service, ubrn)
    patient = await patient_called(service, PATIENT)
    await put(service, msgspec.structs.replace(patient, family_name="Brandnew", born=patient.born + timedelta(days=1)))
    assert "BRANDNEW, Walter" in await summary(service, ubrn)
