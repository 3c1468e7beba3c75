"""HTTP: one request with its repeats. The only module that knows the HTTP library."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import msgspec

from openers_client.errors import OutcomeUnknown, ServiceUnreachable, UnreadableReply
from openers_client.retries import RetryPolicy

if TYPE_CHECKING:
    import aiohttp

CONNECT_TIMEOUT_S: Final = 10
TIMEOUT_S: Final = 180
"""Seconds without any data after which a call ends: a booking waits for the provider's system."""
KEPT_FOR_S: Final = 3
"""Seconds for which an idle connection is kept: less than servers do, so that none closes as a call begins."""

T = TypeVar("T")
Content = Callable[[], AsyncIterator[bytes]]
"""Opens the body of a request; called again for each attempt."""


@dataclass(frozen=True)
class Request:
    """A request. If the reply is lost, only a request that is `repeatable` is sent again.

    `text` is the body again if it is JSON, for those who watch.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content: Content | None = None
    repeatable: bool = False
    follow: bool = False
    text: bytes = b""


@dataclass(frozen=True)
class Reply:
    """A reply with its whole body. The names in `headers` are in lower case."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the JSON object in the body. Raises UnreadableReply."""
        try:
            found: object = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise UnreadableReply(f"the reply of {self.url} is not JSON: {error}") from error
        if not isinstance(found, dict):
            raise UnreadableReply(f"the reply of {self.url} is not a JSON object")
        return cast("dict[str, Any]", found)

    def json_or_empty(self) -> dict[str, Any]:
        """Return the JSON object in the body; empty if there is none."""
        with suppress(UnreadableReply):
            return self.json()
        return {}


Watch = Callable[[Request, Reply], object]
"""Sees each call whose reply was read whole, for example to show it."""


class Transport:
    """Connections to services. Close it after use."""

    def __init__(
        self, retry: RetryPolicy, timeout_s: float = TIMEOUT_S, connections: int = 100, watch: Watch | None = None
    ) -> None:
        """`timeout_s` is the limit without data; `connections` is the maximum number at one time."""
        self.retry: Final = retry
        self._watch = watch
        self._timeout_s = timeout_s
        self._connections = connections
        self._http: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def send(self, request: Request) -> Reply:
        """Return the reply with its body, after repeats where they are safe.

        Raises ServiceUnreachable, and OutcomeUnknown if the reply to a change was lost.
        """
        reply = await self.exchange(request, whole)
        if self._watch is not None:
            self._watch(request, reply)
        return reply

    async def exchange(self, request: Request, read: Callable[[aiohttp.ClientResponse], Awaitable[T]]) -> T:
        """Send a request, repeat it where that is safe, and return what `read` makes of the reply.

        Raises ServiceUnreachable, OutcomeUnknown.
        """
        import aiohttp  # takes half a second, which commands without calls need not wait

        for attempt in count(1):
            try:
                async with self._sent(request) as response:
                    asked = response.headers.get("Retry-After")
                    wait_s = self.retry.after_status(response.status, asked, attempt)
                    if wait_s is None:
                        return await read(response)
            except (aiohttp.ClientError, TimeoutError) as error:
                wait_s = self._after_loss(request, error, attempt)
            await self.retry.sleep(wait_s)
        raise AssertionError("the loop above has no end")

    def _sent(self, request: Request) -> Any:
        import aiohttp

        if self._http is None:
            limits = aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S, sock_read=self._timeout_s)
            connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=KEPT_FOR_S)
            self._http = aiohttp.ClientSession(
                timeout=limits, connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=True
            )
        # An iterator is sent once: any other body of a PUT whose reply is lost, aiohttp itself would send again.
        body = None if request.content is None else request.content()
        return self._http.request(
            request.method, request.url, headers=request.headers, data=body, allow_redirects=request.follow
        )

    def _after_loss(self, request: Request, error: Exception, attempt: int) -> float:
        """Return the wait before the next attempt. Raises ServiceUnreachable, OutcomeUnknown."""
        import aiohttp

        was_sent = not isinstance(error, (aiohttp.ClientConnectorError, aiohttp.InvalidURL))
        wait_s = self.retry.wait_s(attempt) if request.repeatable or not was_sent else None
        if wait_s is not None and not isinstance(error, aiohttp.InvalidURL):
            return wait_s
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        if was_sent and not request.repeatable:
            text = f"the reply to {request.method} {request.url} was lost ({reason}); the change may have been made"
            raise OutcomeUnknown(f"{text}: read the record before you repeat it") from error
        raise ServiceUnreachable(f"no reply to {request.method} {request.url} ({reason})") from error


async def whole(response: aiohttp.ClientResponse) -> Reply:
    """Return a reply with its body."""
    return Reply(response.status, str(response.url), headers_of(response), await response.read())


def headers_of(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Return the headers of a reply, with names in lower case."""
    return {name.lower(): value for name, value in response.headers.items()}


def content_of(body: bytes) -> Content:
    """Return the content of a request whose body is in memory."""

    async def _open() -> AsyncIterator[bytes]:
        yield body

    return _open
