"""Published STU3 requests: the service's responses have the shape of the published ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.conformance.letters import add_letter, author_of, refer, samples_of, told_of
from tests.conformance.likeness import Json, differences, unlike
from tests.conformance.register import assert_registered
from tests.conformance.worlds import World, table
from tests.kit.documents.reference import DIRECTORY, Example, published
from tests.kit.files.samples import Sample, maintain, scan, upload
from tests.kit.referrals.words import as_read
from tests.kit.service.requests import HEADERS
from tests.kit.service.running import GP, GP_ADMIN, Running

pytestmark = pytest.mark.anyio
Count = Callable[[int], None]


async def sent(example: Example, world: World, served: Running, body: Json | None = None) -> httpx.Response:
    """Send a published request; the admin sends it if it names the referring clinician."""
    told = world.told(example.read()) if body is None else body
    named = any(each["name"] == "referringClinician" for each in told["parameter"])
    client = await served.as_person(world.person(GP_ADMIN if named else GP))
    return await client.post(example.address, json=told, headers=HEADERS)


def without_entries(found: Json) -> Json:
    """Return a list without its entries."""
    return {**found, "entry": []}


def changed(request: Json, **values: object) -> Json:
    """Return a search with other values in its criteria."""
    criteria = next(each["resource"] for each in request["parameter"] if each["name"] == "searchCriteria")
    for parameter in criteria["parameter"]:
        if parameter["name"] in values:
            parameter["valueCoding"]["code"] = values[parameter["name"]]
    return request


async def test_searches(world: World, served: Running, compared: Count) -> None:
    """A010 finds services for every published search, in the published shape."""
    lists = [each.read() for each in published("A010")]
    found = list[Json]()
    for example in published("A010", "request"):
        reply = await sent(example, world, served)
        assert reply.status_code == 200, reply.text
        entries = reply.json()["entry"]
        assert entries, f"{example.name} finds nothing"
        assert not list(differences(without_entries(lists[-1]), without_entries(reply.json())))
        found.extend(entries)
        compared(1)
    assert_registered("A010", unlike([entry for each in lists for entry in each["entry"]], found))


async def test_search_that_finds_nothing(world: World, served: Running, compared: Count) -> None:
    """A010 returns the published empty list for a clinic type that no service has."""
    example = next(each for each in published("A010", "request") if each.name == "RcMinimal.json")
    empty = next(each for each in published("A010") if each.name == "EmptyResponse.json")
    asked = changed(world.told(example.read()), clinicType="CONGENITAL_HEART_DISEASE")
    reply = await sent(example, world, served, asked)
    assert_registered(empty.path, differences(world.told(empty.read()), reply.json()))
    compared(1)


@pytest.mark.parametrize(
    "example", [*published("A011", "request"), *published("A021", "request")], ids=lambda each: each.path
)
async def test_creations(example: Example, world: World, served: Running, compared: Count) -> None:
    """A011 and A021 create a referral like the published one, and A005 returns it."""
    reply = await sent(example, world, served)
    assert reply.status_code == 201, reply.text
    name = table()["replies"][example.number][example.name]
    expected = next(each for each in published(example.number, status="201") if each.name == name)
    assert_registered(expected.path, differences(world.told(expected.read()), reply.json()))
    names = {each.id: each.name for each in world.pack.services}
    shortlist = next(each for each in reply.json()["contained"] if each["resourceType"] == "List")
    assert all(each["item"]["display"] == names[each["item"]["identifier"]["value"]] for each in shortlist["entry"])
    client = await served.as_person(world.person(GP))
    version = reply.json()["meta"]["versionId"]
    for address in (reply.json()["id"], f"{reply.json()['id']}/_history/{version}"):
        read = await client.get(f"/STU3/ReferralRequest/{address}", headers={"X-Correlation-ID": "conformance"})
        assert (read.status_code, read.json()) == (200, as_read(reply.json()))
        assert read.headers["etag"] == reply.headers["etag"] == f'W/"{version}"'
        assert read.headers["x-correlation-id"] == "conformance"
    compared(1)


UNBOOKED = [each for each in published("A005") if each.name in {"Unbooked.json", "WithUnavailableAttachments.json"}]


@pytest.mark.parametrize("example", UNBOOKED, ids=lambda each: each.path)
async def test_unbooked_referral(example: Example, world: World, served: Running, compared: Count) -> None:
    """A005 reads a referral with the published criteria and files as published."""
    expected = world.told(example.read())
    client = await served.as_person(world.person(GP))
    ubrn = (await refer(world, client, expected))["id"]
    lettered = await add_letter(world, served, ubrn, expected)
    address = example.address.replace("{ubrn}", ubrn).replace("{version}", lettered["meta"]["versionId"])
    read = await client.get(address)
    told = told_of(world, expected, read.json(), author_of(expected))
    assert_registered(example.path, differences(told, read.json()))
    compared(1)


LETTERS = {
    "SingleDocumentReference.json": "ReferralRequestWithSingleDocumentReference.json",
    "MultipleDocumentReferences.json": "ReferralRequestWithMultipleDocumentReferences.json",
}
"""Pairs each published request with its response."""


@pytest.mark.parametrize("example", published("A012", "request"), ids=lambda each: each.name)
async def test_letters(example: Example, world: World, served: Running, compared: Count) -> None:
    """A012 adds a letter like the published one; the second response shows a changed letter."""
    reply_of = next(each for each in published("A012") if each.name == LETTERS[example.name])
    expected = world.told(reply_of.read())
    client = await served.as_person(world.person(GP))
    referral = await refer(world, client, expected)
    ubrn, version = referral["id"], referral["meta"]["versionId"]
    samples = samples_of(expected)
    if len(samples) > 1:
        first = await upload(client, samples[0]._replace(name=f"old {samples[0].name}"), ubrn)
        version = (await client.post(**maintain(ubrn, version, first))).json()["meta"]["versionId"]
    body = world.told(example.read())
    files = [await upload(client, each, ubrn) for each in samples]
    await scan(served, *files)
    for parameter, file in zip(body["parameter"], files, strict=True):
        parameter["resource"]["content"][0]["attachment"]["url"] = f"Binary/{file}"
    address = example.address.replace("{ubrn}", ubrn)
    reply = await client.post(address, json=body, headers={**HEADERS, "If-Match": f'W/"{version}"'})
    assert reply.status_code == 200, reply.text
    assert_registered(reply_of.path, differences(told_of(world, expected, reply.json(), GP), reply.json()))
    assert reply.headers["etag"] == f'W/"{reply.json()["meta"]["versionId"]}"'
    assert (await client.get(f"/STU3/ReferralRequest/{ubrn}")).content == reply.content
    compared(1)


PUBLISHED_FILES = (
    ("stu3/a020-upload-file-to-document-store/requests/upload.txt", "text/plain"),
    ("stu3/a006-retrieve-attachment/responses/example_attachment.pdf", "application/pdf"),
    ("r4/a042-retrieve-attachment/responses/example_attachment.pdf", "application/pdf"),
)


@pytest.mark.parametrize(("path", "media_type"), PUBLISHED_FILES, ids=lambda each: each)
async def test_files(path: str, media_type: str, world: World, served: Running, compared: Count) -> None:
    """A020 stores the published files, and A006 and A042 return them unchanged."""
    content = (Path(DIRECTORY) / "examples" / path).read_bytes()
    client = await served.as_person(world.person(GP))
    file = await upload(client, Sample(path.rpartition("/")[2], media_type, content))
    await scan(served, file)
    read = await client.get(f"/STU3/Binary/{file}")
    assert (read.status_code, read.content, read.headers["content-type"]) == (200, content, media_type)
    address = await client.get(f"/R4/Binary/{file}")
    assert address.status_code == 307
    assert (await served.pages().get(address.headers["location"])).content == content
    compared(1)


@pytest.mark.parametrize("example", published("A004"), ids=lambda each: each.name)
async def test_reference_data(example: Example, world: World, served: Running, compared: Count) -> None:
    """A004 returns every published concept, with its display and ordered properties; ours may have more concepts."""
    client = await served.as_person(world.person(GP))
    expected = world.told(example.read())
    reply = (await client.get(f"/STU3/CodeSystem/{expected['id']}")).json()
    concepts = {each["code"]: each for each in reply["concept"]}
    known = [each["code"] for each in expected["concept"]]
    ours = {**reply, "concept": [concepts[code] for code in known if code in concepts]}
    assert_registered(example.path, differences(expected, ours))
    compared(1)
