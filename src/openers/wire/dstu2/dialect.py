"""Refusals in DSTU2: ten codes in an OperationOutcome, and a status with a text for everything else.

Source: ADR 0073. The statuses of the time lack 401, 406, 413, 415, 423, 429 and 503; where nothing else says it, the
service sends them nevertheless.
"""

from __future__ import annotations

from typing import Final

from openers.domain import errors as e
from openers.domain.clock import Instant
from openers.domain.errors import OpenersError
from openers.wire import json as w
from openers.wire.dialect import Coded, EdgeProblem, Fhir, Form, Outcome, Problem
from openers.wire.dstu2.systems import profile, value_set
from openers.wire.json import Json, JsonValue

MEDIA_TYPE: Final = "application/json+fhir"
DISPLAYS: Final = {
    "INVALID_VALUE": "Invalid value",
    "INVALID_CODE": "Invalid code",
    "MISSING_VALUE": "A mandatory input field is missing",
    "CONFLICTING_VALUES": "Conflicting values",
    "UNEXPECTED_FIELD": "Unexpected field",
    "INVALID_REQUEST_TYPE": "Invalid Request Type",
    "INVALID_REQUEST_STATE": "Invalid Request State",
    "PATIENT_SENSITIVE": "Patient Sensitive",
    "NO_RELATIONSHIP": "No Relationship",
    "FHIR_CONSTRAINT_VIOLATION": "FHIR constraint violated",
}
"""All codes of the time, with their display texts."""


def _bare(status: int, code: str = "") -> Outcome:
    """Return a status with a text. The code is for the audit only."""
    return Outcome(status, "", code, Form.TEXT)


OUTCOMES: Final[dict[type[OpenersError], Outcome]] = {
    OpenersError: _bare(500, "TECHNICAL_ERROR"),
    e.Unavailable: _bare(503, "SYSTEM_UNAVAILABLE"),
    e.NeighbourSilent: _bare(503, "SYSTEM_UNAVAILABLE"),
    e.OutcomeUnknown: _bare(503, "SYSTEM_UNAVAILABLE"),
    e.PasRespondedWithError: _bare(502, "PAS_RESPONDED_WITH_ERROR"),
    e.PasRefused: _bare(502, "PAS_RESPONDED_WITH_ERROR"),
    e.PasNotResponding: _bare(504, "PAS_NOT_RESPONDING"),
    e.PasSilent: _bare(504, "PAS_NOT_RESPONDING"),
    e.VersionConflict: _bare(409, "VERSION_CONFLICT"),
    e.RecordLocked: _bare(409, "REFERRAL_LOCKED"),
    e.NotFound: _bare(404, "NO_SUCH_REQUEST"),
    e.HistoryNotSupported: _bare(404, "HISTORY_NOT_SUPPORTED"),
    e.DailyLimitReached: _bare(429, "TOO_MANY_REQUESTS"),
    e.Refused: Outcome(422, "business-rule", "INVALID_VALUE"),
    e.NoRelationship: Outcome(422, "business-rule", "NO_RELATIONSHIP"),
    e.PatientError: Outcome(422, "business-rule", "PATIENT_SENSITIVE"),
    e.InvalidRequestState: Outcome(422, "business-rule", "INVALID_REQUEST_STATE"),
    e.InvalidRequestType: Outcome(422, "business-rule", "INVALID_REQUEST_TYPE"),
    e.InvalidState: Outcome(422, "business-rule", "INVALID_REQUEST_STATE"),
    e.FilePending: Outcome(422, "business-rule", "INVALID_REQUEST_STATE"),
    e.ThreatsFound: Outcome(422, "business-rule", "INVALID_REQUEST_STATE"),
    e.ValidationFailed: Outcome(422, "business-rule", "INVALID_REQUEST_STATE"),
    e.MissingValue: Outcome(422, "required", "MISSING_VALUE"),
    e.ValueIsRequired: Outcome(422, "required", "MISSING_VALUE"),
    e.MissingParameter: Outcome(422, "required", "MISSING_VALUE"),
    e.MissingHeader: Outcome(422, "required", "MISSING_VALUE"),
    e.InvalidCode: Outcome(422, "code-invalid", "INVALID_CODE"),
    e.FieldNotPermitted: Outcome(422, "business-rule", "UNEXPECTED_FIELD"),
    e.ConflictingValues: Outcome(422, "business-rule", "CONFLICTING_VALUES"),
    e.DuplicateFilename: Outcome(422, "business-rule", "CONFLICTING_VALUES"),
    e.DuplicateService: Outcome(422, "business-rule", "CONFLICTING_VALUES"),
    w.MalformedJson: Outcome(422, "structure", "FHIR_CONSTRAINT_VIOLATION"),
    w.BadStructure: Outcome(422, "structure", "FHIR_CONSTRAINT_VIOLATION"),
    w.MissingField: Outcome(422, "required", "MISSING_VALUE"),
    w.UnexpectedField: Outcome(422, "value", "UNEXPECTED_FIELD"),
    w.BadValue: Outcome(422, "value", "INVALID_VALUE"),
    w.BadCode: Outcome(422, "code-invalid", "INVALID_CODE"),
}
"""A row for each class or family of errors; those without a code of the time have INVALID_VALUE or a bare status."""

