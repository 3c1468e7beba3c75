"""The current appointment of a referral: booked, proposed (triage and deferrals) or cancelled.

An appointment has its own version. Source: rules chapter 3.2.
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
    """The FHIR appointment statuses that the service uses."""

    PROPOSED = "proposed"
    BOOKED = "booked"
    CANCELLED = "cancelled"
    NO_SHOW = "noshow"
    ARRIVED = "arrived"


class CancellationReason(msgspec.Struct, frozen=True, tag="cancellation"):
    """Why an appointment or referral was cancelled: a code of one of the dynamic code systems.

    `display` is the display text of the code, stored only where replies show it: for rejections and cancelled
    referrals.
    """

    code: str
    system: CodeSystemName = CodeSystemName.APPOINTMENT_CANCELLATION_REASON
    display: str | None = None


class ReviewCause(msgspec.Struct, frozen=True, tag="review"):
    """Why a request was sent to its provider for review."""

    code: ReviewReason


class ReviewResult(msgspec.Struct, frozen=True, tag="outcome"):
    """The outcome of a provider's review."""

    code: ReviewOutcome


Reason = ReviewCause | ReviewResult | CancellationReason
"""Why an appointment or a referral is in its state."""


class Specialty(msgspec.Struct, frozen=True):
    """A specialty with a copy of its name from the time of writing."""

    code: str
    name: str


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """One appointment. `service` is the service that holds the request; names are copies from the time of writing.

    `contact_expected` is the day by which the provider will contact the patient, if nothing is booked. `booking_key`
    and `pas_id` identify a booking in the Patient Administration System (PAS); no reply shows them. `cancelled_in_pas`
    says whether the provider has cancelled a booking by telephone in its PAS. `site` is the service's site at the time
    of the request.
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
        """Whether the booking is active and was made through the service, in a PAS that can be asked to cancel it."""
        return self.stands and self.pas_id is not None

    def ended(self, status: AppointmentStatus, reason: Reason | None, comment: str | None) -> Self:
        """Return the appointment as cancelled or missed: without slot and time, at the next version (rules 3.2)."""
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
        """Return the appointment as proposed, without slot, clinician and PAS ids; the provider arranges a new time."""
        ended = self.ended(AppointmentStatus.PROPOSED, result, comment)
        return msgspec.structs.replace(ended, clinician=None, booking_key=None, pas_id=None)
