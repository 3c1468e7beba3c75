"""Refusals in STU3: its table of errors, its codes for problems of the edge, its OperationOutcome.

Source: rules chapters 2.6, 2.7 and 11.2 rows 21, 27 and 30. STU3 describes no body for 400, 404, 409, 412, 423 and 500.
We send the same OperationOutcome there, with codes of the older vocabulary where it has one (REFERRAL_LOCKED,
VERSION_CONFLICT, TECHNICAL_ERROR).
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
"""Display texts that differ from the code in lower case."""

OUTCOMES: Final[dict[type[OpenersError], Outcome]] = {
    OpenersError: Outcome(500, "exception", "TECHNICAL_ERROR"),
    e.Unavailable: Outcome(503, "transient", "SYSTEM_UNAVAILABLE"),
    e.NeighbourSilent: Outcome(503, "transient", "SYSTEM_UNAVAILABLE"),
    e.OutcomeUnknown: Outcome(503, "transient", "SYSTEM_UNAVAILABLE"),
    e.PasRespondedWithError: Outcome(502, "exception", "PAS_RESPONDED_WITH_ERROR"),
    e.PasRefused: Outcome(502, "exception", "PAS_RESPONDED_WITH_ERROR"),
    e.PasNotResponding: Outcome(504, "timeout", "PAS_NOT_RESPONDING"),
    e.PasSilent: Outcome(504, "timeout", "PAS_NOT_RESPONDING"),
    e.VersionConflict: Outcome(409, "conflict", "VERSION_CONFLICT"),
    e.RecordLocked: Outcome(423, "lock-error", "REFERRAL_LOCKED"),
    e.NotFound: Outcome(404, "not-found", "REFERENCE_NOT_FOUND"),
    e.HistoryNotSupported: Outcome(404, "not-found", "HISTORY_NOT_SUPPORTED"),
    e.NoRelationship: Outcome(422, "business-rule", "NO_RELATIONSHIP"),
    e.ReferenceNotFound: Outcome(422, "business-rule", "REFERENCE_NOT_FOUND"),
    e.InvalidValue: Outcome(422, "value", "INVALID_VALUE"),
    e.InvalidCode: Outcome(422, "code-invalid", "INVALID_CODE"),
    e.MissingValue: Outcome(422, "required", "MISSING_VALUE"),
    e.ValueIsRequired: Outcome(422, "business-rule", "VALUE_IS_REQUIRED"),
    e.FieldNotPermitted: Outcome(422, "business-rule", "FIELD_NOT_PERMITTED"),
    e.InappropriateValue: Outcome(422, "business-rule", "INAPPROPRIATE_VALUE"),
    e.TooManyItems: Outcome(422, "business-rule", "TOO_MANY_ITEMS"),
    e.DuplicateService: Outcome(422, "business-rule", "DUPLICATE_SERVICE"),
    e.ShortlistedServiceNotInResults: Outcome(422, "business-rule", "SHORTLISTED_SERVICE_NOT_IN_RESULTS"),
    e.ReferencedUserIsNotSpc: Outcome(422, "business-rule", "REFERENCED_USER_IS_NOT_SPC"),
    e.ReferencedUserIsNotActive: Outcome(422, "business-rule", "REFERENCED_USER_IS_NOT_ACTIVE"),
    e.ReferencedUserNotInOrg: Outcome(422, "business-rule", "REFERENCED_USER_NOT_IN_ORG"),
    e.ReferencedUserIsNotRc: Outcome(422, "business-rule", "REFERENCED_USER_IS_NOT_RC"),
    e.ReferencedUserIsNotRcAtOrg: Outcome(422, "business-rule", "REFERENCED_USER_IS_NOT_RC_AT_ORG"),
    e.OrganisationIsClosed: Outcome(422, "business-rule", "ORGANISATION_IS_CLOSED"),
    e.OrganisationNotAppropriate: Outcome(422, "business-rule", "ORGANISATION_NOT_APPROPRIATE"),
    e.NoRegGpPractice: Outcome(422, "business-rule", "NO_REG_GP_PRACTICE"),
    e.SnomedNotFound: Outcome(422, "business-rule", "SNOMED_NOT_FOUND"),
    e.PatientError: Outcome(422, "business-rule", "PATIENT_ERROR"),
    e.InvalidRequestState: Outcome(422, "business-rule", "INVALID_REQUEST_STATE"),
    e.InvalidRequestType: Outcome(422, "business-rule", "INVALID_REQUEST_TYPE"),
    e.UnsupportedPriority: Outcome(422, "business-rule", "UNSUPPORTED_PRIORITY"),
    e.PriorityNotCurrent: Outcome(422, "business-rule", "PRIORITY_NOT_CURRENT"),
    e.OldVersion: Outcome(422, "value", "HISTORY_NOT_SUPPORTED"),
    e.InvalidState: Outcome(422, "business-rule", "INVALID_STATE"),
    e.ServiceUnavailable: Outcome(422, "business-rule", "SERVICE_UNAVAILABLE"),
    e.InappropriateSlot: Outcome(422, "business-rule", "INAPPROPRIATE_SLOT"),
    e.SlotNotAvailable: Outcome(422, "business-rule", "SLOT_NOT_AVAILABLE"),
    e.SlotsCurrentlyAvailable: Outcome(422, "business-rule", "SLOTS_CURRENTLY_AVAILABLE"),
    e.ThisSlotIsAvailable: Outcome(422, "business-rule", "THIS_SLOT_IS_AVAILABLE"),
    e.UnableToConfirmAppointment: Outcome(422, "business-rule", "UNABLE_TO_CONFIRM_APPOINTMENT"),
    e.UnableToCancelAppointment: Outcome(422, "business-rule", "UNABLE_TO_CANCEL_APPOINTMENT"),
    e.ConflictingValues: Outcome(422, "business-rule", "CONFLICTING_VALUES"),
    e.FileSizeError: Outcome(422, "business-rule", "FILE_SIZE_ERROR"),
    e.DuplicateFilename: Outcome(422, "business-rule", "DUPLICATE_FILENAME"),
    e.NoChangesDetected: Outcome(422, "business-rule", "NO_CHANGES_DETECTED"),
    e.FilePending: Outcome(422, "business-rule", "PENDING"),
    e.ThreatsFound: Outcome(422, "business-rule", "THREATS_FOUND"),
    e.ValidationFailed: Outcome(422, "business-rule", "VALIDATION_FAILED"),
    e.NoAccessCode: Outcome(422, "business-rule", "NO_ACCESS_CODE"),
    e.DailyLimitReached: Outcome(429, "throttled", "TOO_MANY_REQUESTS"),
    e.MissingParameter: Outcome(400, "required", "MISSING_PARAMETER"),
    e.MissingHeader: Outcome(400, "required", "MISSING_HEADER"),
    w.MalformedJson: Outcome(400, "structure", "INVALID_FHIR_STRUCTURE"),
    w.MissingField: Outcome(422, "required", "MISSING_VALUE"),
    w.UnexpectedField: Outcome(422, "value", "UNEXPECTED_FIELD"),
    w.BadStructure: Outcome(422, "structure", "INVALID_FHIR_STRUCTURE"),
    w.BadValue: Outcome(422, "value", "INVALID_VALUE"),
    w.BadCode: Outcome(422, "code-invalid", "INVALID_CODE"),
}
"""One row for each class that is raised; the root's row is for failures of the service itself."""

