"""One call: its headers, its body, and what its reply means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode
from uuid import uuid4

import msgspec

from openers_client.errors import CallRejected, NotLoggedIn, Rejection, explain_link, issues_of, rejected
from openers_client.fhir import Json, addressed
from openers_client.retries import seconds
from openers_client.roles import Role
from openers_client.sessions import Session
from openers_client.transport import Content, Reply, Request, Transport, content_of

FHIR_JSON: Final = "application/fhir+json"
LONGEST_TEXT: Final = 500
"""Characters of a reply without an OperationOutcome that an error shows."""


class Versioned(Protocol):
    """A referral or request for advice as it was read: the next change sends this version."""

    @property
    def ubrn(self) -> str:
        """Return its UBRN."""
        ...

    @property
    def version(self) -> int:
        """Return its version."""
        ...


@dataclass(frozen=True)
class Record:
    """The UBRN and version of a record, where a caller has not read the record itself."""

    ubrn: str
    version: int


@dataclass(frozen=True)
class Calling:
    """Who calls, where, and over which connections.

    `headers` go with each call, for example the world in test mode. Without `correlation_id` each call gets a new one.
    """

    transport: Transport
    base_url: str
    session: Session
    role: Role | None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    correlation_id: str | None = None

    @property
    def fhir_url(self) -> str:
        """Return the address of the FHIR edge."""
        return f"{self.base_url}/referrals/FHIR"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of an operation. `version` is sent as `If-Match`; `reads` says that a second call changes nothing."""

    number: str
    method: str
    path: str
    reads: bool = False
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Json | None = None
    content: Content | None = None
    version: int | None = None
    names_role: bool = True
    acts_for: bool = True
    accept: str = FHIR_JSON


def path(template: str, *parts: str) -> str:
    """Return a path with its parts quoted, in the place of each `{}`."""
    return template.format(*(quote(part, safe="") for part in parts))


class Operations:
    """Sends the calls of one caller."""

    def __init__(self, calling: Calling) -> None:
        """Store who calls."""
        self._calling: Final = calling

    @property
    def _root(self) -> str:
        """Return the address before the paths of the calls."""
        return self._calling.fhir_url

    async def _json(self, call: Call) -> Json:
        """Return the JSON of a reply. Raises ErsError."""
        return (await self._reply(call)).json()

    async def _reply(self, call: Call) -> Reply:
        """Return a successful reply. Raises ErsError."""
        for renewed in (False, True):
            request, token = await self._request(call)
            reply = await self._calling.transport.send(request)
            try:
                return checked(reply, request)
            except NotLoggedIn:
                if renewed or not await self._may_repeat(reply, token):
                    raise
        raise AssertionError("the loop above has no end")

    async def _may_repeat(self, reply: Reply, token: str) -> bool:
        """Renew a token that the service rejected; return whether there is another one now."""
        return "invalid_token" in reply.headers.get("www-authenticate", "") and await self._calling.session.renew(token)

    async def _request(self, call: Call) -> tuple[Request, str]:
        """Return the request of a call, and the access token in it."""
        calling = self._calling
        token = await calling.session.access_token()
        headers = {
            **calling.headers,
            "Authorization": f"Bearer {token}",
            "Accept": call.accept,
            "X-Correlation-ID": calling.correlation_id or str(uuid4()),
            **(calling.role.headers(call.acts_for) if calling.role is not None and call.names_role else {}),
            **({} if call.version is None else {"If-Match": f'W/"{call.version}"'}),
            **({} if call.body is None else {"Content-Type": FHIR_JSON}),
            **call.headers,
        }
        text = b"" if call.body is None else msgspec.json.encode(addressed(call.body, calling.fhir_url))
        content = content_of(text) if text else call.content
        query = f"?{urlencode(call.query)}" if call.query else ""
        url = f"{self._root}{call.path}{query}"
        return Request(call.method, url, headers, content, repeatable=call.reads, text=text), token


def checked(reply: Reply, request: Request) -> Reply:
    """Return a successful reply; raise the error of another one."""
    if reply.status < 400:
        return reply
    raise error_of(reply, request)


def error_of(reply: Reply, request: Request) -> CallRejected:
    """Return the error of a rejected request."""
    outcome: dict[str, Any] = reply.json_or_empty()
    issues = issues_of(outcome)
    return rejected(
        Rejection(
            status=reply.status,
            call=f"{request.method} {request.url}",
            issues=issues,
            text="" if issues else _text(reply),
            correlation_id=request.headers.get("X-Correlation-ID", ""),
            request_id=reply.headers.get("x-request-id"),
            explain_url=explain_link(reply.headers.get("link"), reply.url),
            retry_after_s=seconds(reply.headers.get("retry-after")),
            outcome=outcome,
        )
    )


def correlated(calling: Calling, correlation_id: str) -> Calling:
    """Return the same caller, all of whose calls have this correlation id."""
    return replace(calling, correlation_id=correlation_id)


def _text(reply: Reply) -> str:
    said = reply.body[:LONGEST_TEXT].decode("utf-8", "replace").strip()
    return said or reply.headers.get("www-authenticate", "")
