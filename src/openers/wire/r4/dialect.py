"""Refusals in R4: its table of errors, its codes for problems of the edge, its OperationOutcome.

Source: rules chapters 2.3, 2.6 and 11.2 rows 28 and 30.
"""

from __future__ import annotations

from typing import Final

from openers.domain import errors as e
from openers.domain.clock import Instant
from openers.domain.errors import OpenersError
from openers.wire import json as w
from openers.wire.dialect import Coded, EdgeProblem, Fhir, Form, Outcome, Problem, operation_outcome
from openers.wire.instants import write_instant
from openers.wire.json import Json, JsonValue

HTTP: Final = "https://fhir.nhs.uk/CodeSystem/http-error-codes"
NHSD: Final = "https://fhir.nhs.uk/CodeSystem/NHSD-API-ErrorOrWarningCode"
ERS: Final = "https://fhir.nhs.uk/CodeSystem/ers-error-codes"

OUTCOMES: Final[dict[type[OpenersError], Outcome]] = {
    OpenersError: Outcome(500, "exception", "REC_SERVER_ERROR"),
    e.Unavailable: Outcome(503, "transient", "REC_UNAVAILABLE"),
    e.NeighbourSilent: Outcome(503, "transient", "REC_UNAVAILABLE"),
    e.OutcomeUnknown: Outcome(503, "transient", "REC_UNAVAILABLE"),
    e.PasRespondedWithError: Outcome(502, "exception", "REC_SERVER_ERROR"),
    e.PasRefused: Outcome(502, "exception", "REC_SERVER_ERROR"),
    e.PasNotResponding: Outcome(504, "timeout", "REC_TIMEOUT"),
    e.PasSilent: Outcome(504, "timeout", "REC_TIMEOUT"),
    e.VersionConflict: Outcome(409, "conflict", "REC_CONFLICT"),
    e.RecordLocked: Outcome(423, "lock-error", "REC_LOCKED"),
    e.NotFound: Outcome(404, "not-found", "REC_NOT_FOUND"),
    e.HistoryNotSupported: Outcome(404, "not-found", "REC_NOT_FOUND"),
    e.NoRelationship: Outcome(403, "forbidden", "NO_RELATIONSHIP"),
    e.FilePending: Outcome(422, "invalid", "PENDING"),
    e.ThreatsFound: Outcome(422, "invalid", "THREATS_FOUND"),
    e.ValidationFailed: Outcome(422, "invalid", "VALIDATION_FAILED"),
    e.DailyLimitReached: Outcome(429, "throttled", "TOO_MANY_REQUESTS"),
    e.MissingValue: Outcome(400, "required", "REC_BAD_REQUEST"),
    w.MissingField: Outcome(400, "required", "REC_BAD_REQUEST"),
    e.Refused: Outcome(400, "invalid", "REC_BAD_REQUEST"),
}
"""The R4 codes, far fewer than STU3's. `required` is only for A041: A035 and A040 refuse missing values as bad ones."""

_EDGE: Final = {
    EdgeProblem.TOKEN: Coded("ACCESS_DENIED"),
    EdgeProblem.ACCESS: Coded("ACCESS_DENIED"),
    EdgeProblem.MODE: Coded(form=Form.EMPTY),
    EdgeProblem.FUNCTION: Coded("REC_FORBIDDEN"),
    EdgeProblem.MISSING_HEADER: Coded("MISSING_HEADER"),
    EdgeProblem.VALUE: Coded("REC_BAD_REQUEST", "invalid"),
    EdgeProblem.LIMIT: Coded("TOO_MANY_REQUESTS"),
    EdgeProblem.ACCEPT: Coded("REC_NOT_ACCEPTABLE"),
    EdgeProblem.CONTENT_TYPE: Coded("REC_UNSUPPORTED_MEDIA_TYPE"),
    EdgeProblem.PATH: Coded("REC_NOT_FOUND"),
    EdgeProblem.METHOD: Coded("REC_METHOD_NOT_ALLOWED"),
    EdgeProblem.NO_HOST: Coded("REC_BAD_REQUEST"),
    EdgeProblem.FOREIGN_HOST: Coded("REC_BAD_REQUEST"),
    EdgeProblem.SIZE: Coded("REC_TOO_LARGE"),
    EdgeProblem.PACE: Coded("REC_TIMEOUT"),
    EdgeProblem.PRECONDITION: Coded("REC_PRECONDITION_FAILED"),
    EdgeProblem.UNEXPECTED: Coded("REC_SERVER_ERROR"),
    EdgeProblem.UNAVAILABLE: Coded("REC_UNAVAILABLE"),
}
_PROFILE: Final[JsonValue] = ["https://www.hl7.org/fhir/R4/operationoutcome.html"]


def _write(problem: Problem, at: Instant) -> Json:
    meta: Json = {"lastUpdated": write_instant(at)}
    if problem.gateway:
        meta["profile"] = _PROFILE
    return operation_outcome(problem, meta, {"system": _system_of(problem), "code": problem.code})


def _system_of(problem: Problem) -> str:
    """Return the code system of the problem's code."""
    if problem.gateway:
        return NHSD
    return HTTP if problem.code.startswith("REC_") else ERS


R4: Final = Fhir(name="R4", release="4.0.1", outcomes=OUTCOMES, edge=_EDGE, write=_write, schema="R4OperationOutcome")
