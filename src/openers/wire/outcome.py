"""How every error is told: which status, which codes, which words, in either FHIR version.

`outcome_of` is total over `openers.domain.errors` and `openers.wire.json`; a test walks both trees. Problems that the
edge finds by itself are in `problems.py`. Source: rules chapters 2.6, 2.7 and 11.2 rows 21, 27 and 30.

STU3 describes no body for 400, 404, 409, 412, 423 and 500. We send the same OperationOutcome there, with codes of the
older vocabulary where it has one (REFERRAL_LOCKED, VERSION_CONFLICT, TECHNICAL_ERROR).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from openers.domain import errors as e
from openers.domain.clock import Instant
from openers.domain.errors import Field, FieldRefused, OpenersError
from openers.wire import json as w
from openers.wire.instants import write_instant
from openers.wire.json import Json, JsonValue, encode
from openers.wire.rules import Rule, check_of


class Fhir(StrEnum):
    """A version of FHIR, as it stands in a path."""

    STU3 = "STU3"
    R4 = "R4"


class Form(StrEnum):
    """What the body of a refusal is."""

    OUTCOME = "OperationOutcome"
    TEXT = "text"
    EMPTY = "empty"


ASK_FOR_TOKEN: Final = 'Bearer realm="OpenERS"'
"""What a 401 asks for where no token was sent. Source: RFC 6750 chapter 3.1."""
INVALID_TOKEN: Final = f'{ASK_FOR_TOKEN}, error="invalid_token"'
"""The same where one was sent."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal, ready to be written.

    `rule` is what it enforces. `system` is the R4 code system; `gateway` marks what a gateway would tell; `allow` lists
    the methods of an address; `challenge` is what a 401 asks for.
    """

    status: int
    rule: Rule
    issue_code: str = ""
    code: str = ""
    diagnostics: str = ""
    system: str = ""
    form: Form = Form.OUTCOME
    gateway: bool = False
    retry_after_s: int | None = None
    allow: str = ""
    challenge: str = INVALID_TOKEN

    @property
    def display(self) -> str:
        """The code in words, which STU3 requires."""
        return DISPLAYS.get(self.code) or self.code.replace("_", " ").capitalize()

    @property
    def media_type(self) -> str | None:
        """Content type of the body, `None` if there is none."""
        return _MEDIA_TYPES[self.form]


class _Row(NamedTuple):
    """Status, kind of issue and code."""

    status: int
    issue_code: str
    code: str


UNPROCESSABLE: Final = 422
"""The status of most refusals on STU3."""

HTTP: Final = "https://fhir.nhs.uk/CodeSystem/http-error-codes"
NHSD: Final = "https://fhir.nhs.uk/CodeSystem/NHSD-API-ErrorOrWarningCode"
ERS: Final = "https://fhir.nhs.uk/CodeSystem/ers-error-codes"

DISPLAYS: Final = {
    "MISSING_VALUE": "A mandatory input field is missing",
    "SYSTEM_UNAVAILABLE": "System Unavailable",
    "INVALID_FHIR_STRUCTURE": "Invalid FHIR structure",
    "NO_REG_GP_PRACTICE": "No registered GP practice",
    "SNOMED_NOT_FOUND": "SNOMED CT concept not found",
    "PAS_RESPONDED_WITH_ERROR": "Error received from PAS",
    "PAS_NOT_RESPONDING": "No response from PAS",
    "REFERENCED_USER_IS_NOT_SPC": "Referenced user is not a service provider clinician",
    "REFERENCED_USER_NOT_IN_ORG": "Referenced user is not in the organisation",
    "REFERENCED_USER_IS_NOT_RC": "Referenced user is not a referring clinician",
    "REFERENCED_USER_IS_NOT_RC_AT_ORG": "Referenced user is not a referring clinician at the organisation",
}
"""Displays that are not simply the code in lower case."""

STU3: Final[dict[type[OpenersError], _Row]] = {
    OpenersError: _Row(500, "exception", "TECHNICAL_ERROR"),
    e.Unavailable: _Row(503, "transient", "SYSTEM_UNAVAILABLE"),
    e.OutcomeUnknown: _Row(503, "transient", "SYSTEM_UNAVAILABLE"),
    e.PasRespondedWithError: _Row(502, "exception", "PAS_RESPONDED_WITH_ERROR"),
    e.PasRefused: _Row(502, "exception", "PAS_RESPONDED_WITH_ERROR"),
    e.PasNotResponding: _Row(504, "timeout", "PAS_NOT_RESPONDING"),
    e.PasSilent: _Row(504, "timeout", "PAS_NOT_RESPONDING"),
    e.VersionConflict: _Row(409, "conflict", "VERSION_CONFLICT"),
    e.RecordLocked: _Row(423, "lock-error", "REFERRAL_LOCKED"),
    e.NotFound: _Row(404, "not-found", "REFERENCE_NOT_FOUND"),
    e.HistoryNotSupported: _Row(404, "not-found", "HISTORY_NOT_SUPPORTED"),
    e.NoRelationship: _Row(422, "business-rule", "NO_RELATIONSHIP"),
    e.ReferenceNotFound: _Row(422, "business-rule", "REFERENCE_NOT_FOUND"),
    e.InvalidValue: _Row(422, "value", "INVALID_VALUE"),
    e.InvalidCode: _Row(422, "code-invalid", "INVALID_CODE"),
    e.MissingValue: _Row(422, "required", "MISSING_VALUE"),
    e.ValueIsRequired: _Row(422, "business-rule", "VALUE_IS_REQUIRED"),
    e.FieldNotPermitted: _Row(422, "business-rule", "FIELD_NOT_PERMITTED"),
    e.InappropriateValue: _Row(422, "business-rule", "INAPPROPRIATE_VALUE"),
    e.TooManyItems: _Row(422, "business-rule", "TOO_MANY_ITEMS"),
    e.DuplicateService: _Row(422, "business-rule", "DUPLICATE_SERVICE"),
    e.ShortlistedServiceNotInResults: _Row(422, "business-rule", "SHORTLISTED_SERVICE_NOT_IN_RESULTS"),
    e.ReferencedUserIsNotSpc: _Row(422, "business-rule", "REFERENCED_USER_IS_NOT_SPC"),
    e.ReferencedUserIsNotActive: _Row(422, "business-rule", "REFERENCED_USER_IS_NOT_ACTIVE"),
    e.ReferencedUserNotInOrg: _Row(422, "business-rule", "REFERENCED_USER_NOT_IN_ORG"),
    e.ReferencedUserIsNotRc: _Row(422, "business-rule", "REFERENCED_USER_IS_NOT_RC"),
    e.ReferencedUserIsNotRcAtOrg: _Row(422, "business-rule", "REFERENCED_USER_IS_NOT_RC_AT_ORG"),
    e.OrganisationIsClosed: _Row(422, "business-rule", "ORGANISATION_IS_CLOSED"),
    e.OrganisationNotAppropriate: _Row(422, "business-rule", "ORGANISATION_NOT_APPROPRIATE"),
    e.NoRegGpPractice: _Row(422, "business-rule", "NO_REG_GP_PRACTICE"),
    e.SnomedNotFound: _Row(422, "business-rule", "SNOMED_NOT_FOUND"),
    e.PatientError: _Row(422, "business-rule", "PATIENT_ERROR"),
    e.InvalidRequestState: _Row(422, "business-rule", "INVALID_REQUEST_STATE"),
    e.InvalidRequestType: _Row(422, "business-rule", "INVALID_REQUEST_TYPE"),
    e.UnsupportedPriority: _Row(422, "business-rule", "UNSUPPORTED_PRIORITY"),
    e.PriorityNotCurrent: _Row(422, "business-rule", "PRIORITY_NOT_CURRENT"),
    e.OldVersion: _Row(422, "value", "HISTORY_NOT_SUPPORTED"),
    e.InvalidState: _Row(422, "business-rule", "INVALID_STATE"),
    e.ServiceUnavailable: _Row(422, "business-rule", "SERVICE_UNAVAILABLE"),
    e.InappropriateSlot: _Row(422, "business-rule", "INAPPROPRIATE_SLOT"),
    e.SlotNotAvailable: _Row(422, "business-rule", "SLOT_NOT_AVAILABLE"),
    e.SlotsCurrentlyAvailable: _Row(422, "business-rule", "SLOTS_CURRENTLY_AVAILABLE"),
    e.ThisSlotIsAvailable: _Row(422, "business-rule", "THIS_SLOT_IS_AVAILABLE"),
    e.UnableToConfirmAppointment: _Row(422, "business-rule", "UNABLE_TO_CONFIRM_APPOINTMENT"),
    e.UnableToCancelAppointment: _Row(422, "business-rule", "UNABLE_TO_CANCEL_APPOINTMENT"),
    e.ConflictingValues: _Row(422, "business-rule", "CONFLICTING_VALUES"),
    e.FileSizeError: _Row(422, "business-rule", "FILE_SIZE_ERROR"),
    e.DuplicateFilename: _Row(422, "business-rule", "DUPLICATE_FILENAME"),
    e.NoChangesDetected: _Row(422, "business-rule", "NO_CHANGES_DETECTED"),
    e.FilePending: _Row(422, "business-rule", "PENDING"),
    e.ThreatsFound: _Row(422, "business-rule", "THREATS_FOUND"),
    e.ValidationFailed: _Row(422, "business-rule", "VALIDATION_FAILED"),
    e.NoAccessCode: _Row(422, "business-rule", "NO_ACCESS_CODE"),
    e.DailyLimitReached: _Row(429, "throttled", "TOO_MANY_REQUESTS"),
    e.MissingParameter: _Row(400, "required", "MISSING_PARAMETER"),
    e.MissingHeader: _Row(400, "required", "MISSING_HEADER"),
    w.MalformedJson: _Row(400, "structure", "INVALID_FHIR_STRUCTURE"),
    w.MissingField: _Row(422, "required", "MISSING_VALUE"),
    w.UnexpectedField: _Row(422, "value", "UNEXPECTED_FIELD"),
    w.BadStructure: _Row(422, "structure", "INVALID_FHIR_STRUCTURE"),
    w.BadValue: _Row(422, "value", "INVALID_VALUE"),
    w.BadCode: _Row(422, "code-invalid", "INVALID_CODE"),
}
"""One row for each class that is raised; the root's row stands for failures of the service itself."""

