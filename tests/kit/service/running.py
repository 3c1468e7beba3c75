"""The service in the test's own process, on a copy of the loaded demo world.

Each test gets its own store: a copied file, or a PostgreSQL database made from a template. The service's own code
issues the tokens. The tests of log-in are in `tests/api/test_oauth_*`.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import msgspec

from openers.api.edge import Edge
from openers.api.http.request import always
from openers.bootstrap import Service, open_service, open_world
from openers.domain.audit import AuditEntry
from openers.domain.codes import ClinicalTerm
from openers.domain.credentials import Session
from openers.domain.directory import Assurance
from openers.domain.identifiers import UserId
from openers.identity.tokens import begin_session, issue_tokens
from openers.settings import Settings, read_settings
from openers.telemetry.metrics import Metrics
from openers.usecases.due import system_entry
from openers.usecases.world import World
from openers.worlds import mode
from openers.worlds.packs import Pack, read_pack
from openers.worlds.running.loader import load_pack
from tests.kit.documents import listed, official, own_openapi
from tests.kit.documents.reference import DIRECTORY

FHIR = "application/fhir+json"
RC, RCA, RA = "REFERRING_CLINICIAN", "REFERRING_CLINICIAN_ADMIN", "REFERRING_ADMIN"
SPC, SPCA, SPA = "SERVICE_PROVIDER_CLINICIAN", "SERVICE_PROVIDER_CLINICIAN_ADMIN", "SERVICE_PROVIDER_ADMIN"
PRACTICE, PROVIDER, ELSEWHERE = "D82106", "RCD", "R69"


@dataclass(frozen=True)
class Person:
    """A user of the demo world, in one role."""

    user: str
    organisation: str
    function: str
    on_behalf_of: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that name the role."""
        named = {"NHSD-End-User-Organisation-ODS": self.organisation, "NHSD-eRS-Business-Function": self.function}
        return named if self.on_behalf_of is None else {**named, "NHSD-eRS-On-Behalf-Of-User-ID": self.on_behalf_of}


GP = Person("555073103100", PRACTICE, RC)
GP_ADMIN = Person("555031998104", PRACTICE, RCA)
REFERRING_ADMIN = Person("555031998103", PRACTICE, RA)
CONSULTANT = Person("555032006106", PROVIDER, SPC)
CONSULTANT_ADMIN = Person("555031998104", PROVIDER, SPCA, "555031999105")
PROVIDER_ADMIN = Person("555032006103", PROVIDER, SPA)
CONSULTANT_ELSEWHERE = Person("555032007101", ELSEWHERE, SPC)
PEOPLE = (GP, GP_ADMIN, REFERRING_ADMIN, CONSULTANT, CONSULTANT_ADMIN, PROVIDER_ADMIN, CONSULTANT_ELSEWHERE)


Open = Callable[[Settings, Iterable[ClinicalTerm]], Awaitable[Service]]
Check = Callable[[httpx.Request, httpx.Response], None]
CHECKS: tuple[Check, ...] = (own_openapi.check_reply, *([official.check_reply, listed.note_reply] if DIRECTORY else []))
"""The checks of every reply of the FHIR edge. They fail the test that made the call, or record the reply."""


async def _checked(response: httpx.Response) -> None:
    await response.aread()
    for check in CHECKS:
        check(response.request, response)


