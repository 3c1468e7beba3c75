"""Support for tests that attach the letters of published referrals in either world."""

from __future__ import annotations

from typing import Any, Final

import httpx
from tests.conformance.worlds import World
from tests.kit.documents.reference import published
from tests.kit.files.samples import (
    INFECTED,
    LYING,
    SAMPLES,
    Sample,
    attachments_of,
    availability_of,
    document,
    documents_of,
    maintain,
    scan,
    upload,
)
from tests.kit.service.requests import HEADERS
from tests.kit.service.running import GP, GP_ADMIN, Person, Running

from openers.domain.identifiers import UserId

Json = dict[str, Any]

BY_EXTENSION: Final = {each.name.rpartition(".")[2]: each for each in SAMPLES}
GENERATED: Final = ("id", "url", "size", "creation")
"""The attributes of a file that the service generates."""


def author_of(referral: Json) -> Person:
    """Return who attaches the files of a published referral: an admin, if it was on behalf of another user."""
    for_somebody = any("AttachedOnBehalfOf" in str(each["extension"]) for each in attachments_of(referral))
    return GP_ADMIN if for_somebody else GP


def samples_of(referral: Json) -> list[Sample]:
    """Return files with the names of a published referral, which the scan will give the same results."""
    standing = {"THREATS_FOUND": INFECTED.content, "VALIDATION_FAILED": LYING.content}
    found = list[Sample]()
    for each, availability in zip(attachments_of(referral), availability_of(referral), strict=True):
        like = BY_EXTENSION[each["title"].rpartition(".")[2]]
        found.append(Sample(each["title"], like.media_type, standing.get(availability, like.content)))
    return found


async def refer(world: World, client: httpx.AsyncClient, expected: Json) -> Json:
    """Create a referral with the criteria of a published one, from the smallest published request."""
    request = next(each for each in published("A011", "request") if each.name == "MinimalRequest.json")
    body: Json = world.told(request.read())
    shortlist = next(each["resource"] for each in body["parameter"] if each["name"] == "shortlist")
    shortlist["contained"][0]["parameter"] = next(
        each["parameter"] for each in expected["contained"] if each["resourceType"] == "Parameters"
    )
    body["parameter"] = [each for each in body["parameter"] if each["name"] != "eReferralPathwayStart"]
    created = await client.post(request.address, json=body, headers=HEADERS)
    assert created.status_code == 201, created.text
    return created.json()


async def add_letter(world: World, run: Running, ubrn: str, expected: Json) -> Json:
    """Attach files like those of a published referral, and return the updated referral.

    The files are scanned, unless the published ones are pending.
    """
    client = await run.as_person(world.person(author_of(expected)))
    before = (await client.get(f"/STU3/ReferralRequest/{ubrn}")).json()
    files = [await upload(client, each, ubrn) for each in samples_of(expected)]
    named = [document(file, each.get("description")) for file, each in zip(files, documents_of(expected), strict=True)]
    reply = await client.post(**maintain(ubrn, before["meta"]["versionId"], *named))
    assert reply.status_code == 200, reply.text
    states = availability_of(expected)
    await scan(run, *(file for file, state in zip(files, states, strict=True) if state != "PENDING"))
    return (await client.get(f"/STU3/ReferralRequest/{ubrn}")).json()


def told_of(world: World, expected: Json, ours: Json, author: Person) -> Json:
    """Return the published referral with our file ids, sizes and dates, and with our users."""
    people = {"AttachedBy-1": author.user, "AttachedOnBehalfOf-1": GP.user}
    known: dict[str, str] = {}
    for theirs, own in zip(documents_of(expected), documents_of(ours), strict=True):
        known[theirs["id"]] = own["id"]
        theirs |= {"id": own["id"], "indexed": own["indexed"]}
    for theirs, own in zip(attachments_of(expected), attachments_of(ours), strict=True):
        theirs |= {name: own[name] for name in GENERATED}
        for each in theirs["extension"]:
            person = people.get(each["url"].rpartition("-eRS-")[2])
            if person is not None:
                each["valueReference"]["identifier"]["value"] = world.id(UserId, person)
    expected["supportingInfo"] = [
        {"reference": f"#{known[each['reference'][1:]]}"} for each in expected["supportingInfo"]
    ]
    return expected
