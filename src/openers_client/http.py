"""The HTTP calls of a log-in with the standard library: one exchange each, redirects not followed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from typing import Any, Final, cast
from urllib.parse import SplitResult, urlencode, urlsplit

from openers_client.errors import ServiceUnreachable

TIMEOUT_S: Final = 30
REFUSED: Final = 400
CONNECTIONS: Final = {"http": HTTPConnection, "https": HTTPSConnection}


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


def get(address: str, headers: Mapping[str, str] | None = None) -> Answer:
    """GET an address. Raises ServiceUnreachable."""
    return send("GET", address, None, headers)


def post(address: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
    """POST a form. Raises ServiceUnreachable."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return send("POST", address, urlencode(form), {**kind, **(headers or {})})


class RefusedReply(Exception):
    """A stream that the service refused to open."""

    def __init__(self, answer: Answer) -> None:
        """Store the reply."""
        super().__init__(f"the service returned {answer.status}")
        self.answer = answer


def lines(address: str, headers: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a reply that has no end, such as a stream of events, until the service closes it.

    Raises RefusedReply, ServiceUnreachable.
    """
    parts, connection = _connection(address, TIMEOUT_S)
    try:
        connection.request("GET", _path(parts), None, dict(headers))
        reply = connection.getresponse()
        if reply.status >= REFUSED:
            raise RefusedReply(Answer(reply.status, reply.headers, reply.read().decode("utf-8", "replace")))
        for line in reply:
            yield line.decode("utf-8", "replace").rstrip("\r\n")
    except (OSError, HTTPException) as error:
        raise ServiceUnreachable(f"the service at {parts.netloc} does not respond any more") from error
    finally:
        connection.close()


def _connection(address: str, timeout_s: float) -> tuple[SplitResult, HTTPConnection]:
    """Return the parts of an address and a connection to it, which is not open yet. Raises ServiceUnreachable."""
    parts = urlsplit(address)
    if parts.scheme not in CONNECTIONS or not parts.hostname:
        raise ServiceUnreachable(f"{address} is not the address of a web service")
    try:
        return parts, CONNECTIONS[parts.scheme](parts.hostname, parts.port, timeout=timeout_s)
    except (HTTPException, ValueError) as error:
        raise ServiceUnreachable(f"no service responds at {parts.netloc}") from error


def _path(parts: SplitResult) -> str:
    """Return path and query of an address."""
    return parts._replace(scheme="", netloc="", fragment="").geturl() or "/"


class Channel:
    """A connection to one service that stays open between calls. Only for calls that may be sent twice."""

    def __init__(self, base_url: str, timeout_s: float = TIMEOUT_S) -> None:
        """Connect to the service at `base_url` with the first call. Raises ServiceUnreachable."""
        self._parts, self._connection = _connection(base_url.rstrip("/"), timeout_s)
        self._path = self._parts.path

    def send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Send a request to a path below the base address; once more if the connection was closed meanwhile.

        Raises ServiceUnreachable.
        """
        was_open = self._connection.sock is not None
        try:
            try:
                return self._exchange(method, path, body, headers)
            except (ConnectionError, HTTPException):
                if not was_open:
                    raise
                return self._exchange(method, path, body, headers)
        except (OSError, HTTPException, ValueError) as error:
            raise ServiceUnreachable(f"no service responds at {self._parts.netloc}: {error}") from error

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _exchange(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        try:
            self._connection.request(method, self._path + path, body, dict(headers))
            reply = self._connection.getresponse()
            return Answer(reply.status, reply.headers, reply.read().decode("utf-8", "replace"))
        except BaseException:
            self._connection.close()
            raise


def send(
    method: str,
    address: str,
    body: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Answer:
    """Send one request and wait `timeout_s` seconds for the reply. Raises ServiceUnreachable."""
    parts, connection = _connection(address, timeout_s)
    try:
        try:
            connection.request(method, _path(parts), body, dict(headers or {}))
            reply = connection.getresponse()
            return Answer(reply.status, reply.headers, reply.read().decode("utf-8", "replace"))
        finally:
            connection.close()
    except TimeoutError as error:
        waited = f"the reply to {method} {parts.path} within {timeout_s:.0f} s"
        raise ServiceUnreachable(f"the service at {parts.netloc} did not send {waited}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise ServiceUnreachable(f"no service responds at {parts.netloc}") from error
