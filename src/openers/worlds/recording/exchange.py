"""One call and its reply as test mode remembers them, and the shelf of the last ones.

Nothing unmasked is kept: the credentials and the patients of a call are gone before it is put on the shelf.
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
"""Characters of all exchanges that are kept."""

Headers = tuple[tuple[str, str], ...]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A request or a reply, masked. `size` is that of the body as it was, in bytes; `body` may be cut."""

    headers: Headers
    body: str
    size: int

    def header(self, name: str) -> str:
        """A header's value, empty if it is absent. Of repeated headers the first counts."""
        wanted = name.lower()
        return next((value for known, value in self.headers if known.lower() == wanted), "")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the caller: the application behind the token, the person and how they logged in, their roles.

    `roles` are all that the person holds, `workgroups` those at the organisation that the call named.
    """

    application: str
    asid: str | None
    expires: Instant
    user: UserId | None = None
    assurance: Assurance | None = None
    roles: tuple[tuple[OdsCode, BusinessFunction], ...] = ()
    workgroups: frozenset[str] = frozenset()


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One call from its first to its last byte. `status` is 0 where no reply was sent.

    `methods` are those of its address, none where there is nothing. `caller` is absent where the token stood for
    nothing, and `token_fault` says why. `problem` is the refusal as it was told, `facts` what the rule that refused has
    said of it. `seen` tells that the call got at a record which its caller may see. `took` is how long the call took.
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
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def address(self) -> str:
        """The path below the FHIR base, as operations have it."""
        return self.path.removeprefix(PREFIX).rstrip("/") or "/"

    @property
    def reason(self) -> str:
        """The status in words."""
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return "No reply"


class Exchanges:
    """The last exchanges, the oldest dropped first. One thread keeps them, others read them."""

    def __init__(self, most: int, most_characters: int = MOST_CHARACTERS) -> None:
        """Keep `most`, as far as they have no more than `most_characters` together."""
        self.most: Final = most
        self._kept: deque[Exchange] = deque()
        self._most_characters, self._characters = most_characters, 0
        self._changing = Lock()
        self._next = 1

    def next_number(self) -> int:
        """A number for the next one to be kept."""
        number, self._next = self._next, self._next + 1
        return number

    def keep(self, exchange: Exchange) -> None:
        """Remember one."""
        with self._changing:
            self._kept.append(exchange)
            self._characters += _characters(exchange)
            while len(self._kept) > self.most or self._characters > self._most_characters:
                self._characters -= _characters(self._kept.popleft())

    def of(self, world: str) -> Iterator[Exchange]:
        """Those of a world, the latest first."""
        with self._changing:
            kept = list(self._kept)
        return (each for each in reversed(kept) if each.world == world)

    def find(self, world: str, name: str) -> Iterator[Exchange]:
        """Those that a number, a request id or a correlation id names, the latest first."""
        return (each for each in self.of(world) if name in {str(each.number), each.request_id, each.correlation_id})

    def forget(self, world: str) -> None:
        """Forget those of a world."""
        with self._changing:
            kept = [each for each in self._kept if each.world != world]
            self._kept.clear()
            self._kept.extend(kept)
            self._characters = sum(map(_characters, kept))


def _characters(exchange: Exchange) -> int:
    """How long the texts of an exchange are together, as far as a caller decides it."""
    said = exchange.request, exchange.reply
    headers = sum(len(name) + len(value) for each in said for name, value in each.headers)
    return headers + sum(len(each.body) for each in said) + len(exchange.target)
