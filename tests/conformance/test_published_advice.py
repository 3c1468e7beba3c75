"""Published requests for advice and their conversations: rebuilt in both worlds, they read as published.

Messages are matched by their text and files by their names, because the publisher states no order of either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import pytest
from tests.conformance.conversations import (
    Json,
    Stage,
    contained,
    documents,
    nodes,
    only,
    placed,
    plain,
    priority_of,
)
from tests.conformance.likeness import differences
from tests.conformance.register import assert_registered
from tests.conformance.retelling import retold
from tests.conformance.worlds import World
from tests.kit.documents.reference import BASE, Example, published
from tests.kit.referrals.words import said
from tests.kit.service.requests import HEADERS
from tests.kit.service.running import CONSULTANT, GP, Running

from openers.domain.identifiers import UserId

pytestmark = pytest.mark.anyio
Count = Callable[[int], None]

ADVISING: Final = {"11000": "11014"}
"""A published service that gives advice, mapped to the service of the demo world that does."""


@pytest.fixture
def stage(world: World, served: Running) -> Stage:
    """Return the users of a conversation, for each of the worlds."""
    return Stage(world, served)


def told(example: Example, stage: Stage) -> Json:
    """Return a published body with the ids of this world."""
    return placed(retold(example.read(), stage.world, ADVISING), stage.world)


def compare(example: Example, expected: Json, ours: Json) -> None:
    """Assert that our response equals the published one, except for registered differences."""
    assert_registered(example.path, differences(plain(expected), plain(ours)))


def asker_of(shown: Json) -> str:
    """Return the user who asks for advice."""
    return str(contained(shown, "PractitionerRole")["practitioner"]["identifier"]["value"])


@pytest.mark.parametrize("example", published("A044", "request"), ids=lambda each: each.name)
async def test_questions(example: Example, stage: Stage, compared: Count) -> None:
    """A044 responds as published to the clinician of the published response."""
    reply_of = only("A044", example.name)
    expected = told(reply_of, stage)
    by = await stage.asker(asker_of(expected["parameter"][0]["resource"]))
    reply = await by.post(example.address, json=told(example, stage), headers=HEADERS)
    assert reply.status_code == 200, reply.text
    compare(reply_of, expected, reply.json())
    compared(1)


@pytest.mark.parametrize("example", published("A024"), ids=lambda each: each.path)
async def test_requests_read(example: Example, stage: Stage, compared: Count) -> None:
    """A024 returns the request, with the clinical information that the referrer has added since."""
    expected = told(example, stage)
    by = await stage.asker(asker_of(expected))
    advice = await stage.ask(by, expected)
    files = await stage.files(by, "clinicalInformationFile", documents(expected, "REFERRER"), advice["id"])
    if files:
        advice = await stage.reply(by, advice, *files)
    address = example.address.replace("{ubrn}", advice["id"]).replace("{version}", advice["meta"]["versionId"])
    read = await by.get(address)
    assert read.status_code == 200, read.text
    assert read.headers["etag"] == f'W/"{advice["meta"]["versionId"]}"'
    compare(example, expected, read.json())
    compared(1)


@pytest.mark.parametrize("example", published("A025"), ids=lambda each: each.name)
async def test_conversations(example: Example, stage: Stage, compared: Count) -> None:
    """A025 returns the messages of both sides in the published words, with the published query."""
    expected = told(example, stage)
    model = told(only("A024", "MinimalExample.json"), stage)
    found = [each["resource"] for each in expected["entry"]]
    messages = sorted(
        (each for each in found if each["resourceType"] == "Communication"), key=lambda each: each["sent"]
    )
    advice: Json = {}
    for before, message in zip([None, *messages], messages, strict=False):
        advice = await follow(stage, advice or model, before, message, found)
    query = expected["link"][0]["url"].partition("&")[2]
    based_on = f"CommunicationRequest/{advice['id']}/_history/{advice['meta']['versionId']}"
    key = sender_of(messages[0])
    read = await (await stage.person(key)).get(f"/STU3/Communication?based-on={based_on}&{query}")
    assert read.status_code == 200, read.text
    compare(example, expected, read.json())
    compared(1)


def sender_of(message: Json) -> str:
    """Return the key of the sender's role."""
    reference = message["sender"]["extension"][0]["valueReference"]["reference"]
    return str(reference.removeprefix("PractitionerRole/"))


