"""The current appointment of a referral: booked, or proposed (triage and deferrals). It has a version of its own.

Source: rules chapter 3.2.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from openers.domain.clock import Instant
from openers.domain.codes import ReviewReason
from openers.domain.identifiers import AppointmentId
from openers.domain.shortlist import ShortlistedService


class AppointmentStatus(StrEnum):
    """FHIR status of an appointment, as far as it is used."""

    PROPOSED = "proposed"


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """One appointment. `service` is the one that holds the request; names are copied in when written."""

    id: AppointmentId
    version: int
    status: AppointmentStatus
    service: ShortlistedService
    specialty: str
    specialty_name: str
    created: Instant
    reason: ReviewReason | None = None
