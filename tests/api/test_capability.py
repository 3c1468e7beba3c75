"""The CapabilityStatements: their declarations match the service, clients can use them, and formats are negotiated."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from tests.kit.referrals.rig import RULES, SERVICE, Rig, booking, cancellation, deferral, rig
from tests.kit.service.requests import HEADERS, Json
from tests.kit.service.running import CONSULTANT_ADMIN, Running

pytestmark = pytest.mark.anyio
VERSIONS: Final = ("STU3", "R4")
INTERACTIONS: Final = {
    ("STU3", "Appointment"): {"create", "read", "vread", "update"},
    ("STU3", "Binary"): {"create", "read"},
    ("STU3", "CodeSystem"): {"read"},
    ("STU3", "Communication"): {"search-type"},
    ("STU3", "CommunicationRequest"): {"read", "vread"},
    ("STU3", "ReferralRequest"): {"read", "vread"},
    ("STU3", "Slot"): {"search-type"},
    ("STU3", "Task"): {"search-type"},
    ("R4", "Binary"): {"create", "read"},
    ("R4", "HealthcareService"): {"read", "search-type"},
    ("R4", "Practitioner"): {"search-type"},
    ("R4", "PractitionerRole"): {"search-type"},
    ("R4", "ServiceRequest"): {"search-type"},
}
TYPES: Final = {
    "_count": "number",
    "_id": "token",
    "_query": "string",
    "appointmentType": "token",
    "based-on": "reference",
    "focus": "reference",
    "identifier": "token",
    "intent": "token",
    "page": "number",
    "schedule.actor:HealthcareService": "reference",
    "schedule.actor:Practitioner": "reference",
    "status": "token",
}


@pytest.fixture(scope="module")
async def desk(shared_url: str, keys: Path) -> AsyncGenerator[Rig]:
    """Run a service whose PAS has free slots."""
    async with rig(shared_url, keys) as made:
        await made.add_slots(4)
        yield made


def whole(run: Running) -> httpx.AsyncClient:
    """Return a client of the whole service, including its routing."""
    service: Any = run.service
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=service), base_url="http://127.0.0.1:8000")


async def statement(run: Running, version: str) -> Json:
    """Return the CapabilityStatement of one FHIR version."""
    return dict((await run.pages().get(f"/referrals/FHIR/{version}/metadata")).json())


class Client:
    """A client that knows FHIR and, of the service, only its statement."""

    def __init__(self, http: httpx.AsyncClient, version: str, told: Json) -> None:
        """`http` sends the headers of a person."""
        self._http, self._version = http, version
        self._resources: dict[str, Json] = {each["type"]: each for each in told["rest"][0]["resource"]}

    async def read(self, kind: str, id: str) -> httpx.Response:
        """Perform the `read` interaction."""
        self._check(kind, "read")
        return await self._http.get(f"/{self._version}/{kind}/{id}")

    async def vread(self, kind: str, id: str, version: str) -> httpx.Response:
        """Perform the `vread` interaction."""
        self._check(kind, "vread")
        return await self._http.get(f"/{self._version}/{kind}/{id}/_history/{version}")

    async def search(self, kind: str, headers: dict[str, str] | None = None, **query: str) -> httpx.Response:
        """Perform the `search-type` interaction. Each parameter must be listed, with a value of its type."""
        self._check(kind, "search-type")
        types = {each["name"]: each["type"] for each in self._resources[kind].get("searchParam", [])}
        for name, value in query.items():
            assert (types[name] == "number") is value.isdigit() or types[name] in ("token", "reference"), name
        return await self._http.get(f"/{self._version}/{kind}", params=query, headers=headers)

    async def create(self, kind: str, body: Json) -> httpx.Response:
        """Perform the `create` interaction."""
        self._check(kind, "create")
        return await self._http.post(f"/{self._version}/{kind}", json=body, headers=HEADERS)

    async def update(self, kind: str, body: Json) -> httpx.Response:
        """Perform the `update` interaction, with If-Match if the statement requires it."""
        self._check(kind, "update")
        headers = dict(HEADERS)
        if self._resources[kind]["versioning"] == "versioned-update":
            headers["If-Match"] = f'W/"{body["meta"]["versionId"]}"'
        return await self._http.put(f"/{self._version}/{kind}/{body['id']}", json=body, headers=headers)

    def _check(self, kind: str, interaction: str) -> None:
        assert interaction in {each["code"] for each in self._resources[kind]["interaction"]}


@pytest.mark.parametrize("version", VERSIONS)
async def test_each_resource_has_the_interactions_of_its_routes(shared: Running, version: str) -> None:
    """The statement declares every interaction that the service offers, and no other."""
    told = await statement(shared, version)
    found = {each["type"]: {i["code"] for i in each["interaction"]} for each in told["rest"][0]["resource"]}
    assert found == {kind: codes for (of, kind), codes in INTERACTIONS.items() if of == version}


async def test_search_parameters_have_their_types(shared: Running) -> None:
    """The statement lists the values of `_include` separately, not as a search parameter."""
    resources = [each for v in VERSIONS for each in (await statement(shared, v))["rest"][0]["resource"]]
    found = {p["name"]: p["type"] for each in resources for p in each.get("searchParam", [])}
    assert found == TYPES
    included = {each["type"]: each["searchInclude"] for each in resources if "searchInclude" in each}
    assert included["Slot"] == ["Slot:schedule"]
    assert "Communication:content-reference:DocumentReference" in included["Communication"]


async def test_a_client_that_believes_the_statement_books_and_cancels(desk: Rig) -> None:
    """The statement of STU3 is sufficient to search for slots, book, read, cancel and defer."""
    client = Client(desk.gp, "STU3", await statement(desk.run, "STU3"))
    asked = {"schedule.actor:HealthcareService": SERVICE, "appointmentType": "URGENT", "status": "free"}
    found = await client.search("Slot", RULES, **asked, _count="10", page="1")
    assert found.status_code == 200, found.text
    slots = [each["resource"] for each in found.json()["entry"] if each["search"]["mode"] == "match"]
    created = await client.create("Appointment", booking(await desk.refer(), slots[0]))
    assert created.status_code == 201, created.text
    appointment = (await client.read("Appointment", created.json()["id"])).json()
    same = await client.vread("Appointment", appointment["id"], appointment["meta"]["versionId"])
    assert same.json() == appointment
    updated = await client.update("Appointment", cancellation(appointment, "PATIENT_ILL"))
    assert updated.status_code == 200, updated.text
    deferred = await client.create("Appointment", deferral(await desk.refer("11004"), "TRIAGE", "11004"))
    assert deferred.status_code == 201, deferred.text
    ubrn = deferred.json()["incomingReferral"][0]["reference"].split("/")[1]
    referral = (await client.read("ReferralRequest", ubrn)).json()
    assert (await client.vread("ReferralRequest", ubrn, referral["meta"]["versionId"])).json() == referral


async def test_a_client_that_believes_the_statement_reads_the_directory(desk: Rig) -> None:
    """The statement of R4 is sufficient to read and search the directory."""
    told = await statement(desk.run, "R4")
    client = Client(desk.gp, "R4", told)
    service = (await client.read("HealthcareService", "11006")).json()
    assert service["id"] == "11006"
    found = (await client.search("HealthcareService", _id="11006")).json()
    assert found["total"] == 1
    referral = await desk.refer()
    identifier = f"https://fhir.nhs.uk/Id/UBRN|{referral['id']}"
    assert (await client.search("ServiceRequest", identifier=identifier)).json()["total"] == 1
    admin = Client(await desk.run.as_person(CONSULTANT_ADMIN), "R4", told)
    assert (await admin.search("PractitionerRole")).status_code == 200


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("address", "accept", "status"),
    [
        ("metadata", "application/fhir+json", 200),
        ("metadata/", "application/fhir+json", 200),
        ("metadata", "*/*", 200),
        ("metadata", "application/fhir+xml", 406),
        ("metadata/", "application/fhir+xml", 406),
        ("metadata?_format=json", "application/fhir+xml", 200),
        ("metadata?_format=application/fhir%2Bjson", "*/*", 200),
        ("metadata?_format=application/fhir+json", "*/*", 200),
        ("metadata?_format=xml", "application/fhir+json", 406),
    ],
)
async def test_the_statement_is_negotiated(
    shared: Running, version: str, address: str, accept: str, status: int
) -> None:
    """A final slash makes no difference. Other formats get 406 in the error format of the version."""
    reply = await whole(shared).get(f"/referrals/FHIR/{version}/{address}", headers={"Accept": accept})
    assert reply.status_code == status
    shape = "text/plain;charset=utf-8" if (version, status) == ("STU3", 406) else "application/fhir+json"
    assert reply.headers["content-type"] == shape


@pytest.mark.parametrize(("format", "status"), [("json", 200), ("application/fhir+json", 200), ("xml", 406), ("", 200)])
async def test_operations_negotiate_alike(desk: Rig, format: str, status: int) -> None:
    """In FHIR operations, `_format` overrides Accept. An empty `_format` is ignored."""
    reply = await desk.gp.get("/R4/HealthcareService/11006", params={"_format": format})
    assert reply.status_code == status
    referral = await desk.refer()
    reply = await desk.gp.get(f"/STU3/ReferralRequest/{referral['id']}", params={"_format": format})
    assert reply.status_code == status


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_address_that_only_ends_like_the_statement_is_none(shared: Running, version: str) -> None:
    """Another address that ends in `metadata` needs a token, so the service returns 401."""
    reply = await whole(shared).get(f"/referrals/FHIR/{version}/Binary/metadata")
    assert reply.status_code == 401
