"""A running log-in service for tests: real store, demo world, real endpoints, and a wall clock that tests can move."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from html import unescape
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import msgspec
import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from openers.api.addresses import Addresses
from openers.api.http.hosts import own_hosts
from openers.api.http.request import always
from openers.api.interaction import Loop
from openers.api.oauth.call import OAuthDeps, token_url
from openers.api.oauth.routes import oauth_routes
from openers.api.oauth.upstream import UpstreamProvider
from openers.api.site import asset_route
from openers.domain.audit import AuditEntry
from openers.domain.clock import Instant, in_utc
from openers.domain.credentials import Application
from openers.domain.directory import User
from openers.files.blobs_on_disk import BlobsOnDisk
from openers.files.scanning import ContentScanner, ScriptedThreats
from openers.identity.access import AccessCache, TokenHolder, open_bearer
from openers.identity.access_codes import AesCodeSeal
from openers.identity.errors import InvalidToken
from openers.identity.jose import sign
from openers.key_files import read_or_make_signing_key
from openers.outbound.log_out_sender import HttpLogOutSender
from openers.outbound.webhook_sender import HttpWebhookSender
from openers.paper.typesetter import TypstTypesetter
from openers.pas.connector import PasConnector
from openers.reference.packaged import PackagedReference
from openers.store.opening import migrate, open_store
from openers.store.records.patients import OwnPatients
from openers.usecases.events.feed import Feed
from openers.usecases.listings_cache import ListingsCache
from openers.usecases.world import World
from openers.web.log_in import LogInPages
from openers.worlds.packs import Pack, read_pack
from openers.worlds.running.loader import load_pack

BASE = "http://127.0.0.1:8000"
CALLBACK = "http://127.0.0.1/callback"
USER_APP, PROVIDER_APP, NO_ASID_APP = "demo-user-app", "demo-provider-app", "demo-no-asid"
CLINICIAN = "555073103100"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
HANDLE = re.compile(r'name="handle" value="([^"]+)"')


class Wall:
    """A wall clock that tests move."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC).replace(microsecond=0)

    def now(self) -> Instant:
        """Return the time of this clock."""
        return self.at

    def advance(self, **units: float) -> None:
        """Advance the clock."""
        self.at += timedelta(**units)


class RealWall(Wall):
    """The real wall clock, for clients that read their own."""

    def now(self) -> Instant:
        """Return the current time."""
        return in_utc(datetime.now(UTC))


class Watched(World, frozen=True, kw_only=True):
    """A world that records the audit entry of each call."""

    seen: list[AuditEntry]

    def for_call(self, entry: AuditEntry) -> World:
        """Return the world for the call that `entry` records."""
        self.seen.append(entry)
        return super().for_call(entry)


class RandomIds:
    """A source of random UUIDs."""

    def uuid(self) -> UUID:
        """Return a new UUID."""
        return uuid4()


@cache
def demo() -> Pack:
    """Return the demo pack."""
    return read_pack("demo")


def private_key(client_id: str) -> dict[str, str]:
    """Return the published private key of a demo application."""
    return demo().private_keys[client_id]


@cache
def signing_key(client_id: str) -> RSAKey:
    """Return the private key in a form that can sign. It is cached, because the check of its primes is slow."""
    return RSAKey.import_key(dict(private_key(client_id)))