async def follow(stage: Stage, advice: Json, before: Json | None, message: Json, found: list[Json]) -> Json:
    """Add one more message and return the updated request.

    Between two messages of the provider, the referrer has to reply.
    """
    by, text = await stage.person(sender_of(message)), message["note"][0]["text"]
    named = [each["contentReference"]["reference"].rpartition("/")[2] for each in message.get("payload", ())]
    files = [each for each in found if each["resourceType"] == "DocumentReference" and each["id"] in named]
    if before is None:
        return await stage.ask(by, advice, text, await stage.files(by, "requestAttachmentFile", files, None))
    if message["category"][0]["coding"][0]["code"] == "REQUESTER":
        return await stage.reply(by, advice, said("reply", text))
    if before["category"] == message["category"]:
        asker = await stage.person(asker_key(advice))
        advice = await stage.reply(asker, advice, said("reply", "What is missing?"))
    return await stage.respond(by, advice, text, await stage.files(by, "guidanceAttachmentFile", files, advice["id"]))


def asker_key(advice: Json) -> str:
    """Return the key of the role that asks for advice."""
    return str(contained(advice, "PractitionerRole")["id"].removeprefix("PractitionerRole."))


@pytest.mark.parametrize("example", published("A026", "request"), ids=lambda each: each.name)
async def test_responses(example: Example, stage: Stage, compared: Count) -> None:
    """A026 responds as published to the published clinician."""
    reply_of = only("A026", example.name)
    expected = told(reply_of, stage)
    shown, message = (each["resource"] for each in expected["parameter"])
    advice = await stage.ask(await stage.asker(asker_of(shown)), shown)
    by = await stage.provider(asker_of(message))
    address = example.address.replace("{ubrn}", advice["id"])
    tag = {"If-Match": f'W/"{advice["meta"]["versionId"]}"'}
    reply = await by.post(address, json=told(example, stage), headers={**HEADERS, **tag})
    assert reply.status_code == 200, reply.text
    compare(reply_of, expected, reply.json())
    compared(1)


CONVERTED: Final = [*published("A027", status="201"), *(each for each in published("A005") if "Converted" in each.name)]


@pytest.mark.parametrize("example", CONVERTED, ids=lambda each: each.path)
async def test_conversions(example: Example, stage: Stage, compared: Count) -> None:
    """A027, and A005 of the referral that it created, show the published priority, comments and files."""
    expected = told(example, stage)
    asker, provider = await people_of(expected, stage)
    files = await stage.files(asker, "requestAttachmentFile", documents(expected, "ADVICE_REQUEST"), None)
    advice = await stage.ask(asker, expected, files=files)
    request = only("A027", "NoAttachments.json", "request")
    body = told(request, stage)
    wanted = {each["name"]: each for each in body["parameter"]}
    wanted["createFrom"]["valueReference"]["reference"] = f"CommunicationRequest/{advice['id']}/_history/1"
    wanted["newReferralPriority"]["valueCoding"]["code"] = priority_of(expected)
    wanted["reviewComments"]["valueString"] = contained(expected, "Appointment")["comment"]
    for name, kind in (("guidanceAttachmentFile", "GUIDANCE_RESPONSE"), ("reviewAttachmentFile", "PROVIDER")):
        body["parameter"] += await stage.files(provider, name, documents(expected, kind), advice["id"])
    reply = await provider.post(request.address, json=body, headers=HEADERS)
    assert reply.status_code == 201, reply.text
    referral = reply.json()
    assert referral["id"] == advice["id"]
    if example.number == "A005":
        address = example.address.replace("{ubrn}", advice["id"]).replace("{version}", referral["meta"]["versionId"])
        referral = (await asker.get(address)).json()
    compare(example, expected, referral)
    compared(1)


async def people_of(expected: Json, stage: Stage) -> tuple[Any, Any]:
    """Return clients for the user who asks and the user who converts: those who attached the published files."""
    asked, converted = stage.world.id(UserId, GP.user), stage.world.id(UserId, CONSULTANT.user)
    for each in nodes(expected):
        if each.get("resourceType") == "DocumentReference":
            extensions = each["content"][0]["attachment"]["extension"]
            (by,) = (one for one in extensions if one["url"].endswith("AttachedBy-1"))
            user = by["valueReference"]["identifier"]["value"]
            if each["type"]["coding"][0]["code"] == "ADVICE_REQUEST":
                asked = user
            else:
                converted = user
    return await stage.asker(asked), await stage.provider(converted)


