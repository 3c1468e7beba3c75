"""Every code that the operations of advice and guidance can refuse with, reached by a real rule, changing nothing.

The lists are those of the published refusals (rules chapter 4); what A044 shares with A010 is in
`tests/api/test_rules_codes.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import httpx
import msgspec
import pytest

from openers.domain.attachments import Availability
from openers.domain.codes import Priority
from openers.domain.identifiers import FileId, NhsNumber
from tests.acts.words import document, said, uploaded
from tests.advice.talk import (
    ADVICE,
    REQUIRE,
    Talk,
    answers,
    authorisation,
    concept,
    conversion,
    own,
    question,
    recommendation,
    response,
    worklist,
)
from tests.api.arrangements import patient_called, put, service_called, stored
from tests.api.expectations import check_refusal, told
from tests.requests import (
    CS,
    ERS_SERVICE,
    HEADERS,
    PATIENT,
    SDS_USER,
    Json,
    coding,
    create_for_triage,
    identifier,
    parameters_of,
)
from tests.service import entry

pytestmark = pytest.mark.anyio

SPECIALTY: Final = "_baseUrl_/STU3/CodeSystem/SPECIALTY"
INDICATOR: Final = f"{CS}eRS-AssignedIndicator-1"
PLACES: Final = "https://directory.spineservices.nhs.uk/STU3/Organization"
BOTH_ANSWERS: Final = """PATIENT_ERROR NO_RELATIONSHIP UNSUPPORTED_PRIORITY INAPPROPRIATE_VALUE INVALID_VALUE
    INVALID_REQUEST_STATE INVALID_STATE MISSING_VALUE VALUE_IS_REQUIRED REFERENCE_NOT_FOUND DUPLICATE_FILENAME
    CONFLICTING_VALUES"""
"""The published codes of A026 and of A027."""
LISTS: Final = """REFERENCE_NOT_FOUND MISSING_VALUE NO_RELATIONSHIP INVALID_VALUE INVALID_CODE UNEXPECTED_FIELD
    INVALID_FHIR_STRUCTURE"""
"""Those of A023."""
Case = Callable[[Talk], Awaitable[httpx.Response]]


def responded(*changes: Json, outcome: str = "RETURN_TO_REFERRER_WITH_ADVICE", without: tuple[str, ...] = ()) -> Case:
    """A026 on a new request."""

    async def _ask(talk: Talk) -> httpx.Response:
        body = parameters_of(
            "SendCommunicationToRequester-Request", response(*changes, outcome=outcome, without=without)
        )
        return await talk.send("ers.sendCommunicationToRequester", await talk.ask(), body, talk.consultant)

    return _ask


def converted(*changes: Json, without: tuple[str, ...] = ()) -> Case:
    """A027 on a new request."""

    async def _ask(talk: Talk) -> httpx.Response:
        return await talk.consultant.post(**conversion(await talk.ask(), *changes, without=without))

    return _ask


def with_files(number: str, *names: str, kind: str | None = None, meant: bool = True) -> Case:
    """A026 or A027 with files of these names."""

    async def _ask(talk: Talk) -> httpx.Response:
        advice = await talk.ask()
        meant_for = advice if meant else None
        files = [
            await talk.attach("guidanceAttachmentFile", kind or "GUIDANCE_RESPONSE", name, meant_for, talk.consultant)
            for name in names
        ]
        act = talk.respond if number == "A026" else talk.convert
        return await act(advice, *files)

    return _ask


async def _sent(talk: Talk, number: str, advice: Json, *files: Json) -> httpx.Response:
    return await (talk.respond if number == "A026" else talk.convert)(advice, *files)


def in_two_places(number: str) -> Case:
    """One file named twice: in one list, or in both lists of A027."""

    async def _ask(talk: Talk) -> httpx.Response:
        advice = await talk.ask()
        address = await uploaded(talk.consultant, advice["id"], "twice.txt")
        first = document("guidanceAttachmentFile", address, "GUIDANCE_RESPONSE")
        second = first if number == "A026" else document("reviewAttachmentFile", address, "PROVIDER")
        return await _sent(talk, number, advice, first, second)

    return _ask


def with_a_file_of_another_request(number: str) -> Case:
    """It was uploaded for another UBRN."""

    async def _ask(talk: Talk) -> httpx.Response:
        other = await talk.ask()
        file = await talk.attach("guidanceAttachmentFile", "GUIDANCE_RESPONSE", "a.txt", other, talk.consultant)
        return await _sent(talk, number, await talk.ask(), file)

    return _ask


def with_a_file_in_quarantine(number: str) -> Case:
    """A threat was found in it."""

    async def _ask(talk: Talk) -> httpx.Response:
        advice = await talk.ask()
        address = await uploaded(talk.consultant, advice["id"], "bad.txt")
        world = talk.run.service.world.for_call(entry())
        async with world.begin("arrange a test") as tx:
            file = await tx.files.get(FileId(address.removeprefix("Binary/")))
            assert file is not None
            await tx.files.put(msgspec.structs.replace(file, availability=Availability.THREATS_FOUND))
        return await _sent(talk, number, advice, document("guidanceAttachmentFile", address, "GUIDANCE_RESPONSE"))

    return _ask


def of_somebody_else(number: str) -> Case:
    """By a clinician of another provider."""

    async def _ask(talk: Talk) -> httpx.Response:
        advice, by = await talk.ask(), talk.consultant_elsewhere
        return await (talk.respond(advice, by=by) if number == "A026" else talk.convert(advice, by=by))

    return _ask


def with_a_sensitive_patient(act: Callable[[Talk, Json], Awaitable[httpx.Response]]) -> Case:
    """The patient's record becomes sensitive after the question."""

    async def _ask(talk: Talk) -> httpx.Response:
        advice, patient = await talk.ask(), await patient_called(talk.run, PATIENT)
        await put(talk.run, msgspec.structs.replace(patient, sensitive=True))
        try:
            return await act(talk, advice)
        finally:
            await put(talk.run, patient)

    return _ask