R4: Final[dict[type[OpenersError], _Row]] = {
    OpenersError: _Row(500, "exception", "REC_SERVER_ERROR"),
    e.Unavailable: _Row(503, "transient", "REC_UNAVAILABLE"),
    e.OutcomeUnknown: _Row(503, "transient", "REC_UNAVAILABLE"),
    e.PasRespondedWithError: _Row(502, "exception", "REC_SERVER_ERROR"),
    e.PasRefused: _Row(502, "exception", "REC_SERVER_ERROR"),
    e.PasNotResponding: _Row(504, "timeout", "REC_TIMEOUT"),
    e.PasSilent: _Row(504, "timeout", "REC_TIMEOUT"),
    e.VersionConflict: _Row(409, "conflict", "REC_CONFLICT"),
    e.RecordLocked: _Row(423, "lock-error", "REC_LOCKED"),
    e.NotFound: _Row(404, "not-found", "REC_NOT_FOUND"),
    e.HistoryNotSupported: _Row(404, "not-found", "REC_NOT_FOUND"),
    e.NoRelationship: _Row(403, "forbidden", "NO_RELATIONSHIP"),
    e.FilePending: _Row(422, "invalid", "PENDING"),
    e.ThreatsFound: _Row(422, "invalid", "THREATS_FOUND"),
    e.ValidationFailed: _Row(422, "invalid", "VALIDATION_FAILED"),
    e.DailyLimitReached: _Row(429, "throttled", "TOO_MANY_REQUESTS"),
    e.MissingValue: _Row(400, "required", "REC_BAD_REQUEST"),
    w.MissingField: _Row(400, "required", "REC_BAD_REQUEST"),
    e.Refused: _Row(400, "invalid", "REC_BAD_REQUEST"),
}
"""R4 has far fewer codes. `required` is for A041 alone: A035 and A040 refuse what they miss as a bad value."""

