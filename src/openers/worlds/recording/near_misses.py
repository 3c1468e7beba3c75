"""Find operations that a refused call almost matched, and the differences, from the registry that the edge uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from openers.api.edge import PREFIX
from openers.api.http.media import FHIR_JSON, accepts, is_fhir_json
from openers.api.operation import ANY, Operation
from openers.api.registry import all_operations
from openers.api.routes import likeness
from openers.domain.principal import SPCA
from openers.worlds.recording.exchange import Exchange

MOST: Final = 3
"""Maximum near misses in a report."""
FARTHEST: Final = 2
"""Maximum differences of a near miss."""
LIKE: Final = 0.8
"""Minimum similarity of two paths, from 0 to 1, to suggest one for the other."""


class Difference(msgspec.Struct, frozen=True):
    """One difference between a call and an operation: the sent value (empty: nothing) and the expected value."""

    what: str
    sent: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.what} was {self.sent or 'absent'}, not {self.wanted}"


class NearMiss(msgspec.Struct, frozen=True):
    """An operation that a call almost matched, with the differences."""

    operation: str
    address: str
    summary: str
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        return f"would have matched {self.operation} but {' and '.join(map(str, self.differences))}"


def near_misses(exchange: Exchange) -> tuple[NearMiss, ...]:
    """Return the operations that a refused call almost matched, the nearest first; empty if nothing differs.

    If address and method match an operation, only that operation is considered.
    """
    if exchange.problem is None:
        return ()
    meant = all_operations() if exchange.operation is None else (exchange.operation,)
    found = [_near_miss(each, differences) for each in meant if (differences := _apart(exchange, each))]
    near = [each for each in found if len(each.differences) <= FARTHEST]
    return tuple(sorted(near, key=lambda each: (len(each.differences), each.operation))[:MOST])


def _near_miss(operation: Operation, differences: tuple[Difference, ...]) -> NearMiss:
    address = f"{operation.method} {operation.path}"
    return NearMiss(operation.id, address, operation.summary, differences)


def _apart(exchange: Exchange, operation: Operation) -> tuple[Difference, ...]:
    """Return the differences between the call and an operation; empty also if they are not similar."""
    own = exchange.operation is operation
    if not own and likeness(operation.path, exchange.address) < LIKE:
        return ()
    differences = list(_of_address(exchange, operation, own=own))
    if own or differences:
        differences += [*_of_roles(exchange, operation), *_of_headers(exchange, operation)]
    return tuple(differences)


def _of_address(exchange: Exchange, operation: Operation, *, own: bool) -> Iterator[Difference]:
    if not exchange.path.startswith(PREFIX):
        yield Difference("the path", exchange.path, f"{PREFIX}{operation.path}")
    elif not own and likeness(operation.path, exchange.address) < 1:
        yield Difference("the path", exchange.address, operation.path)
    if exchange.method != operation.method:
        yield Difference("the method", exchange.method, operation.method)


def _of_roles(exchange: Exchange, operation: Operation) -> Iterator[Difference]:
    """Yield differences in the headers with the caller's role, which applications do not send."""
    header = exchange.request.header
    by_person = exchange.caller is None or exchange.caller.user is not None
    if operation.roles is None:
        return
    if not by_person:
        if not operation.applications:
            yield Difference("the caller", "an application", "a person who is logged in")
        return
    function = header("NHSD-eRS-Business-Function")
    if not header("NHSD-End-User-Organisation-ODS"):
        yield Difference("NHSD-End-User-Organisation-ODS", "", "an organisation of the caller")
    if function not in operation.roles:
        yield Difference("NHSD-eRS-Business-Function", function, " or ".join(sorted(operation.roles)))
    elif function == SPCA and operation.acts_for and not header("NHSD-eRS-On-Behalf-Of-User-ID"):
        yield Difference("NHSD-eRS-On-Behalf-Of-User-ID", "", "the user id of a clinician")


def _of_headers(exchange: Exchange, operation: Operation) -> Iterator[Difference]:
    """Yield differences in the headers for content types, authorisation and the version to change."""
    header = exchange.request.header
    if operation.if_match and not header("If-Match"):
        yield Difference("If-Match", "", "the ETag of the version that was read")
    if operation.request is not None and not is_fhir_json(header("Content-Type")):
        yield Difference("Content-Type", header("Content-Type"), FHIR_JSON)
    if operation.produces is not ANY and not accepts(header("Accept"), operation.produces):
        yield Difference("Accept", header("Accept"), operation.produces)
    if not header("Authorization"):
        yield Difference("Authorization", "", "Bearer and an access token")
