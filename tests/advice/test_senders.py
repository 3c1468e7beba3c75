"""Each message names its sender and the responsible clinician. If an administrator sends it, it names both."""

from __future__ import annotations

from typing import Final

import pytest

from tests.kit.referrals.talk import AS_REFERRER, MESSAGE_PARTS, REQUIRE, Talk, question
from tests.kit.referrals.words import said
from tests.kit.service.requests import Json
from tests.kit.service.running import CONSULTANT, CONSULTANT_ADMIN, GP, GP_ADMIN, Person

pytestmark = pytest.mark.anyio
REQUESTER_PART, SENDER_PART, _ = MESSAGE_PARTS
REFERRER: Final = f"{GP.user}.{GP.organisation}.REFERRING-CLINICIAN"
REFERRER_ADMIN: Final = f"{GP_ADMIN.user}.{GP_ADMIN.organisation}.REFERRING-CLINICIAN-ADMIN"
PROVIDER: Final = f"{CONSULTANT.user}.{CONSULTANT.organisation}.SERVICE-PROVIDER-CLINICIAN"
REPRESENTED: Final = f"{CONSULTANT_ADMIN.on_behalf_of}.{CONSULTANT.organisation}.SERVICE-PROVIDER-CLINICIAN"
PROVIDER_ADMIN: Final = f"{CONSULTANT_ADMIN.user}.{CONSULTANT.organisation}.SERVICE-PROVIDER-CLINICIAN-ADMIN"


def requester_and_sender(message: Json) -> tuple[str, str]:
    """Return the roles of requester and sender of a message."""
    (requester,) = message["extension"]
    assert requester["url"].endswith("/Extension-Communication-Requester-1")
    (sender,) = message["sender"]["extension"]
    return requester["valueReference"]["reference"], sender["valueReference"]["reference"]


def contained_roles(message: Json) -> list[str]:
    """Return the ids of the roles that a message contains."""
    return [each["id"] for each in message["contained"] if each["resourceType"] == "PractitionerRole"]


def assert_says_both(message: Json, clinician: str, administrator: str) -> None:
    """Check that the message contains and refers to both roles."""
    keys = [f"PractitionerRole.{clinician}", f"PractitionerRole.{administrator}"]
    assert contained_roles(message) == keys
    assert requester_and_sender(message) == (f"#{keys[0]}", f"#{keys[1]}")
    shown = {each["id"]: each for each in message["contained"]}[keys[1]]
    assert shown["practitioner"]["identifier"]["value"] == administrator.partition(".")[0]
    assert shown["code"][0]["coding"][0]["code"] == administrator.rpartition(".")[2].replace("-", "_")


def included(bundle: Json) -> set[str]:
    """Return the ids of the roles that a search result includes besides the messages."""
    return {e["resource"]["id"] for e in bundle["entry"] if e["resource"]["resourceType"] == "PractitionerRole"}


async def test_a_question_of_an_administrator_names_both(both: Talk) -> None:
    """In A044 and A025, the administrator is the sender and the clinician the requester.

    The request itself names only the clinician.
    """
    reply = await both.gp_admin.post(**question(AS_REFERRER))
    request, message = (each["resource"] for each in reply.json()["parameter"])
    assert_says_both(message, REFERRER, REFERRER_ADMIN)
    assert contained_roles(request) == [f"PractitionerRole.{REFERRER}"]
    bundle = (await both.messages(request, *MESSAGE_PARTS)).json()
    (shown,) = (each["resource"] for each in bundle["entry"] if each["search"]["mode"] == "match")
    assert requester_and_sender(shown) == (f"PractitionerRole/{REFERRER}", f"PractitionerRole/{REFERRER_ADMIN}")
    assert included(bundle) == {REFERRER, REFERRER_ADMIN}


async def test_a_response_of_an_administrator_names_both(both: Talk) -> None:
    """A response (A026) that an administrator (SPCA) sends on behalf of a clinician names both."""
    reply = await both.respond(await both.ask(), outcome=REQUIRE, by=both.consultant_admin)
    _, message = (each["resource"] for each in reply.json()["parameter"])
    assert_says_both(message, REPRESENTED, PROVIDER_ADMIN)


@pytest.mark.parametrize(("part", "role"), [(REQUESTER_PART, REFERRER), (SENDER_PART, REFERRER_ADMIN)])
async def test_each_part_of_a_search_brings_its_own_roles(both: Talk, part: str, role: str) -> None:
    """In A025, `_include` of the requester returns the clinician, and `_include` of the sender the administrator."""
    request = (await both.gp_admin.post(**question(AS_REFERRER))).json()["parameter"][0]["resource"]
    address = f"CommunicationRequest/{request['id']}/_history/{request['meta']['versionId']}"
    bundle = (await both.gp.get("/STU3/Communication", params={"based-on": address, "_include": part})).json()
    assert included(bundle) == {role}


@pytest.mark.parametrize("person", [GP, CONSULTANT])
async def test_a_clinician_is_requester_and_sender(both: Talk, person: Person) -> None:
    """The role of a clinician who sends their own message is contained only once."""
    asked = await both.ask(said("request", "Which dose?"))
    if person is CONSULTANT:
        message = (await both.respond(asked)).json()["parameter"][1]["resource"]
        key = f"PractitionerRole.{PROVIDER}"
    else:
        message = (await both.gp.post(**question())).json()["parameter"][1]["resource"]
        key = f"PractitionerRole.{REFERRER}"
    assert contained_roles(message) == [key]
    assert requester_and_sender(message) == (f"#{key}", f"#{key}")
