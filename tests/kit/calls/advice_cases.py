"""Calls of the advice and guidance operations that the service rejects, each with the code that the rule requires.

The lists are those of the published error codes (rules chapter 4). Used by `tests/advice/test_codes.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import httpx
import msgspec

from openers.domain.attachments import Availability
from openers.domain.codes import Priority
from openers.domain.identifiers import FileId
from tests.kit.referrals.talk import (
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
from tests.kit.referrals.words import document, said, uploaded
from tests.kit.service.arrangements import patient_called, put, service_called
from tests.kit.service.requests import (
    CS,
    ERS_SERVICE,
    PATIENT,
    SDS_USER,
    Json,
    coding,
    create_for_triage,
    identifier,
    parameters_of,
)
from tests.kit.service.running import entry

SPECIALTY: Final = "_baseUrl_/STU3/CodeSystem/SPECIALTY"
INDICATOR: Final = f"{CS}eRS-AssignedIndicator-1"
PLACES: Final = "https://directory.spineservices.nhs.uk/STU3/Organization"
BOTH_ANSWERS: Final = """PATIENT_ERROR NO_RELATIONSHIP UNSUPPORTED_PRIORITY INAPPROPRIATE_VALUE INVALID_VALUE
    INVALID_REQUEST_STATE INVALID_STATE MISSING_VALUE VALUE_IS_REQUIRED REFERENCE_NOT_FOUND DUPLICATE_FILENAME
    CONFLICTING_VALUES"""
"""The published error codes of both A026 and A027."""
LISTS: Final = """REFERENCE_NOT_FOUND MISSING_VALUE NO_RELATIONSHIP INVALID_VALUE INVALID_CODE UNEXPECTED_FIELD
    INVALID_FHIR_STRUCTURE"""
"""The published error codes of A023."""
Case = Callable[[Talk], Awaitable[httpx.Response]]


def responded(*changes: Json, outcome: str = "RETURN_TO_REFERRER_WITH_ADVICE", without: tuple[str, ...] = ()) -> Case:
    """Return a case that calls A026 on a new request."""

    async def _ask(talk: Talk) -> httpx.Response:
        body = parameters_of(
            "SendCommunicationToRequester-Request", response(*changes, outcome=outcome, without=without)
        )
        return await talk.send("ers.sendCommunicationToRequester", await talk.ask(), body, talk.consultant)

    return _ask


def converted(*changes: Json, without: tuple[str, ...] = ()) -> Case:
    """Return a case that calls A027 on a new request."""

    async def _ask(talk: Talk) -> httpx.Response:
        return await talk.consultant.post(**conversion(await talk.ask(), *changes, without=without))

    return _ask


def with_files(number: str, *names: str, kind: str | None = None, meant: bool = True) -> Case:
    """Return a case that calls A026 or A027 with files of these names.

    If `meant` is false, the files are uploaded without naming the request.
    """

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
    """Return a case that names one file twice: in one list (A026), or in both lists of A027."""

    async def _ask(talk: Talk) -> httpx.Response:
        advice = await talk.ask()
        address = await uploaded(talk.consultant, advice["id"], "twice.txt")
        first = document("guidanceAttachmentFile", address, "GUIDANCE_RESPONSE")
        second = first if number == "A026" else document("reviewAttachmentFile", address, "PROVIDER")
        return await _sent(talk, number, advice, first, second)

    return _ask


def with_a_file_of_another_request(number: str) -> Case:
    """Return a case that names a file uploaded for another UBRN."""

    async def _ask(talk: Talk) -> httpx.Response:
        other = await talk.ask()
        file = await talk.attach("guidanceAttachmentFile", "GUIDANCE_RESPONSE", "a.txt", other, talk.consultant)
        return await _sent(talk, number, await talk.ask(), file)

    return _ask


def with_a_file_in_quarantine(number: str) -> Case:
    """Return a case that names a file in which the scan found a threat."""

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
    """Return a case in which a clinician of another provider calls the operation."""

    async def _ask(talk: Talk) -> httpx.Response:
        advice, by = await talk.ask(), talk.consultant_elsewhere
        return await (talk.respond(advice, by=by) if number == "A026" else talk.convert(advice, by=by))

    return _ask


def with_a_sensitive_patient(act: Callable[[Talk, Json], Awaitable[httpx.Response]]) -> Case:
    """Return a case in which the patient's record becomes sensitive after the request was sent."""

    async def _ask(talk: Talk) -> httpx.Response:
        advice, patient = await talk.ask(), await patient_called(talk.run, PATIENT)
        await put(talk.run, msgspec.structs.replace(patient, sensitive=True))
        try:
            return await act(talk, advice)
        finally:
            await put(talk.run, patient)

    return _ask


