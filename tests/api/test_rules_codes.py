"""Every error code of A010, A011, A021 and A044 is caused by its rule and names the right place.

The list is that of the published 422 responses (rules chapter 4, A010 and A011; 11.1 row 3). The rows are copied from
the rules. All four operations must reject alike, because each one checks a shortlist with a new search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.kit.calls.expectations import SEARCH_CODES, check_refusal, patient, place_of, told
from tests.kit.referrals.talk import question
from tests.kit.service.arrangements import put, stored
from tests.kit.service.requests import (
    DIRECTORY,
    ODS,
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
from tests.kit.service.running import GP, GP_ADMIN, Person, Running

from openers.domain.directory import Role, User
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.principal import BusinessFunction

pytestmark = pytest.mark.anyio

CLOSED_GP = Person("700000000900", "B86099", "REFERRING_CLINICIAN")
COMMISSIONED_GP = Person("700000000901", "Q99", "REFERRING_CLINICIAN")
SENSITIVE, DECEASED, WITHOUT_PRACTICE = "9990000018", "9990000026", "9990000034"
SNOMED = "http://snomed.info/sct"

ISSUES = {
    "MISSING_VALUE": "required",
    "INVALID_VALUE": "value",
    "UNEXPECTED_FIELD": "value",
    "INVALID_CODE": "code-invalid",
    "INVALID_FHIR_STRUCTURE": "structure",
}


@dataclass(frozen=True)
class Row:
    """A rejected request: the code, the place that its diagnostics start with, and the changes to a valid request.

    `subject` changes parameters of the request itself, `of` the criteria. `{c}` in `place` stands for the criteria.
    """

    code: str
    place: str
    subject: tuple[Json, ...] = ()
    of: Json | None = None
    without: tuple[str, ...] = ()
    who: Person = GP


def clinician(name: str, user: str) -> Json:
    """Return a parameter that names a person."""
    return identifier(name, SDS_USER, user)


def organisation(ods: str) -> Json:
    """Return the organisation criterion."""
    return identifier("organisation", DIRECTORY, ods)


def term(code: str) -> Json:
    """Return the clinical term criterion."""
    return coding("clinicalTerm", SNOMED, code)


def rules_of(ods: str) -> Json:
    """Return the parameter with the organisation whose commissioning rules apply."""
    return identifier("commissioningRuleOrganisation", ODS, ods)


def whole(name: str, value: Any) -> Json:
    """Return a parameter that holds a whole number."""
    return {"name": name, "valueUnsignedInt": value}


KEYLESS = ("specialty", "clinicType")
ROWS = (
    Row("REFERENCE_NOT_FOUND", "patient", (patient("9999999999"),)),
    Row("REFERENCE_NOT_FOUND", "referringClinician", (clinician("referringClinician", "000000000000"),), who=GP_ADMIN),
    Row("REFERENCE_NOT_FOUND", "namedClinician", of=criteria(clinician("namedClinician", "000000000000"))),
    Row("REFERENCE_NOT_FOUND", "organisation", of=criteria(organisation("ZZZ"))),
    Row(
        "INAPPROPRIATE_VALUE",
        "clinicType",
        of=criteria(coding("clinicType", "ClinicType", "ECZEMA_AND_DERMATITIS")),
    ),
    Row("MISSING_VALUE", "patient", without=("patient",)),
    Row("MISSING_VALUE", "priority", of=criteria(without=["priority"])),
    Row("MISSING_VALUE", "ageAndGenderAppropriate", of=criteria(without=["ageAndGenderAppropriate"])),
    Row("VALUE_IS_REQUIRED", "referringClinician", who=GP_ADMIN),
    Row("VALUE_IS_REQUIRED", "specialty", of=criteria(without=KEYLESS)),
    Row("VALUE_IS_REQUIRED", "clinicType", of=criteria(without=["clinicType"])),
    Row("FIELD_NOT_PERMITTED", "referringClinician", (clinician("referringClinician", GP.user),)),
    Row("FIELD_NOT_PERMITTED", "clinicType", of=criteria(without=["specialty"])),
    Row("FIELD_NOT_PERMITTED", "distanceLimit", of=criteria(whole("distanceLimit", 10))),
    Row(
        "FIELD_NOT_PERMITTED",
        "indicativeAppointmentWaitTimeLimit",
        of=criteria(whole("indicativeAppointmentWaitTimeLimit", 14), priority="TWO_WEEK_WAIT"),
    ),
    Row("PATIENT_ERROR", "patient", (patient(SENSITIVE),)),
    Row("PATIENT_ERROR", "patient", (patient(DECEASED),)),
    Row("NO_REG_GP_PRACTICE", "patient", (patient(WITHOUT_PRACTICE),)),
    Row("INVALID_VALUE", "parameter[{last}]/valueIdentifier/value", (patient("991200388"),)),
    Row("INVALID_VALUE", "parameter[{last}]/valueIdentifier/system", (identifier("patient", SDS_USER, "9912003888"),)),
    Row("INVALID_VALUE", "{c}/parameter[4]/valueString", of=criteria({"name": "postcode", "valueString": "LS1"})),
    Row("INVALID_VALUE", "postcode", of=criteria({"name": "postcode", "valueString": "ZZ1 1AA"})),
    Row(
        "INVALID_VALUE",
        "{c}/parameter[4]/valueUnsignedInt",
        of=criteria(whole("indicativeAppointmentWaitTimeLimit", -1)),
    ),
    Row("INVALID_VALUE", "{c}/parameter[4]/valueUnsignedInt", of=criteria(whole("distanceLimit", 2**31))),
    Row("INVALID_VALUE", "{c}/parameter[4]/valueUnsignedInt", of=criteria(whole("distanceLimit", True))),
    Row("INVALID_CODE", "{c}/parameter[3]/valueCoding/code", of=criteria(coding("priority", "Priority", "SOON"))),
    Row("INVALID_CODE", "specialty", of=criteria(specialty("PHRENOLOGY"))),
    Row("INVALID_CODE", "clinicType", of=criteria(coding("clinicType", "ClinicType", "PALMISTRY"))),
    Row("UNEXPECTED_FIELD", "parameter[{last}]", ({"name": "shoeSize", "valueString": "x"},)),
    Row("UNEXPECTED_FIELD", "{c}/parameter[4]", of=criteria({"name": "place", "valueString": "x"})),
    Row(
        "UNEXPECTED_FIELD",
        "parameter[{last}]/valueIdentifier/colour",
        ({**patient("1"), "valueIdentifier": {"colour": 1}},),
    ),
    Row("INVALID_FHIR_STRUCTURE", "parameter[{last}]", ({"name": "patient", "valueString": "9912003888"},)),
    Row("INVALID_FHIR_STRUCTURE", "parameter[{last}]/valueIdentifier", ({"name": "patient", "valueIdentifier": []},)),
    Row("INVALID_FHIR_STRUCTURE", "{c}/parameter", of={**criteria(), "parameter": {}}),
    Row("INVALID_FHIR_STRUCTURE", "{c}/meta", of={k: v for k, v in criteria().items() if k != "meta"}),
    Row(
        "INVALID_FHIR_STRUCTURE",
        "{c}/parameter[4]",
        of={**criteria(), "parameter": [*criteria()["parameter"], specialty("UROLOGY")]},
    ),
    Row("REFERENCED_USER_IS_NOT_SPC", "namedClinician", of=criteria(clinician("namedClinician", GP.user))),
    Row("REFERENCED_USER_IS_NOT_ACTIVE", "namedClinician", of=criteria(clinician("namedClinician", "555031990999"))),
    Row(
        "REFERENCED_USER_IS_NOT_ACTIVE",
        "referringClinician",
        (clinician("referringClinician", "555031990999"),),
        who=GP_ADMIN,
    ),
    Row(
        "REFERENCED_USER_NOT_IN_ORG",
        "namedClinician",
        of=criteria(clinician("namedClinician", "555032007101"), organisation("RCD")),
    ),
    Row(
        "REFERENCED_USER_IS_NOT_RC",
        "referringClinician",
        (clinician("referringClinician", "555032006106"),),
        who=GP_ADMIN,
    ),
    Row(
        "REFERENCED_USER_IS_NOT_RC_AT_ORG",
        "referringClinician",
        (clinician("referringClinician", "555073103211"),),
        who=GP_ADMIN,
    ),
    Row("ORGANISATION_IS_CLOSED", "organisation", of=criteria(organisation("B86099"))),
    Row("ORGANISATION_IS_CLOSED", "commissioningRuleOrganisation", who=CLOSED_GP),
    Row("ORGANISATION_NOT_APPROPRIATE", "organisation", of=criteria(organisation("Q99"))),
    Row("ORGANISATION_NOT_APPROPRIATE", "organisation", of=criteria(organisation("D82106"))),
    Row("ORGANISATION_NOT_APPROPRIATE", "commissioningRuleOrganisation", who=COMMISSIONED_GP),
    Row("SNOMED_NOT_FOUND", "clinicalTerm", of=criteria(term("999999999"), without=KEYLESS)),
    Row("INVALID_VALUE", "{c}/parameter[2]/valueCoding/code", of=criteria(term("x"), without=KEYLESS)),
)


def searching(row: Row) -> Json:
    """Return the row as a search (A010)."""
    return search(*row.subject, of=row.of, without=row.without)


def creating(row: Row) -> Json:
    """Return the row as a call of A011."""
    return create_referral(*row.subject, of=row.of, without=row.without)


def triaging(row: Row) -> Json:
    """Return the row as a call of A021."""
    return create_for_triage(*row.subject, of=row.of, without=row.without)


def asking(row: Row) -> Json:
    """Return the row as a call of A044."""
    return question(*row.subject, of=row.of, without=row.without)


@pytest.fixture(scope="module")
async def run(shared: Running) -> Running:
    for who in (CLOSED_GP, COMMISSIONED_GP):
        role = Role(OdsCode(who.organisation), (BusinessFunction.REFERRING_CLINICIAN,))
        await put(shared, User(UserId(who.user), "Somebody", (role,)))
    return shared


def places(row: Row, request: Json) -> str:
    """Return the place of the row's error in this request. Replaced parameters move to the end."""
    parameters: list[Json] = request["json"]["parameter"]
    last = len(parameters) - 1
    at = next((f"parameter[{i}]/resource" for i, each in enumerate(parameters) if "resource" in each), "")
    inner = at if parameters[int(at[10])]["name"] == "searchCriteria" else f"{at}/contained[0]"
    return row.place.replace("{last}", str(last)).replace("{c}", inner)