def where_urgency_is_not_taken(number: str) -> Case:
    """The service takes routine requests alone."""

    async def _ask(talk: Talk) -> httpx.Response:
        advice, service = await talk.ask(), await service_called(talk.run, ADVICE)
        await put(talk.run, msgspec.structs.replace(service, priorities=frozenset({Priority.ROUTINE})))
        name = "updatedPriority" if number == "A026" else "newReferralPriority"
        try:
            return await _sent(talk, number, advice, coding(name, "Priority", "URGENT"))
        finally:
            await put(talk.run, service)

    return _ask


async def _answered(talk: Talk) -> Json:
    return await talk.done(await talk.respond(await talk.ask()))


async def _respond_again(talk: Talk) -> httpx.Response:
    return await talk.respond(await _answered(talk))


async def _convert_what_was_answered(talk: Talk) -> httpx.Response:
    return await talk.convert(await _answered(talk))


def unversioned() -> Case:
    """A027 that names no version."""

    async def _ask(talk: Talk) -> httpx.Response:
        origin = f"CommunicationRequest/{(await talk.ask())['id']}"
        change: Json = {"name": "createFrom", "valueReference": {"reference": origin}}
        return await talk.consultant.post(**conversion(await talk.ask(), change))

    return _ask


def listing(*parameters: Json, without: tuple[str, ...] = ()) -> Case:
    """A023."""

    async def _ask(talk: Talk) -> httpx.Response:
        request = worklist(*parameters)
        request["json"]["parameter"] = [each for each in request["json"]["parameter"] if each["name"] not in without]
        return await talk.consultant.post(**request)

    return _ask


def replying(*parameters: Json) -> Case:
    """X001 on a new request."""

    async def _ask(talk: Talk) -> httpx.Response:
        body = own("SendCommunicationToProvider", list(parameters))
        return await talk.send("openers.sendCommunicationToProvider", await talk.ask(), body, talk.gp)

    return _ask


def closing(*parameters: Json, answered: bool = True) -> Case:
    """X002, after a response or before."""

    async def _ask(talk: Talk) -> httpx.Response:
        return await talk.close(await (_answered(talk) if answered else talk.ask()), *parameters)

    return _ask


def asking(*changes: Json, services: tuple[str, ...] = (ADVICE,)) -> Case:
    """A044."""

    async def _ask(talk: Talk) -> httpx.Response:
        return await talk.gp.post(**question(*changes, services=services))

    return _ask


async def _reply_with_a_file_without_words(talk: Talk) -> httpx.Response:
    advice = await talk.ask()
    return await talk.reply(
        advice, await talk.attach("requestAttachmentFile", "ADVICE_REQUEST", "a.txt", advice, talk.gp)
    )


async def _respond_to_a_referral(talk: Talk) -> httpx.Response:
    return await talk.respond(await _referral(talk))


async def _convert_a_referral(talk: Talk) -> httpx.Response:
    return await talk.convert(await _referral(talk))


async def _referral(talk: Talk) -> Json:
    """A referral that both sides have a relationship to."""
    reply = await talk.gp.post(**create_for_triage())
    assert reply.status_code == 201
    referral: Json = reply.json()
    return referral


