"""What a caller asks to become of an appointment: booked, sent for triage, deferred (A016) or cancelled (A034).

Read by `wire.stu3.appointment_request`; which of these wishes may be granted is for the use cases.
Source: rules chapters 3.2, 4 (A016, A034) and 12.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from openers.domain.appointment import CancellationReason, ReviewCause
from openers.domain.clock import Instant
from openers.domain.identifiers import NhsNumber, ServiceId, SlotId, Ubrn, UserId


class WantedStatus(StrEnum):
    """Every status that the profile knows; the service grants three of them."""

    PROPOSED = "proposed"
    PENDING = "pending"
    BOOKED = "booked"
    ARRIVED = "arrived"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NO_SHOW = "noshow"


class AppointmentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment as it was sent. `id` is any text; `referral_version` is the version that the caller has read."""

    id: str
    status: WantedStatus
    ubrn: Ubrn
    referral_version: int
    service: ServiceId
    patient: NhsNumber
    clinician: UserId | None = None
    slot: SlotId | None = None
    start: Instant | None = None
    end: Instant | None = None
    comment: str | None = None
    reason: ReviewCause | CancellationReason | None = None
