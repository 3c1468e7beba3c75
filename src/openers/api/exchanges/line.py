"""The line of a call in the exchange log: what is logged, and what is masked or left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import msgspec

from openers.api.http.peers import presented
from openers.api.http.reply import Content, Reply
from openers.api.http.request import INJECTED, LOG_IN, Request, Scope
from openers.domain.exchanges.exchange import Exchange
from openers.usecases.world import World

LONGEST_TEXT: Final = 200
_SESSIONS: Final = "session"
"""The generation whose paths have keys of sessions."""
_EXPECTED: Final = range(200, 300)
_KEY_HEADERS: Final = (b"http-x-session-key", b"x-session-key", b"http_x_session_key")
_SESSION_KEY: Final = re.compile(r"(?<=/ProfessionalSession/)[^/]+")
_NHS_NUMBER: Final = re.compile(r"(?<![0-9])[0-9]{10}(?![0-9])")
_UBRN: Final = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_encode: Final = msgspec.json.Encoder(enc_hook=str.__str__).encode


class Ended(NamedTuple):
    """The end of a call: its reply if one was sent, its duration, and how many calls there were at its start."""

    reply: Reply | None
    took_s: float
    in_flight: int


def line_of(generation: str, request: Request, world: World, ended: Ended) -> bytes:
    """Return the line of a call that has ended."""
    return _encode(_exchange(generation, request, world, ended))


def _exchange(generation: str, request: Request, world: World, ended: Ended) -> Exchange:
    """Return the facts of a call; positional, since each call pays for this."""
    entry, scope, headers, reply = world.entry, request.scope, request.headers, ended.reply
    query, path = scope["query_string"], scope["path"]
    client, status = scope.get("client"), 0 if reply is None else reply.status
    tls, common_name = _tls(scope) if "extensions" in scope else ("", "")
    return Exchange(
        entry.at,
        world.public_name,
        generation,
        request.method,
        path if status in _EXPECTED and generation != _SESSIONS else _masked(path),
        status,
        entry.operation,
        _names(query) if query else "",
        entry.code,
        entry.asid,
        entry.application,
        common_name,
        tls,
        str(client[0]) if client else "",
        _digest(entry.session) if entry.session else _session_of_key(headers),
        scope.get(LOG_IN, ""),
        entry.user,
        entry.on_behalf_of or "",
        entry.business_function,
        entry.organisation,
        _text(headers, b"accept"),
        _text(headers, b"content-type"),
        _text(headers, b"if-match"),
        "" if reply is None else _etag(reply),
        entry.ubrn or _ubrn(path, headers),
        entry.act,
        entry.request_id,
        _size(headers) if request.method != "GET" else 0,
        0 if reply is None else _bytes(reply),
        round(ended.took_s * 1000, 1),
        ended.in_flight,
        reply is None,
        str(scope.get(INJECTED, "")),
    )


def _tls(scope: Scope) -> tuple[str, str]:
    """Return the version of TLS, and the common name of the caller's certificate."""
    extensions: dict[str, Any] = scope.get("extensions") or {}
    version: int | None = extensions.get("tls", {}).get("tls_version")
    found = presented(scope)
    certificate = None if found is None else found.certificate
    return (
        "" if version is None else f"1.{(version & 0xFF) - 1}",
        "" if certificate is None else certificate.common_name,
    )


def _masked(path: str) -> str:
    """Return a path without the keys of sessions, and without what may be the number of a patient."""
    path = _SESSION_KEY.sub("{sessionKey}", path[:LONGEST_TEXT])
    return _NHS_NUMBER.sub("{nhsNumber}", path)


def _session_of_key(headers: Mapping[bytes, bytes]) -> str:
    """Return the digest of the session's key that a refused call of 2018 has sent; empty if it has sent none."""
    for name in _KEY_HEADERS:
        if name in headers:
            return _digest(headers[name][:LONGEST_TEXT].decode("latin-1").strip())
    return ""


@lru_cache(1024)
def _digest(session: str) -> str:
    return blake2b(session.encode(), digest_size=8).hexdigest()


def _names(query: bytes) -> str:
    """Return the names of the parameters, in order; their values may be those of a patient."""
    text = query[: 10 * LONGEST_TEXT].decode("latin-1")
    return ",".join(unquote(pair.partition("=")[0])[:40] for pair in text.split("&"))[:LONGEST_TEXT]


def _ubrn(path: str, headers: Mapping[bytes, bytes]) -> str:
    """Return the UBRN that the call names, for calls that have not read the request."""
    named = headers.get(b"nhsd-ers-referral-id", b"")
    found = _UBRN.search(path) or _UBRN.search(named[:LONGEST_TEXT].decode("latin-1"))
    return "" if found is None else found[0]


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str:
    found = headers.get(name)
    return "" if found is None else found[:LONGEST_TEXT].decode("latin-1")


def _size(headers: Mapping[bytes, bytes]) -> int:
    """Return the length that the request announces, in bytes; 0 if it announces none."""
    text = headers.get(b"content-length", b"")
    return int(text) if text.isdigit() and len(text) < 13 else 0


def _etag(reply: Reply) -> str:
    for name, value in reply.headers:
        if name == b"etag":
            return value.decode("latin-1")
    return ""


def _bytes(reply: Reply) -> int:
    """Return the length of the reply's body in bytes; 0 if it is not known before its end."""
    return reply.body.size or 0 if isinstance(reply.body, Content) else len(reply.body)
