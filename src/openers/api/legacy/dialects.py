"""Refusals of the API of 2018, and the headers of all its replies.

Sessions have an error of their own in JSON; operations have the OperationOutcome or the text of their FHIR version.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from openers.api.dialects import FhirDialect, problem_of, refusal_headers
from openers.api.http.reply import Header, Reply
from openers.api.interaction import ActiveCall
from openers.api.legacy.catalogue import ENDING, Entry
from openers.api.registry import REGISTRY
from openers.wire.dialect import Coded, EdgeProblem, Problem
from openers.wire.dstu2.dialect import DSTU2

TRANSACTION: Final = b"x_ers_transaction_id"
ERROR: Final = "uk.nhs.ers.xapi.dto.v1.error.Error"
JSON: Final = b"application/json"
_CODES: Final[Mapping[EdgeProblem, Coded]] = {
    EdgeProblem.ACCESS: Coded("UNAUTHORISED_ACCESS"),
    EdgeProblem.UNEXPECTED: Coded("TECHNICAL_ERROR"),
}
_ERRORS: Final = msgspec.structs.replace(DSTU2, name="session", edge={**DSTU2.edge, **_CODES})
"""Statuses of errors of the session API, and codes for those that are not about sessions."""


class LegacyDialect(msgspec.Struct, frozen=True):
    """Refusals of the operations of one row of the catalogue; without a row, of an unknown address."""

    fhir: FhirDialect
    entry: Entry | None = None

    def refuse(self, error: Exception, call: ActiveCall) -> tuple[Problem, Reply]:
        """Return the refusal, with the headers of each reply."""
        problem, reply = self.fhir.refuse(error, call)
        return problem, dressed(reply, self.entry, call)


class SessionDialect(msgspec.Struct, frozen=True):
    """Errors of A001, A002 and A003."""

    entry: Entry

    def refuse(self, error: Exception, call: ActiveCall) -> tuple[Problem, Reply]:
        """Return the error as JSON."""
        problem = problem_of(error, _ERRORS)
        told = {
            "typeInfo": ERROR,
            "status": problem.status,
            "code": problem.code,
            "message": problem.diagnostics,
            "transactionId": call.entry.request_id,
        }
        headers = ((b"content-type", JSON), *refusal_headers(problem))
        return problem, dressed(Reply(problem.status, msgspec.json.encode(told), headers), self.entry, call)


def dressed(reply: Reply, entry: Entry | None, call: ActiveCall) -> Reply:
    """Return a reply with its transaction id, and with the deprecation of its operation."""
    transaction = (TRANSACTION, call.entry.request_id.encode())
    more = () if entry is None else _deprecation(entry, call)
    return reply.with_headers(transaction, *more)


def _deprecation(entry: Entry, call: ActiveCall) -> tuple[Header, ...]:
    """Return the headers of an operation that is deprecated by now (RFC 9745), and its successor (RFC 8288)."""
    ended = entry.until
    if ended is None or entry.status_on(call.world.clock.now().date()) not in ENDING:
        return ()
    since = datetime(ended.year, ended.month, ended.day, tzinfo=UTC)
    headers: tuple[Header, ...] = ((b"deprecation", b"@%d" % since.timestamp()),)
    path = _successor(entry)
    if path is not None:
        link = f'<{call.world.fhir_base_url}{path}>; rel="successor-version"'
        headers = (*headers, (b"link", link.encode()))
    return headers


def _successor(entry: Entry) -> str | None:
    """Return the path of today's operation, if it needs no value; a link has no templates."""
    paths = (each.operation.path for each in REGISTRY if each.operation.id == entry.successor)
    path = next(paths, None)
    return None if path is None or "{" in path else path
