"""The OpenAPI document of the administration: complete, correct, and with examples that can be sent as they are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from openers.api.admin.routes import CERTIFICATES, REFRESH, admin_routes
from openers.store.opening import migrate
from openers.wire.admin.examples import COMMISSIONER
from tests.kit.service.administration import ADMIN, OPS, administered, administrator
from tests.kit.service.running import Running, running, settings_for

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def empty(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> AsyncGenerator[Running]:
    """Run a service on an empty database, with administrators alone."""
    url = f"sqlite:///{tmp_path_factory.mktemp('empty') / 'openers.db'}"
    await asyncio.to_thread(asyncio.run, migrate(url))
    async with running(settings_for(url, keys / "own")) as run:
        yield await administered(run)


async def test_the_document_has_every_address_and_method(empty: Running) -> None:
    """It declares exactly the methods that the service has."""
    document = (await empty.pages().get(f"{ADMIN}/openapi.json")).json()
    declared = {
        (path, method.upper())
        for path, item in document["paths"].items()
        for method in item
        if method in ("get", "put", "post", "delete")
    }
    edge = empty.service.edge
    routes = admin_routes(edge.loop, edge.gateway, edge.settings)
    endpoints: list[Any] = [route.endpoint for route in routes]
    served = {
        (route.path, method) for route, endpoint in zip(routes, endpoints, strict=True) for method in endpoint.methods
    }
    assert declared == served


async def test_the_examples_can_be_sent_in_order(empty: Running) -> None:
    """Each example is a valid request in an empty service, and each reply has the declared shape."""
    client = await administrator(empty)
    document = (await client.get(f"{ADMIN}/openapi.json")).json()
    await client.put(f"{ADMIN}/organisations/Q26", json=COMMISSIONER)
    met: set[tuple[str, str]] = set()
    for path, item in document["paths"].items():
        method = next((each for each in ("put", "post") if each in item), None)
        if method is None or path in (CERTIFICATES, REFRESH) or path.startswith(f"{ADMIN}/services/{{key}}/"):
            continue
        example = item[method]["requestBody"]["content"]["application/json"]["example"]
        is_many = "records" in example
        key = next(iter((example["records"][0] if is_many else example).values()))
        reply = await client.request(method, path.replace("{key}", key), json=example)
        created = (reply.json()["created"], reply.json()["unchanged"]) if is_many else None
        assert reply.status_code == (200 if is_many or (_list_of(path), key) in met else 201), reply.text
        assert created in (None, (1, 0), (0, 1)), reply.text
        met.add((_list_of(path), key))
        listed = f"{path}/drafts" if method == "post" and path.endswith("/services") else _list_of(path)
        assert (await client.get(listed)).json()["items"]


def _list_of(path: str) -> str:
    """Return the address of the list to which a path belongs."""
    return path.replace("/{key}", "").replace("/$batch", "")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{ADMIN}/organisations/ZZZ9", 404),
        ("GET", f"{ADMIN}/services/x", 404),
        ("GET", f"{ADMIN}/applications/%00", 404),
        ("GET", f"{ADMIN}/organisations?limit=0", 400),
        ("GET", f"{ADMIN}/organisations?limit=1e3", 400),
        ("GET", f"{ADMIN}/organisations?cursor=%00", 400),
        ("GET", f"{ADMIN}/services?cursor=eA", 400),
        ("GET", f"{ADMIN}/organisations?organisation=x", 400),
        ("GET", f"{ADMIN}/organisations?limit=1&limit=2", 400),
        ("GET", f"{ADMIN}/organisations?limt=1", 400),
        ("POST", f"{ADMIN}/organisations/$batch", 415),
        ("PATCH", f"{ADMIN}/organisations", 405),
        ("DELETE", f"{ADMIN}/organisations/{OPS}", 404),
        ("DELETE", f"{ADMIN}/organisations/X26A?on=tomorrow", 400),
        ("DELETE", f"{ADMIN}/webhooks/unknown", 404),
        ("PUT", f"{ADMIN}/organisations/ZZZ9", 415),
    ],
)
async def test_a_refusal_has_the_declared_shape(empty: Running, method: str, path: str, status: int) -> None:
    """A wrong request gets problem details with cause, place and cure."""
    client = await administrator(empty)
    reply = await client.request(method, path)
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert all(reply.json()[name] for name in ("detail", "place", "cure")), reply.text


BODIES: dict[str, tuple[bytes, int, str]] = {
    "no JSON": (b"{", 400, "body"),
    "a list": (b"[]", 422, "body"),
    "deep": (b"[" * 100_000, 422, "body"),
    "not UTF-8": (b'{"ods":"\xff"}', 400, "body"),
    "unknown field": (b'{"ods":"ZZ9","name":"A","kind":"PROVIDER","postcode":"LS1 4AP","x":1}', 422, "body"),
    "missing field": (b'{"ods":"ZZ9"}', 422, "body"),
    "wrong kind": (b'{"ods":"ZZ9","name":"A","kind":"SHOP","postcode":"LS1 4AP"}', 422, "/kind"),
    "line break": (b'{"ods":"ZZ9","name":"A\\n","kind":"PROVIDER","postcode":"LS1 4AP"}', 422, "/name"),
    "NUL": (b'{"ods":"ZZ9","name":"A\\u0000","kind":"PROVIDER","postcode":"LS1 4AP"}', 422, "/name"),
    "long name": (b'{"ods":"ZZ9","name":"%s","kind":"PROVIDER","postcode":"LS1 4AP"}' % (b"A" * 300), 422, "/name"),
    "wrong date": (
        b'{"ods":"ZZ9","name":"A","kind":"PROVIDER","postcode":"LS1 4AP","closed_on":"soon"}',
        422,
        "/closed_on",
    ),
    "another key": (b'{"ods":"ZZ8","name":"A","kind":"PROVIDER","postcode":"LS1 4AP"}', 422, "body"),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_wrong_body_is_refused_with_its_place(empty: Running, name: str) -> None:
    """Nothing is stored, and the refusal names the place."""
    body, status, place = BODIES[name]
    client = await administrator(empty)
    headers = {"Content-Type": "application/json"}
    reply = await client.put(f"{ADMIN}/organisations/ZZ9", content=body, headers=headers)
    assert (reply.status_code, reply.json()["place"]) == (status, place), reply.text
    assert (await client.get(f"{ADMIN}/organisations/ZZ9")).status_code == 404


async def test_the_shape_that_a_refusal_names_is_in_the_document(empty: Running) -> None:
    """The cure of a wrong body names a schema, or the operation whose body it is."""
    client = await administrator(empty)
    document = (await client.get(f"{ADMIN}/openapi.json")).json()
    known = set(document["components"]["schemas"])
    known |= {of[method]["operationId"] for of in document["paths"].values() for method in of if method != "parameters"}
    named: set[str] = set()
    for path, item in document["paths"].items():
        for method in {"put", "post"} & item.keys():
            if "requestBody" not in item[method]:
                continue
            address = path.replace("{key}", "200000000299" if path == CERTIFICATES else "1")
            refused = await client.request(method, address, json={"unknown": 1})
            name = re.fullmatch(r"compare it with (\S+) in /admin/v1/openapi.json", refused.json()["cure"])
            assert name is not None, (path, refused.text)
            named.add(name[1])
    assert len(named) >= 20
    assert named <= known


RULES: list[tuple[str, dict[str, Any], str]] = [
    ("sites", {"organisation": "ZZZ8"}, "/organisation"),
    ("people", {"roles": [{"organisation": "ZZZ8", "functions": ["ERS_ADMIN"]}]}, "/roles/0/organisation"),
    ("people", {"roles": [{"organisation": "X26A", "functions": ["AUTHORISED_APPLICATION"]}]}, "/roles/0/functions/0"),
    ("people", {"workgroups": ["RCD/Other"]}, "/workgroups"),
    ("applications", {"redirect_uris": ["https://a.example/x"]}, "/redirect_uris"),
    ("applications", {"keys": {"keys": []}}, "/keys"),
    ("applications", {"mode": "user-restricted"}, "/redirect_uris"),
    ("applications", {"function": "ERS_ADMIN"}, "/function"),
    ("services", {"site": "RCD99"}, "/site"),
    ("services", {"workgroup": "RCD/Cardiology"}, "/workgroup"),
    ("services", {"workgroup": "X26A/Other"}, "/workgroup"),
    ("services", {"flows": ["APPOINTMENT_REQUEST", "TRIAGE_REQUEST"]}, "/flows"),
    ("services", {"ages": {"lowest": 20, "highest": 10}}, "/ages/lowest"),
    ("services", {"clinic_types": [["CARDIOLOGY", "SHOES"]]}, "/clinic_types/0/1"),
    ("services", {"clinicians": ["555000000999"]}, "/clinicians"),
    ("pas-links", {"client_id": "nobody"}, "/client_id"),
    ("pas-links", {"url": "http://host:0/fhir"}, "/url"),
    ("pas-links", {"url": "http://user@host/fhir"}, "/url"),
    ("applications", {"jwks_uri": "ftp://host/jwks"}, "/jwks_uri"),
    ("endpoints", {"organisation": "ZZZ8"}, "/organisation"),
    ("patients", {"practice": "X26A"}, "/practice"),
    ("patients", {"died": "1900-01-01"}, "/died"),
]


@pytest.mark.parametrize(("resource", "changes", "place"), RULES)
async def test_a_record_that_breaks_a_rule_is_refused(
    empty: Running, resource: str, changes: dict[str, Any], place: str
) -> None:
    """The refusal names the field that breaks the rule."""
    client = await administrator(empty)
    document = (await client.get(f"{ADMIN}/openapi.json")).json()
    operations = {path: item["put"] for path, item in document["paths"].items() if "put" in item}
    sent: dict[str, Any] = {}
    for path, operation in operations.items():
        example = operation["requestBody"]["content"]["application/json"]["example"]
        if path.startswith(f"{ADMIN}/{resource}/"):
            sent = {**example, **changes}
            break
        await client.put(path.replace("{key}", next(iter(example.values()))), json=example)
    if (resource, "workgroup") == (resource, next(iter(changes))) and changes["workgroup"].startswith("X26A"):
        await client.put(f"{ADMIN}/services/260001", json={**sent, "workgroup": "X26A/Cardiology"})
    address = f"{ADMIN}/{resource}/{next(iter(sent.values()))}"
    reply = await client.put(address, json=sent, headers=await _known(client, address))
    assert (reply.status_code, reply.json()["place"]) == (422, place), reply.text


async def _known(client: Any, address: str) -> dict[str, str]:
    """Return the header that replaces the present version, if there is one."""
    present = await client.get(address)
    return {"If-Match": present.headers["etag"]} if present.status_code == 200 else {}
