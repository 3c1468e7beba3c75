"""The rows of each worklist of referrals, built once for each version of a referral.

Only one column changes from day to day: whether a letter is overdue. A row leaves it out and gives the day from which
the letter is overdue. Source: rules chapters 4 (A008), 9 (row 5), 11.1 rows 5 and 17, 11.2 row 19, and 13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from openers.domain.appointment import Appointment, ReviewCause
from openers.domain.codes import RequestContext
from openers.domain.identifiers import UserId
from openers.domain.lifecycle import ReferralState
from openers.domain.referral import Referral
from openers.domain.referral_worklists import (
    ClinicalInformationStatus,
    Worklist,
    clinical_context,
    clinical_information_status,
    referral_type,
    waiting_since,
)
from openers.usecases.worklists.fetch_worklist import ListedReferral
from openers.wire.json import Json, encode
from openers.wire.stu3.systems import (
    NHS_NUMBER,
    REVIEW_REASON,
    SDS_USER,
    System,
    code_system,
    extension,
    identified,
    profile,
    published,
)
from openers.wire.stu3.worklists.columns import (
    Columns,
    at,
    concept,
    local,
    number,
    on,
    patient,
    person,
    priority,
    service,
    specialty,
    string,
    truth,
)

STATUSES: Final[Mapping[ReferralState, tuple[str, str]]] = {
    ReferralState.NOT_BOOKED: ("NOT_BOOKED", "Not booked"),
    ReferralState.AWAITING_TRIAGE: ("AWAITING_TRIAGE", "Awaiting triage"),
    ReferralState.DEFERRED_TO_PROVIDER: ("DEFERRED_TO_PROVIDER", "Deferred to provider"),
    ReferralState.BOOKED: ("BOOKED", "Booked"),
    ReferralState.TRIAGED_PROVIDER_TO_ACTION: ("TRIAGED_PROVIDER_TO_ACTION", "Triaged - provider to action"),
    ReferralState.TRIAGE_RESPONSE: ("TRIAGE_RESPONSE", "Triage Response"),
    ReferralState.REJECTED: ("REJECTED", "Rejected"),
    ReferralState.APPT_CANCELLED_BY_PATIENT: ("APP_CANCELLED_BY_PATIENT", "Appointment cancelled by patient"),
    ReferralState.APPT_CANCELLED_BY_PROVIDER: ("APP_CANCELLED_BY_PROVIDER", "Appointment cancelled by provider"),
    ReferralState.DID_NOT_ATTEND: ("DID_NOT_ATTEND", "Did not attend"),
    ReferralState.ASSESSMENT_RESULT: ("ASSESSMENT_RESULT", "Assessment result"),
    ReferralState.CANCELLED_REFERRAL: ("CANCELLED_REFERRAL", "Cancelled referral"),
}
"""The codes and display texts of states in lists; some differ from those of the referral itself (rules 9, row 5)."""

CONTEXT_DISPLAYS: Final[Mapping[RequestContext, str]] = {
    RequestContext.NEVER_REVIEWED: "Never Reviewed",
    RequestContext.LETTER_CHANGED: "Letter Changed",
    RequestContext.PRIORITY_CHANGED: "Priority Changed",
    RequestContext.PRIORITY_AND_LETTER_CHANGED: "Priority And Letter Changed",
}
"""The display text of each reason for a review."""

PATIENT_PROFILE: Final = profile("Patient")
PRACTITIONER_PROFILE: Final = profile("Practitioner")
_CONTEXT: Final = code_system("RequestContextStatus")
_TYPE: Final = code_system("ReferralType")
_INFORMATION: Final = code_system("ClinicalInformationStatus")
_STATE: Final = code_system("ReferralState")


class WrittenRow(NamedTuple):
    """One entry of a list in bytes: either all of it in `start`, or split for a status between `start` and `end`.

    It is split if `due` is set: the day on which the letter becomes overdue, in FHIR format. The other fields are the
    contained people to whom the entry refers; empty if there are none.
    """

    start: bytes
    end: bytes = b""
    due: bytes = b""
    patient: bytes = b""
    named: bytes = b""
    allocated: bytes = b""


def write_review(row: ListedReferral, base: str) -> WrittenRow:
    """Return the row of a booking or triage request that its provider has to review; the list contains the people."""
    referral, appointment = row.referral.value, _held(row.referral.value)
    information, named = referral.clinical_information, referral.shortlist.criteria.named_clinician
    columns: Columns = [
        *priority(referral.priority),
        *specialty(appointment.specialty, base),
        *local("patient", f"Patient-{referral.patient}"),
        *_practitioner("namedClinician", named),
        *at("eReferralPathwayStart", waiting_since(referral)),
        *truth("clinicalInfoPrinted", value=information.printed is not None),
        *concept("requestContextStatus", _CONTEXT, referral.review.context, CONTEXT_DISPLAYS[referral.review.context]),
        *at("clinicalInfoFirstSubmitted", information.first_submitted),
        *at("clinicalInfoLastUpdated", information.last_updated),
        *concept("referralType", _TYPE, referral_type(referral)),
        *at("appointmentStart", appointment.start),
        *_practitioner("allocatedClinician", appointment.clinician),
        *service(appointment.service),
        *number("referralRequestVersion", row.version),
    ]
    return _written(row, "ReferralsforReview", columns)._replace(
        patient=_person("Patient", PATIENT_PROFILE, NHS_NUMBER, referral.patient),
        named=_clinician(named),
        allocated=_clinician(appointment.clinician),
    )


def write_slot_issue(row: ListedReferral, base: str) -> WrittenRow:
    """Return the row of a request that was deferred to its provider."""
    referral, appointment = row.referral.value, _held(row.referral.value)
    columns: Columns = [
        *priority(referral.priority),
        *specialty(appointment.specialty, base),
        *patient(referral.patient),
        *person("namedClinician", referral.shortlist.criteria.named_clinician),
        *at("eReferralPathwayStart", waiting_since(referral)),
        *truth("clinicalInfoPrinted", value=referral.clinical_information.printed is not None),
        *at("ubrnReceived", appointment.created),
        *on("patientContactExpected", appointment.contact_expected),
        *service(appointment.service),
    ]
    if isinstance(appointment.reason, ReviewCause):
        columns += concept("reason", REVIEW_REASON, appointment.reason.code)
    due, status = referral.letter_due, clinical_information_status(referral, appointment.created.date())
    if due is not None and status in (ClinicalInformationStatus.NOT_DUE, ClinicalInformationStatus.OVERDUE):
        start, end = _halves(row, "AppointmentSlotIssues", columns)
        return WrittenRow(start, end, due.isoformat().encode())
    columns += concept("clinicalInformationStatus", _INFORMATION, status)
    return _written(row, "AppointmentSlotIssues", columns)


def write_rejected(row: ListedReferral, base: str) -> WrittenRow:
    """Return the row of a referral that was rejected or returned with advice."""
    return _written(row, "RejectedTriageResponse", [*_of_referrer(row.referral.value), *_status(row, base)])


def write_returned(row: ListedReferral, base: str) -> WrittenRow:
    """Return the row of a referral that was assessed, cancelled by another organisation or missed by its patient."""
    return _written(row, "AssessmentReturnedCancelledDna", [*_of_referrer(row.referral.value), *_status(row, base)])


def write_awaiting(row: ListedReferral, base: str) -> WrittenRow:
    """Return the row of a referral that could be booked and is not."""
    return _written(row, "AwaitingBooking", [*_of_referrer(row.referral.value), *_status(row, base)])


def write_letter(row: ListedReferral, _base: str) -> WrittenRow:
    """Return the row of a referral with an outstanding letter."""
    referral = row.referral.value
    return _written(row, "LettersOutstanding", [*_of_referrer(referral), *on("letterDue", referral.letter_due)])


WRITERS: Final[Mapping[Worklist, Callable[[ListedReferral, str], WrittenRow]]] = {
    Worklist.REFERRALS_FOR_REVIEW: write_review,
    Worklist.APPOINTMENT_SLOT_ISSUES: write_slot_issue,
    Worklist.REJECTED_TRIAGE_RESPONSE: write_rejected,
    Worklist.ASSESSMENT_RETURNED_CANCELLED_DNA: write_returned,
    Worklist.AWAITING_BOOKING: write_awaiting,
    Worklist.LETTERS_OUTSTANDING: write_letter,
}
"""The function that writes the rows of each list."""


def _status_column(status: ClinicalInformationStatus) -> bytes:
    return b"," + encode(concept("clinicalInformationStatus", _INFORMATION, status))[1:-1]


NOT_DUE: Final = _status_column(ClinicalInformationStatus.NOT_DUE)
OVERDUE: Final = _status_column(ClinicalInformationStatus.OVERDUE)
"""The column that is added to a split row."""


def _of_referrer(referral: Referral) -> Columns:
    """Return the columns that the four lists of referrers share."""
    shown: Columns = [
        *patient(referral.patient),
        *priority(referral.priority),
        *at("referralCreated", referral.created),
        *string("clinicalContext", clinical_context(referral)),
        *person("referrer", referral.referrer),
    ]
    return shown


def _status(row: ListedReferral, base: str) -> Columns:
    """Return the time of the last update, the state, and its reason."""
    referral, reason = row.referral.value, row.reason
    code, display = STATUSES[referral.state]
    shown = [*at("referralLastUpdated", referral.updated or referral.created)]
    shown += concept("status", _STATE, code, display)
    if reason is not None:
        shown += concept("reason", published(reason.system), reason.code, reason.display, base)
    return shown


def _practitioner(name: str, user: UserId | None) -> Columns:
    return [] if user is None else local(name, f"Practitioner-{user}")


def _held(referral: Referral) -> Appointment:
    if referral.appointment is None:
        raise ValueError("a referral on a provider's list must have an appointment")
    return referral.appointment


def _written(row: ListedReferral, name: str, columns: Columns) -> WrittenRow:
    return WrittenRow(b"".join(_halves(row, name, columns)))


def _halves(row: ListedReferral, name: str, columns: Columns) -> tuple[bytes, bytes]:
    """Return the entry up to its last column, and the rest."""
    item: Json = {"reference": f"ReferralRequest/{row.key}"}
    start = b'{"extension":[{"extension":[%b' % encode(columns)[1:-1]
    end = b'],"url":"%b"}],"item":%b}' % (extension(f"{name}-WorkListItem").encode(), encode(item))
    return start, end


def _clinician(user: UserId | None) -> bytes:
    return b"" if user is None else _person("Practitioner", PRACTITIONER_PROFILE, SDS_USER, user)


def _person(kind: str, claimed: str, system: System, identifier: str) -> bytes:
    """Return a person with only an identifier."""
    shown: Json = {
        "id": f"{kind}-{identifier}",
        "meta": {"profile": [claimed]},
        "resourceType": kind,
        "identifier": [identified(system, identifier)],
    }
    return encode(shown)
