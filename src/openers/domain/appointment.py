"""The current appointment of a referral: booked, proposed (triage and deferrals) or cancelled.

It has a version of its own. Source: rules chapter 3.2.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Self

import msgspec

from openers.domain.clock import Instant
from openers.domain.codes import CodeSystemName, ReviewReason
from openers.domain.identifiers import AppointmentId, SlotId, UserId
from openers.domain.shortlist import ShortlistedService


class AppointmentStatus(StrEnum):
    """FHIR status of an appointment, as far as it is used."""

    PROPOSED = "proposed"
    BOOKED = "booked"
    CANCELLED = "cancelled"
    NO_SHOW = "noshow"
    ARRIVED = "arrived"


class CancellationReason(msgspec.Struct, frozen=True, tag="cancellation"):
    """Why an appointment was cancelled or missed: a code of one of the dynamic code systems."""

    code: str
    system: CodeSystemName = CodeSystemName.APPOINTMENT_CANCELLATION_REASON


class ReviewCause(msgspec.Struct, frozen=True, tag="review"):
    """Why a request was put before its provider."""

    code: ReviewReason


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """One appointment. `service` is the one that holds the request; names are copied in when written.

    `contact_expected` is the day by which the patient hears of the provider, where nothing is booked.
    `booking_key` and `pas_id` are how the Patient Administration System knows a booking; they are never shown.
    """

    id: AppointmentId
    version: int
    status: AppointmentStatus
    service: ShortlistedService
    specialty: str
    specialty_name: str
    created: Instant
    reason: ReviewCause | CancellationReason | None = None
    comment: str | None = None
    contact_expected: date | None = None
    slot: SlotId | None = None
    start: Instant | None = None
    end: Instant | None = None
    clinician: UserId | None = None
    booking_key: str | None = None
    pas_id: str | None = None

    def ended(self, status: AppointmentStatus, reason: CancellationReason | None, comment: str | None) -> Self:
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
