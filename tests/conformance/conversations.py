"""Support for tests that replay published conversations against a service in either world.

A conversation is rebuilt from the published response: by its requester, with its texts and files.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final, cast

import httpx
from tests.conformance.letters import BY_EXTENSION
from tests.conformance.likeness import UUID
from tests.conformance.retelling import PLACES
from tests.conformance.worlds import World
from tests.kit.documents.reference import Example, published
from tests.kit.files.samples import Sample, scan, upload
from tests.kit.referrals.talk import own
from tests.kit.service.requests import HEADERS, NHS_NUMBER, coding, identifier
from tests.kit.service.running import PRACTICE, PROVIDER, RC, SPC, Person, Running

from openers.domain.identifiers import OdsCode

Json = dict[str, Any]

PRINTED: Final = "Advice and guidance conversation"
"""The first words in the name of the file that a conversion adds."""
REQUEST: Final = re.compile(r"(CommunicationRequest|ReferralRequest)/\d{12}(/_history/\d+)?")


@dataclass
class Stage:
    """A service, and clients for the users of published conversations."""

    world: World
    run: Running

    async def person(self, key: str) -> httpx.AsyncClient:
        """Return a client for the role with this key: user, organisation and function."""
        user, organisation, function = key.split(".")
        return await self.run.as_person(Person(user, organisation, function.replace("-", "_")))

    async def asker(self, user: str) -> httpx.AsyncClient:
        """Return a client for this user as a referring clinician."""
        return await self.run.as_person(Person(user, self.world.id(OdsCode, PRACTICE), RC))

    async def provider(self, user: str) -> httpx.AsyncClient:
        """Return a client for this user as a clinician of the service."""
        return await self.run.as_person(Person(user, self.world.id(OdsCode, PROVIDER), SPC))

    async def ask(
        self, by: httpx.AsyncClient, shown: Json, text: str = "Please advise.", files: list[Json] | None = None
    ) -> Json:
        """Create a request (A044) with the patient, services, criteria and authorisation of a published one."""
        request = only("A044", "ExampleRCWithoutAttachments.json", "request")
        body: Json = self.world.told(request.read())
        told = {each["name"]: each for each in body["parameter"]}
        told["patient"] = identifier("patient", NHS_NUMBER, shown["subject"]["identifier"]["value"])
        allowed = valued(shown, "ProviderConversionAuthorisation-1") or {"code": "AUTHORISED_TO_CONVERT"}
        told["providerConversionAuthorisation"]["valueCoding"]["code"] = allowed["code"]
        told["request"]["valueString"] = text
        shortlist = told["shortlist"]["resource"]
        shortlist["entry"] = [
            {"item": {"identifier": each["item"]["identifier"]}} for each in contained(shown, "List")["entry"]
        ]
        shortlist["contained"][0]["parameter"] = [
            each for each in contained(shown, "Parameters")["parameter"] if each["name"] != "commissioningProvisioning"
        ]
        body["parameter"] = [*told.values(), *(files or [])]
        reply = await by.post(request.address, json=body, headers=HEADERS)
        assert reply.status_code == 200, reply.text
        return dict[str, Any](reply.json()["parameter"][0]["resource"])

    async def respond(self, by: httpx.AsyncClient, advice: Json, text: str, files: list[Json] | None = None) -> Json:
        """Send the provider's response with text and files (A026), and return the updated request."""
        request = only("A026", "RequireFurtherInformation.json", "request")
        body: Json = request.read()
        told = {each["name"]: each for each in body["parameter"]}
        told["guidance"]["valueString"] = text
        told["updatedPriority"] = coding("updatedPriority", "Priority", priority_of(advice))
        body["parameter"] = [*told.values(), *(files or [])]
        return await self.send(by, request.address, advice, body)

    async def reply(self, by: httpx.AsyncClient, advice: Json, *parameters: Json) -> Json:
        """Send these parameters as the referrer (X001), and return the updated request."""
        address = "/STU3/CommunicationRequest/{ubrn}/$openers.sendCommunicationToProvider"
        return await self.send(by, address, advice, own("SendCommunicationToProvider", list(parameters)))

    async def send(self, by: httpx.AsyncClient, address: str, advice: Json, body: Json) -> Json:
        """Send an operation on the request, and return the updated request."""
        tag = f'W/"{advice["meta"]["versionId"]}"'
        reply = await by.post(address.replace("{ubrn}", advice["id"]), json=body, headers={**HEADERS, "If-Match": tag})
        assert reply.status_code == 200, reply.text
        return dict[str, Any](reply.json()["parameter"][0]["resource"])

    async def files(self, by: httpx.AsyncClient, name: str, shown: list[Json], ubrn: str | None) -> list[Json]:
        """Upload and scan files like the published ones.

        Return parameters of this name that refer to them, with the published descriptions.
        """
        found: list[Json] = []
        for each in shown:
            title = each["content"][0]["attachment"]["title"]
            like = BY_EXTENSION[title.rpartition(".")[2]]
            file = await upload(by, Sample(title, like.media_type, like.content), ubrn)
            await scan(self.run, file)
            resource = {key: each[key] for key in ("resourceType", "meta", "type", "status", "indexed")}
            resource |= {key: each[key] for key in ("description",) if key in each}
            resource["content"] = [{"attachment": {"url": f"Binary/{file}"}}]
            found.append({"name": name, "resource": resource})
        return found


