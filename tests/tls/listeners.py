"""A small application behind both listeners, with the protocol class of the service, for tests of connections."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.server import ServerState

from openers.api.http.connections import BoundedProtocol, Connections
from openers.api.http.handshakes import TlsListener
from openers.api.http.peers import Peers
from openers.tls.files import TlsFiles
from tests.kit.service.certificates import Pair

HOUR: Final = 3600.0
GET: Final = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Both:
    """Both listeners of one process, and what the application has seen."""

    port: int
    tls_port: int
    connections: Connections
    opened: AsyncExitStack
    body: bytes = b"fine"
    scopes: list[Any] = field(default_factory=list[Any])
    began: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Reply with the body."""
        self.scopes.append(scope)
        self.began.release()
        headers = [(b"content-length", b"%d" % len(self.body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})
        self.ended.set()

    async def has_no_handshakes(self) -> bool:
        """Return whether no handshake is under way."""
        return not self.connections.handshakes

    async def plain(self, port: int | None = None) -> Stream:
        """Return a connection without TLS."""
        return self._kept(await asyncio.open_connection("127.0.0.1", port or self.port))

    async def secure(self, context: ssl.SSLContext) -> Stream:
        """Return a TLS connection."""
        return self._kept(await asyncio.open_connection("127.0.0.1", self.tls_port, ssl=context))

    def _kept(self, stream: Stream) -> Stream:
        transport: Any = stream[1].transport
        self.opened.callback(transport.abort)
        return stream


async def asked(stream: Stream, sent: bytes = GET) -> bytes:
    """Return the reply to one request, as far as it has arrived when its body ends."""
    stream[1].write(sent)
    head = await stream[0].readuntil(b"\r\n\r\n")
    return head + await stream[0].readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))


def trusting(authorities: TlsFiles, pair: Pair | None = None) -> ssl.SSLContext:
    """Return the context of a client that trusts the authorities, with a certificate of its own if given."""
    context = ssl.create_default_context(cafile=str(authorities.authorities[0]))
    if pair is not None:
        context.load_cert_chain(*pair.one)
    return context


@asynccontextmanager
async def both(
    files: TlsFiles, most: int = 100, within_s: float = HOUR, proxies: tuple[str, ...] = ()
) -> AsyncGenerator[Both]:
    """Serve on two free ports."""
    loop, state = asyncio.get_running_loop(), ServerState()
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    port, tls_port = (each.getsockname()[1] for each in sockets)
    connections = Connections(most, within_s, TlsListener(tls_port, files), Peers(proxies, files))
    async with AsyncExitStack() as opened:
        app = Both(port, tls_port, connections, opened)
        config = Config(app, log_config=None, server_header=False, timeout_keep_alive=3600, proxy_headers=False)
        config.load()

        def made() -> BoundedProtocol:  # as uvicorn creates one
            return BoundedProtocol(connections, config=config, server_state=state, app_state={}, _loop=loop)

        servers = [await loop.create_server(made, sock=each) for each in sockets]
        yield app
    for each in servers:
        each.close()
    for each in list(state.connections):
        each.transport.abort()  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]  # a transport of uvicorn
