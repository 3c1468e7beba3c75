"""A service in test mode in this process, with calls of its control plane."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from openers.cli.demo import load
from openers.worlds.mode import TestService, open_test_service
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, Person, settings_for

Json = dict[str, Any]


@dataclass
class Rig:
    """The service and a client of it."""

    service: TestService
    http: httpx.AsyncClient
    tokens: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    async def control(self, method: str, path: str, body: Any = None, world: str = "main", expect: int = 0) -> Json:
        """Call the control plane below `/_test`. The call must succeed, or have the status `expect`."""
        await self.fork_if_new(world)
        reply = await self.http.request(method, f"/_test{path}", json=body, headers={"X-OpenERS-Tenant": world})
        assert reply.status_code == expect or (not expect and reply.is_success), reply.text
        told: Json = reply.json()
        return told

    async def fork_if_new(self, world: str) -> None:
        """Fork main under this name, unless a world of this name exists."""
        if world != "main" and world not in {each.name for each in self.service.worlds.all}:
            await self.control("POST", "/worlds", {"name": world})

    async def as_(self, who: Person = GP, world: str = "main") -> dict[str, str]:
        """Log a user in to a world; return the headers of their calls."""
        if (who.user, world) not in self.tokens:
            begun = await self.control("POST", "/sessions", {"user": who.user}, world)
            self.tokens[who.user, world] = begun["access_token"]
        token = self.tokens[who.user, world]
        return {"X-OpenERS-Tenant": world, "Authorization": f"Bearer {token}", **who.headers}

    async def fhir(self, method: str, path: str, world: str = "main", who: Person = GP, **more: Any) -> httpx.Response:
        """Call an operation in a world."""
        headers = {**await self.as_(who, world), **more.pop("headers", {})}
        return await self.http.request(method, f"/referrals/FHIR{path}", headers=headers, **more)

    async def refer(self, *changes: Json, world: str = "main", **more: Any) -> httpx.Response:
        """Create a referral in a world (A011)."""
        asked = create_referral(*changes, **more)
        return await self.fhir("POST", asked["url"], world, json=asked["json"], headers=asked["headers"])

    async def read(self, ubrn: str, world: str = "main") -> httpx.Response:
        """Read a referral in a world (A005)."""
        return await self.fhir("GET", f"/STU3/ReferralRequest/{ubrn}", world)

    async def listed(self, kind: str, function: str, **headers: str) -> list[str]:
        """Return the entries of a worklist (A008), in open mode and without a token."""
        system = "https://fhir.nhs.uk/STU3/CodeSystem/eRS-ReferralListSelector-1"
        body = {
            "resourceType": "Parameters",
            "meta": {"profile": ["https://fhir.nhs.uk/STU3/StructureDefinition/eRS-FetchWorklist-Parameters-1"]},
            "parameter": [{"name": "listType", "valueCodeableConcept": {"coding": [{"system": system, "code": kind}]}}],
        }
        sent = {"NHSD-eRS-Business-Function": function, **headers}
        reply = await self.http.post("/referrals/FHIR/STU3/ReferralRequest/$ers.fetchworklist", json=body, headers=sent)
        assert reply.status_code == 200, reply.text
        return [each["item"]["reference"] for each in reply.json().get("entry", [])]

    async def acts(self, world: str = "main") -> list[str]:
        """Return the acts of a world, in order."""
        return [event["act"] for event in (await self.control("GET", "/events", world=world))["events"]]


@asynccontextmanager
async def rig(database_url: str, directory: Path, *, own_pas: bool = True, **settings: Any) -> AsyncGenerator[Rig]:
    """Run a service in test mode on a database, with its keys in `directory`."""
    service = await open_test_service(settings_for(database_url, directory, **settings), own_pas=own_pas)
    transport = httpx.ASGITransport(app=service)  # pyright: ignore[reportArgumentType] -- its scopes are dicts, too
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:
            yield Rig(service, http)
    finally:
        await service.close()
        await service.world.store.close()


@asynccontextmanager
async def published_world(directory: Path) -> AsyncGenerator[Rig]:
    """Run a service with the world `published` in `directory`, open and frozen."""
    url = f"sqlite:///{directory}/openers.db"
    await load(settings_for(url, directory, world="published"), "published")
    async with rig(url, directory, world="published", open=True, frozen=True) as made:
        yield made


def headers_without_ids(reply: httpx.Response) -> Mapping[str, str]:
    """Return all headers of a reply. None needs to be removed, because a seeded world has no random values."""
    return dict(reply.headers)
