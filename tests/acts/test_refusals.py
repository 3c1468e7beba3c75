"""A013, A014, A022, A028, A029, A031, A032 and A036 return each of their error codes and change nothing.

Source: rules chapters 2.7, 4 and 12, 11.2 rows 20, 21 and 23; the codes are those of the specification's tables.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import pytest

from tests.kit.calls.mutations import mutations
from tests.kit.referrals.cast import Cast
from tests.kit.referrals.rig import NO_SLOTS, SERVICE, Json, code
from tests.kit.referrals.words import (
    ACCEPTED,
    ADVICE,
    AT_ONCE,
    LATER,
    NO_LETTER,
    TRIAGE,
    VALID,
    cancelling,
    flag,
    outcome,
    priority,
    rejecting,
    request_of,
    said,
)
from tests.kit.service.requests import CS, NHS_NUMBER, PATIENT, coding, criteria, identifier, shortlist

pytestmark = pytest.mark.anyio

Make = Callable[[Cast], Awaitable[Json]]
FURTHER: Final = "FURTHER_INFORMATION_REQUIRED"
LONG: Final = "x" * 2001
RINGS: Final = "no\x07"
ADMIN_REASON: Final = coding("rejectionReason", f"{CS}eRS-ReviewReason-1", "TRIAGE")
WAIT: Final[Json] = {"name": "indicativeAppointmentWaitTimeLimit", "valueUnsignedInt": 9}
COLOUR: Final[Json] = {"name": "colour", "valueString": "red"}
ROUTINE: Final = priority("ROUTINE")
UNKNOWN_TERM: Final = coding("clinicalTerm", "http://snomed.info/sct", "999999")


def choice(*services: str, of: Json | None = None, intention: Json = NO_LETTER) -> tuple[Json, ...]:
    """Return the parameters of a changed shortlist."""
    return (shortlist(*services, of=of), intention, AT_ONCE)


def accepted(*changes: Json) -> tuple[Json, ...]:
    """Return the parameters of an acceptance (A028) with these changes."""
    names = {each["name"] for each in changes}
    return (*(each for each in ACCEPTED if each["name"] not in names), *changes)


class Case(NamedTuple):
    """A request to an operation, the kind of referral, and the expected code and place of the rejection."""

    number: str
    expected: str
    place: str
    parameters: tuple[Json, ...]
    make: Make | None = None


BOOKED, PHONED, TRIAGED, AWAITING = Cast.booked, Cast.booked_by_telephone, Cast.triaged, Cast.awaiting_triage
CASES: Final = (
    Case("A014", "MISSING_VALUE", "rejectionReason", (said("rejectionComments", "no"),)),
    Case("A014", "INVALID_CODE", "rejectionReason", (rejecting("NO_SUCH_REASON"),)),
    Case("A014", "INAPPROPRIATE_VALUE", "rejectionReason", (rejecting("PATIENT_ILL"),)),
    Case("A014", "INAPPROPRIATE_VALUE", "rejectionReason", (rejecting("CLINIC_CANCELLED"),)),
    Case("A014", "INAPPROPRIATE_VALUE", "rejectionReason", (rejecting("WRONG_PROVIDER"),)),
    Case("A014", "INVALID_VALUE", "parameter[0]/valueCoding/system", (ADMIN_REASON,)),
    Case("A014", "INVALID_VALUE", "parameter[1]/valueString", (rejecting(), said("rejectionComments", LONG))),
    Case("A014", "INVALID_VALUE", "parameter[1]/valueString", (rejecting(), said("rejectionComments", RINGS))),
    Case("A014", "UNEXPECTED_FIELD", "parameter[1]", (rejecting(), COLOUR)),
    Case("A014", "FIELD_NOT_PERMITTED", "appointmentCancelledInPAS", (rejecting(FURTHER), flag(told=False))),
    Case("A014", "VALUE_IS_REQUIRED", "appointmentCancelledInPAS", (rejecting(FURTHER),), PHONED),
    Case("A022", "MISSING_VALUE", "comments", (priority("URGENT", "priority"),)),
    Case("A022", "INVALID_VALUE", "parameter[0]/valueString", (said("comments", LONG),)),
    Case("A022", "INVALID_VALUE", "parameter[0]/valueString", (said("comments", RINGS),)),
    Case("A022", "INVALID_CODE", "parameter[1]/valueCoding/code", (*LATER, priority("SOON", "priority"))),
    Case("A022", "FIELD_NOT_PERMITTED", "appointmentCancelledInPAS", (*LATER, flag(told=True))),
    Case("A022", "VALUE_IS_REQUIRED", "appointmentCancelledInPAS", LATER, PHONED),
    Case("A028", "MISSING_VALUE", "reviewOutcome", (said("reviewComments", "no"),)),
    Case("A028", "MISSING_VALUE", "reviewComments", (outcome(),)),
    Case("A028", "INVALID_CODE", "parameter[1]/valueCoding/code", accepted(outcome("NO_SUCH_OUTCOME"))[1:]),
    Case("A028", "INVALID_VALUE", "parameter[1]/valueString", (outcome(), said("reviewComments", LONG))),
    Case("A028", "INAPPROPRIATE_VALUE", "reviewOutcome", accepted(outcome("CANCEL_APPOINTMENT_ACTION_LATER"))),
    Case(
        "A028",
        "INAPPROPRIATE_VALUE",
        "reviewOutcome",
        accepted(outcome("PROVIDER_CONVERTED_ADVICE_AND_GUIDANCE_ADMIN_TO_REFER")),
    ),
    Case("A028", "VALUE_IS_REQUIRED", "reviewPriority", ACCEPTED[:2]),
    Case("A028", "PRIORITY_NOT_CURRENT", "reviewPriority", (*ADVICE, ROUTINE)),
    Case("A031", "MISSING_VALUE", "shortlist", (NO_LETTER, AT_ONCE)),
    Case("A031", "MISSING_VALUE", "Shortlist/Service Id", choice()),
    Case("A031", "MISSING_VALUE", "clinicType", choice(SERVICE, of=criteria(without=("clinicType",)))),
    Case("A031", "TOO_MANY_ITEMS", "shortlist", choice(*(str(11001 + each) for each in range(21)))),
    Case("A031", "DUPLICATE_SERVICE", "Shortlist/Service Id", choice(SERVICE, SERVICE)),
    Case("A031", "SHORTLISTED_SERVICE_NOT_IN_RESULTS", "Shortlist/Service Id", choice("11028")),
    Case("A031", "SHORTLISTED_SERVICE_NOT_IN_RESULTS", "Shortlist/Service Id", choice("999999")),
    Case("A031", "INAPPROPRIATE_VALUE", "intentionToAddReferralLetter", choice(NO_SLOTS)),
    Case(
        "A031",
        "INAPPROPRIATE_VALUE",
        "indicativeAppointmentWaitTimeLimit",
        choice(SERVICE, of=criteria(WAIT, priority="TWO_WEEK_WAIT")),
    ),
    Case("A031", "INVALID_CODE", "clinicType", choice(SERVICE, of=criteria(coding("clinicType", "ClinicType", "X")))),
    Case(
        "A031",
        "INVALID_VALUE",
        "parameter[2]/valueUnsignedInt",
        (*choice(SERVICE)[:2], {**AT_ONCE, "valueUnsignedInt": -1}),
    ),
    Case("A031", "UNEXPECTED_FIELD", "parameter[3]", (*choice(SERVICE), COLOUR)),
    Case("A031", "UNEXPECTED_FIELD", "parameter[3]", (*choice(SERVICE), identifier("patient", NHS_NUMBER, PATIENT))),
    Case("A031", "INVALID_FHIR_STRUCTURE", "parameter[3]", (*choice(SERVICE), AT_ONCE)),
    Case("A031", "SNOMED_NOT_FOUND", "clinicalTerm", choice(SERVICE, of=criteria(UNKNOWN_TERM))),
    Case("A032", "TOO_MANY_ITEMS", "shortlist", choice(TRIAGE, "11005")),
    Case("A032", "DUPLICATE_SERVICE", "Shortlist/Service Id", choice(TRIAGE, TRIAGE)),
    Case("A032", "SHORTLISTED_SERVICE_NOT_IN_RESULTS", "Shortlist/Service Id", choice("999999")),
    Case("A032", "SNOMED_NOT_FOUND", "clinicalTerm", choice(TRIAGE, of=criteria(UNKNOWN_TERM))),
    Case("A032", "INAPPROPRIATE_VALUE", "Shortlist/Service Id", choice(SERVICE)),
    Case(
        "A032",
        "INAPPROPRIATE_VALUE",
        "firstReminderLetterFollowUpDays",
        (*choice(TRIAGE)[:2], {**AT_ONCE, "valueUnsignedInt": 1}),
    ),
    Case("A036", "MISSING_VALUE", "cancellationReason", (said("cancellationComments", "no"),)),
    Case("A036", "MISSING_VALUE", "cancellationComments", (cancelling("PATIENT_REQUEST_CANCELLATION_OTHER"),)),
    Case("A036", "INVALID_VALUE", "parameter[0]/valueString", (said("cancellationComments", "no\0"),)),
    Case("A036", "INAPPROPRIATE_VALUE", "cancellationReason", (cancelling("NO_SUCH_REASON"),)),
    Case("A036", "INAPPROPRIATE_VALUE", "cancellationReason", (cancelling("PROVIDER_CANCELLATION"),)),
    Case("A036", "INAPPROPRIATE_VALUE", "cancellationReason", (cancelling("BOOKED_OUTSIDE_CAB"),)),
    Case("A036", "INAPPROPRIATE_VALUE", "cancellationReason", (cancelling("TRIAGE_ENDED"),)),
)
ON: Final[dict[str, Make]] = {"A014": BOOKED, "A022": BOOKED, "A028": AWAITING}


def _named(case: Case) -> str:
    return f"{case.number}-{case.expected}-{case.place}"


@pytest.mark.parametrize("case", CASES, ids=_named)
async def test_a_code_is_reached_by_its_rule(cast: Cast, case: Case) -> None:
    """Each case returns its code and place, and changes neither the database nor the PAS."""
    referral = await (case.make or ON.get(case.number, Cast.not_booked))(cast)
    before, there = await cast.rows(), str(cast.rig.pas.appointments)
    reply = await cast.do(case.number, referral, *case.parameters)
    assert code(reply) == (422, case.expected), reply.text
    assert reply.json()["issue"][0]["diagnostics"].startswith(f"'{case.place}'"), reply.text
    assert (await cast.rows(), str(cast.rig.pas.appointments)) == (before, there)


PROVIDER_REASONS: Final = (
    ("TRIAGE_ENDED", None, {"triaged"}),
    ("STRAIGHT_TO_TEST", "at once", {"triaged"}),
    ("BOOKED_OUTSIDE_CAB", None, {"awaiting", "booked"}),
    ("INTEND_PRIVATE", None, {"awaiting", "booked"}),
    ("PATIENT_REQUEST_CANCELLATION_OTHER", "moved", {"awaiting", "booked"}),
    ("RAISED_IN_ERROR", None, set[str]()),
    ("REFERRER_CANCELLATION", None, set[str]()),
)


@pytest.mark.parametrize("state", ["triaged", "awaiting", "booked"])
@pytest.mark.parametrize("who", ["clinician", "admin", "application"])
@pytest.mark.parametrize("given", PROVIDER_REASONS, ids=lambda given: given[0])
async def test_reasons_of_a_provider(cast: Cast, given: tuple[str, str | None, set[str]], who: str, state: str) -> None:
    """A036 accepts reasons for the end of triage only for a triaged referral, and other reasons only elsewhere."""
    reason, comment, where = given
    make = {"triaged": TRIAGED, "awaiting": AWAITING, "booked": BOOKED}[state]
    by = {"clinician": cast.consultant, "admin": cast.consultant_admin, "application": cast.application}[who]
    words = () if comment is None else (said("cancellationComments", comment),)
    reply = await cast.do("A036", await make(cast), cancelling(reason), *words, by=by)
    if state in where:
        assert reply.status_code == 200, reply.text
    else:
        assert code(reply) == (422, "INAPPROPRIATE_VALUE")


@pytest.mark.parametrize("number", ["A013", "A014", "A022", "A028", "A031", "A032", "A036"])
async def test_what_every_act_refuses(cast: Cast, number: str) -> None:
    """Each act rejects an unknown UBRN, a caller without a relationship, and a stale or missing version.

    If the caller has no relationship, the version is not checked.
    """
    make = ON.get(number, BOOKED if number == "A013" else AWAITING)
    referral, missing = await make(cast), {"id": "999999999999", "meta": {"versionId": "3"}}
    before = await cast.rows()
    client = cast.actor(number, referral)
    stranger = cast.gp_elsewhere if client is cast.gp else cast.consultant_elsewhere
    stale = str(int(referral["meta"]["versionId"]) - 1)
    assert code(await cast.do(number, {**missing, "contained": referral["contained"]}, by=client)) == (
        404,
        "REFERENCE_NOT_FOUND",
    )
    assert code(await cast.do(number, referral, by=stranger)) == (422, "NO_RELATIONSHIP")
    assert code(await cast.do(number, referral, by=stranger, tag=f'W/"{stale}"')) == (422, "NO_RELATIONSHIP")
    for tag, status in ((f'W/"{stale}"', 409), ('W/"99"', 409), ("", 412), ('"3"', 400), ("3", 400), ("*", 400)):
        assert (await cast.do(number, referral, tag=tag)).status_code == status, tag
    assert await cast.rows() == before


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"focus": None}, "MISSING_PARAMETER"),
        ({"focus": ""}, "MISSING_PARAMETER"),
        ({"intent": None}, "MISSING_PARAMETER"),
        ({"status": None}, "MISSING_PARAMETER"),
        ({"focus": "ReferralRequest/000000000001"}, "INVALID_VALUE"),
        ({"focus": "ReferralRequest/1/_history/3"}, "INVALID_VALUE"),
        ({"intent": "order"}, "INVALID_VALUE"),
        ({"status": "draft"}, "INVALID_VALUE"),
        ({"status": ["ready", "ready"]}, "INVALID_VALUE"),
        ({"focus": "ReferralRequest/999999999999/_history/3"}, "REFERENCE_NOT_FOUND"),
        ({"focus": "OLD"}, "HISTORY_NOT_SUPPORTED"),
        ({"focus": "NEW"}, "HISTORY_NOT_SUPPORTED"),
    ],
)
async def test_refusals_of_the_available_actions(
    cast: Cast, changes: dict[str, str | list[str]], expected: str
) -> None:
    """A029 returns 400 where other operations return 422 or 404."""
    referral = await AWAITING(cast)
    version = int(referral["meta"]["versionId"])
    asked: dict[str, str | list[str] | None] = {
        "focus": f"ReferralRequest/{referral['id']}/_history/{version}",
        "intent": "proposal",
        "status": "ready",
    }
    asked |= changes
    if asked["focus"] in ("OLD", "NEW"):
        step = -1 if asked["focus"] == "OLD" else 1
        asked["focus"] = f"ReferralRequest/{referral['id']}/_history/{version + step}"
    told = {name: value for name, value in asked.items() if value is not None}
    reply = await cast.gp.get("/STU3/Task", params=told)
    assert code(reply) == (400, expected), reply.text


@pytest.mark.parametrize("shared_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("number", ["A014", "A022", "A028", "A031", "A032", "A036"])
async def test_a_spoilt_node_is_refused_by_name_and_changes_nothing(cast: Cast, number: str) -> None:
    """The test changes each node of a valid request in turn. The service either accepts the body or names the place.

    One database is enough, because the service checks a body before it uses the store. `test_states` covers rejections
    on both databases.
    """
    make = ON.get(number, AWAITING)
    referral = await make(cast)
    before = await cast.rows()
    valid = request_of(number, referral, *VALID[number])
    for mutation in mutations(valid["json"]):
        reply = await cast.actor(number, referral).post(valid["url"], json=mutation.body, headers=valid["headers"])
        if reply.is_success:
            referral = await make(cast)
            before, valid = await cast.rows(), request_of(number, referral, *VALID[number])
            continue
        assert reply.status_code in (400, 422), (mutation, reply.text)
        about = reply.json()["issue"][0]["diagnostics"]
        assert reply.status_code == 400 or mutation.named_by(about.split("'")[1]), (mutation, about)
        assert await cast.rows() == before
