"""Bind the listening sockets before the service opens anything, so that a used port is reported at once.

The command line calls it for the service, and to check that a child process will find its port free.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

BACKLOG = 2048
WILDCARDS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with; only the user may choose one
"""Addresses that stand for every interface, and the address at which this machine reaches a listener there."""


class Wanted(NamedTuple):
    """A required listening address and its user. `option` chooses another port."""

    who: str
    host: str
    port: int
    option: str


class CannotListen(OSError):
    """Required addresses are not available. `problems` has one sentence each, with the cure."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Store all problems."""
        super().__init__("\n".join(problems))
        self.problems = problems


def listen(*service: Wanted, others: Sequence[Wanted] = ()) -> list[socket.socket]:
    """Listen for the service; only test the addresses of `others`, since another process will listen there.

    Connections wait until the service accepts them. Raises CannotListen with each unavailable address.
    """
    problems: list[str] = []
    held = [each for wanted in service for each in _try(wanted, problems)]
    for other in others:
        _close(_try(other, problems))
    if problems:
        _close(held)
        raise CannotListen(problems)
    return held


def _try(wanted: Wanted, problems: list[str]) -> list[socket.socket]:
    """Return the sockets of an address, or add a problem."""
    try:
        return _bound(wanted.host, wanted.port)
    except OSError as error:
        problems.append(f"{wanted.who} cannot listen at {wanted.host} port {wanted.port}: {_reason(error, wanted)}")
        return []


def _bound(host: str, port: int) -> list[socket.socket]:
    """Return a socket for each address of the name `host` on this machine. Raises OSError."""
    held: list[socket.socket] = []
    refused: OSError | None = None
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, _, _, _, address in dict.fromkeys(found):
        try:
            held.append(socket.create_server((str(address[0]), int(address[1])), family=family, backlog=BACKLOG))
        except OSError as error:
            refused = error
            if error.errno not in (
                errno.EADDRNOTAVAIL,
                errno.EAFNOSUPPORT,
            ):  # a name may have addresses that this machine lacks
                _close(held)
                raise
    if not held and refused is not None:
        raise refused
    return held


def _reason(error: OSError, wanted: Wanted) -> str:
    """Return the cause and the cure."""
    another = f"choose another port with {wanted.option}"
    if isinstance(error, socket.gaierror):
        return "this machine cannot resolve that name; correct --host or OPENERS_HOST"
    match error.errno:
        case errno.EADDRINUSE:
            return f"the port is in use; stop the program that uses it, or {another}"
        case errno.EACCES:
            return f"that port is reserved for the system; {another}"
        case errno.EADDRNOTAVAIL:
            return "this machine does not have that address; correct --host or OPENERS_HOST"
        case _:
            return f"{error.strerror}; {another}"


def _close(sockets: Sequence[socket.socket]) -> None:
    for each in sockets:
        with suppress(OSError):
            each.close()


def address_of(host: str, port: int) -> str:
    """Return the address at which this machine reaches a listener at `host`, without a slash at its end."""
    host, port = reached_at(host, port)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def reached_at(host: str, port: int) -> tuple[str, int]:
    """Return host and port at which this machine reaches a listener at `host`, which may be a wildcard address."""
    return WILDCARDS.get(host, host), port
