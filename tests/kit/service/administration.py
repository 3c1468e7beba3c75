"""Administrators of a running test service, and valid records of each resource."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import httpx

from openers.api.admin.openapi import admin_openapi
from openers.domain.credentials import AccessMode, Application
from openers.domain.directory import Role, User
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.principal import BusinessFunction
from tests.kit.documents.replies import Document
from tests.kit.service.running import PRACTICE, PROVIDER, Person, Running, entry

ADMIN: Final = "/admin/v1"
OPS, DESK = "test-ops", "test-desk"
"""An application that administers for itself, and one through which people administer."""
PEOPLE: Final = {
    "ERS_ADMIN": Person("555900000001", PROVIDER, "ERS_ADMIN"),
    "SERVICE_DEFINER": Person("555900000002", PROVIDER, "SERVICE_DEFINER"),
    "COMMISSIONER": Person("555900000003", "Q99", "COMMISSIONER"),
}
"""People who may administer, by their function."""
MODULUS: Final = "w" + "A" * 341
COMMISSIONED: Final[dict[str, Any]] = {"nationally_available": False, "organisations": []}
"""Commissioners decide who may refer to the service."""
KEYS: Final = {"keys": [{"kty": "RSA", "kid": "one", "n": MODULUS, "e": "AQAB"}]}


async def administered(run: Running) -> Running:
    """Register the applications and people of these tests; return the service."""
    async with run.service.world.for_call(entry()).begin("arrange") as tx:
        await tx.directory.put_application(
            Application(
                client_id=OPS, name=OPS, mode=AccessMode.APPLICATION_RESTRICTED, asid=None, keys={}, administers=True
            )
        )
        await tx.directory.put_application(
            Application(client_id=DESK, name=DESK, mode=AccessMode.USER_RESTRICTED, asid=None, administers=True)
        )
        for name, who in PEOPLE.items():
            role = Role(OdsCode(who.organisation), (BusinessFunction(who.function),))
            await tx.directory.put_user(User(UserId(who.user), name, (role,)))
    return run


async def administrator(run: Running, caller: str = "application", through: str = DESK) -> httpx.AsyncClient:
    """Return a client of the administration for a kind of caller: `application`, or a function of PEOPLE."""
    client = run.pages()
    client.event_hooks = {"response": [_checked]}
    who = PEOPLE.get(caller)
    token = await run.token(None, OPS) if who is None else await run.token(who.user, through)
    client.headers = httpx.Headers({"Authorization": f"Bearer {token}", **({} if who is None else who.headers)})
    return client


@cache
def _document() -> Document:
    return Document(admin_openapi(""), "")


async def _checked(response: httpx.Response) -> None:
    """Assert that a reply is as our OpenAPI document says."""
    await response.aread()
    faults = [str(fault) for fault in _document().faults(response.request, response)]
    assert not faults, "not as the OpenAPI document of the administration says:\n" + "\n".join(faults)


def records() -> dict[str, dict[str, Any]]:
    """Return a new valid record for each resource that is put, each under a key that the demo world lacks."""
    return {
        "organisations": {"ods": "ZZ1", "name": "Zeal Hospitals", "kind": "PROVIDER", "postcode": "LS1 4AP"},
        "sites": {"ods": "RCD99", "organisation": PROVIDER, "name": "North wing", "postcode": "LS1 4AP"},
        "people": {
            "id": "555900000010",
            "name": "Dr New",
            "roles": [{"organisation": PROVIDER, "functions": ["SERVICE_PROVIDER_CLINICIAN"], "from_claims": False}],
            "workgroups": [f"{PROVIDER}/Cardiology"],
        },
        "applications": {
            "client_id": "new-app",
            "name": "New application",
            "mode": "user-restricted",
            "redirect_uris": ["https://app.example/callback"],
            "keys": KEYS,
        },
        "code-sets": {"starts": "2031-06-23", "specialties": [{"code": "HEART", "display": "Heart medicine"}]},
        "services": {**service(PROVIDER, "RCD99"), "commissioning": COMMISSIONED},
        "commissioning-rules": rule("999000001", "Q99"),
        "pas-links": {"service": "999000001", "url": "http://127.0.0.1:9/fhir", "client_id": "demo-pas"},
        "endpoints": {
            "asid": "200000000220",
            "environment": "DEV1",
            "organisation": PRACTICE,
            "fqdn": "ers.surgery.example",
            "certificates": [{"fingerprint": "a" * 64, "issuer": "CN=DEV1 Sub CA,OU=CA,O=OpenERS"}],
            "source_addresses": ["192.0.2.0/24"],
            "operations": ["A001"],
            "status": "issued",
        },
        "patients": {
            "nhs_number": "9995550018",
            "family_name": "New",
            "given_name": "Ada",
            "born": "1980-02-29",
            "sex": "female",
            "practice": PRACTICE,
        },
    }


def rule(number: str, commissioner: str) -> dict[str, Any]:
    """Return a valid commissioning rule."""
    key = f"{number}-{commissioner}"
    return {"id": key, "service": number, "commissioner": commissioner, "starts": "2026-04-01"}


def service(organisation: str, site: str, number: str = "999000001") -> dict[str, Any]:
    """Return a valid service."""
    return {
        "id": number,
        "name": "Chest pain clinic",
        "organisation": organisation,
        "site": site,
        "location_name": "North wing",
        "postcode": "LS1 4AP",
        "workgroup": f"{organisation}/Cardiology",
        "clinic_types": [["CARDIOLOGY", "HEART_FAILURE"]],
        "flows": ["APPOINTMENT_REQUEST"],
        "bookable": "DIRECTLY_BOOKABLE",
    }


def key_of(resource: str, record: dict[str, Any]) -> str:
    """Return the key of a record."""
    names = {"applications": "client_id", "pas-links": "service", "endpoints": "asid", "patients": "nhs_number"}
    names["code-sets"] = "starts"
    usual = "ods" if resource in ("organisations", "sites") else "id"
    return str(record[names.get(resource, usual)])


def draft(name: str, **attributes: Any) -> dict[str, Any]:
    """Return a draft of an indirectly booked service that passes all checks of publishing, with these attributes."""
    return {
        "name": name,
        "organisation": PROVIDER,
        "site": "RCD01",
        "workgroup": f"{PROVIDER}/Cardiology",
        "clinic_types": [["CARDIOLOGY", "HEART_FAILURE"]],
        "flows": ["APPOINTMENT_REQUEST"],
        "appointment_type": "FIRST_OUTPATIENT",
        "priorities": ["ROUTINE", "URGENT"],
        "gender": "MALE_AND_FEMALE",
        "ages": {},
        "commissioning": {"nationally_available": True},
        "contacts": [{"for_patients": True, "system": "phone", "value": "0113 496 0001"}],
        **attributes,
    }