LABELS: Final[dict[Field, str]] = {
    **{field: field.value for field in Field},
    Field.SHORTLISTED_SERVICE: "Shortlist/Service Id",
    Field.REFERRAL: "UBRN",
    Field.VERSION: "Version",
    Field.SERVICE: "Service Id",
    Field.SLOT: "Slot Id",
    Field.APPOINTMENT: "Appointment Id",
    Field.FILE: "Binary Id",
}
"""What diagnostics call a field."""

LONGEST_VALUE: Final = 200
"""How much of a refused value is repeated, in characters."""

_MEDIA_TYPES: Final = {Form.OUTCOME: "application/fhir+json", Form.TEXT: "text/plain;charset=utf-8", Form.EMPTY: None}
_STU3_PROFILE: Final[JsonValue] = ["https://fhir.nhs.uk/STU3/StructureDefinition/eRS-OperationOutcome-1"]
_R4_PROFILE: Final[JsonValue] = ["https://www.hl7.org/fhir/R4/operationoutcome.html"]
_ERS_API: Final = "https://fhir.nhs.uk/STU3/CodeSystem/eRS-APIErrorCode-1"


def outcome_of(error: OpenersError, fhir: Fhir, refusal_status: int = UNPROCESSABLE) -> Problem:
    """How `error` is told to a caller that speaks `fhir`.

    `refusal_status` is what the operation answers where others say 422: A015, A025 and A029 say 400 (rules 2.6).
    """
    row = _row(error, STU3 if fhir is Fhir.STU3 else R4)
    return Problem(
        status=refusal_status if row.status == UNPROCESSABLE else row.status,
        rule=rule_of(error),
        issue_code=row.issue_code,
        code=row.code,
        diagnostics=diagnostics_of(error),
        system=HTTP if row.code.startswith("REC_") else ERS,
        retry_after_s=error.retry_after_s if isinstance(error, e.Unavailable | e.DailyLimitReached) else None,
    )


