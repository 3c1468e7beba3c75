"""The pack `troubles`: each difficult state exists, as the service's interface shows it, and is on its page."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from openers.worlds.packs import read_pack
from tests.kit.referrals.rig import booking, code, deferral
from tests.kit.referrals.talk import state_of as state_of_advice
from tests.kit.referrals.words import VALID, appointment_of, request_of, state_of
from tests.kit.service.requests import HEADERS, NHS_NUMBER, identifier
from tests.kit.service.running import copied
from tests.kit.service.worlds import Json, Rig, rig

pytestmark = pytest.mark.anyio
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "troubles.md"
HIDDEN, WITHDRAWN, QUARANTINE, LATE, EARLY = "9990000107", "9990000115", "9990000123", "9990000182", "9990000190"
TWICE, DEPARTED, CONVERTED, QUESTIONED, SILENT = "9990000220", "9990000239", "9990000255", "9990000263", "9990000298"
STATES = {
    WITHDRAWN: ("NOT_BOOKED", None),
    QUARANTINE: ("NOT_BOOKED", None),
    "9990000131": ("APPT_CANCELLED_BY_PROVIDER", "NOT_SPECIFIED"),
    "9990000158": ("DID_NOT_ATTEND", "PATIENT_ILL"),
    "9990000166": ("DEFERRED_TO_PROVIDER", "NO_SLOTS_AT_SERVICE"),
    "9990000174": ("AWAITING_TRIAGE", "TRIAGE"),
    LATE: ("NOT_BOOKED", None),
    EARLY: ("BOOKED", None),
    "9990000204": ("NOT_BOOKED", None),
    "9990000212": ("APPT_CANCELLED_BY_PATIENT", "PATIENT_ILL"),
    TWICE: ("NOT_BOOKED", None),
    DEPARTED: ("NOT_BOOKED", None),
    "9990000247": ("TRIAGE_RESPONSE", "RETURN_TO_REFERRER_WITH_ADVICE"),
    CONVERTED: ("TRIAGED_PROVIDER_TO_ACTION", "PROVIDER_CONVERTED_ADVICE_AND_GUIDANCE_ADMIN_TO_REFER"),
    "9990000271": ("REJECTED", "SERVICE_INAPPROPRIATE"),
    SILENT: ("NOT_BOOKED", None),
    "9990000301": ("CANCELLED_REFERRAL", "INTEND_PRIVATE"),
}
"""The state and reason of each patient's referral, as on the page."""
MOST = 30


@pytest.fixture(scope="module")
async def troubled(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, keys: Path
) -> AsyncGenerator[tuple[Rig, dict[str, Json]]]:
    """Run a service with the pack, and return each patient's latest referral."""
    async with rig(copied(sqlite_template, tmp_path_factory.mktemp("troubles")), keys) as made:
        await made.control("POST", "/worlds/main/load", {"pack": "troubles"})
        yield made, await _referrals(made)


Troubled = tuple[Rig, dict[str, Json]]


async def _referrals(here: Rig) -> dict[str, Json]:
    replies = [await here.read(f"{number:012d}") for number in range(1, MOST)]
    read = [reply.json() for reply in replies if reply.status_code == 200]
    return {each["subject"]["identifier"]["value"]: each for each in read}


async def test_each_referral_is_in_its_state(troubled: Troubled) -> None:
    _, referrals = troubled
    assert {patient: state_of(each)[:2] for patient, each in referrals.items()} == STATES


async def test_a_patient_who_became_sensitive(troubled: Troubled) -> None:
    here, _ = troubled
    replies = [await here.read(f"{number:012d}") for number in range(1, MOST)]
    assert [code(each) for each in replies if each.status_code == 422].count((422, "PATIENT_ERROR")) == 1
    assert code(await here.refer(_patient(HIDDEN))) == (422, "PATIENT_ERROR")


async def test_a_service_that_was_withdrawn(troubled: Troubled) -> None:
    """A withdrawn service stays on the shortlist, but no referral can be deferred to it."""
    here, referrals = troubled
    (shortlist,) = (each for each in referrals[WITHDRAWN]["contained"] if each["resourceType"] == "List")
    assert [each["item"]["identifier"]["value"] for each in shortlist["entry"]] == ["11012", "11006"]
    appointment = _for(WITHDRAWN, deferral(referrals[WITHDRAWN], "BOOKING_ATTEMPT_PROBLEM", "11012"))
    reply = await here.fhir("POST", "/STU3/Appointment", json=appointment, headers=HEADERS)
    assert code(reply) == (422, "SERVICE_UNAVAILABLE")


