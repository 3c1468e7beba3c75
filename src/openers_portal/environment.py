"""An environment: its administration API, called as a registered application, and the recorded calls of test mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from openers_client import Application, ErsClient, ErsError, Session
from openers_client.retries import RetryPolicy
from openers_client.transport import Content, Reply, Request, Transport, content_of
from openers_portal.settings import EnvironmentSettings

ADMIN: Final = "/admin/v1"
CALLS: Final = "/_test/requests"
CLINICS: Final = "/_control/clinics"
TIMEOUT_S: Final = 8
TRIES: Final = 2
SUCCESS: Final = range(200, 300)
UNAUTHORISED: Final = 401
ABSENT: Final = 404


class EnvironmentDown(Exception):
    """The environment does not answer, or fails; the text names it."""


class EnvironmentRefuses(Exception):
    """The environment refuses a change. `cause` and `cure` are sentences for people."""

    def __init__(self, status: int, cause: str, cure: str) -> None:
        """Keep the reply."""
        super().__init__(cause)
        self.status, self.cause, self.cure = status, cause, cure


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that an authority of the environment has issued, with the authorities as PEM."""

    certificate: str
    trust: str
    fingerprint: str
    issuer: str
    serial: str
    not_after: datetime


class Call(msgspec.Struct, frozen=True):
    """A recorded call: which one, when, its status, and its id."""

    call: str
    at: datetime
    status: int
    operation: str
    request_id: str


class Present(NamedTuple):
    """A record of an environment, and the version (ETag) that a change of it names."""

    record: dict[str, Any]
    version: str


class _Calls(msgspec.Struct, frozen=True):
    requests: tuple[Call, ...]


