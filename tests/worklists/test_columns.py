"""Every column of each list, typed from rules 13 and 11.2 row 19."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from openers.domain.working_days import add_working_days
from tests.kit.referrals.cast import Cast
from tests.kit.referrals.rig import SERVICE, Json
from tests.kit.referrals.words import AT_ONCE, LETTER, NO_LETTER, TRIAGE, cancelling, outcome, rejecting, said
from tests.kit.referrals.worklists import (
    AWAITING,
    EXTENSIONS,
    ISSUES,
    LETTERS,
    OF_PROVIDER,
    OF_REFERRER,
    REJECTED,
    RETURNED,
    REVIEW,
    columns,
    fetched,
)
from tests.kit.service.arrangements import Moved, at_time
from tests.kit.service.requests import PATIENT, SDS_USER, create_referral, criteria, identifier, shortlist
from tests.kit.service.running import CONSULTANT, GP

pytestmark = pytest.mark.anyio

PRIORITY = ("eRS-Priority-1", "URGENT", None)
SPECIALTY = ("SPECIALTY", "CARDIOLOGY", None)
BOTH_REVIEWED = "PRIORITY_AND_LETTER_CHANGED"
SURGEON = CONSULTANT.user


def state(code: str, display: str) -> tuple[str, str, str]:
    """Return a status as lists show it."""
    return ("eRS-ReferralState-1", code, display)


def extension_of(referral: Json, name: str) -> Json:
    """Return an extension of the referral."""
    (found,) = (each for each in referral["extension"] if each["url"].endswith(f"{name}-1"))
    return dict[str, Any](found)


async def referrers_row(cast: Cast, worklist: str, referral: Json) -> Json:
    """Return a row of a referrer's list, without the columns that are checked here."""
    row = columns(await fetched(cast.gp, worklist), referral["id"])
    created, updated = row.pop("referralCreated"), row.pop("referralLastUpdated", None)
    assert created[0] == "valueDateTime"
    assert updated is None or (updated[0] == "valueDateTime" and updated >= created)
    assert row.pop("patient") == PATIENT
    assert row.pop("priority") == PRIORITY
    assert row.pop("clinicalContext") == ("valueString", "CARDIOLOGY/HEART_FAILURE")
    assert row.pop("referrer") == GP.user
    return row


async def test_a_triage_request_for_review(cast: Cast) -> None:
    """The row has no appointment or clinician, and the referral's version; users and patients are contained."""
    referral = await cast.awaiting_triage()
    listed = await fetched(cast.consultant, REVIEW)
    assert columns(listed, referral["id"]) == {
        "priority": PRIORITY,
        "specialty": SPECIALTY,
        "patient": f"#Patient-{PATIENT}",
        "eReferralPathwayStart": ("valueDateTime", extension_of(referral, "eReferralPathwayStart")["valueInstant"]),
        "clinicalInfoPrinted": ("valueBoolean", False),
        "requestContextStatus": ("eRS-RequestContextStatus-1", "NEVER_REVIEWED", "Never Reviewed"),
        "referralType": ("eRS-ReferralType-1", "TRIAGE_DEFERRAL", None),
        "service": TRIAGE,
        "referralRequestVersion": ("valueInteger", int(referral["meta"]["versionId"])),
    }
    (patient,) = (each for each in listed["contained"] if each["id"] == f"Patient-{PATIENT}")
    assert patient["identifier"] == [{"system": "http://fhir.nhs.net/Id/nhs-number", "value": PATIENT}]
    assert patient.keys() == {"id", "meta", "resourceType", "identifier"}


async def test_a_booking_for_review(cast: Cast) -> None:
    """The row shows the requested and the booked clinician, the start and the times of the letter."""
    await cast.rig.add_slots(3, "11001", SURGEON)
    asked = criteria(identifier("namedClinician", SDS_USER, SURGEON))
    created = await cast.gp.post(**create_referral(services=["11001"], of=asked))
    assert created.status_code == 201, created.text
    slot = next(each for each in await cast.rig.free("11001") if SURGEON in each["schedule"]["reference"])
    booked = await cast.rig.book(created.json(), slot)
    assert booked.status_code == 201, booked.text
    referral = await cast.with_letter(await cast.with_letter(await cast.rig.read(created.json())))
    listed = await fetched(cast.consultant, REVIEW)
    row = columns(listed, referral["id"])
    assert row["namedClinician"] == row["allocatedClinician"] == f"#Practitioner-{SURGEON}"
    assert row["appointmentStart"] == ("valueDateTime", slot["start"])
    assert row["referralType"] == ("eRS-ReferralType-1", "APPOINTMENT", None)
    for column, extension in (
        ("clinicalInfoFirstSubmitted", "ClinicalInfoFirstSubmitted"),
        ("clinicalInfoLastUpdated", "ClinicalInfoLastUpdated"),
    ):
        assert row[column] == ("valueDateTime", extension_of(referral, extension)["valueDateTime"])
    assert [each["id"] for each in listed["contained"]].count(f"Practitioner-{SURGEON}") == 1


