"""A caller's request about an appointment: to book, send for triage, defer (A016) or cancel it (A034).

`wire.stu3.appointment_request` reads it; the use cases decide whether it is permitted. Source: rules chapters 3.2, 4
(A016, A034) and 12.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from openers.domain.appointment import CancellationReason, ReviewCause
from openers.domain.clock import Instant
from openers.domain.identifiers import NhsNumber, ServiceId, SlotId, Ubrn, UserId


class WantedStatus(StrEnum):
    """Every status of the profile; the service accepts three of them."""

    PROPOSED = "proposed"
    PENDING = "pending"
    BOOKED = "booked"
    ARRIVED = "arrived"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NO_SHOW = "noshow"


class AppointmentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment as sent. `id` is any text; `referral_version` is the version that the caller has read."""

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
