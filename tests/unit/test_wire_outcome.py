"""Every error has a status, a code and a text, in both versions; expectations are typed from the rules."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest
from tests.unit.wire_values import AT

from openers.domain import errors as e
from openers.domain.errors import Field, FieldRefused, OpenersError
from openers.wire import json as w
from openers.wire.labels import LABELS
from openers.wire.outcome import diagnostics_of, outcome_of, rule_of
from openers.wire.r4.dialect import R4
from openers.wire.stu3.dialect import STU3, display_of

ERS_CODES = "https://fhir.nhs.uk/STU3/CodeSystem/eRS-APIErrorCode-1"


def leaves(of: type[OpenersError]) -> Iterator[type[OpenersError]]:
    """Yield the classes below `of` that have no subclasses."""
    below = of.__subclasses__()
    if not below:
        yield of
    for each in below:
        yield from leaves(each)


OF_FILES = (e.FilePending, e.ThreatsFound, e.ValidationFailed)
"""Errors of A042 for a file that cannot be retrieved: 422, although it is an R4 operation (rules 2.6)."""


def ours(of: type[OpenersError]) -> bool:
    """Return whether the class belongs to one of the two error trees."""
    return of.__module__ in (e.__name__, w.__name__)


def test_every_error_has_a_row_of_its_own_on_stu3() -> None:
    told = {each for each in leaves(OpenersError) if ours(each)}
    assert told - STU3.outcomes.keys() == set()
    assert all(ours(each) for each in STU3.outcomes)


def test_every_family_has_a_row_on_r4() -> None:
    for each in (*leaves(e.Clash), *leaves(e.Broken), e.Refused):
        assert not ours(each) or each in R4.outcomes


def test_every_field_has_a_label() -> None:
    assert set(LABELS) == set(Field)


TOLD: list[tuple[OpenersError, int, str, str, str]] = [
    (
        e.DuplicateService(Field.SHORTLISTED_SERVICE, "501", "cannot be added to a shortlist more than once.", 1),
        422,
        "business-rule",
        "DUPLICATE_SERVICE",
        "'Shortlist/Service Id' (501) cannot be added to a shortlist more than once.",
    ),
    (
        w.UnexpectedField("parameter[0]", "unknownParameter", "unknown parameter name"),
        422,
        "value",
        "UNEXPECTED_FIELD",
        "'parameter[0]' (unknownParameter) unknown parameter name",
    ),
    (w.MissingField("", "comment", "is missing."), 422, "required", "MISSING_VALUE", "'comment' is missing."),
    (e.MissingValue(Field.PRIORITY), 422, "required", "MISSING_VALUE", "'priority' is missing."),
    (
        e.ValueIsRequired(Field.CLINIC_TYPE, hint="give one"),
        422,
        "business-rule",
        "VALUE_IS_REQUIRED",
        "'clinicType' is missing: give one",
    ),
    (e.InvalidValue(Field.VERSION, 5), 422, "value", "INVALID_VALUE", "'Version' (5) is invalid."),
    (
        e.FieldNotPermitted(Field.PATIENT, True, "is not allowed"),
        422,
        "business-rule",
        "FIELD_NOT_PERMITTED",
        "'patient' (true) is not allowed",
    ),
    (
        e.NoRelationship(),
        422,
        "business-rule",
        "NO_RELATIONSHIP",
        "There is no legitimate relationship to this record.",
    ),
    (
        w.MalformedJson("is not valid JSON", 7),
        400,
        "structure",
        "INVALID_FHIR_STRUCTURE",
        "The body is not valid JSON (byte 7).",
    ),
    (
        w.BadStructure("", None, "must be a JSON object"),
        422,
        "structure",
        "INVALID_FHIR_STRUCTURE",
        "'body' must be a JSON object",
    ),
    (
        e.NotFound(Field.REFERRAL, "000000000001"),
        404,
        "not-found",
        "REFERENCE_NOT_FOUND",
        "'UBRN' (000000000001) does not exist.",
    ),
    (
        e.HistoryNotSupported(2, 5),
        404,
        "not-found",
        "HISTORY_NOT_SUPPORTED",
        "'Version' (2) cannot be read, only the latest one (5).",
    ),
    (
        e.VersionConflict(2, 5),
        409,
        "conflict",
        "VERSION_CONFLICT",
        "'Version' (2) is not the latest one (5): read again and retry.",
    ),
    (
        e.RecordLocked(),
        423,
        "lock-error",
        "REFERRAL_LOCKED",
        "Another request is changing the record: read it again and retry.",
    ),
    (
        e.PasRespondedWithError(e.PasCall.BOOK, "9001", "000000012345"),
        502,
        "exception",
        "PAS_RESPONDED_WITH_ERROR",
        "PAS unable to create booking into slot '9001' for UBRN: 000000012345. PAS Request Status: ERROR",
    ),
    (
        e.PasNotResponding(e.PasCall.CANCEL, "9001", "000000012345"),
        504,
        "timeout",
        "PAS_NOT_RESPONDING",
        "PAS unable to cancel booking of slot '9001' for UBRN: 000000012345. PAS Request Status: TIMED_OUT",
    ),
    (e.PasRefused("secret"), 502, "exception", "PAS_RESPONDED_WITH_ERROR", ""),
    (e.PasSilent("secret"), 504, "timeout", "PAS_NOT_RESPONDING", ""),
    (e.InvalidValue(Field.PAGE, 5), 422, "value", "INVALID_VALUE", "'Page Number' (5) is invalid."),
    (e.MissingParameter(Field.COUNT), 400, "required", "MISSING_PARAMETER", "'_count' is missing."),
    (
        e.MissingHeader(Field.COMMISSIONING_RULE_ORGANISATION, hint="send it"),
        400,
        "required",
        "MISSING_HEADER",
        "'commissioningRuleOrganisation' is missing: send it",
    ),
    (e.MissingValue(Field.COMMENT), 422, "required", "MISSING_VALUE", "'comment' is missing."),
    (
        e.InappropriateValue(Field.REASON, hint="The reason provided is not valid in this case"),
        422,
        "business-rule",
        "INAPPROPRIATE_VALUE",
        "'reason' The reason provided is not valid in this case",
    ),
    (
        e.SlotNotAvailable(Field.SLOT, "9001", "is gone."),
        422,
        "business-rule",
        "SLOT_NOT_AVAILABLE",
        "'Slot Id' (9001) is gone.",
    ),
    (e.Unavailable("database"), 503, "transient", "SYSTEM_UNAVAILABLE", ""),
    (
        e.OutcomeUnknown("database"),
        503,
        "transient",
        "SYSTEM_UNAVAILABLE",
        "It is unknown whether the request was carried out: read the record before you retry.",
    ),
    (OpenersError("secret"), 500, "exception", "TECHNICAL_ERROR", ""),
]


@pytest.mark.parametrize(("error", "status", "issue", "code", "words"), TOLD, ids=lambda value: type(value).__name__)
def test_an_error_on_stu3(error: OpenersError, status: int, issue: str, code: str, words: str) -> None:
    problem = outcome_of(error, STU3)
    assert (problem.status, problem.issue_code, problem.code, problem.diagnostics) == (status, issue, code, words)
    shown = json.loads(STU3.body(problem, AT))
    assert shown["meta"] == {"profile": ["https://fhir.nhs.uk/STU3/StructureDefinition/eRS-OperationOutcome-1"]}
    [told] = shown["issue"]
    [coding] = told["details"]["coding"]
    assert (told["severity"], told["code"], coding["system"], coding["code"]) == ("error", issue, ERS_CODES, code)
    assert coding["display"]
    assert told.get("diagnostics", "") == words


R4_TOLD: list[tuple[OpenersError, int, str, str, str]] = [
    (e.InvalidValue(Field.SERVICE, "x"), 400, "invalid", "http-error-codes", "REC_BAD_REQUEST"),
    (w.BadValue("_id", None, "is missing."), 400, "invalid", "http-error-codes", "REC_BAD_REQUEST"),
    (w.MissingField("", "identifier", "is missing."), 400, "required", "http-error-codes", "REC_BAD_REQUEST"),
    (e.MissingValue(Field.REFERRAL), 400, "required", "http-error-codes", "REC_BAD_REQUEST"),
    (w.MalformedJson("is empty", 0), 400, "invalid", "http-error-codes", "REC_BAD_REQUEST"),
    (e.NoRelationship(), 403, "forbidden", "ers-error-codes", "NO_RELATIONSHIP"),
    (e.NotFound(Field.SERVICE, "1"), 404, "not-found", "http-error-codes", "REC_NOT_FOUND"),
    (e.VersionConflict(1, 2), 409, "conflict", "http-error-codes", "REC_CONFLICT"),
    (e.Unavailable("database"), 503, "transient", "http-error-codes", "REC_UNAVAILABLE"),
    (e.OutcomeUnknown("database"), 503, "transient", "http-error-codes", "REC_UNAVAILABLE"),
    (OpenersError(), 500, "exception", "http-error-codes", "REC_SERVER_ERROR"),
]


@pytest.mark.parametrize(("error", "status", "issue", "system", "code"), R4_TOLD)
def test_an_error_on_r4(error: OpenersError, status: int, issue: str, system: str, code: str) -> None:
    problem = outcome_of(error, R4)
    shown = json.loads(R4.body(problem, AT))
    assert problem.status == status
    assert shown["meta"] == {"lastUpdated": "2031-02-03T04:05:06.789Z"}
    [told] = shown["issue"]
    coding = {"system": f"https://fhir.nhs.uk/CodeSystem/{system}", "code": code}
    assert (told["code"], told["details"]) == (issue, {"coding": [coding]})


@pytest.mark.parametrize(("error", "status"), [(error, status) for error, status, *_ in TOLD], ids=str)
def test_some_operations_answer_their_refusals_with_another_status(error: OpenersError, status: int) -> None:
    expected = msgspec.structs.replace(outcome_of(error, STU3), status=400 if status == 422 else status)
    assert outcome_of(error, STU3, refusal_status=400) == expected


@pytest.mark.parametrize(
    ("error", "display"),
    [
        (e.PasRespondedWithError(e.PasCall.BOOK, "y", "z"), "Error received from PAS"),
        (e.PasNotResponding(e.PasCall.CANCEL, "y", "z"), "No response from PAS"),
        (e.SlotsCurrentlyAvailable(Field.SLOT), "Slots currently available"),
    ],
)
def test_codes_are_told_in_words(error: OpenersError, display: str) -> None:
    assert display_of(outcome_of(error, STU3).code) == display


def test_a_patient_that_cannot_be_used_is_not_described() -> None:
    error = e.PatientError(Field.PATIENT, "9990000042", "is sensitive")
    assert diagnostics_of(error) == "'patient' record cannot be used."


def test_a_part_that_fails_is_not_named_but_the_wait_is() -> None:
    problem = outcome_of(e.Unavailable("database", retry_after_s=9), STU3)
    assert problem.retry_after_s == 9
    assert b"database" not in STU3.body(problem, AT)


def test_a_long_value_is_cut() -> None:
    assert len(diagnostics_of(w.BadValue("id", "x" * 10_000, "is long"))) < 300


def test_a_refusal_names_its_rule() -> None:
    error = e.DuplicateService(Field.SHORTLISTED_SERVICE, "501", "x")
    assert str(rule_of(error)) == "DUPLICATE_SERVICE (rules 2.7)"
    assert str(rule_of(e.VersionConflict(1, 2))) == "VERSION_CONFLICT (rules 3.4)"


@pytest.mark.parametrize("kind", [each for each in leaves(FieldRefused) if ours(each)])
def test_every_refused_field_is_told_with_a_known_status(kind: type[FieldRefused]) -> None:
    error = kind(Field.PATIENT, "x", "y")
    statuses: dict[type[FieldRefused], tuple[int, int]] = {
        e.MissingParameter: (400, 400),
        e.MissingHeader: (400, 400),
        e.DailyLimitReached: (429, 429),
    }
    expected = statuses.get(kind, (422, 422 if kind in OF_FILES else 400))
    assert (outcome_of(error, STU3).status, outcome_of(error, R4).status) == expected
    assert display_of(outcome_of(error, STU3).code)