async def refused(client: httpx.AsyncClient, request: Json, code: str, place: str) -> httpx.Response:
    """Send the request, check that it is rejected with this code at this place, and return the reply."""
    reply = await client.post(**request)
    assert told(reply)[:3] == (422, ISSUES.get(code, "business-rule"), code), reply.text
    assert place_of(reply) == place, told(reply)[3]
    check_refusal(reply, "STU3")
    return reply


def test_every_published_code_has_a_row() -> None:
    assert {row.code for row in ROWS} == set(SEARCH_CODES.split())


@pytest.mark.parametrize("request_of", [searching, creating, triaging, asking])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.code}-{row.place}")
async def test_a_code_is_reached_by_its_rule(run: Running, row: Row, request_of: Callable[[Row], Json]) -> None:
    client, request, before = await run.as_person(row.who), request_of(row), stored(run)
    await refused(client, request, row.code, places(row, request))
    assert stored(run) == before


@pytest.mark.parametrize(
    ("code", "place", "change"),
    [
        ("REFERENCE_NOT_FOUND", "commissioningRuleOrganisation", rules_of("ZZZ")),
        ("ORGANISATION_IS_CLOSED", "commissioningRuleOrganisation", rules_of("B86099")),
        ("ORGANISATION_NOT_APPROPRIATE", "commissioningRuleOrganisation", rules_of("Q99")),
        ("INVALID_VALUE", "parameter[4]/valueIdentifier/value", rules_of("d82106")),
        ("INVALID_CODE", "parameter[3]/valueCoding/code", coding("requestType", "RequestType", "TRIAGE_REQUEST")),
        ("INVALID_CODE", "parameter[3]/valueCoding/code", coding("sortBy", "SortBy", "distance")),
    ],
)
async def test_what_only_a_search_can_have(run: Running, code: str, place: str, change: Json) -> None:
    await refused(await run.as_person(GP), search(change), code, place)