def where_urgency_is_not_taken(number: str) -> Case:
    """Return a case that asks for an urgent referral from a service that accepts only routine requests."""

    async def _ask(talk: Talk) -> httpx.Response:
        advice, service = await talk.ask(), await service_called(talk.run, ADVICE)
        await put(talk.run, msgspec.structs.replace(service, priorities=frozenset({Priority.ROUTINE})))
        name = "updatedPriority" if number == "A026" else "newReferralPriority"
        try:
            return await _sent(talk, number, advice, coding(name, "Priority", "URGENT"))
        finally:
            await put(talk.run, service)

    return _ask


async def of_answered(talk: Talk) -> Json:
    """Return a request that the provider has answered."""
    return await talk.done(await talk.respond(await talk.ask()))


async def _respond_again(talk: Talk) -> httpx.Response:
    return await talk.respond(await of_answered(talk))


async def _convert_what_was_answered(talk: Talk) -> httpx.Response:
    return await talk.convert(await of_answered(talk))


def unversioned() -> Case:
    """Return a case that calls A027 without the version of the request."""

    async def _ask(talk: Talk) -> httpx.Response:
        origin = f"CommunicationRequest/{(await talk.ask())['id']}"
        change: Json = {"name": "createFrom", "valueReference": {"reference": origin}}
        return await talk.consultant.post(**conversion(await talk.ask(), change))

    return _ask


def listing(*parameters: Json, without: tuple[str, ...] = ()) -> Case:
    """Return a case that calls A023."""

    async def _ask(talk: Talk) -> httpx.Response:
        request = worklist(*parameters)
        request["json"]["parameter"] = [each for each in request["json"]["parameter"] if each["name"] not in without]
        return await talk.consultant.post(**request)

    return _ask


def replying(*parameters: Json) -> Case:
    """Return a case that calls X001 on a new request."""

    async def _ask(talk: Talk) -> httpx.Response:
        body = own("SendCommunicationToProvider", list(parameters))
        return await talk.send("openers.sendCommunicationToProvider", await talk.ask(), body, talk.gp)

    return _ask


def closing(*parameters: Json, answered: bool = True) -> Case:
    """Return a case that calls X002, on an answered or an unanswered request."""

    async def _ask(talk: Talk) -> httpx.Response:
        return await talk.close(await (of_answered(talk) if answered else talk.ask()), *parameters)

    return _ask


def asking(*changes: Json, services: tuple[str, ...] = (ADVICE,)) -> Case:
    """Return a case that calls A044."""

    async def _ask(talk: Talk) -> httpx.Response:
        return await talk.gp.post(**question(*changes, services=services))

    return _ask


async def _reply_with_a_file_without_words(talk: Talk) -> httpx.Response:
    advice = await talk.ask()
    return await talk.reply(
        advice, await talk.attach("requestAttachmentFile", "ADVICE_REQUEST", "a.txt", advice, talk.gp)
    )


async def _respond_to_a_referral(talk: Talk) -> httpx.Response:
    return await talk.respond(await referral_of(talk))


async def _convert_a_referral(talk: Talk) -> httpx.Response:
    return await talk.convert(await referral_of(talk))


async def referral_of(talk: Talk) -> Json:
    """Create a referral to which both the referrer and the provider have a legitimate relationship."""
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
