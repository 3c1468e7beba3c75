"""A call under observation, and its exchange: masked and validated against our OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import islice
from typing import Any, Final

import msgspec

from openers.api.edge import PREFIX
from openers.api.gateway import Gateway
from openers.api.http.bounds import LONGEST_CORRELATION_ID, kept
from openers.api.http.request import CORRELATION, ODS, Request, Scope
from openers.api.routes import Routes
from openers.domain.audit import AuditEntry
from openers.domain.clock import Instant
from openers.domain.errors import OpenersError
from openers.identity.access import TokenHolder, bearer_of, known_bearer
from openers.identity.errors import InvalidToken, TokenFault
from openers.usecases.world import World
from openers.wire.dialect import Problem
from openers.wire.json import JsonValue
from openers.worlds.recording.contract import Document, Finding, Heard
from openers.worlds.recording.exchange import Exchange, Known, Message
from openers.worlds.recording.masking import Masker

LONGEST_KEPT: Final = 256 * 1024
"""Maximum bytes of a body that are stored. Only the size of a longer one is stored."""
MOST_FINDINGS: Final = 50
"""Maximum reported differences of a request or reply from the document."""
REQUEST_ID: Final = b"x-request-id"


class Validators(msgspec.Struct, frozen=True):
    """The validators of an exchange: the addresses and our OpenAPI document."""

    routes: Routes
    document: Document


class Watched(msgspec.Struct, kw_only=True):
    """The unmasked data of a call so far, filled in by the probe.

    `took` is the duration of the call and `caller` its caller; both are set at its end.
    """

    scope: Scope
    receive: Any
    world_name: str
    at: Instant
    began: float
    sent: bytearray = msgspec.field(default_factory=bytearray)
    sent_size: int = 0
    told: bytearray = msgspec.field(default_factory=bytearray)
    told_size: int = 0
    status: int = 0
    reply_headers: list[tuple[bytes, bytes]] = msgspec.field(default_factory=list[tuple[bytes, bytes]])
    world: World | None = None
    caller: Known | None = None
    token_fault: TokenFault | None = None
    took: timedelta = timedelta()
    problem: Problem | None = None
    error: OpenersError | None = None
    fault: str = ""
    dropped: bool = False
    is_kept: bool = False

    @property
    def request_id(self) -> str:
        """Return the request id of the reply."""
        return _header(self.reply_headers, REQUEST_ID)

    @property
    def held(self) -> int:
        """Return the bytes of the bodies in memory."""
        return len(self.sent) + len(self.told)

    @property
    def whole_request(self) -> bytes | None:
        """Return the body of the request; absent if only its size is stored."""
        return bytes(self.sent) if len(self.sent) == self.sent_size else None

    @property
    def whole_reply(self) -> bytes | None:
        """Return the body of the reply; absent if only its size is stored."""
        return bytes(self.told) if len(self.told) == self.told_size else None

    def forget_bodies(self) -> None:
        """Keep only the sizes of the bodies."""
        self.sent.clear()
        self.told.clear()

    def heard(self, message: Any) -> None:
        """Record a message from the client."""
        body = message.get("body", b"")
        self.sent_size += len(body)
        if self.sent_size <= LONGEST_KEPT:
            self.sent += body

    def said(self, message: Any) -> None:
        """Record a message of the reply."""
        if message["type"] == "http.response.start":
            self.status, self.reply_headers = message["status"], list(message["headers"])
        body = message.get("body", b"")
        self.told_size += len(body)
        if self.told_size <= LONGEST_KEPT:
            self.told += body


def exchange_of(watched: Watched, judges: Validators) -> Exchange:
    """Return the masked exchange; its number is assigned when it is stored."""
    scope, masker = watched.scope, Masker()
    request = Request(scope, PREFIX)
    match = judges.routes.find(request.path) if scope["path"].startswith(f"{PREFIX}/") else None
    endpoint = None if match is None else match.endpoints.get(request.method)
    entry = AuditEntry("", "", watched.at) if watched.world is None else watched.world.entry
    query: str = scope["query_string"].decode("latin-1")
    findings = _findings(watched, judges.document, query)
    sent = _request(watched, masker)
    return Exchange(
        number=0,
        world=watched.world_name,
        at=watched.at,
        took=watched.took,
        method=scope["method"],
        path=masker.text(scope["path"]),
        query=masker.text(query),
        request=sent,
        reply=_reply(watched, masker),
        status=watched.status,
        request_id=watched.request_id or entry.request_id,
        correlation_id=kept(request.header(CORRELATION), LONGEST_CORRELATION_ID),
        operation=None if endpoint is None else endpoint.operation,
        methods=() if match is None else tuple(match.endpoints),
        caller=watched.caller,
        token_fault=watched.token_fault,
        problem=None if watched.problem is None else _masked_problem(watched.problem, masker),
        facts=_facts(watched.error, masker),
        ubrn=entry.ubrn or "",
        seen=entry.nhs_number is not None,
        fault=watched.fault,
        findings=findings[0],
        reply_findings=findings[1],
    )


def _request(watched: Watched, masker: Masker) -> Message:
    """Return the masked request; a body that was too long is replaced by its size."""
    headers: list[tuple[bytes, bytes]] = watched.scope["headers"]
    media, body = _header(headers, b"content-type").lower(), watched.whole_request
    text = _by_size(media, watched.sent_size) if body is None else masker.body(body, media)
    return Message(headers=masker.headers(headers), body=text, size=watched.sent_size)


def _reply(watched: Watched, masker: Masker) -> Message:
    """Return the masked reply; a body that was too long is replaced by its size."""
    headers, is_refusal = watched.reply_headers, watched.problem is not None
    media, body = _header(headers, b"content-type").lower(), watched.whole_reply
    text = _by_size(media, watched.told_size) if body is None else masker.body(body, media, is_refusal=is_refusal)
    return Message(headers=masker.headers(headers), body=text, size=watched.told_size)


def _by_size(media: str, size: int) -> str:
    return f"[{media or 'body'}, {size} bytes]"


def _findings(watched: Watched, document: Document, query: str) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Return the differences of request and reply from our OpenAPI document."""
    scope = watched.scope
    described = document.operation(scope["method"], scope["path"])
    if described is None:
        return (), ()
    _, operation = described
    of_request = Heard(headers=_lowered(scope["headers"]), body=watched.whole_request, query=query)
    of_reply = Heard(headers=_lowered(watched.reply_headers), body=watched.whole_reply, status=watched.status)
    sent = tuple(islice(document.of_request(operation, of_request), MOST_FINDINGS))
    if not watched.status or not watched.told_size:
        return sent, ()
    told = document.of_reply(operation, of_reply, has_body=scope["method"] != "HEAD")
    return sent, tuple(islice(told, MOST_FINDINGS))


