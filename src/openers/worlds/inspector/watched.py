"""A call while it is watched, and the exchange that is made of it: masked, and held against our OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

import msgspec

from openers.api.call import Call
from openers.api.edge import PREFIX
from openers.api.gateway import Gateway
from openers.api.request import CORRELATION, ODS, Request, Scope
from openers.api.routes import Routes
from openers.domain.audit import AuditEntry
from openers.domain.clock import Instant
from openers.domain.errors import OpenersError
from openers.identity.access import Caller, bearer_of, open_bearer
from openers.identity.errors import InvalidToken, TokenFault
from openers.usecases.world import World
from openers.wire.json import JsonValue
from openers.wire.outcome import Problem
from openers.worlds.inspector.contract import Document, Finding, Heard
from openers.worlds.inspector.exchange import Exchange, Known, Message
from openers.worlds.inspector.masking import Masker

LONGEST_KEPT: Final = 256 * 1024
"""How much of a body is kept, in bytes. A longer one is kept by its size alone."""
REQUEST_ID: Final = b"x-request-id"


class Judges(msgspec.Struct, frozen=True):
    """What an exchange is held against: the addresses, the gateway, and our OpenAPI document."""

    routes: Routes
    gateway: Gateway
    document: Document


class Watched(msgspec.Struct, kw_only=True):
    """What is known so far of one call. Filled in by the probe as the call goes on; holds what is not masked yet."""

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
    call: Call | None = None
    problem: Problem | None = None
    error: OpenersError | None = None
    fault: str = ""
    dropped: bool = False
    is_kept: bool = False

    @property
    def request_id(self) -> str:
        """The id of the request that its reply carries."""
        return _header(self.reply_headers, REQUEST_ID)

    def heard(self, message: Any) -> None:
        """Take note of what the client sends."""
        body = message.get("body", b"")
        self.sent_size += len(body)
        if self.sent_size <= LONGEST_KEPT:
            self.sent += body

    def said(self, message: Any) -> None:
        """Take note of what is answered."""
        if message["type"] == "http.response.start":
            self.status, self.reply_headers = message["status"], list(message["headers"])
        body = message.get("body", b"")
        self.told_size += len(body)
        if self.told_size <= LONGEST_KEPT:
            self.told += body


async def exchange_of(watched: Watched, took: timedelta, judges: Judges) -> Exchange:
    """The exchange, masked; its number is given by whoever keeps it."""
    scope, masker = watched.scope, Masker()
    request = Request(scope, PREFIX)
    match = judges.routes.find(request.path)
    entry = AuditEntry("", "", watched.at) if watched.world is None else watched.world.entry
    query: str = scope["query_string"].decode("latin-1")
    findings = _findings(watched, judges.document, query)
    sent = _request(watched, masker)
    caller, token_fault = await _caller(request, watched.world, judges.gateway)
    return Exchange(
        number=0,
        world=watched.world_name,
        at=watched.at,
        took=took,
        method=scope["method"],
        path=masker.text(scope["path"]),
        query=masker.text(query),
        request=sent,
        reply=_reply(watched, masker),
        status=watched.status,
        request_id=watched.request_id or entry.request_id,
        correlation_id=request.header(CORRELATION),
        operation=None if match is None else match.operations.get(request.method),
        methods=() if match is None else tuple(match.operations),
        caller=caller,
        token_fault=token_fault,
        problem=None if watched.problem is None else _masked_problem(watched.problem, masker),
        facts=_facts(watched.error, masker),
        ubrn=entry.ubrn or "",
        seen=entry.nhs_number is not None,
        fault=watched.fault,
        findings=findings[0],
        reply_findings=findings[1],
    )


def _request(watched: Watched, masker: Masker) -> Message:
    """The request, masked; a body that was longer than what is kept is told by its size."""
    headers: list[tuple[bytes, bytes]] = watched.scope["headers"]
    media, body = _header(headers, b"content-type").lower(), bytes(watched.sent)
    text = masker.body(body, media) if len(body) == watched.sent_size else _by_size(media, watched.sent_size)
    return Message(headers=masker.headers(headers), body=text, size=watched.sent_size)


def _reply(watched: Watched, masker: Masker) -> Message:
    """The reply, in the same way."""
    headers, is_refusal = watched.reply_headers, watched.problem is not None
    media, body = _header(headers, b"content-type").lower(), bytes(watched.told)
    whole = len(body) == watched.told_size
    text = masker.body(body, media, is_refusal=is_refusal) if whole else _by_size(media, watched.told_size)
    return Message(headers=masker.headers(headers), body=text, size=watched.told_size)


def _by_size(media: str, size: int) -> str:
    return f"[{media or 'body'}, {size} bytes]"


def _findings(watched: Watched, document: Document, query: str) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """What is wrong with the request and with the reply, as our OpenAPI document describes them."""
    scope = watched.scope
    described = document.operation(scope["method"], scope["path"])
    if described is None:
        return (), ()
    _, operation = described
    of_request = Heard(headers=_lowered(scope["headers"]), body=bytes(watched.sent), query=query)
    of_reply = Heard(headers=_lowered(watched.reply_headers), body=bytes(watched.told), status=watched.status)
    sent = tuple(document.of_request(operation, of_request))
    if not watched.status or not watched.told_size:
        return sent, ()
    return sent, tuple(document.of_reply(operation, of_reply, has_body=scope["method"] != "HEAD"))


def _facts(error: OpenersError | None, masker: Masker) -> dict[str, JsonValue]:
    """What an error says of itself, masked."""
    told: dict[str, Any] = {} if error is None else vars(error)
    return {name: masker.value(value) for name, value in told.items() if value not in (None, "")}


async def _caller(request: Request, world: World | None, gateway: Gateway) -> tuple[Known | None, TokenFault | None]:
    """Who presented the token, as the gateway finds out; nobody, and why, if the token stands for nothing."""
    token = ""
    if world is None:
        return None, None
    try:
        token = bearer_of(request.header(b"authorization"))
        return _known(await open_bearer(token, world, gateway.access), request), None
    except InvalidToken as error:
        is_unknown = error.fault is TokenFault.UNKNOWN
        return None, gateway.access.why_unknown(world.name, token) if is_unknown else error.fault
    except OpenersError:
        return None, None


def _known(caller: Caller, request: Request) -> Known:
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
