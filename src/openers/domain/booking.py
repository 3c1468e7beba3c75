"""Records of a booking or cancellation that is in progress with a Patient Administration System (PAS).

A claim reserves a referral until the PAS has answered or the sweeper has found the outcome. It holds all data needed to
finish the act, so a crash loses nothing. Source: rules chapters 3.4 (423) and 7.
"""

from __future__ import annotations

import msgspec

from openers.domain.clock import Instant
from openers.domain.decision import Decision
from openers.domain.errors import PasCall
from openers.domain.identifiers import AppointmentId, NhsNumber, ServiceId, SlotId, Ubrn, UserId
from openers.domain.principal import Principal


class PasLink(msgspec.Struct, frozen=True):
    """The address of a service's PAS. `client_id` is the application that the PAS uses to notify us.

    A link that is not `active` has ended: nothing new is booked through it, and bookings that exist can be cancelled.
    """

    service: ServiceId
    url: str
    client_id: str
    active: bool = True


class PasBooking(msgspec.Struct, frozen=True, kw_only=True):
    """A booking request to a PAS. `key` is its idempotency key, so a retry books nothing twice."""

    key: str
    ubrn: Ubrn
    patient: NhsNumber
    pas_slot: str
    start: Instant
    end: Instant
    created: Instant


class PasAppointment(msgspec.Struct, frozen=True):
    """A booking as the PAS reports it. `status` is FHIR's: booked, cancelled, noshow, arrived, fulfilled."""

    id: str
    key: str
    status: str
    pas_slot: str | None = None
    reason: str | None = None


class _Claim(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """One act in progress on a referral: who requested it, and until when the service waits for its outcome."""

    ubrn: Ubrn
    key: str
    by: Principal
    service: ServiceId
    slot: SlotId
    appointment: AppointmentId
    taken: Instant
    expires: Instant


class BookingClaim(_Claim, frozen=True, kw_only=True, tag=PasCall.BOOK.value):
    """A claim for making `booking`. `comment` is the referrer's comment; the PAS does not receive it."""

    booking: PasBooking
    clinician: UserId | None = None
    comment: str | None = None


class CancellationClaim(_Claim, frozen=True, kw_only=True, tag=PasCall.CANCEL.value):
    """A claim for cancelling `pas_appointment` in its PAS; after that `decision` is carried out."""

    pas_appointment: str
    decision: Decision


Claim = BookingClaim | CancellationClaim
"""A reservation of a referral. In stored claims, `kind` gives the type."""