CASES: Final[tuple[tuple[str, str, Case], ...]] = (
    ("A026", "PATIENT_ERROR", with_a_sensitive_patient(lambda talk, advice: talk.respond(advice))),
    ("A026", "NO_RELATIONSHIP", of_somebody_else("A026")),
    ("A026", "UNSUPPORTED_PRIORITY", where_urgency_is_not_taken("A026")),
    ("A026", "INAPPROPRIATE_VALUE", responded(recommendation("OTHER"), outcome=REQUIRE)),
    ("A026", "INAPPROPRIATE_VALUE", responded(outcome="PROVIDER_CONVERTED")),
    ("A026", "INAPPROPRIATE_VALUE", with_files("A026", "a.txt", kind="PROVIDER")),
    ("A026", "INAPPROPRIATE_VALUE", with_files("A026", "a.txt", meant=False)),
    ("A026", "INVALID_VALUE", responded(said("guidance", "x" * 8001))),
    ("A026", "INVALID_VALUE", responded(said("guidance", " "))),
    ("A026", "INVALID_REQUEST_STATE", _respond_again),
    ("A026", "INVALID_STATE", with_a_file_in_quarantine("A026")),
    ("A026", "MISSING_VALUE", responded(without=("guidance",))),
    ("A026", "MISSING_VALUE", responded(without=("guidanceOutcome",))),
    ("A026", "MISSING_VALUE", responded(without=("updatedPriority",))),
    ("A026", "VALUE_IS_REQUIRED", responded(without=("guidanceIntendedRecommendation",))),
    ("A026", "REFERENCE_NOT_FOUND", with_a_file_of_another_request("A026")),
    ("A026", "DUPLICATE_FILENAME", with_files("A026", "same.txt", "same.txt")),
    ("A026", "CONFLICTING_VALUES", in_two_places("A026")),
    ("A026", "INVALID_REQUEST_TYPE", _respond_to_a_referral),
    ("A027", "PATIENT_ERROR", with_a_sensitive_patient(lambda talk, advice: talk.convert(advice))),
    ("A027", "NO_RELATIONSHIP", of_somebody_else("A027")),
    ("A027", "UNSUPPORTED_PRIORITY", where_urgency_is_not_taken("A027")),
    ("A027", "INAPPROPRIATE_VALUE", with_files("A027", "a.txt", kind="PROVIDER")),
    ("A027", "INAPPROPRIATE_VALUE", with_files("A027", "a.txt", meant=False)),
    ("A027", "INVALID_VALUE", converted(said("reviewComments", "x" * 2001))),
    ("A027", "INVALID_VALUE", converted({"name": "createFrom", "valueReference": {"reference": "Patient/1"}})),
    ("A027", "INVALID_REQUEST_STATE", _convert_what_was_answered),
    ("A027", "INVALID_STATE", with_a_file_in_quarantine("A027")),
    ("A027", "MISSING_VALUE", converted(without=("guidance",))),
    ("A027", "MISSING_VALUE", converted(without=("createFrom",))),
    ("A027", "VALUE_IS_REQUIRED", unversioned()),
    ("A027", "REFERENCE_NOT_FOUND", with_a_file_of_another_request("A027")),
    ("A027", "DUPLICATE_FILENAME", with_files("A027", "same.txt", "same.txt")),
    ("A027", "CONFLICTING_VALUES", in_two_places("A027")),
    ("A027", "INVALID_REQUEST_TYPE", _convert_a_referral),
    ("A023", "REFERENCE_NOT_FOUND", listing(identifier("service", ERS_SERVICE, "99999"))),
    ("A023", "REFERENCE_NOT_FOUND", listing(identifier("location", PLACES, "ZZZ99"))),
    (
        "A023",
        "REFERENCE_NOT_FOUND",
        listing(
            concept("clinicianAssignedIndicator", INDICATOR, "ASSIGNED"),
            identifier("clinician", SDS_USER, "000000000000"),
        ),
    ),
    ("A023", "MISSING_VALUE", listing(without=("listType",))),
    ("A023", "MISSING_VALUE", listing(concept("specialtyAssignedIndicator", INDICATOR, "ASSIGNED"))),
    ("A023", "MISSING_VALUE", listing(concept("clinicianAssignedIndicator", INDICATOR, "ASSIGNED"))),
    ("A023", "NO_RELATIONSHIP", listing(identifier("service", ERS_SERVICE, "11011"))),
    ("A023", "INVALID_VALUE", listing(concept("specialtyAssignedIndicator", INDICATOR, "NOT_ASSIGNED"))),
    ("A023", "INVALID_VALUE", listing(concept("specialtyAssignedIndicator", "x", "ASSIGNED"))),
    (
        "A023",
        "INVALID_CODE",
        listing(
            concept("specialtyAssignedIndicator", INDICATOR, "ASSIGNED"), concept("specialty", SPECIALTY, "PHRENOLOGY")
        ),
    ),
    (
        "A023",
        "INVALID_CODE",
        listing(concept("listType", f"{CS}eRS-CommunicationListSelector-1", "REFERRALS_FOR_REVIEW")),
    ),
    ("A023", "UNEXPECTED_FIELD", listing(concept("specialty", SPECIALTY, "CARDIOLOGY"))),
    (
        "A023",
        "UNEXPECTED_FIELD",
        listing(
            concept("clinicianAssignedIndicator", INDICATOR, "NOT_ASSIGNED"),
            identifier("clinician", SDS_USER, "555032006106"),
        ),
    ),
    ("A023", "INVALID_FHIR_STRUCTURE", listing({"name": "listType", "valueCodeableConcept": {"coding": []}})),
    ("X001", "VALUE_IS_REQUIRED", replying()),
    ("X001", "VALUE_IS_REQUIRED", _reply_with_a_file_without_words),
    ("X001", "INVALID_VALUE", replying(said("reply", "x" * 8001))),
    ("X001", "UNEXPECTED_FIELD", replying(said("guidance", "x"))),
    ("X002", "VALUE_IS_REQUIRED", closing()),
    ("X002", "VALUE_IS_REQUIRED", closing(answers()[0])),
    ("X002", "FIELD_NOT_PERMITTED", closing(*answers(), answered=False)),
    ("X002", "INVALID_VALUE", closing(*answers(), said("comments", "x" * 2001))),
    ("A044", "TOO_MANY_ITEMS", asking(services=(ADVICE, "11010"))),
    ("A044", "DUPLICATE_SERVICE", asking(services=(ADVICE, ADVICE))),
    ("A044", "SHORTLISTED_SERVICE_NOT_IN_RESULTS", asking(services=("11002",))),
    ("A044", "REFERENCE_NOT_FOUND", asking(services=("99999",))),
    ("A044", "INVALID_CODE", asking(authorisation("PERHAPS"))),
    ("A044", "INVALID_VALUE", asking(said("request", "x" * 8001))),
)