@dataclass
class Service:
    """The service under test and a browser that uses it. The transport stores the browser's cookies."""

    world: World
    wall: Wall
    deps: OAuthDeps
    app: Addresses
    http: httpx.AsyncClient
    witnessed: list[AuditEntry] = field(default_factory=list[AuditEntry])

    def assertion(self, client_id: str = USER_APP, **changes: Any) -> str:
        """Return a valid client assertion, with `changes` to its claims (`None` removes one)."""
        now = int(self.wall.now().timestamp())
        claims: dict[str, Any] = {"iss": client_id, "sub": client_id, "aud": token_url(self.deps.base_url)}
        claims |= {"iat": now, "exp": now + 300, "jti": str(uuid4())} | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return sign(claims, signing_key(client_id), private_key(client_id)["kid"], "RS512")

    def proof(self, client_id: str = USER_APP) -> dict[str, str]:
        """Return the form fields with which a client authenticates."""
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion(client_id)}

    def asked(self, **changes: str | None) -> dict[str, str]:
        """Return the parameters of a valid authorisation request, with `changes` (`None` removes one)."""
        asked: dict[str, str | None] = {"response_type": "code", "client_id": USER_APP, "redirect_uri": CALLBACK}
        asked |= {"scope": "openid", "state": "some state", **changes}
        return {name: value for name, value in asked.items() if value is not None}

    async def page(self, **changes: str | None) -> tuple[httpx.Response, str]:
        """Return the log-in page and the handle in its form."""
        page = await self.http.get("/oauth2/authorize", params=self.asked(**changes))
        found = HANDLE.search(page.text)
        return page, unescape(found[1]) if found else ""

    def log_out_here(self) -> None:
        """Remove the session's cookie, as a new browser has none."""
        for each in list(self.http.cookies.jar):
            if each.name.removeprefix("__Host-").startswith("openers-session-"):
                self.http.cookies.jar.clear(each.domain, each.path, each.name)

    async def pick(self, handle: str, user_id: str = CLINICIAN, **more: str) -> httpx.Response:
        """Submit the page's form."""
        return await self.http.post("/oauth2/authorize", data={"handle": handle, "user_id": user_id, **more})

    async def code(self, user_id: str = CLINICIAN, **changes: str | None) -> str:
        """Log in with a browser that has no session; return the authorisation code."""
        self.log_out_here()
        _, handle = await self.page(**changes)
        return brought(await self.pick(handle, user_id))["code"]

    async def token(self, grant_type: str, *, client_id: str = USER_APP, **form: str) -> httpx.Response:
        """Request a token. The client authenticates with a signed assertion."""
        sent = {"grant_type": grant_type, **self.proof(client_id), **form}
        return await self.http.post("/oauth2/token", data=sent)

    async def redeem(self, code: str, **form: str) -> httpx.Response:
        """Exchange an authorisation code for tokens."""
        return await self.token("authorization_code", **{"code": code, "redirect_uri": CALLBACK} | form)

    async def logged_in(self, user_id: str = CLINICIAN, **changes: str | None) -> dict[str, Any]:
        """Log a user in; return the tokens."""
        reply = await self.redeem(await self.code(user_id, **changes))
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def caller(self, token: str) -> TokenHolder:
        """Return the holder of a token."""
        return await open_bearer(token, self.world, self.deps.cache)

    async def opens(self, token: str) -> bool:
        """Return whether the API's gateway accepts a token, with and without its cache."""
        found = [True, True]
        for number, remembered in enumerate((AccessCache(), self.deps.cache)):
            try:
                await open_bearer(token, self.world, remembered)
            except InvalidToken:
                found[number] = False
        assert found[0] == found[1]
        return found[0]

    async def claims(self, id_token: str) -> dict[str, Any]:
        """Return the claims of an ID token after a check of its signature with the published keys."""
        keys = KeySet.import_key_set((await self.http.get("/oauth2/jwks")).json())
        return jwt.decode(id_token, keys, algorithms=["RS256"]).claims

    async def put(self, *records: User | Application) -> None:
        """Add or replace records of the directory."""
        async with self.world.for_call(entry()).begin("put") as tx:
            for record in records:
                if isinstance(record, User):
                    await tx.directory.put_user(record)
                else:
                    await tx.directory.put_application(record)


def entry() -> AuditEntry:
    """Return an audit entry for an act that a test performs directly."""
    return AuditEntry(event_type="TEST", audit_type="test", at=datetime.now(UTC))


def brought(reply: httpx.Response) -> dict[str, str]:
    """Return the query parameters of a redirect to the client."""
    assert reply.status_code == 303, reply.text
    return {name: values[0] for name, values in parse_qs(urlsplit(reply.headers["location"]).query).items()}


def refused(reply: httpx.Response) -> tuple[int, str]:
    """Return the status and error code of a rejection."""
    return reply.status_code, str(reply.json()["error"])


def free_port() -> socket.socket:
    """Bind a free port that listens already, so that early callers wait."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    return listening


def address_of(port: socket.socket) -> str:
    """Return the URL of the server on this port."""
    return f"http://127.0.0.1:{port.getsockname()[1]}"


@asynccontextmanager
async def served(app: Addresses, port: socket.socket) -> AsyncGenerator[None]:
    """Serve the application over real HTTP."""
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
    serving = asyncio.create_task(server.serve(sockets=[port]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def running(
    directory: Path,
    *,
    base_url: str = BASE,
    production: bool = False,
    upstream: UpstreamProvider | None = None,
    wall: Wall | None = None,
) -> AsyncGenerator[Service]:
    """Run the service with the demo world in `directory`."""
    url = f"sqlite:///{directory / 'store.db'}"
    await migrate(url)
    store = await open_store(url, b"k" * 32)
    wall, reference = wall or Wall(), PackagedReference()
    signing = read_or_make_signing_key(directory / "keys" / "signing.pem")
    world = World(
        name="demo",
        base_url=base_url,
        store=store,
        clock=wall,
        wall=wall,
        ids=RandomIds(),
        patients=OwnPatients(),
        pas=PasConnector(BASE, lambda _claims: "", wall),
        blobs=BlobsOnDisk(directory / "blobs"),
        scanner=ContentScanner(ScriptedThreats()),
        reference=reference,
        listings=ListingsCache(reference),
        typesetter=TypstTypesetter(),
        seal=AesCodeSeal(b"k" * 32),
        feed=Feed(monotonic),
        sender=HttpWebhookSender(wall),
        log_outs=HttpLogOutSender(signing.sign, wall),
        entry=entry(),
    )
    await load_pack(world, msgspec.structs.replace(demo(), services=(), patients=()))
    seen: list[AuditEntry] = []
    watched = Watched(**msgspec.structs.asdict(world), seen=seen)
    deps = OAuthDeps(
        wall=wall,
        base_url=base_url,
        production=production,
        signing_key=signing,
        cache=AccessCache(),
        pages=LogInPages(),
        upstream=upstream,
    )
    loop = Loop(world=always(watched), hosts=own_hosts(base_url, "127.0.0.1"))
    app = Addresses(loop, [*oauth_routes(loop, deps), asset_route(loop)])
    try:
        transport = httpx.ASGITransport(app)  # pyright: ignore[reportArgumentType] -- its scopes are dicts, too
        async with httpx.AsyncClient(transport=transport, base_url=base_url) as http:
            yield Service(world, wall, deps, app, http, seen)
    finally:
        await store.close()
