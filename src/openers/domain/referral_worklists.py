"""The worklists of referrals: which referral is on which list, and in what order.

Lists are safety nets: the value of a referral decides which lists it is on, so no referral can be missing from its
list. The store keeps the result in columns beside each referral (`openers.store.records.referrals`), which lists read.
Source: rules chapters 4 (A008), 11.1 row 17 and 13.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Final

from openers.domain.clock import Instant
from openers.domain.codes import LetterIntention, Priority
from openers.domain.identifiers import UserId
from openers.domain.lifecycle import TABLE, Act, ReferralState
from openers.domain.principal import Party
from openers.domain.referral import Referral

LARGEST: Final = 10 * 1024 * 1024
"""Maximum size in bytes of a worklist that is sent (rules 4, A008: 10 MB)."""
CALLS_A_DAY: Final = 2
"""How often an application may fetch the worklists of one service on one day (rules 4, A008)."""


class Worklist(StrEnum):
    """A list of referrals that one side has to act on."""

    REFERRALS_FOR_REVIEW = "REFERRALS_FOR_REVIEW"
    APPOINTMENT_SLOT_ISSUES = "APPOINTMENT_SLOT_ISSUES"
    REJECTED_TRIAGE_RESPONSE = "REJECTED_TRIAGE_RESPONSE"
    ASSESSMENT_RETURNED_CANCELLED_DNA = "ASSESSMENT_RETURNED_CANCELLED_DNA"
    AWAITING_BOOKING = "AWAITING_BOOKING"
    LETTERS_OUTSTANDING = "LETTERS_OUTSTANDING"

    @property
    def party(self) -> Party:
        """The side that the list belongs to."""
        return Party.PROVIDER if self in PROVIDER_LISTS else Party.REFERRER


class ReferralType(StrEnum):
    """The type of request that a provider reviews."""

    APPOINTMENT = "APPOINTMENT"
    TRIAGE_DEFERRAL = "TRIAGE_DEFERRAL"


class ClinicalInformationStatus(StrEnum):
    """Whether the provider has the clinical information of a request, or whether it is due or overdue."""

    PRESENT = "PRESENT"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    NOT_DUE = "NOT_DUE"
    OVERDUE = "OVERDUE"


PROVIDER_LISTS: Final = frozenset({Worklist.REFERRALS_FOR_REVIEW, Worklist.APPOINTMENT_SLOT_ISSUES})
"""Lists of the provider; the others belong to the referrer."""

RANKS: Final[Mapping[Priority, int]] = {Priority.TWO_WEEK_WAIT: 0, Priority.URGENT: 1, Priority.ROUTINE: 2}
"""The rank of each priority in the order of a list. The published service states no order; this is ours."""

_TO_REVIEW: Final[Mapping[ReferralState, ReferralType]] = {
    ReferralState.BOOKED: ReferralType.APPOINTMENT,
    ReferralState.AWAITING_TRIAGE: ReferralType.TRIAGE_DEFERRAL,
}

# A request that its provider has to rebook has no booking either. Without this list it would be on none (inferred).
_REFERRERS: Final[Mapping[ReferralState, Worklist]] = {
    ReferralState.REJECTED: Worklist.REJECTED_TRIAGE_RESPONSE,
    ReferralState.TRIAGE_RESPONSE: Worklist.REJECTED_TRIAGE_RESPONSE,
    ReferralState.ASSESSMENT_RESULT: Worklist.ASSESSMENT_RETURNED_CANCELLED_DNA,
    ReferralState.DID_NOT_ATTEND: Worklist.ASSESSMENT_RETURNED_CANCELLED_DNA,
    ReferralState.NOT_BOOKED: Worklist.AWAITING_BOOKING,
    ReferralState.AWAITING_TRIAGE: Worklist.AWAITING_BOOKING,
    ReferralState.DEFERRED_TO_PROVIDER: Worklist.AWAITING_BOOKING,
    ReferralState.TRIAGED_PROVIDER_TO_ACTION: Worklist.AWAITING_BOOKING,
    ReferralState.APPT_CANCELLED_BY_PATIENT: Worklist.AWAITING_BOOKING,
    ReferralState.APPT_CANCELLED_BY_PROVIDER: Worklist.AWAITING_BOOKING,
}


def provider_list(referral: Referral) -> Worklist | None:
    """Return the provider's list that the referral is on, if any.

    A deferral stays on its list, reviewed or not, until it is booked or leaves that state.
    """
    if referral.state is ReferralState.DEFERRED_TO_PROVIDER:
        return Worklist.APPOINTMENT_SLOT_ISSUES
    is_to_review = referral.review.pending and referral.state in _TO_REVIEW
    return Worklist.REFERRALS_FOR_REVIEW if is_to_review else None


def referrer_list(referral: Referral) -> Worklist | None:
    """Return the referrer's list that the referral is on, apart from outstanding letters."""
    if referral.cancellation is not None and referral.cancellation.organisation != referral.owner:
        return Worklist.ASSESSMENT_RETURNED_CANCELLED_DNA  # cancelled by another or an unknown organisation
    return _REFERRERS.get(referral.state)


def letter_list(referral: Referral) -> Worklist | None:
    """Return the list of outstanding letters if a letter is intended, not added yet, and could still be added."""
    may_come = (referral.state, Act.MAINTAIN_LETTER) in TABLE
    is_outstanding = may_come and _intends(referral) and not referral.clinical_information.is_there
    return Worklist.LETTERS_OUTSTANDING if is_outstanding else None


def waiting_since(referral: Referral) -> Instant:
    """Return the start of the patient's wait: the start of the pathway if known, else the creation of the referral."""
    return referral.pathway_start or referral.created


def referral_type(referral: Referral) -> ReferralType:
    """Return the request type of a referral on the review list."""
    return _TO_REVIEW[referral.state]


def clinical_information_status(referral: Referral, day: date) -> ClinicalInformationStatus:
    """Return the status of the clinical information on `day`; a letter is overdue from the day on which it is due."""
    if referral.clinical_information.is_there:
        return ClinicalInformationStatus.PRESENT
    if not _intends(referral) or referral.letter_due is None:
        return ClinicalInformationStatus.NOT_APPLICABLE
    return ClinicalInformationStatus.NOT_DUE if day < referral.letter_due else ClinicalInformationStatus.OVERDUE


def assigned_clinician(referral: Referral) -> UserId | None:
    """Return the clinician of the booking, else the named clinician of the referrer's search."""
    booked = referral.appointment.clinician if referral.appointment else None
    return booked or referral.shortlist.criteria.named_clinician


def clinical_context(referral: Referral) -> str:
    """Return the referrer's summary of the request: searched specialty and clinic type, as `SPECIALTY/CLINIC TYPE`.

    If the search named neither, return the specialty of the service that holds it, or else the clinical term.
    """
    criteria = referral.shortlist.criteria
    shown = referral.shown_specialty
    named = [part for part in (criteria.specialty or (shown and shown.code), criteria.clinic_type) if part]
    return "/".join(named) or str(criteria.clinical_term or referral.shortlist.services[0].name)


def _intends(referral: Referral) -> bool:
    return referral.letter_intention is LetterIntention.NEED_TO_ADD_LATER
