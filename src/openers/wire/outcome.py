"""How every error is told: which status, which code, which words.

`outcome_of` is total over `openers.domain.errors` and `openers.wire.json`; a test walks both trees. Statuses and codes
are those of a FHIR version (`dialect.py`), the words are the same in all. Problems that the edge finds by itself are in
`problems.py`. Source: rules chapters 2.6, 2.7 and 11.2 rows 21, 27 and 30.
"""

from __future__ import annotations

from typing import Final

from openers.domain import errors as e
from openers.domain.errors import FieldRefused, OpenersError
from openers.wire import json as w
from openers.wire.dialect import Fhir, Problem
from openers.wire.json import JsonValue
from openers.wire.labels import LABELS
from openers.wire.rules import Rule, check_of
from openers.wire.stu3.dialect import STU3

UNPROCESSABLE: Final = 422
"""The status of most refusals on STU3."""

_PAS_CALLS: Final = {e.PasCall.BOOK: "create booking into", e.PasCall.CANCEL: "cancel booking of"}

LONGEST_VALUE: Final = 200
"""How much of a refused value is repeated, in characters."""


def outcome_of(error: OpenersError, fhir: Fhir, refusal_status: int = UNPROCESSABLE) -> Problem:
    """How `error` is told to a caller that speaks `fhir`.

    `refusal_status` is what the operation answers where others say 422: A015, A025 and A029 say 400 (rules 2.6).
    """
    row = fhir.outcome(error)
    return Problem(
        status=refusal_status if row.status == UNPROCESSABLE else row.status,
        rule=rule_of(error),
        issue_code=row.issue_code,
        code=row.code,
        diagnostics=diagnostics_of(error),
        retry_after_s=error.retry_after_s if isinstance(error, e.Unavailable | e.DailyLimitReached) else None,
    )


def rule_of(error: OpenersError) -> Rule:
    """The rule that `error` enforces, called by its STU3 code."""
    return Rule(check_of(error), STU3.outcome(error).code, error.source)


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
            done = f"PAS unable to {_PAS_CALLS[error.call]} slot '{error.slot}' for UBRN: {error.ubrn}."
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


def _sentence(label: str, value: JsonValue, hint: str) -> str:
    """`'label' (value) hint`, the way the service puts it."""
    if value is None or isinstance(value, dict | list):
        return f"'{label}' {hint}"
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{label}' ({shown[:LONGEST_VALUE]}) {hint}"