def test_every_published_code_has_a_case() -> None:
    """Those of A044 that are not here are shared with A010."""
    assert set(BOTH_ANSWERS.split()) <= {code for number, code, _ in CASES if number == "A026"}
    assert set(BOTH_ANSWERS.split()) <= {code for number, code, _ in CASES if number == "A027"}
    assert set(LISTS.split()) == {code for number, code, _ in CASES if number == "A023"}


@pytest.mark.parametrize(("number", "code", "case"), CASES, ids=[f"{each[0]}-{each[1]}" for each in CASES])
async def test_a_code_is_reached_by_its_rule(talk: Talk, number: str, code: str, case: Case) -> None:
    reply = await case(talk)
    assert (reply.status_code, told(reply)[2]) == (422, code), f"{number}: {reply.text}"
    check_refusal(reply, "STU3")


async def test_a_refused_answer_changes_nothing(talk: Talk) -> None:
    """Not even the files that were right: they can still be attached."""
    advice = await talk.ask()
    files = [
        await talk.attach("guidanceAttachmentFile", "GUIDANCE_RESPONSE", name, advice, talk.consultant)
        for name in ("one.txt", "two.txt", "one.txt")
    ]
    before = stored(talk.run)
    for act in (talk.respond, talk.convert):
        assert told(await act(advice, *files))[2] == "DUPLICATE_FILENAME"
        assert [row for row in stored(talk.run) if row[0] != "counters"] == [
            row for row in before if row[0] != "counters"
        ]
    assert (await talk.respond(advice, *files[:2])).status_code == 200


@pytest.mark.parametrize("what", ["missing", "unknown", "stale", "other kind", "others'", "sensitive"])
async def test_reading_a_conversation_is_refused_with_400(talk: Talk, what: str) -> None:
    """And with 404 for what does not exist, and for versions that are not the latest (rules 4, A025)."""
    advice = await talk.ask()
    by, based_on, expected = talk.gp, f"CommunicationRequest/{advice['id']}/_history/1", (400, "")
    match what:
        case "missing":
            expected = (400, "MISSING_PARAMETER")
        case "unknown":
            based_on, expected = "CommunicationRequest/999999999999/_history/1", (404, "REFERENCE_NOT_FOUND")
        case "stale":
            based_on, expected = f"CommunicationRequest/{advice['id']}/_history/9", (404, "HISTORY_NOT_SUPPORTED")
        case "other kind":
            referral = await _referral(talk)
            based_on = f"CommunicationRequest/{referral['id']}/_history/3"
            expected = (400, "INVALID_REQUEST_TYPE")
        case "others'":
            by, expected = talk.gp_elsewhere, (400, "NO_RELATIONSHIP")
        case _:
            reply = await with_a_sensitive_patient(lambda talk, advice: talk.messages(advice))(talk)
            assert (reply.status_code, told(reply)[2]) == (400, "PATIENT_ERROR")
            return
    params = {} if what == "missing" else {"based-on": based_on}
    reply = await by.get("/STU3/Communication", params=params)
    assert (reply.status_code, told(reply)[2]) == expected