class Environment:
    """One environment. Its connections open at the first call."""

    def __init__(self, settings: EnvironmentSettings) -> None:
        """Read the key of the administration. Raises OSError, ValueError."""
        self.settings: Final = settings
        key = msgspec.json.decode(settings.key_file.read_bytes(), type=dict[str, str])
        retry = RetryPolicy(attempts=TRIES)
        self._application = Application(settings.client_id, key)
        self._client = ErsClient(settings.base_url, retry=retry)
        self._transport = Transport(retry, TIMEOUT_S)
        self._session: Session | None = None

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()
        await self._transport.close()

    async def put(self, resource: str, key: str, record: Mapping[str, Any]) -> None:
        """Register a record, or replace it as a whole. A repetition changes nothing. Raises as `_send` does."""
        path = f"{ADMIN}/{resource}/{key}"
        present = await self._call("GET", path)
        version = {"If-None-Match": "*"} if present.status == ABSENT else {"If-Match": "*"}
        await self._send("PUT", path, record, version)

    async def read(self, resource: str, key: str) -> Present | None:
        """Return a record; `None` if there is none. Raises EnvironmentRefuses, EnvironmentDown."""
        reply = await self._call("GET", f"{ADMIN}/{resource}/{key}")
        if reply.status == ABSENT:
            return None
        record: dict[str, Any] = self._read(await self._checked(reply), dict)
        return Present(record, reply.headers.get("etag", ""))

    async def create(self, resource: str, key: str, record: Mapping[str, Any]) -> None:
        """Register a record that does not exist. Raises EnvironmentRefuses (412 if it does), EnvironmentDown."""
        await self._send("PUT", f"{ADMIN}/{resource}/{key}", record, {"If-None-Match": "*"})

    async def replace(self, resource: str, key: str, record: Mapping[str, Any], version: str) -> None:
        """Replace a version of a record. Raises EnvironmentRefuses (412 if there is a newer one), EnvironmentDown."""
        await self._send("PUT", f"{ADMIN}/{resource}/{key}", record, {"If-Match": version})

    async def put_all(self, resource: str, records: Sequence[Mapping[str, Any]]) -> None:
        """Register or replace up to 250 records of any versions. Raises EnvironmentRefuses, EnvironmentDown."""
        told = {"records": list(records)}
        reply = await self._send("POST", f"{ADMIN}/{resource}/$batch", told, {})
        refused = reply.json_or_empty().get("refused")
        if refused:
            raise EnvironmentRefuses(422, str(refused[0].get("detail", "")), str(refused[0].get("cure", "")))

    async def poll(self, service: str) -> None:
        """Poll the slots of a service now. Raises EnvironmentRefuses, EnvironmentDown."""
        await self._send("POST", f"{ADMIN}/services/{service}/poll", {}, {})

    async def make_clinic(self, service: str, name: str) -> None:
        """Let the Test PAS make a clinic for a service, unless it has one. Raises EnvironmentDown."""
        parts = urlsplit(self.settings.pas_url)
        address = f"{parts.scheme}://{parts.netloc}{CLINICS}"
        body = content_of(msgspec.json.encode({"service": service, "name": name}))
        sent = Request("POST", address, {"Content-Type": "application/json"}, body, repeatable=True)
        try:
            reply = await self._transport.send(sent)
        except ErsError as error:
            raise EnvironmentDown(f"The Test PAS of {self.settings.name} does not answer") from error
        if reply.status not in SUCCESS:
            raise EnvironmentDown(f"The Test PAS of {self.settings.name} makes no clinic (status {reply.status})")

    async def issue(self, asid: str, request: str, days: int) -> Issued:
        """Return a new certificate of an endpoint. Raises EnvironmentRefuses, EnvironmentDown."""
        body = {"request": request, "days": days}
        reply = await self._send("POST", f"{ADMIN}/endpoints/{asid}/certificates", body, {})
        return self._read(reply, Issued)

    async def revoke(self, asid: str, serial: str) -> None:
        """Revoke a certificate of an endpoint; a repetition changes nothing. Raises as `issue` does."""
        await self._checked(await self._call("DELETE", f"{ADMIN}/endpoints/{asid}/certificates/{serial}"))

    async def first_success(self, client_id: str) -> Call | None:
        """Return the oldest recorded call of an application that succeeded; test mode records the last ones only.

        Raises EnvironmentRefuses, EnvironmentDown.
        """
        if not self.settings.test_mode:
            return None
        reply = await self._checked(await self._call("GET", f"{CALLS}?limit=1000&application={client_id}"))
        found: Sequence[Call] = self._read(reply, _Calls).requests
        return next((each for each in reversed(found) if each.status in SUCCESS and each.operation), None)

    async def exchanges(self, cursor: str) -> tuple[bytes, str]:
        """Return the lines of the exchange log after a cursor, and the next cursor; no lines at its end.

        Raises EnvironmentRefuses, EnvironmentDown.
        """
        told = await self._call("GET", f"{ADMIN}/exchanges?cursor={cursor}", headers={"Accept": "*/*"})
        reply = await self._checked(told)
        return reply.body, reply.headers.get("x-openers-cursor", cursor)

    async def _send(self, method: str, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        """Return the reply to a change. Raises EnvironmentRefuses, EnvironmentDown."""
        return await self._checked(await self._call(method, path, msgspec.json.encode(body), headers))

    async def _call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Return the reply to a call with a token that is renewed in time. Raises EnvironmentDown."""
        sent = {"Accept": "application/json", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        content = None if body is None else content_of(body)
        try:
            reply = await self._sent(method, path, sent, content)
            if reply.status == UNAUTHORISED:  # the environment has forgotten the session, for example by a reset
                self._session = None
                reply = await self._sent(method, path, sent, content)
        except ErsError as error:
            self._session = None
            raise EnvironmentDown(f"{self.settings.name} does not answer") from error
        return reply

    async def _sent(self, method: str, path: str, headers: Mapping[str, str], content: Content | None) -> Reply:
        if self._session is None:
            self._session = await self._client.application_session(self._application)
        told = {**headers, "Authorization": f"Bearer {await self._session.access_token()}"}
        address = f"{self.settings.base_url}{path}"
        return await self._transport.send(Request(method, address, told, content, repeatable=method != "POST"))

    async def _checked(self, reply: Reply) -> Reply:
        """Return a reply that is a success. Raises EnvironmentRefuses, EnvironmentDown."""
        if reply.status in SUCCESS:
            return reply
        told = reply.json_or_empty()
        if reply.status >= 500 or "detail" not in told:
            self._session = None
            raise EnvironmentDown(f"{self.settings.name} failed with status {reply.status}")
        raise EnvironmentRefuses(reply.status, str(told["detail"]), str(told.get("cure", "")))

    def _read(self, reply: Reply, kind: type[Any]) -> Any:
        try:
            return msgspec.json.decode(reply.body, type=kind)
        except msgspec.DecodeError as error:
            raise EnvironmentDown(f"{self.settings.name} sent a reply that cannot be read: {error}") from error