@dataclass
class Running:
    """A service in this process, and its clients."""

    service: Service
    clients: list[httpx.AsyncClient] = field(default_factory=list[httpx.AsyncClient])

    def anonymous(self, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
        """Return a client of the FHIR edge without a token."""
        client = self._client(self.service.edge, "/referrals/FHIR", headers or {})
        client.event_hooks = {"response": [_checked]}
        return client

    def pages(self) -> httpx.AsyncClient:
        """Return a client of all addresses that are not FHIR."""
        return self._client(self.service.pages, "", {})

    async def as_person(self, who: Person, application: str = "demo-user-app") -> httpx.AsyncClient:
        """Return a client of the FHIR edge for `who`, logged in with the assurance of their record."""
        token = await self.token(who.user, application)
        return self.anonymous({"Authorization": f"Bearer {token}", **who.headers})

    async def as_application(self, client_id: str) -> httpx.AsyncClient:
        """Return a client of the FHIR edge for an application without a user."""
        return self.anonymous({"Authorization": f"Bearer {await self.token(None, client_id)}"})

    async def token(
        self, user: str | None, application: str, assurance: Assurance | None = None, life: timedelta | None = None
    ) -> str:
        """Issue an access token. `assurance` replaces the assurance of the person's record."""
        world = self.service.world.for_call(entry())
        now = world.wall.now()
        async with world.begin("issue token for a test") as tx:
            session = None
            if user is not None:
                known = await tx.directory.user(UserId(user))
                assert known is not None, f"no user {user} in the demo world"
                ends = now + (life or timedelta(hours=12))
                how = assurance or known.assurance
                session = Session(id=str(uuid4()), user=known.id, assurance=how, began=now, ends=ends)
                await begin_session(tx, session)
            return (await issue_tokens(tx, application, session, now)).access_token

    def _client(self, app: Any, path: str, headers: Mapping[str, str]) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        base = f"{self.service.settings.base_url}{path}"
        self.clients.append(httpx.AsyncClient(transport=transport, base_url=base, headers=headers))
        return self.clients[-1]


def edge_in(world: World, service: Service) -> Edge:
    """Return the edge of a service that serves all requests from `world`."""
    loop = msgspec.structs.replace(service.edge.loop, world=always(world))
    return msgspec.structs.replace(service.edge, loop=loop)


def entry() -> AuditEntry:
    """Return an audit entry for an act that a test performs directly."""
    return system_entry("Test", datetime.now(UTC))


AUDIT_KEY: Final = "audit.key"


def settings_for(database_url: str, keys: Path, **overrides: object) -> Settings:
    """Return the settings of a test service, with its keys in the directory `keys`."""
    files = {
        "audit_key_file": AUDIT_KEY,
        "signing_key_file": "sign.pem",
        "files_key_file": "files.key",
        "access_code_key_file": "access-codes.key",
    }
    given: dict[str, object] = {name: keys / file for name, file in files.items()}
    if not database_url.startswith("sqlite:"):  # a service on SQLite keeps its blobs beside the database file
        given["blob_url"] = f"file:{keys / 'blobs' / uuid4().hex}"
    return read_settings({}, {"database_url": database_url, **given, **overrides})


async def open_test_service(settings: Settings, terms: Iterable[ClinicalTerm] = ()) -> Service:
    """Open the service in test mode without forks: the main world serves every request."""
    return (await mode.open_test_service(settings)).inner


@asynccontextmanager
async def running(
    settings: Settings, terms: Iterable[ClinicalTerm] | None = None, open_it: Open = open_service
) -> AsyncGenerator[Running, None]:
    """Run the service in this process on a loaded store, without a runner of due work.

    `terms` are the clinical terms of the loaded pack, if it is not the demo world. `open_it` opens the service.
    """
    service = await open_it(settings, read_pack("demo").clinical_terms if terms is None else terms)
    run = Running(service)
    try:
        yield run
    finally:
        for client in run.clients:
            await client.aclose()
        await service.world.pas.close()
        await service.world.blobs.close()
        await service.world.store.close()


def load_demo(settings: Settings, pack: Pack | None = None) -> None:
    """Migrate the settings' database and load the demo world, or another pack, into it."""
    asyncio.run(_load(settings, pack or read_pack("demo")))


async def _load(settings: Settings, pack: Pack) -> None:
    world = await open_world(settings, Metrics(), pack.clinical_terms)
    await load_pack(world.for_call(entry()), pack)
    await world.store.close()


def copied(template: Path, into: Path) -> str:
    """Copy the SQLite file `template` and its audit key into the directory `into`; return the URL of the copy."""
    shutil.copy(template, into / "openers.db")
    if (template.parent / AUDIT_KEY).exists():
        shutil.copy(template.parent / AUDIT_KEY, into)
    (into / "openers.db").chmod(0o600)
    return f"sqlite:///{into / 'openers.db'}"