@pytest.mark.parametrize("address", ["", "/_history/1", "/$ers.generateCRI"])
async def test_reading_a_request_is_refused_as_published(talk: Talk, address: str) -> None:
    """A024 and A043: the patient's record, the other kind of request, no relationship, nothing there."""

    async def _read(ubrn: str, by: httpx.AsyncClient) -> httpx.Response:
        path = f"/STU3/CommunicationRequest/{ubrn}{address}"
        if "$" in address:
            return await by.post(path, headers={"Accept": "application/pdf"})
        return await by.get(path)

    advice, referral = await talk.ask(), await _referral(talk)
    assert told(await _read(referral["id"], talk.gp))[2] == "INVALID_REQUEST_TYPE"
    assert told(await _read(referral["id"], talk.gp_elsewhere))[2] == "NO_RELATIONSHIP"
    assert told(await _read(advice["id"], talk.gp_elsewhere))[2] == "NO_RELATIONSHIP"
    assert (await _read("999999999999", talk.gp)).status_code == 404
    assert (await _read(advice["id"], talk.application)).status_code == 200
    patient = await patient_called(talk.run, PATIENT)
    await put(talk.run, msgspec.structs.replace(patient, sensitive=True))
    reply = await _read(advice["id"], talk.gp)
    await put(talk.run, patient)
    assert (reply.status_code, told(reply)[2]) == (422, "PATIENT_ERROR")
    assert NhsNumber(PATIENT) not in reply.text


REFERRAL_ACTS: Final = (
    ("GET", ""),
    ("POST", "/$ers.acceptReferral"),
    ("POST", "/$ers.generateCRI"),
    ("POST", "/$ers.generatePatientLetter"),
)


@pytest.mark.parametrize(("method", "address"), REFERRAL_ACTS)
async def test_operations_of_referrals_refuse_requests_for_advice(talk: Talk, method: str, address: str) -> None:
    """The shared look-up says so; who has no relationship learns nothing of the kind."""
    ubrn = (await talk.ask())["id"]
    client = talk.consultant if "accept" in address else talk.gp
    headers = {"If-Match": 'W/"1"', "Accept": "*/*"}
    reply = await client.request(method, f"/STU3/ReferralRequest/{ubrn}{address}", headers=headers)
    assert (reply.status_code, told(reply)[2]) == (422, "INVALID_REQUEST_TYPE")
    other = talk.consultant_elsewhere if "accept" in address else talk.gp_elsewhere
    hidden = await other.request(method, f"/STU3/ReferralRequest/{ubrn}{address}", headers=headers)
    assert (hidden.status_code, told(hidden)[2]) == (422, "NO_RELATIONSHIP")


async def test_a_missing_version_is_refused(talk: Talk) -> None:
    advice = await talk.ask()
    for name, client in (
        ("ers.sendCommunicationToRequester", talk.consultant),
        ("openers.sendCommunicationToProvider", talk.gp),
        ("openers.closeAdviceAndGuidance", talk.gp),
    ):
        reply = await client.post(f"/STU3/CommunicationRequest/{advice['id']}/${name}", json={}, headers=HEADERS)
        assert reply.status_code == 412


async def test_the_refused_question_of_an_admin_names_who_refers(talk: Talk) -> None:
    """And with the clinician named, they are the one who asks, whoever types."""
    refused = await talk.gp_admin.post(**question())
    assert told(refused)[2] == "VALUE_IS_REQUIRED"
    named = identifier("referringClinician", SDS_USER, "555073103100")
    asked = await talk.gp_admin.post(**question(named))
    assert asked.status_code == 200
    request, message = (each["resource"] for each in asked.json()["parameter"])
    role = "PractitionerRole.555073103100.D82106.REFERRING-CLINICIAN"
    assert request["requester"]["agent"]["extension"][0]["valueReference"]["reference"] == f"#{role}"
    assert message["sender"]["extension"][0]["valueReference"]["reference"] == f"#{role}"
