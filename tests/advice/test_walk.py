"""A whole conversation: question, further questions, replies, response, then closed or converted into a referral."""

from __future__ import annotations

import pytest

from tests.kit.documents.replies import in_common
from tests.kit.referrals.talk import (
    ADVICE,
    MESSAGE_PARTS,
    NOT_AUTHORISED,
    REQUIRE,
    Talk,
    answers,
    authorisation,
    columns_of,
    entries_of,
    priority_of,
    state_of,
    texts_of,
)
from tests.kit.referrals.words import appointment_of, said
from tests.kit.referrals.words import state_of as referral_state
from tests.kit.service.requests import coding

pytestmark = pytest.mark.anyio
UBRN = "https://fhir.nhs.uk/Id/UBRN"


async def test_from_question_to_referral(both: Talk) -> None:
    """After the conversion, the referral and the request share one UBRN, and A041 returns both."""
    asked = await both.ask()
    assert state_of(asked) == ("PROVIDER_RESPONSE_REQUIRED", "active")
    assert asked["meta"]["versionId"] == "1"
    questioned = await both.done(await both.respond(asked, said("guidance", "Which tablets?"), outcome=REQUIRE))
    assert state_of(questioned) == ("REFERRER_TO_SUBMIT_FURTHER_INFORMATION", "active")
    file = await both.attach("requestAttachmentFile", "ADVICE_REQUEST", "tablets.txt", questioned, both.gp)
    replied = await both.done(await both.reply(questioned, said("reply", "These."), file))
    assert state_of(replied) == ("PROVIDER_RESPONSE_REQUIRED", "active")
    guidance = await both.attach("guidanceAttachmentFile", "GUIDANCE_RESPONSE", "plan.txt", replied, both.consultant)
    review = await both.attach("reviewAttachmentFile", "PROVIDER", "review.txt", replied, both.consultant)
    reply = await both.convert(replied, guidance, review)
    assert reply.status_code == 201, reply.text
    referral = reply.json()
    assert referral["id"] == asked["id"]
    outcome = "PROVIDER_CONVERTED_ADVICE_AND_GUIDANCE_ADMIN_TO_REFER"
    assert referral_state(referral) == ("TRIAGED_PROVIDER_TO_ACTION", outcome, "Book the heart failure clinic.")
    appointment = appointment_of(referral)
    assert appointment is not None
    assert (appointment["status"], appointment["comment"]) == ("proposed", "Book the heart failure clinic.")
    documents = {each["id"]: each for each in referral["contained"] if each["resourceType"] == "DocumentReference"}
    *references, origin = (each["reference"] for each in referral["supportingInfo"])
    shown = [documents[each.removeprefix("#")] for each in references]
    assert [each["content"][0]["attachment"]["title"] for each in shown] == [
        f"Advice and guidance conversation - {asked['id']}.pdf",
        "tablets.txt",
        "plan.txt",
        "review.txt",
    ]
    assert [each["type"]["coding"][0]["code"] for each in shown] == [
        "REFERRER",
        "ADVICE_REQUEST",
        "GUIDANCE_RESPONSE",
        "PROVIDER",
    ]
    assert origin == f"CommunicationRequest/{asked['id']}"
    converted = await both.read(asked)
    assert state_of(converted) == ("ADVICE_CONVERTED", "completed")
    assert priority_of(converted) == "URGENT"
    read = await both.consultant.get(f"/STU3/ReferralRequest/{asked['id']}")
    assert (read.status_code, read.content) == (200, reply.content)
    assert read.headers["etag"] == f'W/"{referral["meta"]["versionId"]}"'
    assert "etag" not in reply.headers
    found = (await both.gp.get("/R4/ServiceRequest", params={"identifier": f"{UBRN}|{asked['id']}"})).json()
    assert [(each["resource"]["id"][:2], each["resource"]["status"]) for each in found["entry"]] == [
        ("r.", "active"),
        ("a.", "completed"),
    ]
    said_so_far = texts_of((await both.messages(converted)).json())
    assert said_so_far == [
        ("REQUESTER", "What would you do?"),
        ("RESPONDER", "Which tablets?"),
        ("REQUESTER", "These."),
        ("RESPONDER", "We will see the patient."),
    ]


async def test_the_printed_conversation_can_be_fetched_at_once(both: Talk) -> None:
    """The PDF of a converted conversation needs no scan, and both sides can read it."""
    converted = await both.convert(await both.ask())
    address = next(
        each["content"][0]["attachment"]["url"]
        for each in converted.json()["contained"]
        if each["resourceType"] == "DocumentReference"
    )
    for client in (both.gp, both.consultant, both.application):
        file = await client.get(f"/STU3/{address}", headers={"Accept": "*/*"})
        assert (file.status_code, file.content[:5]) == (200, b"%PDF-")
    refused = await both.gp_elsewhere.get(f"/STU3/{address}", headers={"Accept": "*/*"})
    assert refused.status_code == 422