_EDGE: Final = {
    EdgeProblem.TOKEN: Coded("NOT_AUTHORISED", form=Form.TEXT),
    EdgeProblem.ACCESS: Coded("NOT_AUTHORISED", form=Form.TEXT),
    EdgeProblem.MODE: Coded("NOT_AUTHORISED", form=Form.TEXT),
    EdgeProblem.FUNCTION: Coded("NOT_AUTHORISED", form=Form.TEXT),
    EdgeProblem.MISSING_HEADER: Coded("MISSING_HEADER", form=Form.TEXT),
    EdgeProblem.VALUE: Coded("BAD_VALUE", form=Form.TEXT),
    EdgeProblem.LIMIT: Coded("TOO_MANY_REQUESTS", form=Form.TEXT),
    EdgeProblem.ACCEPT: Coded("NOT_ACCEPTABLE", form=Form.TEXT),
    EdgeProblem.CONTENT_TYPE: Coded("UNSUPPORTED_MEDIA_TYPE", form=Form.TEXT),
    EdgeProblem.PATH: Coded("NOT_FOUND", form=Form.TEXT),
    EdgeProblem.METHOD: Coded("METHOD_NOT_ALLOWED", form=Form.TEXT),
    EdgeProblem.NO_HOST: Coded("BAD_REQUEST", form=Form.TEXT),
    EdgeProblem.FOREIGN_HOST: Coded("BAD_REQUEST", form=Form.TEXT),
    EdgeProblem.SIZE: Coded("TOO_LARGE", form=Form.TEXT),
    EdgeProblem.PACE: Coded("TIMEOUT", form=Form.TEXT),
    EdgeProblem.PRECONDITION: Coded("PRECONDITION_FAILED", form=Form.TEXT),
    EdgeProblem.UNEXPECTED: Coded("TECHNICAL_ERROR", form=Form.TEXT),
    EdgeProblem.UNAVAILABLE: Coded("SYSTEM_UNAVAILABLE", form=Form.TEXT),
}
_PROFILE: Final[JsonValue] = [profile("operationoutcome-1")]
_CODES: Final = value_set("apierrorcode")


def _write(problem: Problem, at: Instant) -> Json:
    coding: Json = {"system": _CODES, "code": problem.code, "display": DISPLAYS.get(problem.code, problem.code)}
    issue: Json = {"severity": "error", "code": problem.issue_code, "details": {"coding": [coding]}}
    if problem.diagnostics:
        issue["diagnostics"] = problem.diagnostics
    return {"resourceType": "OperationOutcome", "meta": {"profile": _PROFILE}, "issue": [issue]}


DSTU2: Final = Fhir(
    name="v1",
    release="1.0.1",
    outcomes=OUTCOMES,
    edge=_EDGE,
    write=_write,
    schema="Dstu2OperationOutcome",
    media_type=MEDIA_TYPE,
)
