"""One call of each kind, and a store that fails on demand, for the table of `test_every_call`."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from tests.kit.service.requests import create_referral
from tests.kit.service.running import FHIR, GP
from tests.kit.service.worlds import Rig

from openers.domain.audit import AuditEntry
from openers.domain.identifiers import FileId, OdsCode, UserId
from openers.domain.principal import RC, Principal
from openers.usecases.world import World

FORM = "application/x-www-form-urlencoded"
CORRELATION = "11C46F5F-CDEF-4865-94B2-0EE0EDCC26DA"
Fail = Callable[[], None]


@dataclass(frozen=True)
class Kind:
    """A kind of call. `good` reaches the store, `refused` breaks a rule, `long` has a body."""

    name: str
    good: Sent
    refused: Sent
    long: Sent
    is_control: bool = False


@dataclass(frozen=True)
class Sent:
    """One request. `token` selects its token: none, a person's or an application's."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    token: str = ""


def _kinds() -> list[Kind]:
    creation = create_referral()
    grant = {"Content-Type": FORM}
    return [
        Kind(
            "FHIR",
            Sent("GET", "/referrals/FHIR/STU3/ReferralRequest/000000000001", GP.headers, token="person"),
            Sent("GET", "/referrals/FHIR/R4/PractitionerRole"),
            Sent(
                "POST",
                f"/referrals/FHIR{creation['url']}",
                {"Content-Type": FHIR, **GP.headers},
                json.dumps(creation["json"]).encode(),
                "person",
            ),
        ),
        Kind(
            "OAuth",
            Sent("POST", "/oauth2/token", grant, b"grant_type=refresh_token&client_id=demo&client_secret=x"),
            Sent("POST", "/oauth2/token", grant, b"grant_type=nothing"),
            Sent("POST", "/oauth2/token", grant, b"grant_type=refresh_token&client_id=demo&client_secret=x"),
        ),
        Kind(
            "files",
            Sent("GET", "/files/{signed}"),
            Sent("GET", "/files/x.y"),
            Sent("GET", "/files/{signed}"),
        ),
        Kind(
            "notifications",
            Sent("POST", "/pas/notifications", token="application"),
            Sent("POST", "/pas/notifications"),
            Sent("POST", "/pas/notifications", body=b"{}", token="application"),
        ),
        Kind(
            "control",
            Sent("GET", "/_test/events"),
            Sent("GET", "/_test/requests/nobody"),
            Sent("PUT", "/_test/faults", {"Content-Type": "application/json"}, b'{"faults": []}'),
            is_control=True,
        ),
    ]


KINDS = _kinds()


class FailingStore:
    """A store whose reads and transactions fail, and optionally its audit."""

    def __init__(self, inner: Any, fails: Fail, witness_fails: Fail | None = None) -> None:
        """`fails` raises the error of each transaction, `witness_fails` the error of the audit."""
        self._inner, self._fails, self._witness_fails = inner, fails, witness_fails

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[Any]:
        """Fail, or read from the real store."""
        self._fails()
        async with self._inner.read() as tx:
            yield tx

    @asynccontextmanager
    async def begin(self, entry: AuditEntry, lock: Any) -> AsyncGenerator[Any]:
        """Fail, or begin a transaction of the real store."""
        self._fails()
        async with self._inner.begin(entry, lock) as tx:
            yield tx

    async def record_audit(self, entry: AuditEntry) -> None:
        """Fail if the test wants the audit to fail, or write to the real audit."""
        if self._witness_fails is not None:
            self._witness_fails()
        await self._inner.record_audit(entry)


def raising(error: Exception | None) -> Fail:
    """Return a function that raises `error`, or does nothing for `None`."""

    def _fail() -> None:
        if error is not None:
            raise error

    return _fail


@dataclass
class Desk:
    """A service in test mode that receives complete ASGI messages."""

    rig: Rig
    tokens: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def world(self) -> World:
        """Return the main world."""
        return self.rig.service.worlds.main.world

    @property
    def url(self) -> str:
        """Return the URL of its database."""
        return self.rig.service.settings.database_url

    @asynccontextmanager
    async def failing(self, fails: Fail, witness_fails: Fail | None = None) -> AsyncGenerator[None]:
        """Make the store of the main world fail, and clear the cache of earlier calls."""
        held, before = self.rig.service.worlds.main, self.world
        self.rig.service.inner.access.clear()
        store: Any = FailingStore(before.store, fails, witness_fails)
        held.world = msgspec.structs.replace(before, store=store)
        try:
            yield
        finally:
            held.world = before

    async def log_in(self) -> None:
        """Fetch the tokens for the calls."""
        for who, wanted in {"person": {"user": GP.user}, "application": {"application": "demo-provider-app"}}.items():
            self.tokens[who] = (await self.rig.control("POST", "/sessions", wanted))["access_token"]

    def scope(self, sent: Sent) -> dict[str, Any]:
        """Return the ASGI scope of a request."""
        headers = {"Host": "127.0.0.1:8000", "X-Correlation-ID": CORRELATION, **sent.headers}
        if sent.token:
            headers["Authorization"] = f"Bearer {self.tokens[sent.token]}"
        path, _, query = sent.path.replace("{signed}", self._signed()).partition("?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "scheme": "http",
            "method": sent.method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
        }

    def _signed(self) -> str:
        by = Principal(
            user=UserId(GP.user), organisation=OdsCode(GP.organisation), function=RC, application="x", session="x",
            asid="",
        )  # fmt: skip
        address = self.rig.service.inner.edge.addresses.give(
            FileId("00000000-0000-4000-8000-000000000000"), by, self.rig.service.world.base_url
        )
        return address.rpartition("/")[2]

    async def call(self, scope: dict[str, Any], messages: list[dict[str, Any]]) -> Answer:
        """Send a request and collect its reply. After the last message the client disconnects."""
        answer, left = Answer(), list(messages)

        async def _receive() -> dict[str, Any]:
            return left.pop(0) if left else {"type": "http.disconnect"}

        await self.rig.service(scope, _receive, answer.take)
        return answer

    async def send(self, sent: Sent, **changes: Any) -> Answer:
        """Send a complete request, with `changes` to its scope."""
        whole = {"type": "http.request", "body": sent.body, "more_body": False}
        return await self.call({**self.scope(sent), **changes}, [whole])


@dataclass
class Answer:
    """A reply, with status 0 if there was none."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    async def take(self, message: dict[str, Any]) -> None:
        """Implement ASGI's `send`."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        self.body += message.get("body", b"")