async def test_from_question_to_close_out(both: Talk) -> None:
    """The referrer gets a response with a file, asks again, gets another response and closes the conversation."""
    asked = await both.ask()
    file = await both.attach("guidanceAttachmentFile", "GUIDANCE_RESPONSE", "leaflet.txt", asked, both.consultant)
    reply = await both.respond(asked, file, coding("updatedPriority", "Priority", "URGENT"))
    answered = await both.done(reply)
    assert state_of(answered) == ("REFERRER_TO_REVIEW_RESPONSE", "active")
    assert priority_of(answered) == "URGENT"
    message = reply.json()["parameter"][1]["resource"]
    assert message["payload"][0]["contentReference"]["reference"].startswith("#DocumentReference-")
    again = await both.done(await both.reply(answered))
    answered = await both.done(await both.respond(again))
    closing = await both.close(answered, *answers(useful=False), said("comments", "Too late."))
    closed = await both.done(closing)
    assert state_of(closed) == ("CONVERSATION_ENDED_CLOSED", "completed")
    assert closing.headers["etag"] == f'W/"{closed["meta"]["versionId"]}"'
    (told,) = closed["_status"]["extension"]
    assert {each["url"]: each.get("valueBoolean", each.get("valueString")) for each in told["extension"]} == {
        "referralAvoided": True,
        "adviceUseful": False,
        "comments": "Too late.",
    }
    assert await both.read(closed, both.consultant) == closed


async def test_a_question_can_be_withdrawn(talk: Talk) -> None:
    """An unanswered question can be withdrawn without close-out answers."""
    withdrawn = await talk.done(await talk.close(await talk.ask()))
    assert state_of(withdrawn) == ("CONVERSATION_ENDED_CANCELLED", "cancelled")
    assert "_status" not in withdrawn


async def test_what_is_not_authorised_is_not_converted(talk: Talk) -> None:
    asked = await talk.ask(authorisation(NOT_AUTHORISED))
    refused = await talk.convert(asked)
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["details"]["coding"][0]["code"] == "INVALID_REQUEST_STATE"
    assert in_common(await talk.read(asked)) == in_common(asked)


async def test_clinical_information_joins_the_request_itself(talk: Talk) -> None:
    """Clinical information adds a note with a fixed text to the conversation. Its file belongs to the request."""
    asked = await talk.ask()
    file = await talk.attach("clinicalInformationFile", "REFERRER", "record.txt", asked, talk.gp)
    amended = await talk.done(await talk.reply(asked, file))
    assert state_of(amended) == ("PROVIDER_RESPONSE_REQUIRED", "active")
    (document,) = (each for each in amended["contained"] if each["resourceType"] == "DocumentReference")
    assert amended["payload"] == [{"contentReference": {"reference": f"#{document['id']}"}}]
    bundle = (await talk.messages(amended, MESSAGE_PARTS[2])).json()
    assert texts_of(bundle)[1] == (
        "REFERRER_CLINICAL_INFORMATION_UPDATED",
        "NOTE: Clinical Information has been added/amended",
    )
    assert {each["resource"]["resourceType"] for each in bundle["entry"]} == {"Communication"}


async def test_the_worklist_has_what_goes_on(talk: Talk) -> None:
    """The worklist also contains requests that wait for the referrer, but none that have ended."""
    waiting, ended = await talk.ask(), await talk.ask()
    await talk.close(ended)
    questioned = await talk.done(await talk.respond(await talk.ask(), outcome=REQUIRE))
    answered = await talk.done(await talk.respond(await talk.ask()))
    converted = await talk.ask()
    await talk.convert(converted)
    for client in (talk.consultant, talk.consultant_admin, talk.provider_admin):
        listed = await talk.listed(by=client)
        assert {waiting["id"], questioned["id"], answered["id"]} <= set(entries_of(listed))
        assert not {ended["id"], converted["id"]} & set(entries_of(listed))
    columns = columns_of(await talk.listed(), questioned["id"])
    assert columns["category"]["coding"][0]["code"] == "REFERRER_TO_SUBMIT_FURTHER_INFORMATION"
    assert columns["communicationRequestVersion"] == int(questioned["meta"]["versionId"])
    assert columns["service"]["identifier"]["value"] == ADVICE
    assert columns["adviceFirstRequested"] < columns["adviceLastUpdated"]
    assert entries_of(await talk.listed(by=talk.consultant_elsewhere)) == []