async def test_an_advice_search_has_no_commissioning_organisation(run: Running) -> None:
    request = search(
        coding("requestType", "RequestType", "ADVICE_AND_GUIDANCE_REQUEST"),
        identifier("commissioningRuleOrganisation", ODS, "D82106"),
    )
    await refused(await run.as_person(GP), request, "FIELD_NOT_PERMITTED", "commissioningRuleOrganisation")


@pytest.mark.parametrize("name", ["requestType", "sortBy", "patient", "searchCriteria"])
async def test_what_a_search_always_needs(run: Running, name: str) -> None:
    await refused(await run.as_person(GP), search(without=[name]), "MISSING_VALUE", name)


@pytest.mark.parametrize(
    "name", ["patient", "shortlist", "intentionToAddReferralLetter", "firstReminderLetterFollowUpDays"]
)
@pytest.mark.parametrize("create", [create_referral, create_for_triage])
async def test_what_a_creation_always_needs(run: Running, name: str, create: Any) -> None:
    await refused(await run.as_person(GP), create(without=[name]), "MISSING_VALUE", name)


async def test_a_sensitive_patients_number_is_not_repeated(run: Running) -> None:
    reply = await (await run.as_person(GP)).post(**search(patient(SENSITIVE)))
    assert reply.status_code == 422
    assert SENSITIVE not in reply.text