def only(number: str, name: str, direction: str = "response", status: str = "200") -> Example:
    """Return the published example with this name."""
    return next(each for each in published(number, direction, status) if each.name == name)


def contained(shown: Json, kind: str) -> Json:
    """Return the contained resource of this type."""
    return next(each for each in shown["contained"] if each["resourceType"] == kind)


def documents(shown: Json, *kinds: str) -> list[Json]:
    """Return the contained documents of these types, without the printed conversation."""
    return [
        each
        for each in shown["contained"]
        if each["resourceType"] == "DocumentReference"
        and each["type"]["coding"][0]["code"] in kinds
        and not each["content"][0]["attachment"]["title"].startswith(PRINTED)
    ]


def valued(shown: Json, name: str) -> Json | None:
    """Return the coding of an extension."""
    return next((each["valueCoding"] for each in shown["extension"] if each["url"].endswith(name)), None)


def priority_of(shown: Json) -> str:
    """Return the priority of a request."""
    (found,) = (each for each in shown["extension"] if each["url"].endswith("ReferralPriority-1"))
    return str(found["valueCodeableConcept"]["coding"][0]["code"])


def placed(node: Json, world: World) -> Json:
    """Set the organisation that attached each file of a published body: the practice or the hospital."""
    for each in nodes(node):
        if each.get("resourceType") == "DocumentReference":
            attachment = each["content"][0]["attachment"]
            kind = each["type"]["coding"][0]["code"]
            asked = kind in ("ADVICE_REQUEST", "REFERRER") and not attachment["title"].startswith(PRINTED)
            place = PLACES["REFERRING-CLINICIAN" if asked else "SERVICE-PROVIDER-CLINICIAN"]
            for extension in attachment["extension"]:
                if extension["url"].endswith("AttachedByOrganisation-1"):
                    extension["valueReference"]["identifier"]["value"] = world.id(OdsCode, place)
    return node


def nodes(node: object) -> list[Json]:
    """Return all objects within parsed JSON."""
    if isinstance(node, list):
        return [found for each in cast("list[Any]", node) for found in nodes(each)]
    if not isinstance(node, dict):
        return []
    here = cast("Json", node)
    return [here, *(found for each in here.values() for found in nodes(each))]


def plain(reply: Json) -> Json:
    """Replace the generated values of a response with marks, after checking their format.

    References to files become file names.
    """
    text = REQUEST.sub("(request)", json.dumps(reply))
    text = re.sub(r"conversation - \d{12}", "conversation - (UBRN)", text)
    text = re.sub(UUID, "(uuid)", re.sub(r"/Communication/\d+", "/Communication/(number)", text))
    shown: Json = json.loads(text)
    for each in nodes(shown):
        if each.get("resourceType") == "DocumentReference":
            text = _under_its_name(text, each["content"][0]["attachment"])
    shown = json.loads(text)
    for each in nodes(shown):
        _mark(each)
    return shown


def _under_its_name(text: str, attachment: Json) -> str:
    return re.sub(
        rf"(?<!eRS-)DocumentReference([-/]){attachment['id']}\b", rf"DocumentReference\1{attachment['title']}", text
    )


def _mark(node: Json) -> None:
    """Replace generated numbers, sizes and dates with marks, and key the entries of a bundle by name."""
    kind = node.get("resourceType")
    if kind == "Communication":
        assert int(node["id"]) > 0
        node["id"] = "(number)"
    elif kind == "DocumentReference":
        attachment = node["content"][0]["attachment"]
        assert int(attachment["id"]) > 0
        assert attachment["size"] > 0
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", attachment["creation"])
        attachment |= {"id": "(number)", "size": "(size)", "creation": "(day)"}
        node["id"] = f"(number of {attachment['title']})"
    elif kind == "Bundle":
        node["entry"] = {_name(each["resource"]): each for each in node["entry"]}


def _name(resource: Json) -> str:
    """Return the key of a bundle entry: the text of a message, the name of a file, or the id of a role."""
    match resource["resourceType"]:
        case "Communication":
            return f"message: {resource['note'][0]['text']}"
        case "DocumentReference":
            return f"file: {resource['content'][0]['attachment']['title']}"
        case _:
            return str(resource["id"])