UBRN: Final = "https://fhir.nhs.uk/Id/UBRN|"


async def test_requests_by_ubrn(stage: Stage, compared: Count) -> None:
    """A041 finds a request for advice and, after its conversion, both resources under the same UBRN."""
    example = only("A041", "ResponseExampleAdvice.json")
    expected = stage.world.told(example.read())
    model = told(only("A024", "MinimalExample.json"), stage)
    asker, provider = await people_of({}, stage)
    advice = await stage.ask(asker, model)
    address = f"/R4/ServiceRequest?identifier={quote(UBRN + advice['id'], '')}"
    found = (await asker.get(address)).json()
    assert found["entry"][0]["resource"]["id"] == advice["identifier"][0]["value"]
    assert found["entry"][0]["resource"]["meta"]["versionId"] == advice["meta"]["versionId"]
    assert found["link"][0]["url"] == f"{BASE}{address}"
    for each in (expected, found):
        one = each["entry"][0]["resource"]
        each["link"] = each["entry"][0]["fullUrl"] = one["identifier"][0]["value"] = "(where it is)"
        each["id"] = "(uuid)"
    assert_registered(example.path, differences(plain_request(expected), plain_request(found)))
    request = only("A027", "NoAttachments.json", "request")
    body = told(request, stage)
    body["parameter"][0]["valueReference"]["reference"] = f"CommunicationRequest/{advice['id']}/_history/1"
    assert (await provider.post(request.address, json=body, headers=HEADERS)).status_code == 201
    both = (await asker.get(address)).json()
    kinds = [each["resource"]["category"][0]["coding"][0]["code"] for each in both["entry"]]
    assert (sorted(kinds), both["total"]) == (["referral", "request"], 2)
    compared(1)


def plain_request(bundle: Json) -> Json:
    """Mask the id of the request within the bundle."""
    bundle["entry"][0]["resource"]["id"] = "(request id)"
    return bundle


async def test_the_worklist(stage: Stage, compared: Count) -> None:
    """A023 lists a new question and one whose provider needs more information, with the published rows."""
    request, reply_of = published("A023", "request")[0], published("A023")[0]
    expected = told(reply_of, stage)
    model = told(only("A024", "MinimalExample.json"), stage)
    provider = await stage.provider(stage.world.id(UserId, CONSULTANT.user))
    made: list[Json] = []
    for row in expected["entry"]:
        columns = {each["url"]: each for each in row["extension"][0]["extension"]}
        by = await stage.asker(columns["referrer"]["valueReference"]["identifier"]["value"])
        advice = await stage.ask(by, asked_like(model, columns))
        if columns["category"]["valueCodeableConcept"]["coding"][0]["code"] != "PROVIDER_RESPONSE_REQUIRED":
            advice = await stage.respond(provider, advice, "Please send the results.")
        made.append(advice)
    listed = await provider.post(request.address, json=told(request, stage), headers=HEADERS)
    assert listed.status_code == 200, listed.text
    ours: Json = listed.json()
    rows = {row["item"]["reference"][-12:]: row for row in ours["entry"]}
    assert rows.keys() == {each["id"] for each in made}
    ours["entry"] = [plain_row(rows[each["id"]]) for each in made]
    expected["entry"] = [plain_row(row) for row in expected["entry"]]
    compare(reply_of, expected, ours)
    compared(1)


def asked_like(model: Json, columns: Json) -> Json:
    """Set the priority of a published row in the model of a request."""
    (found,) = (each for each in contained(model, "Parameters")["parameter"] if each["name"] == "priority")
    found["valueCoding"]["code"] = columns["priority"]["valueCodeableConcept"]["coding"][0]["code"]
    return model


def plain_row(row: Json) -> Json:
    """Replace the versions and the service's name in a row with marks."""
    for each in row["extension"][0]["extension"]:
        if each["url"] == "communicationRequestVersion":
            assert each.pop("valueInteger") > 0
        if "display" in each.get("valueReference", {}):
            each["valueReference"]["display"] = "(name)"
    return row
