"""A client that uses only the CapabilityStatements can make every call that they declare.

The statement gives method, address and query parameters. The version for a change is the ETag of a read. The test adds
only ids and valid bodies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import httpx
import pytest
from tests.kit.calls.expectations import OPERATIONS
from tests.kit.calls.expected import Expected
from tests.kit.referrals.stage import Stage
from tests.kit.service.requests import Json
from tests.kit.service.running import CONSULTANT, CONSULTANT_ADMIN, GP, Running

from openers.api.registry import all_operations

pytestmark = pytest.mark.anyio
VERSIONS: Final = ("STU3", "R4")
UNDECLARED: Final = {("HEAD", "/R4/HealthcareService/{}"), ("GET", "/STU3/ReferralRequest/{}/$openers.history")}
"""HEAD is no interaction of FHIR's own, and a client calls a declared operation by POST."""
INTERACTIONS: Final = {
    "read": ("GET", "/{}"),
    "vread": ("GET", "/{}/_history/{}"),
    "search-type": ("GET", ""),
    "create": ("POST", ""),
    "update": ("PUT", "/{}"),
}
"""The method and address suffix of each FHIR interaction, below the address of the resource type."""
LEVELS: Final = {"system": "", "type": "/{}", "instance": "/{}/{{}}"}
"""The address of an operation at each level, before its name. The first placeholder is the resource type."""


@dataclass(frozen=True)
class Declared:
    """A call that a statement declares. Its address has `{}` for each id. A `versioned` call needs If-Match."""

    method: str
    address: str
    kind: str
    versioned: bool
    parameters: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()


async def statement(run: Running, version: str) -> Json:
    """Return the CapabilityStatement of one FHIR version."""
    return dict((await run.pages().get(f"/referrals/FHIR/{version}/metadata")).json())


def declared(told: Json, version: str) -> Iterator[Declared]:
    """Yield every call of a statement: interactions of resources, then operations at each of their levels."""
    rest = told["rest"][0]
    for each in rest["resource"]:
        parameters: dict[str, str] = {one["name"]: one["documentation"] for one in each.get("searchParam", [])}
        listed = frozenset((*parameters, *(["_include"] if "searchInclude" in each else [])))
        required = frozenset(name for name, text in parameters.items() if text.startswith("required: "))
        for code in (one["code"] for one in each["interaction"]):
            method, rest_of_address = INTERACTIONS[code]
            versioned = code == "update" and each["versioning"] == "versioned-update"
            address = f"/{version}/{each['type']}{rest_of_address}"
            call = Declared(method, address, each["type"], versioned)
            yield replace(call, parameters=listed, required=required) if code == "search-type" else call
    definitions = {f"#{each['id']}": each for each in told.get("contained", [])}
    for each in rest.get("operation", []):
        definition = definitions[each["definition"]["reference"]]
        assert definition["code"] == each["name"]
        for level, before in LEVELS.items():
            for kind in definition["resource"] if definition[level] else ():
                versioned = "If-Match" in definition.get("comment", "")
                yield Declared("POST", f"/{version}{before.format(kind)}/${each['name']}", kind, versioned)


def pattern(template: str) -> str:
    """Return an address with `{}` in place of each name."""
    return re.sub(r"\{\w+\}", "{}", template)


def calls_of(call: Declared) -> list[Expected]:
    """Return the valid calls in `OPERATIONS` that match a declared call."""
    return [each for each in OPERATIONS if (each.method, pattern(each.template)) == (call.method, call.address)]


async def made(call: Declared, valid: Expected, stage: Stage, client: httpx.AsyncClient) -> httpx.Response:
    """Make a call as the statement declares it; return the reply."""
    known, _, query = (await valid.address(stage)).partition("?")
    ids = [part for part, gap in zip(known.split("/"), call.address.split("/"), strict=True) if gap == "{}"]
    address, sent = call.address.format(*ids), dict[str, str]()
    if query:
        names = {each.partition("=")[0].replace("%3A", ":") for each in query.split("&")}
        assert names <= call.parameters
        assert names >= call.required
    if call.versioned:
        tag = (await client.get("/".join(address.split("/")[:4]))).headers["etag"]
        sent["If-Match"] = tag
    headers = {name: value for name, value in valid.headers.items() if name != "If-Match"}
    arguments: dict[str, Any] = {"content": valid.file.content} if valid.file else {}
    if valid.has_body:
        arguments["json"], sent["Content-Type"] = await valid.content(stage), "application/fhir+json"
    if valid.file is not None:
        sent |= {"NHSD-eRS-File-Name": valid.file.name, "Content-Type": valid.file.media_type}
    url = f"{address}?{query}" if query else address
    reply = await client.request(call.method, url, headers={**headers, **sent}, **arguments)
    if reply.is_success:
        valid.used_up(stage)
    return reply


@pytest.mark.parametrize("version", VERSIONS)
async def test_each_declared_call_succeeds(shared: Running, stage: Stage, version: str) -> None:
    """Each declared interaction and operation succeeds with every valid body that tests know."""
    people = {"RC": GP, "SPC": CONSULTANT, "SPCA": replace(CONSULTANT_ADMIN, on_behalf_of=None)}
    clients = {name: await shared.as_person(who) for name, who in people.items()}
    told, found = await statement(shared, version), set[tuple[str, str]]()
    for call in declared(told, version):
        valid = calls_of(call)
        assert valid, f"{call} is declared, and nothing answers there"
        for each in valid:
            reply = await made(call, each, stage, clients[each.who])
            assert reply.status_code == each.success, f"{each.name}: {call}: {reply.status_code} {reply.text}"
        found.add((call.method, call.address))
    routes = {(each.method, pattern(each.path)) for each in all_operations() if each.path.startswith(f"/{version}/")}
    assert routes - found <= UNDECLARED
    assert found <= routes


async def test_definitions_of_operations_are_whole(shared: Running) -> None:
    """Each OperationDefinition is complete and referenced once. No reference leads outside the statement."""
    told = await statement(shared, "STU3")
    referred = [each["definition"]["reference"] for each in told["rest"][0]["operation"]]
    assert sorted(referred) == sorted(f"#{each['id']}" for each in told["contained"])
    assert len(set(referred)) == len(referred)
    for each in told["contained"]:
        assert each.keys() >= {"name", "status", "kind", "code", "resource", "system", "type", "instance"}
        assert (each["resourceType"], each["kind"], each["system"]) == ("OperationDefinition", "operation", False)
        assert each["type"] is not each["instance"]