def _facts(error: OpenersError | None, masker: Masker) -> dict[str, JsonValue]:
    """Return the masked attributes of an error."""
    told: dict[str, Any] = {} if error is None else vars(error)
    return {name: masker.value(value) for name, value in told.items() if value not in (None, "")}


def caller_of(watched: Watched, gateway: Gateway) -> tuple[Known | None, TokenFault | None]:
    """Return the caller of the token, or why the token is invalid; neither if the call is for no world."""
    request = Request(watched.scope, PREFIX)
    if watched.world is None:
        return None, None
    try:
        token = bearer_of(request.header(b"authorization"))
    except InvalidToken as error:
        return None, error.fault
    caller = known_bearer(token, watched.world, gateway.access)
    if caller is not None:
        return _known(caller, request), None
    is_unknown = watched.token_fault is TokenFault.UNKNOWN
    return None, gateway.access.why_unknown(watched.world.name, token) if is_unknown else watched.token_fault


def _known(caller: TokenHolder, request: Request) -> Known:
    user, application, session = caller.user, caller.application, caller.grant.session
    organisation = request.header(ODS)
    roles = tuple((role.organisation, each) for role in (user.roles if user else ()) for each in role.functions)
    if application.organisation is not None and application.function is not None:
        roles = ((application.organisation, application.function),)
    own = next((ods for ods, _ in roles if ods == organisation), None)
    return Known(
        application=application.client_id,
        asid=application.asid,
        expires=caller.grant.expires,
        user=None if user is None else user.id,
        assurance=None if session is None else session.assurance,
        roles=roles,
        workgroups=frozenset() if user is None or own is None else user.workgroups_at(own),
    )


def _masked_problem(problem: Problem, masker: Masker) -> Problem:
    return msgspec.structs.replace(problem, diagnostics=masker.text(problem.diagnostics))


def _lowered(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reversed(list(headers))}


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    return next((value.decode("latin-1") for known, value in headers if known == name), "")
