"""Export exchanges for other tools: as a curl command, and as an HTTP Archive (HAR 1.2).

Both contain only masked data; before running the command, set the variable `TOKEN` to an access token.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import parse_qsl

from openers.domain.clock import Instant
from openers.worlds.recording.exchange import Exchange, Headers, Message

HAR_VERSION: Final = "1.2"
CREATOR: Final = {"name": "OpenERS", "version": "0.1.0"}
UNKNOWN: Final = -1
"""HAR's value for an unknown size or time."""
_NOT_FOR_CURL: Final = frozenset({"host", "content-length", "connection", "user-agent", "accept-encoding"})
"""Headers that curl sends itself."""


def curl(exchange: Exchange, base_url: str) -> str:
    """Return a command that repeats the call with the access token in TOKEN and the file `file`."""
    words = ["curl", "-sS", "-i"]
    if exchange.method != "GET":
        words += ["-X", exchange.method]
    lines = [f"{shlex.join(words)} {shlex.quote(base_url.rstrip('/') + exchange.target)}"]
    for name, value in exchange.request.headers:
        if name.lower() == "authorization":
            lines.append('-H "Authorization: Bearer $TOKEN"')
        elif name.lower() not in _NOT_FOR_CURL:
            lines.append(f"-H {shlex.quote(f'{name}: {value}')}")
    if exchange.request.body:
        is_json = "json" in exchange.request.header("Content-Type")
        lines.append(f"--data-raw {shlex.quote(exchange.request.body)}" if is_json else "--data-binary @file")
    return " \\\n  ".join(lines)


def har(exchanges: Iterable[Exchange], base_url: str) -> dict[str, Any]:
    """Return exchanges as an HTTP Archive, in the given order."""
    entries = [_entry(each, base_url.rstrip("/")) for each in exchanges]
    return {"log": {"version": HAR_VERSION, "creator": CREATOR, "entries": entries}}


def _entry(exchange: Exchange, base_url: str) -> dict[str, Any]:
    took_ms = exchange.took.total_seconds() * 1000
    return {
        "startedDateTime": _written(exchange.at),
        "time": took_ms,
        "request": _request(exchange, base_url),
        "response": _response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": took_ms, "receive": 0},
        "comment": f"{exchange.operation.id if exchange.operation else 'no operation'}, request {exchange.request_id}",
    }


def _request(exchange: Exchange, base_url: str) -> dict[str, Any]:
    sent = exchange.request
    request: dict[str, Any] = {
        "method": exchange.method,
        "url": base_url + exchange.target,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(sent.headers),
        "queryString": [
            {"name": name, "value": value} for name, value in parse_qsl(exchange.query, keep_blank_values=True)
        ],
        "headersSize": UNKNOWN,
        "bodySize": sent.size,
    }
    if sent.size:
        request["postData"] = {"mimeType": sent.header("Content-Type"), "text": sent.body}
    return request


def _response(exchange: Exchange) -> dict[str, Any]:
    told = exchange.reply
    return {
        "status": exchange.status,
        "statusText": exchange.reason,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(told.headers),
        "content": _content(told),
        "redirectURL": told.header("Location"),
        "headersSize": UNKNOWN,
        "bodySize": told.size,
    }


def _content(told: Message) -> dict[str, Any]:
    return {"size": told.size, "mimeType": told.header("Content-Type") or "x-unknown", "text": told.body}


def _headers(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _written(at: Instant) -> str:
    return f"{at.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
