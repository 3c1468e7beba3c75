"""Connections: no caller can keep one forever, send endless headers or lock others out.

Each test serves a small application with the protocol class of the service. It waits for events, such as a reply or the
end of a connection. If a timeout must not happen, the deadline is an hour.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from openers.api.http.bounds import LONGEST_HEADERS, LONGEST_TARGET
from openers.api.http.connections import BoundedProtocol, Connections, most_connections

pytestmark = pytest.mark.anyio
HOUR: Final = 3600.0
SOON: Final = 0.05
GET: Final = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
REPLY: Final = b"fine"

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Stream]]


class Application:
    """Reply at once, or only after the test sets `go`."""

    def __init__(self, body: bytes = REPLY, *, waits: bool = False, reads: bool = False) -> None:
        """If `waits`, reply only after `go`. If `reads`, read the whole body first."""
        self._body, self._reads = body, reads
        self.go, self.began = asyncio.Event(), asyncio.Semaphore(0)
        self.ended = asyncio.Event()
        if not waits:
            self.go.set()
        self.scopes: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        self.scopes.append(scope)
        self.began.release()
        more = self._reads
        while more:
            message = await receive()
            more = message.get("more_body", False)
        await self.go.wait()
        headers = [(b"content-length", b"%d" % len(self._body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})
        self.ended.set()


@asynccontextmanager
async def served(app: Application, within_s: float = HOUR, most: int = 100) -> AsyncGenerator[Connect]:
    """Serve the application with the protocol class on a free port; yield a function that connects to it."""
    connections, state = Connections(most, within_s), ServerState()
    config = Config(app, log_config=None, access_log=False, server_header=False, timeout_keep_alive=3600)
    config.load()
    loop = asyncio.get_running_loop()

    def made() -> BoundedProtocol:  # as uvicorn creates one
        return BoundedProtocol(connections, config=config, server_state=state, app_state={}, _loop=loop)

    server = await loop.create_server(made, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    async with AsyncExitStack() as opened:

        async def connect() -> Stream:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            opened.callback(writer.close)
            return reader, writer

        yield connect
    server.close()
    for each in list(state.connections):
        each.transport.abort()  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]  # a transport of uvicorn


async def asked(stream: Stream, *parts: bytes) -> bytes:
    """Send the parts; return everything that arrives until the service closes the connection."""
    reader, writer = stream
    try:
        async with asyncio.timeout(60):
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await reader.read()
    except ConnectionResetError:
        return b""


async def replied(stream: Stream) -> bytes:
    """Return one reply of the application."""
    head = await stream[0].readuntil(b"\r\n\r\n")
    return head + await stream[0].readexactly(len(REPLY))


def post(length: int, body: bytes = b"") -> bytes:
    """Return a request with the beginning of a body."""
    return b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (length, body)


def header(size: int) -> bytes:
    """Return a request with a header of about `size` bytes."""
    return b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: %b\r\n\r\n" % (b"a" * size)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param([], b"", id="nothing"),
        pytest.param([b"GE"], b"HTTP/1.1 408", id="half a method"),
        pytest.param([b"\r\n", b"\r\n"], b"HTTP/1.1 408", id="empty lines"),
        pytest.param([GET[:-2]], b"HTTP/1.1 408", id="headers without an end"),
        pytest.param([GET + b"GET / HT"], b"HTTP/1.1 200", id="both at once"),
        pytest.param([post(10, b"1")], b"HTTP/1.1 200", id="a body that the application does not read"),
        pytest.param([post(10, b"1"), b"2"], b"HTTP/1.1 200", id="more of it after the reply"),
    ],
)
async def test_a_caller_that_does_not_go_on_is_closed(sent: Sequence[bytes], status: bytes) -> None:
    async with served(Application(), SOON) as connect:
        assert (await asked(await connect(), *sent)).startswith(status)


@pytest.mark.parametrize("sent", [b"\r\n", b"GET / HT"], ids=["an empty line", "half a request"])
async def test_a_caller_that_does_not_go_on_after_a_request_is_closed(sent: bytes) -> None:
    async with served(Application(), SOON) as connect:
        stream = await connect()
        stream[1].write(GET)
        assert b"200 OK" in await replied(stream)
        assert (await asked(stream, sent)).startswith(b"HTTP/1.1 408")


async def test_a_caller_that_drips_headers_is_closed() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"X-A: a\r\n")
            await writer.drain()
            await asyncio.sleep(SOON / 10)

    async with served(Application(), SOON) as connect:
        reader, writer = await connect()
        writer.write(GET[:-2])
        dripping = asyncio.create_task(drip(writer))
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        dripping.cancel()


async def test_a_reply_that_nobody_reads_is_given_up() -> None:
    app = Application(b"a" * 64 * 2**20)
    async with served(app, SOON) as connect:
        _, writer = await connect()
        writer.write(GET + GET)
        await app.began.acquire()
        transport: Any = writer.transport
        transport.pause_reading()
        await asyncio.wait_for(app.ended.wait(), 60)


async def test_a_slow_application_is_waited_for() -> None:
    """The deadline applies only to callers. A second request on the same connection waits as well."""
    app = Application(waits=True)
    async with served(app, SOON) as connect:
        stream = await connect()
        stream[1].write(GET + GET)
        await app.began.acquire()
        reader, _ = await connect()
        assert await reader.read() == b""  # the deadline has passed for a younger connection
        app.go.set()
        assert [(await replied(stream))[:12] for _ in range(2)] == [b"HTTP/1.1 200"] * 2


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        pytest.param(header(LONGEST_HEADERS - 100), 200, id="headers as long as allowed"),
        pytest.param(header(LONGEST_HEADERS), 431, id="longer"),
        pytest.param(header(2**20), 431, id="a megabyte"),
        pytest.param(header(20 * 2**20), 431, id="twenty megabytes"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * LONGEST_HEADERS + b"\r\n", 431, id="many short ones"),
        pytest.param(b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * (LONGEST_TARGET - 1)), 200, id="an address"),
        pytest.param(b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * LONGEST_TARGET), 414, id="a longer one"),
        pytest.param(b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * 20 * 2**20), 414, id="twenty megabytes of it"),
        pytest.param(b"GET / HTTP/9\r\n\r\n", 400, id="no HTTP"),
    ],
)
async def test_headers_are_bounded(request_text: bytes, status: int) -> None:
    async with served(Application()) as connect:
        stream = await connect()
        stream[1].write(request_text)
        assert (await stream[0].readline()).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize("trailers", [b"X-A: a\r\n" * LONGEST_HEADERS, b"X-A: " + b"a" * 2**20], ids=["many", "long"])
async def test_trailers_are_bounded_and_dropped(trailers: bytes) -> None:
    app = Application(reads=True)
    chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
    async with served(app) as connect:
        stream = await connect()
        stream[1].write(chunked + b"X-Forged: a\r\n\r\n")
        assert b"200 OK" in await replied(stream)
        assert [name for name, _ in app.scopes[0]["headers"]] == [b"host", b"transfer-encoding"]
        assert (await asked(await connect(), chunked, trailers)).startswith(b"HTTP/1.1 431")


async def test_a_refusal_does_not_break_into_the_reply_before_it() -> None:
    app = Application(waits=True)
    async with served(app) as connect:
        stream = await connect()
        stream[1].write(GET)
        await app.began.acquire()
        stream[1].write(b"NONSENSE\r\n\r\n")
        second = await connect()
        second[1].write(GET)  # when this request has arrived, the bytes before it have arrived too
        await app.began.acquire()
        app.go.set()
        reply = await stream[0].read()
        assert (reply[:12], reply[-len(REPLY) :]) == (b"HTTP/1.1 200", REPLY)


async def test_the_connection_that_waits_longest_makes_room() -> None:
    async with served(Application(), most=2) as connect:
        idle, silent = await connect(), await connect()
        idle[1].write(GET)
        await replied(idle)
        late = await connect()
        late[1].write(GET)
        assert b"200 OK" in await replied(late)
        assert await silent[0].read() == b""
        later = await connect()
        later[1].write(GET)
        assert b"200 OK" in await replied(later)
        assert await idle[0].read() == b""


async def test_where_all_are_at_work_a_new_connection_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    app = Application(waits=True)
    async with served(app, most=2) as connect:
        streams = [await connect(), await connect()]
        for _, writer in streams:
            writer.write(GET)
            await app.began.acquire()
        refusals = [await asked(await connect()) for _ in range(20)]
        for refusal in refusals:
            assert refusal.startswith(b"HTTP/1.1 503")
            assert {b"connection: close", b"retry-after: 1"} <= set(refusal.split(b"\r\n"))
        app.go.set()
        assert [(await replied(stream))[:12] for stream in streams] == [b"HTTP/1.1 200"] * 2
    assert "".join(capsys.readouterr()).count("too many connections") == 1


def test_the_limit_is_below_that_of_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def limit(soft: int) -> None:
        def _getrlimit(_resource: int) -> tuple[int, int]:
            return soft, soft

        monkeypatch.setattr("resource.getrlimit", _getrlimit)

    limit(256)
    assert [most_connections(None), most_connections(50), most_connections(5000)] == [96, 50, 96]
    limit(-1)
    assert [most_connections(None), most_connections(50)] == [10_000, 50]
    limit(10)
    assert most_connections(None) == 1


async def test_a_body_arrives_although_the_caller_offers_http_2() -> None:
    """Java's HTTP client offers an upgrade to HTTP/2 with its first request on a connection."""
    bodies: list[bytes] = []

    async def keep(scope: Any, receive: Any, send: Any) -> None:
        bodies.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": REPLY})

    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"
    async with served(keep) as connect:  # pyright: ignore[reportArgumentType]  # any ASGI application will do
        stream = await connect()
        for sent in (post(3, b"abc").replace(b"Host: a\r\n", b"Host: a\r\n" + offer), post(3, b"def")):
            stream[1].write(sent)
            assert (await replied(stream)).startswith(b"HTTP/1.1 200")
    assert bodies == [b"abc", b"def"]
