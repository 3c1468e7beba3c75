"""Write refusals as a FHIR OperationOutcome, or as problem JSON (RFC 9457) outside FHIR.

The OAuth 2.0 endpoints have their own dialect in `openers.api.oauth.call`, and test control in
`openers.worlds.http.control`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import msgspec

from openers.api.http.reply import Header, Reply
from openers.api.http.request import Stop
from openers.api.interaction import ActiveCall, Unexpected
from openers.domain.errors import OpenersError
from openers.wire import problems
from openers.wire.dialect import Coded, EdgeProblem, Fhir, Problem
from openers.wire.outcome import UNPROCESSABLE, outcome_of
from openers.wire.stu3.dialect import STU3

PROBLEM_JSON: Final[Header] = (b"content-type", b"application/problem+json")
_BODILESS: Final = {
    EdgeProblem.TOKEN: Coded("NO_ACCESS"),
    EdgeProblem.MODE: Coded("NO_ACCESS"),
    EdgeProblem.LIMIT: Coded("TOO_MANY_REQUESTS"),
    EdgeProblem.ACCEPT: Coded("NOT_ACCEPTABLE"),
    EdgeProblem.CONTENT_TYPE: Coded("UNSUPPORTED_MEDIA_TYPE"),
}
PLAIN: Final = msgspec.structs.replace(STU3, name="plain", edge={**STU3.edge, **_BODILESS})
"""Calls outside FHIR: statuses and codes of STU3, which the audit records, with a text for each problem."""


class FhirDialect(msgspec.Struct, frozen=True):
    """OperationOutcomes of one FHIR version. `refusal` is the status of a field that breaks a rule (rules 2.6)."""

    fhir: Fhir
    refusal: int = UNPROCESSABLE

    def refuse(self, error: Exception, call: ActiveCall) -> tuple[Problem, Reply]:
        """Return the refusal as an OperationOutcome, or as text or an empty body where the rules say so."""
        problem = problem_of(error, self.fhir, self.refusal)
        headers = refusal_headers(problem)
        media_type = self.fhir.media_type_of(problem)
        if media_type:
            headers = ((b"content-type", media_type.encode()), *headers)
        return problem, Reply(problem.status, self.fhir.body(problem, call.world.clock.now()), headers)


class ProblemDialect(msgspec.Struct, frozen=True):
    """Problem details (RFC 9457), readable for programs and people."""

    def refuse(self, error: Exception, call: ActiveCall) -> tuple[Problem, Reply]:
        """Return the refusal as problem details."""
        problem = problem_of(error, PLAIN)
        told = {
            "type": "about:blank",
            "title": HTTPStatus(problem.status).phrase,
            "status": problem.status,
            "detail": problem.diagnostics,
            "request_id": call.entry.request_id,
        }
        return problem, Reply(problem.status, msgspec.json.encode(told), (PROBLEM_JSON, *refusal_headers(problem)))


def problem_of(error: Exception, fhir: Fhir, refusal: int = UNPROCESSABLE) -> Problem:
    """Return the problem that describes an error."""
    match error:
        case Stop():
            return fhir.coded(error.problem)
        case Unexpected():
            return fhir.coded(problems.unexpected(error.error_id))
        case OpenersError():
            return outcome_of(error, fhir, refusal)
        case _:
            return outcome_of(OpenersError(), fhir)


def refusal_headers(problem: Problem) -> tuple[Header, ...]:
    """Return the headers that a problem needs, independent of its body."""
    headers: list[Header] = []
    if problem.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % problem.retry_after_s))
    if problem.allow:
        headers.append((b"allow", problem.allow.encode()))
    if problem.status == HTTPStatus.REQUEST_TIMEOUT:  # the rest of the body could arrive slowly
        headers.append((b"connection", b"close"))
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", problem.challenge.encode()))
    return tuple(headers)
