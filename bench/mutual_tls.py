"""Mutual TLS: calls and handshakes a second beside plain HTTP, by the same client in the same run.

The client is a Python thread for each connection and does not verify the server, so the figures compare the two
listeners and are not the highest rate. `python -m bench.mutual_tls` measures only this part.
"""

from __future__ import annotations

import socket
import ssl
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
from tests.kit.service.certificates import Certificates, Pair
from tests.kit.service.running import GP, load_demo, settings_for

from bench.processes import free_port, server
from openers.worlds.packs import read_pack
from openers_client import Application, log_in

PATH: Final = "/referrals/FHIR/STU3/CodeSystem/PRIORITY"
AT_ONCE: Final = 4
END: Final = b"\r\n\r\n"
Connect = Callable[[], socket.socket]


class TlsFigures(msgspec.Struct, frozen=True):
    """Calls a second on open connections, and connections a second with one call each; plain HTTP, then mutual TLS."""

    plain_calls: float
    tls_calls: float
    plain_connections: float
    tls_connections: float


def measure_mutual_tls(directory: Path, seconds: int) -> TlsFigures:
    """Return the figures of A004 with a client certificate and without."""
    directory.mkdir()
    settings = settings_for(f"sqlite:///{directory / 'tls.db'}", directory)
    load_demo(settings)
    ours, port = Certificates(directory / "authority"), free_port()
    mine, its = ours.issue("program.example"), ours.issue("localhost", 30, "127.0.0.1")
    environ = {
        "OPENERS_DATABASE_URL": settings.database_url,
        "OPENERS_AUDIT_KEY_FILE": str(settings.audit_key_file),
        "OPENERS_SIGNING_KEY_FILE": str(settings.signing_key_file),
        "OPENERS_ACCESS_CODE_KEY_FILE": str(settings.access_code_key_file),
        "OPENERS_TLS_CERTIFICATE": str(its.certificate),
        "OPENERS_TLS_KEY": str(its.key),
        "OPENERS_TLS_CLIENT_CA": str(ours.files.trust),
        "OPENERS_TLS_PORT": str(port),
    }
    arguments = ["-m", "openers.cli.main", "serve", "--port", "PORT"]
    with server(arguments, environ, "/referrals/_ping", directory) as service:
        client = Application("demo-user-app", read_pack("demo").private_keys["demo-user-app"])
        call = _call(log_in(service.base_url, GP.user, client).access_token)
        plain, secured = _plain(urlsplit(service.base_url).port or 0), _secured(port, mine)
        calls = [_rate(connect, call, seconds, each_anew=False) for connect in (plain, secured)]
        connections = [_rate(connect, call, seconds, each_anew=True) for connect in (plain, secured)]
    return TlsFigures(*calls, *connections)


def report_mutual_tls(figures: TlsFigures) -> None:
    """Print the figures."""
    calls, connections = figures.tls_calls / figures.plain_calls, figures.tls_connections / figures.plain_connections
    print(
        f"{'A004 by mutual TLS':22}{figures.tls_calls:11.0f} calls/s, {calls:.2f} of {figures.plain_calls:.0f} by HTTP"
    )
    print(
        f"{'handshakes':22}{figures.tls_connections:11.0f} connections/s with a call, "
        f"{connections:.2f} of {figures.plain_connections:.0f} by HTTP"
    )


def _call(token: str) -> bytes:
    headers = {"Host": "127.0.0.1", "Authorization": f"Bearer {token}", **GP.headers}
    lines = [f"GET {PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


def _plain(port: int) -> Connect:
    return lambda: socket.create_connection(("127.0.0.1", port), 30)


def _secured(port: int, mine: Pair) -> Connect:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(*mine.one)
    plain = _plain(port)
    return lambda: context.wrap_socket(plain())


def _rate(connect: Connect, call: bytes, seconds: int, *, each_anew: bool) -> float:
    """Return the calls a second of all threads."""
    until = time.perf_counter() + seconds
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(_repeat, connect, call, until, each_anew=each_anew) for _ in range(AT_ONCE)]
        return sum(each.result() for each in running) / seconds


def _repeat(connect: Connect, call: bytes, until: float, *, each_anew: bool) -> int:
    done = 0
    while time.perf_counter() < until:
        with connect() as connection:
            while time.perf_counter() < until:
                _ask(connection, call)
                done += 1
                if each_anew:
                    break
    return done


def _ask(connection: socket.socket, call: bytes) -> None:
    """Send the call and read its reply. Raises RuntimeError if it is not 200."""
    connection.sendall(call)
    received = b""
    while END not in received:
        received += _more(connection)
    head, _, body = received.partition(END)
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise RuntimeError(head.decode("latin-1"))
    length = int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
    left = length - len(body)
    while left > 0:
        left -= len(_more(connection))


def _more(connection: socket.socket) -> bytes:
    part = connection.recv(65536)
    if not part:
        raise RuntimeError("the service has closed the connection")
    return part


def main() -> None:
    """Measure only mutual TLS."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as name:
        report_mutual_tls(measure_mutual_tls(Path(name) / "tls", seconds))


if __name__ == "__main__":
    main()
