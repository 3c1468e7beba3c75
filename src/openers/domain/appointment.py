"""The current appointment of a referral: booked, proposed (triage and deferrals) or cancelled.

It has a version of its own. Source: rules chapter 3.2.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Self

import msgspec

from openers.domain.clock import Instant
from openers.domain.codes import CodeSystemName, ReviewOutcome, ReviewReason
from openers.domain.identifiers import AppointmentId, OdsCode, SlotId, UserId
from openers.domain.shortlist import ShortlistedService


class AppointmentStatus(StrEnum):
    """FHIR status of an appointment, as far as it is used."""

    PROPOSED = "proposed"
    BOOKED = "booked"
    CANCELLED = "cancelled"
    NO_SHOW = "noshow"
    ARRIVED = "arrived"


class CancellationReason(msgspec.Struct, frozen=True, tag="cancellation"):
    """Why an appointment or referral was cancelled: a code of one of the dynamic code systems.

    `display` is what it was called, kept where replies show it: for rejections and cancelled referrals.
    """

    code: str
    system: CodeSystemName = CodeSystemName.APPOINTMENT_CANCELLATION_REASON
    display: str | None = None


class ReviewCause(msgspec.Struct, frozen=True, tag="review"):
    """Why a request was put before its provider."""

    code: ReviewReason


class ReviewResult(msgspec.Struct, frozen=True, tag="outcome"):
    """What a review by the provider came to."""

    code: ReviewOutcome


Reason = ReviewCause | ReviewResult | CancellationReason
"""Why an appointment or a referral is as it is."""


class Specialty(msgspec.Struct, frozen=True):
    """A specialty, its name copied in when it was written."""

    code: str
    name: str


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """One appointment. `service` is the one that holds the request; names are copied in when written.

    `contact_expected` is the day by which the patient hears of the provider, where nothing is booked.
    `booking_key` and `pas_id` are how the Patient Administration System knows a booking; they are never shown.
    `cancelled_in_pas` is what a provider says of a booking by telephone that is given up, `site` where the service was
    when it was asked.
    """

    id: AppointmentId
    version: int
    status: AppointmentStatus
    service: ShortlistedService
    specialty: str
    specialty_name: str
    created: Instant
    reason: Reason | None = None
    comment: str | None = None
    contact_expected: date | None = None
    slot: SlotId | None = None
    start: Instant | None = None
    end: Instant | None = None
    clinician: UserId | None = None
    booking_key: str | None = None
    pas_id: str | None = None
    cancelled_in_pas: bool | None = None
    site: OdsCode | None = None

    @property
    def of_specialty(self) -> Specialty:
        """The specialty of its service."""
        return Specialty(self.specialty, self.specialty_name)

    @property
    def stands(self) -> bool:
        """Whether a time is booked."""
        return self.status in (AppointmentStatus.BOOKED, AppointmentStatus.ARRIVED)

    @property
    def is_in_pas(self) -> bool:
        """Whether the booking that stands was made through the service, in a PAS that can be asked to cancel it."""
        return self.stands and self.pas_id is not None

    def ended(self, status: AppointmentStatus, reason: Reason | None, comment: str | None) -> Self:
        """The same appointment cancelled or missed: without slot and time, one version on (rules 3.2)."""
        return msgspec.structs.replace(
            self,
            version=self.version + 1,
            status=status,
            reason=reason,
            comment=comment,
            slot=None,
            start=None,
            end=None,
        )

    def proposed(self, result: ReviewResult, comment: str | None) -> Self:
        """The same one left to the provider, who finds another time: nothing of a booking stays, nor a clinician."""
        ended = self.ended(AppointmentStatus.PROPOSED, result, comment)
        return msgspec.structs.replace(ended, clinician=None, booking_key=None, pas_id=None)
