"""Send requests to one neighbour over HTTP, bounded in time, size and rate. Every failure is `NeighbourSilent`.

Redirects are not followed and no cookie is stored. A neighbour is not trusted: only the caller, who parses the body,
knows whether a reply is usable, so it decides success (`usable`) or failure (`unusable`) for the circuit breaker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Final, NamedTuple, NoReturn

import aiohttp
from yarl import URL

from openers.domain.errors import NeighbourSilent
from openers.neighbours.limits import PAUSE_S, Breaker, Pace

LONGEST_REPLY_BYTES: Final = 512 * 2**10
IDLE_CONNECTION_S: Final = 4.0
"""Shorter than the idle timeout of most servers, so that no request meets a connection that is being closed."""
BUSY: Final = 429

Note = Callable[[str, str, float], None]
"""A listener for each request: the neighbour, the outcome (`reply`, `silent`, `skipped`), and its seconds."""


class Reply(NamedTuple):
    """A reply of any status; names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Bounds(NamedTuple):
    """Limits of requests to one neighbour: seconds for each, and requests a second."""

    timeout_s: float
    per_second: float


class Neighbour:
    """One neighbour. For one event loop."""

    def __init__(self, name: str, bounds: Bounds, note: Note, clock: Callable[[], float] = monotonic) -> None:
        """Name the neighbour for people; `note` is told of each request."""
        self.name, self._note, self._clock = name, note, clock
        self._timeout_s = bounds.timeout_s
        self._breaker, self._pace = Breaker(clock), Pace(bounds.per_second, clock)
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, address: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None) -> Reply:
        """Return the reply to a GET, or to a POST of `form`. Raises NeighbourSilent."""
        if self._breaker.is_open():
            self._skip("it failed repeatedly")
        wait = self._pace.take(self._timeout_s)
        if wait is None:
            self._skip("too many requests wait for it")
        await asyncio.sleep(wait)
        if not self._breaker.admits():
            self._skip("it failed while the request waited")
        began = self._clock()
        try:
            reply = await self._send(URL(address, encoded=True), headers, form)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            self._note(self.name, "silent", self._clock() - began)
            self._fail(f"no reply: {type(error).__name__}")
        self._note(self.name, "reply", self._clock() - began)
        if reply.status == BUSY:
            self._fail("it is busy", _seconds(reply.headers.get("retry-after", "")))
        return reply

    def usable(self) -> None:
        """Record that the last reply was usable."""
        self._breaker.succeeded()

    def proceed(self) -> None:
        """Record that the last reply, of a token say, asks for another request, which shows whether all is well."""
        self._breaker.proceeds()

    def unusable(self, reason: str) -> NoReturn:
        """Record that the last reply was not usable. Raises NeighbourSilent."""
        self._fail(reason)

    async def close(self) -> None:
        """End all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _skip(self, reason: str) -> NoReturn:
        self._note(self.name, "skipped", 0.0)
        raise NeighbourSilent(self.name, reason)

    def _fail(self, reason: str, pause_s: float = 0.0) -> NoReturn:
        self._breaker.failed(pause_s)
        raise NeighbourSilent(self.name, reason)

    async def _send(self, address: URL, headers: Mapping[str, str], form: Mapping[str, str] | None) -> Reply:
        method = "GET" if form is None else "POST"
        async with self._opened().request(method, address, headers=headers, data=form, allow_redirects=False) as reply:
            body = bytearray()
            async for part in reply.content.iter_any():
                body += part
                if len(body) > LONGEST_REPLY_BYTES:
                    raise ValueError("the reply is too long")
            return Reply(reply.status, {name.lower(): value for name, value in reply.headers.items()}, bytes(body))

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(keepalive_timeout=IDLE_CONNECTION_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "identity"},
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
                auto_decompress=False,  # a small reply must not expand beyond its limit
            )
        return self._session


def _seconds(retry_after: str) -> float:
    """Return the pause that a busy neighbour asks for, in seconds; the usual one if it gives none or a date."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else PAUSE_S