async def test_why_it_is_to_be_reviewed(cast: Cast) -> None:
    """The status shows what changed since the last review: LETTER_CHANGED, or PRIORITY_AND_LETTER_CHANGED."""
    reviewed = await cast.done("A013", await cast.booked())
    changed = await cast.with_letter(reviewed)
    row = columns(await fetched(cast.consultant, REVIEW), changed["id"])
    assert row["requestContextStatus"] == ("eRS-RequestContextStatus-1", "LETTER_CHANGED", "Letter Changed")

    returned = await cast.done("A028", await cast.awaiting_triage(), outcome(), said("reviewComments", "no"))
    urgent = shortlist(TRIAGE, of=criteria(priority="ROUTINE"))
    again = await cast.done("A031", returned, urgent, NO_LETTER, AT_ONCE)
    lettered = await cast.with_letter(again)
    assert (await cast.rig.defer(lettered, "TRIAGE", TRIAGE)).status_code == 201
    row = columns(await fetched(cast.consultant, REVIEW), lettered["id"])
    assert row["requestContextStatus"][1:] == (BOTH_REVIEWED, "Priority And Letter Changed")


async def test_a_slot_issue(cast: Cast) -> None:
    """The row shows arrival, the expected contact date, the reason and the state of clinical information."""
    referral = await cast.deferred()
    row = columns(await fetched(cast.consultant, ISSUES), referral["id"])
    came = row.pop("ubrnReceived")
    expected = add_working_days(date.fromisoformat(came[1][:10]), 10)
    assert row == {
        "priority": PRIORITY,
        "specialty": SPECIALTY,
        "patient": PATIENT,
        "eReferralPathwayStart": came,
        "clinicalInfoPrinted": ("valueBoolean", False),
        "patientContactExpected": ("valueDate", expected.isoformat()),
        "clinicalInformationStatus": ("eRS-ClinicalInformationStatus-1", "NOT_APPLICABLE", None),
        "reason": ("eRS-ReviewReason-1", "BOOKING_ATTEMPT_PROBLEM", None),
        "service": SERVICE,
    }


async def test_the_clinical_information_of_a_slot_issue(cast: Cast) -> None:
    """NOT_DUE until the due day, OVERDUE from that day on, PRESENT once it is there (rules 11.1 row 17)."""
    referral = await cast.refer(SERVICE, intention=LETTER)
    assert (await cast.rig.defer(referral, "BOOKING_ATTEMPT_PROBLEM")).status_code == 201
    due = columns(await fetched(cast.gp, LETTERS), referral["id"])["letterDue"]
    assert due[0] == "valueDate"
    today, day = datetime.now(UTC).date(), date.fromisoformat(due[1])
    assert day == add_working_days(today, 1)  # urgent
    for moved, status in (
        (timedelta(), "NOT_DUE"),
        (day - today - timedelta(days=1), "NOT_DUE"),
        (day - today, "OVERDUE"),
        (day - today + timedelta(days=7), "OVERDUE"),
    ):
        later = at_time(cast.rig.run, clock=Moved(cast.rig.world.clock, moved))
        consultant = await later.as_person(CONSULTANT)
        row = columns(await fetched(consultant, ISSUES), referral["id"])
        assert row["clinicalInformationStatus"] == ("eRS-ClinicalInformationStatus-1", status, None)
    await cast.with_letter(await cast.rig.read(referral))
    row = columns(await fetched(cast.consultant, ISSUES), referral["id"])
    assert row["clinicalInformationStatus"][1] == "PRESENT"


async def test_what_came_back_rejected_or_with_advice(cast: Cast) -> None:
    """A rejection shows its reason; advice has no reason of that code system (rules 11.2 row 19)."""
    rejected = await cast.done("A014", await cast.booked(), rejecting("SERVICE_INAPPROPRIATE"))
    row = await referrers_row(cast, REJECTED, rejected)
    assert row["status"] == state("REJECTED", "Rejected")
    assert row["reason"] == ("APPOINTMENT-CANCELLATION-REASON", "SERVICE_INAPPROPRIATE", "Inappropriate service")
    returned = await referrers_row(cast, REJECTED, await cast.returned())
    assert returned == {"status": state("TRIAGE_RESPONSE", "Triage Response")}


async def test_what_was_assessed_missed_or_cancelled(cast: Cast) -> None:
    """Only a cancelled referral shows a reason."""
    assert await referrers_row(cast, RETURNED, await cast.missed()) == {
        "status": state("DID_NOT_ATTEND", "Did not attend")
    }
    assert await referrers_row(cast, RETURNED, await cast.assessed()) == {
        "status": state("ASSESSMENT_RESULT", "Assessment result")
    }
    referral = await cast.booked()
    reply = await cast.do("A036", referral, cancelling("PATIENT_DIED"), by=cast.consultant)
    assert reply.status_code == 200, reply.text
    row = await referrers_row(cast, RETURNED, referral)
    assert row["status"] == state("CANCELLED_REFERRAL", "Cancelled referral")
    assert row["reason"][:2] == ("REFERRAL-CANCELLATION-REASON", "PATIENT_DIED")