_EDGE: Final = {
    EdgeProblem.TOKEN: Coded(form=Form.EMPTY),
    EdgeProblem.ACCESS: Coded("NO_ACCESS"),
    EdgeProblem.MODE: Coded(form=Form.EMPTY),
    EdgeProblem.FUNCTION: Coded("FORBIDDEN"),
    EdgeProblem.MISSING_HEADER: Coded("MISSING_HEADER"),
    EdgeProblem.VALUE: Coded("INVALID_VALUE"),
    EdgeProblem.LIMIT: Coded(form=Form.EMPTY),
    EdgeProblem.ACCEPT: Coded(form=Form.TEXT),
    EdgeProblem.CONTENT_TYPE: Coded(form=Form.TEXT),
    EdgeProblem.PATH: Coded("REFERENCE_NOT_FOUND"),
    EdgeProblem.METHOD: Coded("METHOD_NOT_ALLOWED"),
    EdgeProblem.NO_HOST: Coded("MISSING_HEADER"),
    EdgeProblem.FOREIGN_HOST: Coded("INVALID_VALUE"),
    EdgeProblem.SIZE: Coded("FILE_SIZE_ERROR"),
    EdgeProblem.PACE: Coded("TECHNICAL_ERROR"),
    EdgeProblem.PRECONDITION: Coded("MISSING_HEADER"),
    EdgeProblem.UNEXPECTED: Coded("TECHNICAL_ERROR"),
    EdgeProblem.UNAVAILABLE: Coded("SYSTEM_UNAVAILABLE"),
}
_PROFILE: Final[JsonValue] = ["https://fhir.nhs.uk/STU3/StructureDefinition/eRS-OperationOutcome-1"]
_ERS_API: Final = "https://fhir.nhs.uk/STU3/CodeSystem/eRS-APIErrorCode-1"


def display_of(code: str) -> str:
    """Return the display text of a code, which STU3 requires."""
    return DISPLAYS.get(code) or code.replace("_", " ").capitalize()


def _write(problem: Problem, at: Instant) -> Json:
    meta: Json = {"lastUpdated": write_instant(at)} if problem.gateway else {}
    meta["profile"] = _PROFILE
    return operation_outcome(
        problem, meta, {"system": _ERS_API, "code": problem.code, "display": display_of(problem.code)}
    )


STU3: Final = Fhir(name="STU3", release="3.0.1", outcomes=OUTCOMES, edge=_EDGE, write=_write, schema="OperationOutcome")
