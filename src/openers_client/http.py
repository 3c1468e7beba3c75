"""The HTTP calls of a log-in with the standard library: one exchange each, redirects not followed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from typing import Any, Final, cast
from urllib.parse import urlencode, urlsplit

TIMEOUT_S: Final = 30
CONNECTIONS: Final = {"http": HTTPConnection, "https": HTTPSConnection}


class ServiceUnreachable(Exception):
    """No service replies at the address in time, or the reply is not HTTP."""


@dataclass(frozen=True)
class Answer:
    """The reply."""

    status: int
    headers: HTTPMessage
    text: str

    def json(self) -> dict[str, Any]:
        """Return the JSON object in the body; empty if there is none."""
        try:
            found: object = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def get(address: str) -> Answer:
    """GET an address. Raises ServiceUnreachable."""
    return send("GET", address)


def post(address: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
    """POST a form. Raises ServiceUnreachable."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return send("POST", address, urlencode(form), {**kind, **(headers or {})})


def send(
    method: str,
    address: str,
    body: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Answer:
    """Send one request and wait `timeout_s` seconds for the reply. Raises ServiceUnreachable."""
    parts = urlsplit(address)
    if parts.scheme not in CONNECTIONS or not parts.hostname:
        raise ServiceUnreachable(f"{address} is not the address of a web service")
    path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    try:
        connection = CONNECTIONS[parts.scheme](parts.hostname, parts.port, timeout=timeout_s)
        try:
            connection.request(method, path, body, dict(headers or {}))
            reply = connection.getresponse()
            return Answer(reply.status, reply.headers, reply.read().decode("utf-8", "replace"))
        finally:
            connection.close()
    except TimeoutError as error:
        waited = f"the reply to {method} {parts.path} within {timeout_s:.0f} s"
        raise ServiceUnreachable(f"the service at {parts.netloc} did not send {waited}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise ServiceUnreachable(f"no service responds at {parts.netloc}") from error
