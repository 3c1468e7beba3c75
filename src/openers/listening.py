"""Sockets to listen at: bound before anything is opened or printed, so that a port in use is told at once.

Called by the command line for the service, and to see whether a child process will find its port free.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

BACKLOG = 2048


class Wanted(NamedTuple):
    """An address that somebody is going to listen at. `option` is how to choose another port for it."""

    who: str
    host: str
    port: int
    option: str


class CannotListen(OSError):
    """Addresses that are needed can't be had. `problems` has one sentence each, saying what to do."""

    def __init__(self, problems: Sequence[str]) -> None:
        """All of them together."""
        super().__init__("\n".join(problems))
        self.problems = problems


def listen(service: Wanted, *others: Wanted) -> list[socket.socket]:
    """Listen for the service; `others` are only tried, since another process will listen there.

    Connections wait from now on until the service takes them. Raises CannotListen with every address that is not free.
    """
    problems: list[str] = []
    held = _try(service, problems)
    for other in others:
        _close(_try(other, problems))
    if problems:
        _close(held)
        raise CannotListen(problems)
    return held


def _try(wanted: Wanted, problems: list[str]) -> list[socket.socket]:
    """The sockets of an address, or another problem."""
    try:
        return _bound(wanted.host, wanted.port)
    except OSError as error:
        problems.append(f"{wanted.who} can't listen at {wanted.host} port {wanted.port}: {_reason(error, wanted)}")
        return []


def _bound(host: str, port: int) -> list[socket.socket]:
    """A socket for each address that the name `host` has on this machine. Raises OSError."""
    held: list[socket.socket] = []
    refused: OSError | None = None
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, _, _, _, address in dict.fromkeys(found):
        try:
            held.append(socket.create_server((str(address[0]), int(address[1])), family=family, backlog=BACKLOG))
        except OSError as error:
            refused = error
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):  # a name may have more than there are
                _close(held)
                raise
    if not held and refused is not None:
        raise refused
    return held


def _reason(error: OSError, wanted: Wanted) -> str:
    """What is wrong, and what to do."""
    another = f"choose another port with {wanted.option}"
    if isinstance(error, socket.gaierror):
        return "this machine does not know that name; correct --host or OPENERS_HOST"
    match error.errno:
        case errno.EADDRINUSE:
            return f"the port is in use; stop what listens there, or {another}"
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
