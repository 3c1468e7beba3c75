"""The line of a call in the exchange log: its fields, masks and omissions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_plus

import msgspec

from openers.api.http.peers import presented
from openers.api.http.reply import Content, Reply
from openers.api.http.request import INJECTED, LOG_IN, Request
from openers.domain.exchanges.exchange import Exchange, StoredExchange
from openers.domain.identifiers import without_nhs_numbers
from openers.usecases.world import World

LONGEST_TEXT: Final = 200
_LONGEST_NAME: Final = 40
_MOST_DIGITS: Final = 5
"""Digits of a value that is kept, fewer than half of a patient's number."""
_MASK: Final = "{nhsNumber}"
_SESSIONS: Final = "session"
"""The generation whose paths have keys of sessions."""
_KEEP_VALUES: Final = frozenset({"page", "_count"})
_EXPECTED: Final = range(200, 300)
_KEY_HEADERS: Final = (b"http-x-session-key", b"x-session-key", b"http_x_session_key")
_SESSION_KEY: Final = re.compile(r"(?is)(?<=/professionalsession/).+")
_UBRN: Final = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_encode: Final = msgspec.json.Encoder(enc_hook=str.__str__).encode
_decode: Final = msgspec.json.Decoder(StoredExchange).decode
_fields: Final = msgspec.structs.astuple


class Ended(NamedTuple):
    """A call that has ended; `reply` is `None` if the client left before it was sent."""

    generation: str
    request: Request
    world: World
    reply: Reply | None
    took_s: float
    in_flight: int


def line_of(call: Ended) -> bytes:
    """Return the stored line of a call."""
    entry, reply, request = call.world.entry, call.reply, call.request
    scope, headers = request.scope, request.headers
    path, query, status = scope["path"], scope["query_string"], 0 if reply is None else reply.status
    extensions, client = scope.get("extensions"), scope.get("client")
    tls, common_name = _tls(extensions) if extensions else ("", "")
    if status not in _EXPECTED or call.generation == _SESSIONS:
        path = _masked(path)
    return _encode(
        StoredExchange(  # positional, since each call pays for this
            entry.at,
            call.world.public_name,
            call.generation,
            request.method,
            path,
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
            "" if reply is None else _etag(reply).decode("latin-1"),
            entry.ubrn or _ubrn(path, headers),
            entry.act,
            entry.request_id,
            _size(headers) if request.method != "GET" else 0,
            0 if reply is None else _bytes(reply),
            round(call.took_s * 1000, 1),
            call.in_flight,
            not status,
            scope.get(INJECTED, ""),
        )
    )


def exported(lines: bytes) -> bytes:
    """Return stored lines as they are exported: one JSON object in each line."""
    return b"".join(_encode(Exchange(*_fields(_decode(line)))) + b"\n" for line in lines.splitlines())


def _tls(extensions: dict[str, Any]) -> tuple[str, str]:
    """Return the version of TLS, and the common name of the caller's certificate."""
    version: int | None = extensions.get("tls", {}).get("tls_version")
    found = presented({"extensions": extensions})
    certificate = None if found is None else found.certificate
    return (
        "" if version is None else f"1.{(version & 0xFF) - 1}",
        "" if certificate is None else certificate.common_name,
    )


def _masked(path: str) -> str:
    """Return a path without the keys of sessions, and without numbers that may be of a patient."""
    return _SESSION_KEY.sub("{sessionKey}", without_nhs_numbers(path, _MASK, LONGEST_TEXT))


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
    """Return the names of the parameters in order, with values of those only that cannot name a patient."""
    pairs = query[: 10 * LONGEST_TEXT].decode("latin-1").split("&")
    return ",".join(map(_shown, pairs[:-1] if len(query) > 10 * LONGEST_TEXT else pairs))[:LONGEST_TEXT]


def _shown(pair: str) -> str:
    """Return the name of a parameter, and its value if that is a small number of a page."""
    name, _, value = pair.partition("=")
    if name not in _KEEP_VALUES:
        return without_nhs_numbers(unquote_plus(name), _MASK, _LONGEST_NAME)
    return f"{name}={value}" if value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS else name


def _ubrn(path: str, headers: Mapping[bytes, bytes]) -> str:
    """Return the UBRN that the call names, for calls that have not read the request."""
    named = headers.get(b"nhsd-ers-referral-id", b"")
    found = _UBRN.search(path) or _UBRN.search(named[:LONGEST_TEXT].decode("latin-1"))
    return "" if found is None else found[0]


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str:
    """Return a header without numbers of patients; empty if it was not sent."""
    found = headers.get(name, b"")[: LONGEST_TEXT + 1].decode("latin-1")
    return without_nhs_numbers(found, _MASK, LONGEST_TEXT)


def _size(headers: Mapping[bytes, bytes]) -> int:
    """Return the length that the request announces, in bytes; 0 if it announces none."""
    text = headers.get(b"content-length", b"")
    return int(text) if text.isdigit() and len(text) < 13 else 0


def _etag(reply: Reply) -> bytes:
    for name, value in reply.headers:
        if name == b"etag":
            return value
    return b""


def _bytes(reply: Reply) -> int:
    """Return the length of the reply's body in bytes; 0 if it is not known before its end."""
    return reply.body.size or 0 if isinstance(reply.body, Content) else len(reply.body)
