"""Maps every error to a status, a code and a text.

`outcome_of` covers every class of `openers.domain.errors` and `openers.wire.json`; a test walks both trees. Statuses
and codes depend on the FHIR version (`dialect.py`); the texts are the same in all. Problems that the edge detects are
in `problems.py`. Source: rules chapters 2.6, 2.7 and 11.2 rows 21, 27 and 30.
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
    """Map `error` to the reply for a caller that uses `fhir`.

    `refusal_status` is the operation's status in place of 422: A015, A025 and A029 use 400 (rules 2.6).
    """
    row = fhir.outcome(error)
    return Problem(
        status=refusal_status if row.status == UNPROCESSABLE else row.status,
        rule=rule_of(error),
        issue_code=row.issue_code,
        code=row.code,
        diagnostics=diagnostics_of(error),
        form=row.form,
        retry_after_s=error.retry_after_s if isinstance(error, e.Unavailable | e.DailyLimitReached) else None,
    )


def rule_of(error: OpenersError) -> Rule:
    """Return the rule that `error` enforces, named by its STU3 code."""
    return Rule(check_of(error), STU3.outcome(error).code, error.source)


def diagnostics_of(error: OpenersError) -> str:
    """Return the text for people: which field is wrong and why. It reveals nothing of the service's internals."""
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
            return "Another request is changing the record: read it again and retry."
        case e.NeighbourSilent():
            return f"The {error.part} does not respond, so nothing was changed: retry later."
        case e.OutcomeUnknown():
            return "It is unknown whether the request was carried out: read the record before you retry."
        case e.NoRelationship():
            return "There is no legitimate relationship to this record."
        case _:
            return ""


def _sentence(label: str, value: JsonValue, hint: str) -> str:
    """Return `'label' (value) hint`, in the style of the real service."""
    if value is None or isinstance(value, dict | list):
        return f"'{label}' {hint}"
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{label}' ({shown[:LONGEST_VALUE]}) {hint}"
