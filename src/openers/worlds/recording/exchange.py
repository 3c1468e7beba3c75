"""One call and its reply as test mode stores them, and the store of the last calls.

Only masked data is stored: credentials and patient data are removed before a call is stored.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from threading import Lock
from typing import Final

import msgspec

from openers.api.edge import PREFIX
from openers.api.operation import Operation
from openers.domain.clock import Instant
from openers.domain.directory import Assurance
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.principal import BusinessFunction
from openers.identity.errors import TokenFault
from openers.wire.dialect import Problem
from openers.wire.json import JsonValue
from openers.worlds.recording.contract import Finding

MOST_CHARACTERS: Final = 64 * 2**20
"""Maximum characters of all stored exchanges."""

Headers = tuple[tuple[str, str], ...]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A masked request or reply. `size` is that of the original body in bytes; `body` may be cut."""

    headers: Headers
    body: str
    size: int

    def header(self, name: str) -> str:
        """Return a header's value, empty if absent. The first of repeated headers counts."""
        wanted = name.lower()
        return next((value for known, value in self.headers if known.lower() == wanted), "")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The caller: the application of the token, the user, how they logged in, and their roles.

    `roles` are all roles of the user; `workgroups` are those at the organisation in the request's header.
    """

    application: str
    asid: str | None
    expires: Instant
    user: UserId | None = None
    assurance: Assurance | None = None
    roles: tuple[tuple[OdsCode, BusinessFunction], ...] = ()
    workgroups: frozenset[str] = frozenset()


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One call from its first to its last byte. `status` is 0 if no reply was sent.

    `methods` are those of its address, empty for an unknown address. `caller` is absent if the token was invalid;
    `token_fault` is the reason. `problem` is the refusal that was sent, `facts` the details from the refusing rule.
    `seen` is whether the call read a record that its caller may see. `took` is the duration of the call.
    """

    number: int
    world: str
    at: Instant
    took: timedelta
    method: str
    path: str
    query: str
    request: Message
    reply: Message
    status: int
    request_id: str
    correlation_id: str
    operation: Operation | None = None
    methods: tuple[str, ...] = ()
    caller: Known | None = None
    token_fault: TokenFault | None = None
    problem: Problem | None = None
    facts: dict[str, JsonValue] = {}
    ubrn: str = ""
    seen: bool = False
    fault: str = ""
    findings: tuple[Finding, ...] = ()
    reply_findings: tuple[Finding, ...] = ()

    @property
    def target(self) -> str:
        """Return path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def address(self) -> str:
        """Return the path below the FHIR base, as operations declare it."""
        return self.path.removeprefix(PREFIX).rstrip("/") or "/"

    @property
    def reason(self) -> str:
        """Return the reason phrase of the status."""
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return "No reply"


class Exchanges:
    """The last exchanges; the oldest is dropped first. One thread writes them, others read them."""

    def __init__(self, most: int, most_characters: int = MOST_CHARACTERS) -> None:
        """Store at most `most` exchanges with at most `most_characters` together."""
        self.most: Final = most
        self._kept: deque[Exchange] = deque()
        self._most_characters, self._characters = most_characters, 0
        self._changing = Lock()
        self._next = 1

    def next_number(self) -> int:
        """Return the number of the next exchange."""
        number, self._next = self._next, self._next + 1
        return number

    def keep(self, exchange: Exchange) -> None:
        """Store an exchange."""
        with self._changing:
            self._kept.append(exchange)
            self._characters += _characters(exchange)
            while len(self._kept) > self.most or self._characters > self._most_characters:
                self._characters -= _characters(self._kept.popleft())

    def of(self, world: str) -> Iterator[Exchange]:
        """Return the exchanges of a world, the latest first."""
        with self._changing:
            kept = list(self._kept)
        return (each for each in reversed(kept) if each.world == world)

    def find(self, world: str, name: str) -> Iterator[Exchange]:
        """Return the exchanges with this number, request id, correlation id or UBRN, the latest first."""
        return (each for each in self.of(world) if name in _names(each))

    def forget(self, world: str) -> None:
        """Delete the exchanges of a world."""
        with self._changing:
            kept = [each for each in self._kept if each.world != world]
            self._kept.clear()
            self._kept.extend(kept)
            self._characters = sum(map(_characters, kept))


def _names(exchange: Exchange) -> set[str]:
    """Return the names by which a caller may ask for an exchange."""
    return {str(exchange.number), exchange.request_id, exchange.correlation_id, exchange.ubrn}


def _characters(exchange: Exchange) -> int:
    """Return the length of those texts of an exchange that callers control."""
    said = exchange.request, exchange.reply
    headers = sum(len(name) + len(value) for each in said for name, value in each.headers)
    return headers + sum(len(each.body) for each in said) + len(exchange.target)
