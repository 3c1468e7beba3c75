"""A program of 2018: it knows an ASID, a session key and a log-in token, and no token of today."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.kit.service.running import CONSULTANT, Person

ASID: Final = "999900000101"
HEADERS: Final = {"XAPI_ASID": ASID, "XAPI_FQDN": "demo.example"}
SESSIONS: Final = "/v1/ProfessionalSession"
Json = dict[str, Any]


@dataclass
class Program:
    """A client of the API of 2018, and the answers to its session calls."""

    http: httpx.AsyncClient
    told: list[Json] = field(default_factory=list[Json])

    @property
    def key(self) -> str:
        """Return the session key."""
        return self.http.headers.get("HTTP_X_SESSION_KEY", "")

    async def begin(self, user: str) -> httpx.Response:
        """Call A001 with the token of the sandpit, and keep the key."""
        return await self.begin_with(f"{user} x x x")

    async def begin_with(self, token: str) -> httpx.Response:
        """Call A001 with a token, and keep the key."""
        reply = await self.http.post(SESSIONS, json={"token": token})
        if reply.status_code == 201:
            self.http.headers["HTTP_X_SESSION_KEY"] = reply.json()["id"]
            self.told.append(reply.json())
        return reply

    async def select(self, body: Json | None = None, query: str = "") -> httpx.Response:
        """Call A002."""
        return await self.http.put(f"{SESSIONS}/{self.key}{query}", json=body)

    async def log_in(self, who: Person) -> None:
        """Begin a session and choose a role, with the third call if the role needs it."""
        assert (await self.begin(who.user)).status_code == 201
        reply = await self.select({"permission": permission(who)})
        assert reply.status_code == 200, reply.text
        if who.on_behalf_of is not None:
            reply = await self.select({"onBehalfOf": {"identifier": who.on_behalf_of}})
            assert reply.status_code == 200, reply.text

    async def end(self) -> httpx.Response:
        """Call A003."""
        return await self.http.delete(f"{SESSIONS}/{self.key}")

    async def specialties(self) -> httpx.Response:
        """Call A004, which each clinician may."""
        return await self.http.get("/v1/ValueSet/SPECIALTY")


def permission(who: Person) -> Json:
    """Return the role of a person as A002 takes it."""
    return {"businessFunction": who.function, "orgIdentifier": who.organisation}


def chosen(function: str = CONSULTANT.function, organisation: str = CONSULTANT.organisation) -> Json:
    """Return a body of A002 with a role."""
    return {"permission": {"businessFunction": function, "orgIdentifier": organisation}}


def code(reply: httpx.Response) -> tuple[int, str]:
    """Return the status and the code of an error of the session API."""
    told = reply.json()
    assert told["typeInfo"] == "uk.nhs.ers.xapi.dto.v1.error.Error"
    assert (told["status"], told["transactionId"]) == (reply.status_code, reply.headers["X_ERS_TRANSACTION_ID"])
    return reply.status_code, told["code"]


@asynccontextmanager
async def programs(app: Any, count: int = 1, base: str = "/ers-api") -> AsyncGenerator[Sequence[Program]]:
    """Return programs that call a service in this process."""
    made = [
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://127.0.0.1:8000{base}", headers=HEADERS)
        for _ in range(count)
    ]
    yield [Program(each) for each in made]
    for each in made:
        await each.aclose()