def rule_of(error: OpenersError) -> Rule:
    """The rule that `error` enforces, called by its STU3 code."""
    return Rule(check_of(error), _row(error, STU3).code, error.source)


def diagnostics_of(error: OpenersError) -> str:
    """What is wrong with which field, for a person. Says nothing of the service's inside."""
    match error:
        case e.PatientError():
            return f"'{LABELS[error.field]}' record cannot be used."
        case e.MissingValue() | e.ValueIsRequired() | e.MissingParameter() | e.MissingHeader() if error.value is None:
            return _sentence(LABELS[error.field], None, f"is missing: {error.hint}" if error.hint else "is missing.")
        case FieldRefused():
            return _sentence(LABELS[error.field], error.value, error.hint or "is invalid.")
        case w.MissingField():
            return _sentence(str(error.value), None, error.hint)
        case w.Unreadable():
            return _sentence(error.path or "body", error.value, error.hint)
        case w.MalformedJson():
            where = "" if error.position is None else f" (byte {error.position})"
            return f"The body {error.reason}{where}."
        case e.NotFound():
            return _sentence(LABELS[error.field], error.value, "does not exist.")
        case e.PasFailure():
            done = f"PAS unable to {error.deed} slot '{error.slot}' for UBRN: {error.ubrn}."
            return f"{done} PAS Request Status: {error.status}"
        case e.HistoryNotSupported():
            return f"'Version' ({error.asked}) cannot be read, only the latest one ({error.latest})."
        case e.VersionConflict():
            return f"'Version' ({error.sent}) is not the latest one ({error.latest}): read again and retry."
        case e.RecordLocked():
            return "The record is being changed by somebody else: read again and retry."
        case e.OutcomeUnknown():
            return "It is unknown whether the request was carried out: read the record before you retry."
        case e.NoRelationship():
            return "There is no legitimate relationship to this record."
        case _:
            return ""


def write_outcome(problem: Problem, fhir: Fhir, at: Instant) -> bytes:
    """The body of the refusal `problem`, told at `at`."""
    if problem.form is not Form.OUTCOME:
        return problem.diagnostics.encode() if problem.form is Form.TEXT else b""
    issue: Json = {"severity": "error", "code": problem.issue_code}
    if fhir is Fhir.STU3:
        meta: Json = {"lastUpdated": write_instant(at)} if problem.gateway else {}
        meta["profile"] = _STU3_PROFILE
        issue["details"] = {"coding": [{"system": _ERS_API, "code": problem.code, "display": problem.display}]}
    else:
        meta = {"lastUpdated": write_instant(at)}
        if problem.gateway:
            meta["profile"] = _R4_PROFILE
        issue["details"] = {"coding": [{"system": problem.system, "code": problem.code}]}
    if problem.diagnostics:
        issue["diagnostics"] = problem.diagnostics
    return encode({"resourceType": "OperationOutcome", "meta": meta, "issue": [issue]})


def _row(error: OpenersError, table: dict[type[OpenersError], _Row]) -> _Row:
    """The row of the nearest class; the root's row is always there."""
    return next(table[each] for each in type(error).__mro__ if each in table)


def _sentence(label: str, value: JsonValue, hint: str) -> str:
    """`'label' (value) hint`, the way the service puts it."""
    if value is None or isinstance(value, dict | list):
        return f"'{label}' {hint}"
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{label}' ({shown[:LONGEST_VALUE]}) {hint}"
