"""What is promised to a Patient Administration System while a booking or cancellation is under way.

A claim keeps everybody else off a referral until the PAS has answered or the sweeper has found out what it did; it
holds all that is needed to finish the act, so that a crash loses nothing. Source: rules chapters 3.4 (423) and 7.
"""

from __future__ import annotations

import msgspec

from openers.domain.clock import Instant
from openers.domain.decision import Decision
from openers.domain.errors import PasCall
from openers.domain.identifiers import AppointmentId, NhsNumber, ServiceId, SlotId, Ubrn, UserId
from openers.domain.principal import Principal


class PasLink(msgspec.Struct, frozen=True):
    """Where the PAS of a service is. `client_id` is the application as which it notifies us."""

    service: ServiceId
    url: str
    client_id: str


class PasBooking(msgspec.Struct, frozen=True, kw_only=True):
    """A booking as a PAS is asked for it. `key` makes a repeated request harmless."""

    key: str
    ubrn: Ubrn
    patient: NhsNumber
    pas_slot: str
    start: Instant
    end: Instant
    created: Instant


class PasAppointment(msgspec.Struct, frozen=True):
    """A booking as a PAS has it. `status` is FHIR's: booked, cancelled, noshow, arrived, fulfilled."""

    id: str
    key: str
    status: str
    pas_slot: str | None = None
    reason: str | None = None


class _Claim(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """One act under way on a referral, by whom, and until when its outcome is awaited."""

    ubrn: Ubrn
    key: str
    by: Principal
    service: ServiceId
    slot: SlotId
    appointment: AppointmentId
    taken: Instant
    expires: Instant


class BookingClaim(_Claim, frozen=True, kw_only=True, tag=PasCall.BOOK.value):
    """A `booking` is to be made. `comment` is what the referrer says about it; the PAS is not told."""

    booking: PasBooking
    clinician: UserId | None = None
    comment: str | None = None


class CancellationClaim(_Claim, frozen=True, kw_only=True, tag=PasCall.CANCEL.value):
    """`pas_appointment` is to be cancelled in its PAS, upon which `decision` is carried out."""

    pas_appointment: str
    decision: Decision


Claim = BookingClaim | CancellationClaim
"""What keeps everybody else off a referral. Stored claims say which one they are by their `kind`."""