async def test_what_awaits_booking(cast: Cast) -> None:
    """Each status is spelt as in lists; only cancelled appointments show a reason."""
    for referral, code, display, reason in (
        (await cast.not_booked(), "NOT_BOOKED", "Not booked", None),
        (await cast.awaiting_triage(), "AWAITING_TRIAGE", "Awaiting triage", None),
        (await cast.deferred(), "DEFERRED_TO_PROVIDER", "Deferred to provider", None),
        (
            await cast.cancelled_by_patient(),
            "APP_CANCELLED_BY_PATIENT",
            "Appointment cancelled by patient",
            ("APPOINTMENT-CANCELLATION-REASON", "PATIENT_ILL", "Patient is sick"),
        ),
        (
            await cast.cancelled_by_provider(),
            "APP_CANCELLED_BY_PROVIDER",
            "Appointment cancelled by provider",
            ("APPOINTMENT-CANCELLATION-REASON", "CLINIC_CANCELLED", "Clinic cancelled"),
        ),
    ):
        shown = {"status": state(code, display)}
        assert await referrers_row(cast, AWAITING, referral) == shown | ({"reason": reason} if reason else {})


async def test_a_request_that_is_to_be_rebooked_awaits_booking(cast: Cast) -> None:
    """The row has the priority that the provider set."""
    referral = await cast.triaged()
    row = columns(await fetched(cast.gp, AWAITING), referral["id"])
    assert row["status"] == state("TRIAGED_PROVIDER_TO_ACTION", "Triaged - provider to action")
    assert row["priority"] == ("eRS-Priority-1", "TWO_WEEK_WAIT", None)


async def test_an_outstanding_letter(cast: Cast) -> None:
    """The row has no status, but the date by which the letter is due."""
    row = await referrers_row(cast, LETTERS, await cast.refer(SERVICE, intention=LETTER))
    assert row.keys() == {"letterDue"}


async def test_what_a_referral_is_about_where_no_specialty_was_searched(cast: Cast) -> None:
    """The row shows the clinical term or, once a service holds the referral, that service's specialty."""
    term = {"system": "http://snomed.info/sct", "code": "1003"}
    asked = criteria({"name": "clinicalTerm", "valueCoding": term}, without=["specialty", "clinicType"])
    created = await cast.gp.post(**create_referral(services=[TRIAGE], of=asked))
    assert created.status_code == 201, created.text
    row = columns(await fetched(cast.gp, AWAITING), created.json()["id"])
    assert row["clinicalContext"] == ("valueString", "1003")
    assert (await cast.rig.defer(created.json(), "TRIAGE", TRIAGE)).status_code == 201
    row = columns(await fetched(cast.gp, AWAITING), created.json()["id"])
    assert row["clinicalContext"] == ("valueString", "CARDIOLOGY")


async def test_a_list_follows_every_change(cast: Cast) -> None:
    """After a change, the list shows the new row of the referral."""
    referral = await cast.awaiting_triage()
    before = columns(await fetched(cast.consultant, REVIEW), referral["id"])
    changed = await cast.with_letter(referral)
    after = columns(await fetched(cast.consultant, REVIEW), referral["id"])
    assert after["referralRequestVersion"] == ("valueInteger", int(changed["meta"]["versionId"]))
    assert after["clinicalInfoFirstSubmitted"]
    assert "clinicalInfoFirstSubmitted" not in before


async def test_each_list_has_its_extension_and_profile(own: Cast) -> None:
    """An empty list has neither entries nor people, and each row uses the list's own extension."""
    head = {
        "meta": {"profile": ["https://fhir.nhs.uk/STU3/StructureDefinition/eRS-FetchWorklist-List-1"]},
        "resourceType": "List",
        "status": "current",
        "mode": "snapshot",
    }
    for client, worklists in ((own.gp, OF_REFERRER), (own.consultant, OF_PROVIDER)):
        for worklist in worklists:
            assert await fetched(client, worklist) == head
    await own.awaiting_triage()
    await own.deferred()
    for client, worklist in ((own.gp, AWAITING), (own.consultant, REVIEW), (own.consultant, ISSUES)):
        listed = await fetched(client, worklist)
        assert ("contained" in listed) == (worklist == REVIEW)
        url = f"https://fhir.nhs.uk/STU3/StructureDefinition/Extension-eRS-{EXTENSIONS[worklist]}-WorkListItem-1"
        assert {each["extension"][0]["url"] for each in listed["entry"]} == {url}
