"""The advice and guidance operations return each of their error codes and change nothing.

The lists are those of the published error codes (rules chapter 4). `tests/api/test_rules_codes.py` covers the codes
that A044 shares with A010.
"""

from __future__ import annotations

from typing import Final

import httpx
import msgspec
import pytest

from openers.domain.identifiers import NhsNumber
from tests.kit.calls.advice_cases import BOTH_ANSWERS, CASES, LISTS, Case, referral_of, with_a_sensitive_patient
from tests.kit.calls.expectations import check_refusal, told
from tests.kit.referrals.talk import (
    Talk,
    question,
)
from tests.kit.service.arrangements import patient_called, put, stored
from tests.kit.service.requests import (
    HEADERS,
    PATIENT,
    SDS_USER,
    identifier,
)

pytestmark = pytest.mark.anyio


def test_every_published_code_has_a_case() -> None:
    """The published codes of A023, A026 and A027 have cases. A044 shares its other codes with A010."""
    assert set(BOTH_ANSWERS.split()) <= {code for number, code, _ in CASES if number == "A026"}
    assert set(BOTH_ANSWERS.split()) <= {code for number, code, _ in CASES if number == "A027"}
    assert set(LISTS.split()) == {code for number, code, _ in CASES if number == "A023"}


@pytest.mark.parametrize(("number", "code", "case"), CASES, ids=[f"{each[0]}-{each[1]}" for each in CASES])
async def test_a_code_is_reached_by_its_rule(talk: Talk, number: str, code: str, case: Case) -> None:
    reply = await case(talk)
    assert (reply.status_code, told(reply)[2]) == (422, code), f"{number}: {reply.text}"
    check_refusal(reply, "STU3")


async def test_a_refused_answer_changes_nothing(talk: Talk) -> None:
    """Even the valid files of a rejected response stay unattached, so they can be attached later."""
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
    """A025 rejects with 400, but with 404 for an unknown UBRN or another version (rules 4, A025)."""
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
            referral = await referral_of(talk)
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
    """A024 and A043 reject a sensitive patient, a referral, a caller without a relationship, and an unknown UBRN."""

    async def _read(ubrn: str, by: httpx.AsyncClient) -> httpx.Response:
        path = f"/STU3/CommunicationRequest/{ubrn}{address}"
        if "$" in address:
            return await by.post(path, headers={"Accept": "application/pdf"})
        return await by.get(path)

    advice, referral = await talk.ask(), await referral_of(talk)
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
    """A caller without a relationship gets NO_RELATIONSHIP, so the reply does not reveal the type of the request."""
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
    """An admin must name the referring clinician, who is then the requester."""
    refused = await talk.gp_admin.post(**question())
    assert told(refused)[2] == "VALUE_IS_REQUIRED"
    named = identifier("referringClinician", SDS_USER, "555073103100")
    asked = await talk.gp_admin.post(**question(named))
    assert asked.status_code == 200
    request, message = (each["resource"] for each in asked.json()["parameter"])
    role = "PractitionerRole.555073103100.D82106.REFERRING-CLINICIAN"
    assert request["requester"]["agent"]["extension"][0]["valueReference"]["reference"] == f"#{role}"
    assert message["extension"][0]["valueReference"]["reference"] == f"#{role}"
