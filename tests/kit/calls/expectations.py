"""The expected response of each operation for each caller, copied from the rules and not from the registry.

Source: rules chapters 1.2 (who may call what), 2.3 to 2.6 (gateway, headers, error bodies) and 14 (per operation).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import httpx

from tests.kit.calls.expected import OUTCOME, Expected
from tests.kit.files.samples import LETTER
from tests.kit.referrals.rig import RULES
from tests.kit.referrals.talk import answers, own, question, response, worklist
from tests.kit.referrals.words import PATHS, PROFILES, VALID
from tests.kit.referrals.worklists import ADDRESS as WORKLISTS
from tests.kit.referrals.worklists import asking, of_service
from tests.kit.service.requests import (
    ERS_SERVICE,
    NHS_NUMBER,
    PATIENT,
    SDS_USER,
    Json,
    create_for_triage,
    create_referral,
    identifier,
    parameters_of,
    search,
)

STU3, R4 = "STU3", "R4"
TEXT: Final = "text/plain;charset=utf-8"
UBRN: Final = "https://fhir.nhs.uk/Id/UBRN"
REQUEST_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-1")
STU3_ERRORS: Final = "https://fhir.nhs.uk/STU3/CodeSystem/eRS-APIErrorCode-1"
STU3_OUTCOME: Final = "https://fhir.nhs.uk/STU3/StructureDefinition/eRS-OperationOutcome-1"
R4_OUTCOME: Final = "https://www.hl7.org/fhir/R4/operationoutcome.html"
R4_HTTP: Final = "https://fhir.nhs.uk/CodeSystem/http-error-codes"
R4_NHSD: Final = "https://fhir.nhs.uk/CodeSystem/NHSD-API-ErrorOrWarningCode"
R4_ERS: Final = "https://fhir.nhs.uk/CodeSystem/ers-error-codes"
SEARCH_CODES: Final = """REFERENCE_NOT_FOUND INAPPROPRIATE_VALUE MISSING_VALUE VALUE_IS_REQUIRED FIELD_NOT_PERMITTED
    PATIENT_ERROR INVALID_VALUE INVALID_CODE UNEXPECTED_FIELD INVALID_FHIR_STRUCTURE REFERENCED_USER_IS_NOT_SPC
    REFERENCED_USER_IS_NOT_ACTIVE REFERENCED_USER_NOT_IN_ORG REFERENCED_USER_IS_NOT_RC REFERENCED_USER_IS_NOT_RC_AT_ORG
    ORGANISATION_IS_CLOSED ORGANISATION_NOT_APPROPRIATE NO_REG_GP_PRACTICE SNOMED_NOT_FOUND"""
"""The published error codes of A010. A011, A021 and A044 have these and three more."""
ISSUE_CODES: Final = frozenset(
    {
        *("invalid", "structure", "required", "value", "business-rule", "code-invalid", "security", "login", "expired"),
        *("forbidden", "processing", "not-supported", "not-found", "conflict", "lock-error", "exception", "timeout"),
        *("throttled", "transient", "too-long"),
    }
)
"""The FHIR issue types that the service may use."""


def _body(request: Json) -> Json:
    return request["json"]


BINARY: Final = r"Binary/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
WEAK: Final = r'W/"[0-9]+"'
SLOTS: Final = "/STU3/Slot?schedule.actor%3AHealthcareService=11002&appointmentType=URGENT&status=free&_count=10&page=1"

FOCUS: Final = "/STU3/Task?focus=ReferralRequest%2F{ubrn}%2F_history%2F3&intent=proposal&status=ready"


def _act(number: str, on: str, who: str = "RC", etag: str | None = WEAK) -> Expected:
    """Return the expectation for an act on a referral."""
    address = f"/STU3/ReferralRequest/{{ubrn}}/$ers.{PATHS[number]}"
    body = parameters_of(PROFILES[number], list(VALID[number])) if number in PROFILES else None
    return Expected(number, "POST", address, address, etag=etag, body=body, on=on, who=who)


ADVICE: Final = "/STU3/CommunicationRequest/{ubrn}"
CONVERSION: Final = "/STU3/ReferralRequest/$ers.createFromCommunicationRequestActionLater"
MESSAGES: Final = "/STU3/Communication?based-on=CommunicationRequest%2F{ubrn}%2F_history%2F1"
RESPONSE: Final = parameters_of("SendCommunicationToRequester-Request", response())
REPLY: Final = own("SendCommunicationToProvider", [{"name": "reply", "valueString": "Normal."}])


def _on_advice(number: str, name: str, body: Json, who: str, on: str = "advice") -> Expected:
    """Return the expectation for an act on a request for advice."""
    address = f"{ADVICE}/${name}"
    return Expected(number, "POST", address, address, body=body, on=on, who=who)


def _overview(number: str, path: str, profile: str, *parameters: Json) -> Expected:
    """Return the expectation for an overview of ours."""
    address = f"/STU3/{path}"
    return Expected(number, "POST", address, address, body=own(profile, list(parameters)))


OPERATIONS: Final = (
    Expected("A004", "GET", "/STU3/CodeSystem/{codeSystemType}", "/STU3/CodeSystem/PRIORITY"),
    Expected("A005", "GET", "/STU3/ReferralRequest/{ubrn}", "/STU3/ReferralRequest/{ubrn}", etag=WEAK),
    Expected(
        "A005",
        "GET",
        "/STU3/ReferralRequest/{ubrn}/_history/{version}",
        "/STU3/ReferralRequest/{ubrn}/_history/3",
        etag=r'W/"3"',
    ),
    Expected(
        "A006",
        "GET",
        "/STU3/Binary/{id}",
        "/STU3/Binary/{file}",
        media="application/pdf",
        accepts_anything=True,
    ),
    Expected(
        "A007",
        "POST",
        "/STU3/ReferralRequest/{ubrn}/$ers.generateCRI",
        "/STU3/ReferralRequest/{ubrn}/$ers.generateCRI",
        media="application/pdf",
    ),
    Expected("A008", "POST", WORKLISTS, WORKLISTS, body=_body(asking("AWAITING_BOOKING"))),
    Expected(
        "A008",
        "POST",
        WORKLISTS,
        WORKLISTS,
        body=_body(asking("APPOINTMENT_SLOT_ISSUES", of_service("11004"))),
        who="SPC",
        variant="provider",
    ),
    Expected("A010", "POST", search()["url"], search()["url"], body=_body(search())),
    Expected(
        "A011", "POST", create_referral()["url"], create_referral()["url"], 201, WEAK, body=_body(create_referral())
    ),
    Expected(
        "A012",
        "POST",
        "/STU3/ReferralRequest/{ubrn}/$ers.maintainReferralLetter",
        "/STU3/ReferralRequest/{unbooked}/$ers.maintainReferralLetter",
        etag=r'W/"4"',
        headers={"If-Match": 'W/"3"'},
        letters=True,
    ),
    _act("A013", "booked", "SPC"),
    _act("A014", "booked", "SPC"),
    Expected("A015", "GET", "/STU3/Slot", SLOTS, query_required=True, headers=RULES),
    Expected("A016", "POST", "/STU3/Appointment", "/STU3/Appointment", 201, r'W/"1"', makes=True),
    Expected(
        "A019",
        "POST",
        "/STU3/ReferralRequest/{ubrn}/$ers.generatePatientLetter",
        "/STU3/ReferralRequest/{ubrn}/$ers.generatePatientLetter",
        media="application/pdf",
    ),
    Expected("A020", "POST", "/STU3/Binary", "/STU3/Binary", 201, location=BINARY, media=None, file=LETTER),
    Expected(
        "A021",
        "POST",
        create_for_triage()["url"],
        create_for_triage()["url"],
        201,
        WEAK,
        body=_body(create_for_triage()),
    ),
    _act("A022", "booked", "SPC"),
    Expected("A023", "POST", worklist()["url"], worklist()["url"], body=_body(worklist()), who="SPC"),
    Expected("A024", "GET", ADVICE, ADVICE, etag=r'W/"1"', on="advice"),
    Expected("A024", "GET", f"{ADVICE}/_history/{{version}}", f"{ADVICE}/_history/1", etag=r'W/"1"', on="advice"),
    Expected("A025", "GET", "/STU3/Communication", MESSAGES, query_required=True, on="advice"),
    _on_advice("A026", "ers.sendCommunicationToRequester", RESPONSE, "SPC"),
    Expected("A027", "POST", CONVERSION, CONVERSION, 201, on="advice", converts=True, who="SPC"),
    _act("A028", "awaiting triage", "SPC"),
    Expected("A029", "GET", "/STU3/Task", FOCUS, query_required=True),
    Expected("A030", "GET", "/R4/PractitionerRole", "/R4/PractitionerRole"),
    _act("A031", "awaiting triage"),
    _act("A032", "awaiting triage", etag=None),
    Expected("A033", "GET", "/R4/HealthcareService/{id}", "/R4/HealthcareService/11001", etag=WEAK, cache="no-cache"),
    Expected(
        "A034",
        "PUT",
        "/STU3/Appointment/{id}",
        "/STU3/Appointment/{booked}",
        etag=r'W/"1"',
        headers={"If-Match": 'W/"0"'},
        cancels=True,
    ),
    Expected("A035", "GET", "/R4/HealthcareService", "/R4/HealthcareService?_id=11001%2C11002", query_required=True),
    _act("A036", "awaiting triage", etag=None),
    Expected("A037", "HEAD", "/R4/HealthcareService/{id}", "/R4/HealthcareService/11001", etag=WEAK, cache="no-cache"),
    Expected("A038", "GET", "/STU3/Appointment/{id}", "/STU3/Appointment/{appointment}", etag=r'W/"1"'),
    Expected(
        "A038",
        "GET",
        "/STU3/Appointment/{id}/_history/{version}",
        "/STU3/Appointment/{appointment}/_history/1",
        etag=r'W/"1"',
    ),
    Expected("A039", "POST", "/R4/Binary", "/R4/Binary", 201, location=BINARY, media=None, file=LETTER),
    Expected("A040", "GET", "/R4/Practitioner", "/R4/Practitioner?_query=onBehalfOf", query_required=True, who="SPCA"),
    Expected("A041", "GET", "/R4/ServiceRequest", "/R4/ServiceRequest?identifier={ubrn}", query_required=True),
    Expected(
        "A042",
        "GET",
        "/R4/Binary/{id}",
        "/R4/Binary/{file}",
        307,
        location=r"http://127\.0\.0\.1:8000/files/[\w-]+\.[\w-]{43}",
        cache="no-store",
        media=None,
        accepts_anything=True,
    ),
    Expected(
        "A043", "POST", f"{ADVICE}/$ers.generateCRI", f"{ADVICE}/$ers.generateCRI", media="application/pdf", on="advice"
    ),
    Expected("A044", "POST", question()["url"], question()["url"], body=_body(question())),
    _on_advice("X001", "openers.sendCommunicationToProvider", REPLY, "RC"),
    replace(
        _on_advice(
            "X002",
            "openers.closeAdviceAndGuidance",
            own("CloseAdviceAndGuidance", answers()),
            "RC",
            "advice answered",
        ),
        etag=WEAK,
    ),
    _overview("X003", "Patient/$openers.findNames", "FindNames", identifier("patient", NHS_NUMBER, PATIENT)),
    _overview("X004", "Patient/$openers.find", "FindPatients", identifier("patient", NHS_NUMBER, PATIENT)),
    _overview("X005", "Patient/$openers.requests", "PatientRequests", identifier("patient", NHS_NUMBER, PATIENT)),
    _overview("X006", "ReferralRequest/$openers.overviews", "Overviews", identifier("request", UBRN, "000000000001")),
    Expected(
        "X007",
        "GET",
        "/STU3/ReferralRequest/{ubrn}/$openers.history",
        "/STU3/ReferralRequest/{ubrn}/$openers.history",
    ),
)
"""Every address of the API."""

BY_NAME: Final = {each.name: each for each in OPERATIONS}


def with_referrer(body: Json | None, user: str) -> Json | None:
    """Return the body as an admin sends it: with the clinician for whom the admin works."""
    if body is None:
        return None
    return {**body, "parameter": [*body["parameter"], identifier("referringClinician", SDS_USER, user)]}


def check_headers(reply: httpx.Response, expected: Expected, correlation: str) -> None:
    """Check every header of a successful response."""
    assert reply.status_code == expected.success, reply.text
    assert REQUEST_ID.fullmatch(reply.headers["x-request-id"])
    assert reply.headers["x-correlation-id"] == correlation
    assert reply.headers.get("content-type") == expected.media
    assert reply.headers.get_list("content-length") == [reply.headers["content-length"]]
    if expected.method != "HEAD":
        assert int(reply.headers["content-length"]) == len(reply.content)
    if expected.etag is None:
        assert "etag" not in reply.headers
    else:
        assert re.fullmatch(expected.etag, reply.headers["etag"])
    assert reply.headers.get("cache-control") == expected.cache
    if expected.location is None:
        assert "location" not in reply.headers
    else:
        assert re.fullmatch(expected.location, reply.headers["location"])


def check_refusal(reply: httpx.Response, fhir: str) -> None:
    """Check that a rejection has the error body of its FHIR version, or no body where the rules require none."""
    assert 400 <= reply.status_code < 500, (reply.status_code, reply.text)
    assert REQUEST_ID.fullmatch(reply.headers["x-request-id"])
    if not reply.content:
        empty = {(STU3, 401), (STU3, 429), (STU3, 403), (R4, 403)}
        assert reply.request.method == "HEAD" or (fhir, reply.status_code) in empty
        return
    if fhir == STU3 and reply.status_code in (406, 415):
        assert reply.headers["content-type"] == TEXT
        return
    assert reply.headers["content-type"] == OUTCOME
    check_outcome(reply.json(), fhir)


def check_outcome(body: Json, fhir: str) -> None:
    """Check that the body is an OperationOutcome of this FHIR version, with all required fields and no others."""
    assert body.keys() == {"resourceType", "meta", "issue"}
    assert body["resourceType"] == "OperationOutcome"
    (issue,) = body["issue"]
    assert issue.keys() <= {"severity", "code", "details", "diagnostics"}
    assert issue["severity"] == "error"
    assert issue["code"] in ISSUE_CODES
    (coding,) = issue["details"]["coding"]
    assert issue["details"].keys() == {"coding"}
    if fhir == STU3:
        assert body["meta"]["profile"] == [STU3_OUTCOME]
        assert coding.keys() == {"system", "code", "display"}
        assert coding["system"] == STU3_ERRORS
    else:
        assert "lastUpdated" in body["meta"]
        assert coding.keys() == {"system", "code"}
        assert coding["system"] in (R4_HTTP, R4_NHSD, R4_ERS)


def told(reply: httpx.Response) -> tuple[int, str, str, str]:
    """Return the status, issue code, error code and diagnostics of a rejection."""
    (issue,) = reply.json()["issue"]
    return reply.status_code, issue["code"], issue["details"]["coding"][0]["code"], issue.get("diagnostics", "")


def code_of(reply: httpx.Response) -> str:
    """Return the error code of a rejection."""
    return told(reply)[2]


def place_of(reply: httpx.Response) -> str:
    """Return the field that the diagnostics name: the text in their first quotes."""
    found = re.match(r"'([^']*)'", told(reply)[3])
    return found[1] if found else ""


def patient(number: str) -> Json:
    """Return the patient parameter."""
    return identifier("patient", NHS_NUMBER, number)


def services_of(body: Json) -> list[str]:
    """Return the services of a search result, in order."""
    return [each["item"]["identifier"]["value"] for each in body["entry"]]


def entry_of(service: str) -> Json:
    """Return a shortlist entry."""
    return {"item": {"identifier": {"system": ERS_SERVICE, "value": service}}}