async def test_a_letter_in_quarantine(troubled: Troubled) -> None:
    here, referrals = troubled
    (letter,) = (each for each in referrals[QUARANTINE]["contained"] if each["resourceType"] == "DocumentReference")
    attachment = letter["content"][0]["attachment"]
    assert attachment["extension"][0]["valueCoding"]["code"] == "THREATS_FOUND"
    reply = await here.fhir("GET", f"/STU3/{attachment['url']}")
    assert code(reply)[0] == 422


async def test_a_slot_that_is_gone(troubled: Troubled) -> None:
    """Edgar Early has booked the slot that Lily Late had chosen."""
    here, referrals = troubled
    held = appointment_of(referrals[EARLY])
    assert held is not None
    slot = {"id": held["slot"][0]["reference"].removeprefix("Slot/"), "start": held["start"], "end": held["end"]}
    appointment = _for(LATE, booking(referrals[LATE], {**slot, "schedule": {"reference": "Schedule/11006"}}))
    reply = await here.fhir("POST", "/STU3/Appointment", json=appointment, headers=HEADERS)
    assert code(reply) == (422, "SLOT_NOT_AVAILABLE")


async def test_two_referrals_for_one_thing(troubled: Troubled) -> None:
    here, _ = troubled
    replies = [await here.read(f"{number:012d}") for number in range(1, MOST)]
    whose = [reply.json()["subject"]["identifier"]["value"] for reply in replies if reply.status_code == 200]
    assert {patient for patient in whose if whose.count(patient) == 2} == {TWICE}


async def test_a_patient_who_died(troubled: Troubled) -> None:
    here, _ = troubled
    assert code(await here.refer(_patient(DEPARTED))) == (422, "PATIENT_ERROR")


async def test_a_reminder_was_sent(troubled: Troubled) -> None:
    here, referrals = troubled
    (event,) = (each for each in (await here.control("GET", "/events"))["events"] if each["act"] == "remind patient")
    assert event["key"] == referrals["9990000204"]["id"]


async def test_a_question_that_became_a_referral(troubled: Troubled) -> None:
    """A request for advice and the referral made from it have the same UBRN."""
    here, referrals = troubled
    reply = await here.fhir("GET", f"/STU3/CommunicationRequest/{referrals[CONVERTED]['id']}")
    assert state_of_advice(reply.json())[0] == "ADVICE_CONVERTED"


async def test_a_question_that_was_answered_with_another(troubled: Troubled) -> None:
    here, _ = troubled
    replies = [await here.fhir("GET", f"/STU3/CommunicationRequest/{number:012d}") for number in range(1, MOST)]
    (found,) = (each.json() for each in replies if each.status_code == 200 and QUESTIONED in each.text)
    assert state_of_advice(found)[0] == "REFERRER_TO_SUBMIT_FURTHER_INFORMATION"


async def test_a_pas_that_says_nothing(troubled: Troubled) -> None:
    """A referral whose PAS never replied stays locked, even after a day."""
    here, referrals = troubled
    await here.control("POST", "/clock/advance", {"days": 1})
    asked = request_of("A036", referrals[SILENT], *VALID["A036"])
    reply = await here.fhir("POST", asked.pop("url"), **asked)
    assert code(reply) == (423, "REFERRAL_LOCKED")


def test_its_page_names_everybody() -> None:
    """The page lists every patient who is only in this pack."""
    page = PAGE.read_text("utf-8")
    known = {patient.nhs_number for patient in read_pack("demo").patients}
    own = [patient for patient in read_pack("troubles").patients if patient.nhs_number not in known]
    assert {patient.nhs_number for patient in own} == {HIDDEN, QUESTIONED, *STATES}
    for patient in own:
        assert f"| {patient.given_name} {patient.family_name}, {patient.nhs_number} |" in page
    for state, reason in STATES.values():
        assert state in page
        assert (reason or "") in page


def _patient(number: str) -> Json:
    return identifier("patient", NHS_NUMBER, number)


def _for(patient: str, appointment: Json) -> Json:
    """Return the appointment for this patient."""

    def _whose(participant: Json) -> Json:
        known: dict[str, Any] = participant["actor"]["identifier"]
        return participant if known["system"] != NHS_NUMBER else _of(participant, {**known, "value": patient})

    return {**appointment, "participant": [_whose(each) for each in appointment["participant"]]}


def _of(participant: Json, whose: Json) -> Json:
    return {**participant, "actor": {**participant["actor"], "identifier": whose}}
