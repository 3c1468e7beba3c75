"""The worklists of referrals: which are on which, and in what order.

Lists are safety nets: what is on one follows from the referral's value alone, so that nothing can fall off. The store
keeps the answer beside each referral (`openers.store.records.referrals`), for lists to be walked. Source: rules
chapters 4 (A008), 11.1 row 17 and 13.
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
"""Bytes of the largest worklist that is sent (rules 4, A008: 10 MB)."""
CALLS_A_DAY: Final = 2
"""How often an application may ask for the worklists of one service on one day (rules 4, A008)."""


class Worklist(StrEnum):
    """A list of referrals that somebody has to do something about."""

    REFERRALS_FOR_REVIEW = "REFERRALS_FOR_REVIEW"
    APPOINTMENT_SLOT_ISSUES = "APPOINTMENT_SLOT_ISSUES"
    REJECTED_TRIAGE_RESPONSE = "REJECTED_TRIAGE_RESPONSE"
    ASSESSMENT_RETURNED_CANCELLED_DNA = "ASSESSMENT_RETURNED_CANCELLED_DNA"
    AWAITING_BOOKING = "AWAITING_BOOKING"
    LETTERS_OUTSTANDING = "LETTERS_OUTSTANDING"

    @property
    def party(self) -> Party:
        """Whose list it is."""
        return Party.PROVIDER if self in PROVIDER_LISTS else Party.REFERRER


class ReferralType(StrEnum):
    """What kind of request a provider reviews."""

    APPOINTMENT = "APPOINTMENT"
    TRIAGE_DEFERRAL = "TRIAGE_DEFERRAL"


class ClinicalInformationStatus(StrEnum):
    """Whether a provider has the clinical information of a request, or when to expect it."""

    PRESENT = "PRESENT"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    NOT_DUE = "NOT_DUE"
    OVERDUE = "OVERDUE"


PROVIDER_LISTS: Final = frozenset({Worklist.REFERRALS_FOR_REVIEW, Worklist.APPOINTMENT_SLOT_ISSUES})
"""Lists of the provider; the others are the referrer's."""

RANKS: Final[Mapping[Priority, int]] = {Priority.TWO_WEEK_WAIT: 0, Priority.URGENT: 1, Priority.ROUTINE: 2}
"""The place of each priority in the order of a list. The published service states no order; this is ours."""

_TO_REVIEW: Final[Mapping[ReferralState, ReferralType]] = {
    ReferralState.BOOKED: ReferralType.APPOINTMENT,
    ReferralState.AWAITING_TRIAGE: ReferralType.TRIAGE_DEFERRAL,
}

# A request that its provider is to rebook has no booking either: left out, it would be on nobody's list (inferred).
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
    """The list of its provider that it is on. A deferral stays there, reviewed or not, until it is booked or left."""
    if referral.state is ReferralState.DEFERRED_TO_PROVIDER:
        return Worklist.APPOINTMENT_SLOT_ISSUES
    is_to_review = referral.review.pending and referral.state in _TO_REVIEW
    return Worklist.REFERRALS_FOR_REVIEW if is_to_review else None


def referrer_list(referral: Referral) -> Worklist | None:
    """The list of its referrer that it is on, whether or not its letter is outstanding."""
    if referral.cancellation is not None and referral.cancellation.organisation != referral.owner:
        return Worklist.ASSESSMENT_RETURNED_CANCELLED_DNA  # by somebody else, as far as anybody knows
    return _REFERRERS.get(referral.state)


def letter_list(referral: Referral) -> Worklist | None:
    """The list of letters outstanding, where one is intended, is not there, and could still be added."""
    may_come = (referral.state, Act.MAINTAIN_LETTER) in TABLE
    is_outstanding = may_come and _intends(referral) and not referral.clinical_information.is_there
    return Worklist.LETTERS_OUTSTANDING if is_outstanding else None


def waiting_since(referral: Referral) -> Instant:
    """From when the patient's wait counts: the start of the pathway, or else of the referral."""
    return referral.pathway_start or referral.created


def referral_type(referral: Referral) -> ReferralType:
    """What kind of request a referral on the review list is."""
    return _TO_REVIEW[referral.state]


def clinical_information_status(referral: Referral, day: date) -> ClinicalInformationStatus:
    """What a provider sees of the clinical information on `day`: a letter is overdue from the day it is due."""
    if referral.clinical_information.is_there:
        return ClinicalInformationStatus.PRESENT
    if not _intends(referral) or referral.letter_due is None:
        return ClinicalInformationStatus.NOT_APPLICABLE
    return ClinicalInformationStatus.NOT_DUE if day < referral.letter_due else ClinicalInformationStatus.OVERDUE


def assigned_clinician(referral: Referral) -> UserId | None:
    """The clinician who was booked, or else the one that the referrer asked for."""
    booked = referral.appointment.clinician if referral.appointment else None
    return booked or referral.shortlist.criteria.named_clinician


def clinical_context(referral: Referral) -> str:
    """What it is about, for the referrer: specialty and clinic type that were searched, as `SPECIALTY/CLINIC TYPE`.

    Where the search named neither: the specialty of the service that holds it, or else the clinical term.
    """
    criteria = referral.shortlist.criteria
    shown = referral.shown_specialty
    named = [part for part in (criteria.specialty or (shown and shown.code), criteria.clinic_type) if part]
    return "/".join(named) or str(criteria.clinical_term or referral.shortlist.services[0].name)


def _intends(referral: Referral) -> bool:
    return referral.letter_intention is LetterIntention.NEED_TO_ADD_LATER
