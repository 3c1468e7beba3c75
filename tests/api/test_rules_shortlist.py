"""The rules for a new referral: shortlist and criteria, letter intention, reminder, pathway start.

Source: rules chapter 4 (A011, A021), 11.2 row 23. Beside each rejected request is a similar one that is accepted.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import pytest
from tests.kit.calls.expectations import check_refusal, patient, place_of, services_of, told
from tests.kit.service.arrangements import Stopped, at_time, instant, patient_called, put, stored
from tests.kit.service.requests import (
    DIRECTORY,
    PATIENT,
    SDS_USER,
    Json,
    coding,
    create_for_triage,
    create_referral,
    criteria,
    identifier,
    search,
    specialty,
)
from tests.kit.service.running import GP, GP_ADMIN, RC, Person, Running

from openers.domain.identifiers import NhsNumber
from openers.domain.patient import Sex

pytestmark = pytest.mark.anyio

CHILD, WOMAN, UNKNOWN, MAN = "9999999901", "9999999902", "9999999903", "9999999904"
GP_ELSEWHERE = Person("555073103211", "B86011", RC)
NOW = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
SERVICE = "Shortlist/Service Id"


@pytest.fixture(scope="module")
async def run(shared: Running) -> Running:
    known = await patient_called(shared, PATIENT)
    for number, born, sex in (
        (CHILD, date(2020, 1, 1), Sex.MALE),
        (WOMAN, date(1990, 1, 1), Sex.FEMALE),
        (UNKNOWN, date(1990, 1, 1), Sex.UNKNOWN),
        (MAN, date(1990, 1, 1), Sex.MALE),
    ):
        await put(shared, msgspec.structs.replace(known, nhs_number=NhsNumber(number), born=born, sex=sex))
    return shared


def kind(code: str, clinic_type: str) -> tuple[Json, Json]:
    """Return the criteria for a specialty and a clinic type."""
    return specialty(code), coding("clinicType", "ClinicType", clinic_type)


def near(postcode: str, miles: int) -> tuple[Json, Json]:
    """Return the criteria that limit the distance."""
    return {"name": "postcode", "valueString": postcode}, {"name": "distanceLimit", "valueUnsignedInt": miles}


def within(days: int) -> Json:
    """Return the criterion that limits the wait."""
    return {"name": "indicativeAppointmentWaitTimeLimit", "valueUnsignedInt": days}


ECZEMA = kind("DERMATOLOGY", "ECZEMA_AND_DERMATITIS")
PERIODS = kind("GYNAECOLOGY", "MENSTRUAL_DISORDERS")
PROSTATE = kind("UROLOGY", "PROSTATE")
STONES = kind("UROLOGY", "URINARY_CALCULUS")


class Case(NamedTuple):
    """A shortlisted service with its patient and criteria, the reason, and whether the service fits."""

    service: str
    patient: str
    of: Json
    why: str
    fits: bool


FITTING = [
    Case("11014", PATIENT, criteria(), "advice alone cannot be booked", False),
    Case("11010", PATIENT, criteria(), "advice beside appointments can", True),
    Case("11028", PATIENT, criteria(), "withdrawn", False),
    Case("11022", PATIENT, criteria(), "another clinic type", False),
    Case("11029", PATIENT, criteria(), "fits by one of three clinic types", True),
    Case("11015", PATIENT, criteria(*near("LS1 4EY", 100)), "too far", False),
    Case("11015", PATIENT, criteria(*near("LS1 4EY", 300)), "near enough", True),
    Case("11001", PATIENT, criteria(*near("LS1 4EY", 0)), "at the place itself", True),
    Case("11017", PATIENT, criteria(within(59)), "waits a day too long", False),
    Case("11017", PATIENT, criteria(within(60)), "waits just short enough", True),
    Case("11008", PATIENT, criteria(within(9999)), "an unknown wait is within no limit", False),
    Case("11008", PATIENT, criteria(), "an unknown wait without a limit", True),
    Case("11013", PATIENT, criteria(), "commissioned for another practice", False),
    Case("11022", PATIENT, criteria(*ECZEMA, appropriate=True), "too old", False),
    Case("11022", PATIENT, criteria(*ECZEMA), "too old, which was not asked", True),
    Case("11022", CHILD, criteria(*ECZEMA, appropriate=True), "a child", True),
    Case("11001", CHILD, criteria(appropriate=True), "too young", False),
    Case("11024", MAN, criteria(*PERIODS, appropriate=True), "a man", False),
    Case("11024", WOMAN, criteria(*PERIODS, appropriate=True), "a woman", True),
    Case("11024", UNKNOWN, criteria(*PERIODS, appropriate=True), "an unknown sex excludes nothing", True),
    Case("11026", WOMAN, criteria(*PROSTATE, appropriate=True), "a woman", False),
    Case("11026", PATIENT, criteria(*PROSTATE, appropriate=True), "a man", True),
    Case("11027", PATIENT, criteria(*STONES, priority="ROUTINE"), "does not take routine ones", False),
    Case("11027", PATIENT, criteria(*STONES, priority="TWO_WEEK_WAIT"), "takes urgent ones", True),
    Case(
        "11001", PATIENT, criteria(identifier("namedClinician", SDS_USER, "021600556514")), "another clinician", False
    ),
    Case("11001", PATIENT, criteria(identifier("namedClinician", SDS_USER, "555032006106")), "the clinician", True),
    Case("11003", PATIENT, criteria(identifier("organisation", DIRECTORY, "RCD")), "another organisation", False),
    Case("11003", PATIENT, criteria(identifier("organisation", DIRECTORY, "R69")), "the organisation", True),
    Case(
        "11009",
        PATIENT,
        criteria(coding("clinicalTerm", "http://snomed.info/sct", "1003"), without=["specialty", "clinicType"]),
        "a clinical term leads there",
        True,
    ),
    Case(
        "11011",
        PATIENT,
        criteria(coding("clinicalTerm", "http://snomed.info/sct", "1003"), *kind("CARDIOLOGY", "ARRHYTHMIA")),
        "the term and the clinic type have nothing in common",
        False,
    ),
]


@pytest.mark.parametrize("case", FITTING, ids=lambda case: f"{case.service}-{case.why}")
async def test_a_shortlisted_service_must_satisfy_the_criteria(run: Running, case: Case) -> None:
    """A search with the same criteria finds exactly the services that fit."""
    gp = await run.as_person(GP)
    reply = await gp.post(**create_referral(patient(case.patient), services=[case.service], of=case.of))
    if case.fits:
        assert reply.status_code == 201, reply.text
    else:
        assert told(reply)[:3] == (422, "business-rule", "SHORTLISTED_SERVICE_NOT_IN_RESULTS")
        assert told(reply)[3] == f"'{SERVICE}' ({case.service}) does not satisfy the search criteria"
    found = await gp.post(**search(patient(case.patient), of=case.of))
    assert (case.service in services_of(found.json())) is case.fits


async def test_commissioning_follows_the_practice(run: Running) -> None:
    elsewhere = await run.as_person(GP_ELSEWHERE)
    reply = await elsewhere.post(**create_referral(services=["11013"]))
    assert reply.status_code == 201
    own = reply.json()
    rule = next(each for each in own["extension"] if "Commissioning-Rule-Org" in each["url"])
    assert rule["valueIdentifier"]["value"] == "B86011"


async def test_one_bad_service_among_good_ones_refuses_all(run: Running) -> None:
    gp, before = await run.as_person(GP), stored(run)
    reply = await gp.post(**create_referral(services=["11001", "11002", "11013"]))
    assert told(reply)[2:] == (
        "SHORTLISTED_SERVICE_NOT_IN_RESULTS",
        f"'{SERVICE}' (11013) does not satisfy the search criteria",
    )
    assert stored(run) == before


REFUSED: list[tuple[str, str, Json, str]] = [
    # code, label, request, part of the diagnostics
    ("TOO_MANY_ITEMS", "shortlist", create_referral(services=[str(11001 + n) for n in range(21)]), "20 services"),
    ("TOO_MANY_ITEMS", "shortlist", create_for_triage(services=["11004", "11005"]), "1 service"),
    (
        "DUPLICATE_SERVICE",
        SERVICE,
        create_referral(services=["11002", "11001", "11002"]),
        "(11002) cannot be added to a shortlist more than once.",
    ),
    ("DUPLICATE_SERVICE", SERVICE, create_for_triage(services=["11004", "11004"]), "(11004)"),
    ("REFERENCE_NOT_FOUND", SERVICE, create_referral(services=["99999"]), "(99999)"),
    ("REFERENCE_NOT_FOUND", SERVICE, create_for_triage(services=["99999"]), "(99999)"),
    ("MISSING_VALUE", SERVICE, create_referral(services=[]), "is missing"),
    ("MISSING_VALUE", SERVICE, create_for_triage(services=[]), "is missing"),
    ("SHORTLISTED_SERVICE_NOT_IN_RESULTS", SERVICE, create_for_triage(services=["11023"]), "(11023)"),
    ("INAPPROPRIATE_VALUE", SERVICE, create_for_triage(services=["11002"]), "is not a triage service"),
    (
        "INAPPROPRIATE_VALUE",
        "intentionToAddReferralLetter",
        create_referral(
            coding("intentionToAddReferralLetter", "ReferralLetterIntention", "NOT_INTENDING_TO_ADD"),
            services=["11002", "11001"],
        ),
        "11001",
    ),
    (
        "INAPPROPRIATE_VALUE",
        "intentionToAddReferralLetter",
        create_for_triage(coding("intentionToAddReferralLetter", "ReferralLetterIntention", "NOT_INTENDING_TO_ADD")),
        "NEED_TO_ADD_LATER",
    ),
    (
        "INAPPROPRIATE_VALUE",
        "firstReminderLetterFollowUpDays",
        create_for_triage({"name": "firstReminderLetterFollowUpDays", "valueUnsignedInt": 1}),
        "must be 0",
    ),
    (
        "INVALID_CODE",
        "parameter[3]/valueCoding/code",
        create_referral(coding("intentionToAddReferralLetter", "ReferralLetterIntention", "LATER")),
        "NEED_TO_ADD_LATER, NOT_INTENDING_TO_ADD",
    ),
    (
        "UNEXPECTED_FIELD",
        "parameter[4]",
        create_for_triage({"name": "eReferralPathwayStart", "valueInstant": "2026-01-01T00:00:00Z"}),
        "unknown parameter name",
    ),
    (
        "INVALID_VALUE",
        "parameter[3]/valueUnsignedInt",
        create_referral({"name": "firstReminderLetterFollowUpDays", "valueUnsignedInt": -1}),
        "(-1)",
    ),
]


@pytest.mark.parametrize(
    ("code", "place", "request_", "text"), REFUSED, ids=lambda each: each if isinstance(each, str) else ""
)
async def test_a_creation_is_refused(run: Running, code: str, place: str, request_: Json, text: str) -> None:
    gp, before = await run.as_person(GP), stored(run)
    reply = await gp.post(**request_)
    assert (told(reply)[0], told(reply)[2], place_of(reply)) == (422, code, place), reply.text
    assert text in told(reply)[3]
    check_refusal(reply, "STU3")
    assert stored(run) == before


async def test_twenty_services_are_not_too_many(run: Running) -> None:
    services = [str(11001 + n) for n in (*range(12), *range(14, 21), 28)]
    assert len(services) == 20
    reply = await (await run.as_person(GP)).post(**create_referral(services=services))
    assert reply.status_code == 201, reply.text
    listed = next(each for each in reply.json()["contained"] if each["resourceType"] == "List")
    assert services_of(listed) == services, "in the referrer's order"


async def test_no_letter_where_no_service_requires_one(run: Running) -> None:
    change = coding("intentionToAddReferralLetter", "ReferralLetterIntention", "NOT_INTENDING_TO_ADD")
    reply = await (await run.as_person(GP)).post(**create_referral(change, services=["11002", "11004", "11006"]))
    assert reply.status_code == 201, reply.text


async def test_an_admin_names_the_clinician_responsible(run: Running) -> None:
    change = identifier("referringClinician", SDS_USER, GP.user)
    for request in (create_referral(change), create_for_triage(change), search(change)):
        reply = await (await run.as_person(GP_ADMIN)).post(**request)
        assert reply.is_success, reply.text


@pytest.mark.parametrize(
    ("ago", "accepted"),
    [
        (timedelta(days=365), True),
        (timedelta(days=365, milliseconds=1), False),
        (timedelta(), True),
        (timedelta(milliseconds=-1), False),
        (timedelta(days=-1), False),
        (timedelta(days=30), True),
    ],
)
async def test_a_pathway_began_within_the_last_year(service: Running, ago: timedelta, accepted: bool) -> None:
    run = at_time(service, clock=Stopped(NOW))
    change = {"name": "eReferralPathwayStart", "valueInstant": instant(NOW - ago)}
    reply = await (await run.as_person(GP)).post(**create_referral(change))
    if accepted:
        assert reply.status_code == 201, reply.text
        shown = next(each for each in reply.json()["extension"] if "eReferralPathwayStart" in each["url"])
        assert shown["valueInstant"] == instant(NOW - ago)
    else:
        assert (told(reply)[2], place_of(reply)) == ("INVALID_VALUE", "eReferralPathwayStart")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("2026-06-01T10:00:00+01:00", "2026-06-01T09:00:00.000Z"),
        ("2026-06-01T10:00:00.1239Z", "2026-06-01T10:00:00.123Z"),
        ("2026-06-01T10:00:00", None),
        ("2026-06-31T10:00:00Z", None),
        ("2026-06-01", None),
        ("2026-06-01T10:00:00+25:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("", None),
        (1780000000, None),
    ],
)
async def test_a_pathway_start_is_an_instant(run: Running, sent: Any, shown: str | None) -> None:
    at = at_time(run, clock=Stopped(NOW))
    reply = await (await at.as_person(GP)).post(
        **create_referral({"name": "eReferralPathwayStart", "valueInstant": sent})
    )
    if shown is None:
        assert (told(reply)[2], place_of(reply)) == ("INVALID_VALUE", "parameter[4]/valueInstant")
    else:
        extension = next(each for each in reply.json()["extension"] if "eReferralPathwayStart" in each["url"])
        assert extension["valueInstant"] == shown


async def test_a_referral_awaiting_triage_has_a_proposed_appointment(run: Running) -> None:
    reply = await (await run.as_person(GP)).post(**create_for_triage())
    body = reply.json()
    state = next(each for each in body["extension"] if "ReferralState" in each["url"])
    codes = [part["valueCoding"]["code"] for part in state["extension"] if "valueCoding" in part]
    assert codes == ["AWAITING_TRIAGE", "TRIAGE"]
    appointment = next(each for each in body["contained"] if each["resourceType"] == "Appointment")
    assert appointment["status"] == "proposed"
