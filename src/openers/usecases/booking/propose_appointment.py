"""A proposed appointment, which deferrals, triage requests and converted requests for advice share.

Source: rules chapters 3.2 and 4 (A004, A016, A027).
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import msgspec

from openers.domain.appointment import Appointment, AppointmentStatus, Reason, ReviewCause, ReviewResult, Specialty
from openers.domain.clock import Instant
from openers.domain.codes import CodeSystemName, Priority, ReviewOutcome, ReviewReason
from openers.domain.directory import Service
from openers.domain.shortlist import ShortlistedService
from openers.domain.working_days import add_working_days
from openers.usecases.ports.transaction import ReferenceData, Tx
from openers.usecases.world import World

FIRST_VERSION = 1
"""Version of a proposed appointment; a booked one starts at 0 (rules 3.2)."""


class Asked(NamedTuple):
    """A request to a service for an appointment, and its time."""

    service: Service
    priority: Priority
    reason: ReviewReason
    at: Instant


class LeftToProvider(NamedTuple):
    """A request that a service handles itself, with the outcome and its comment."""

    service: Service
    outcome: ReviewOutcome
    comment: str
    at: Instant


async def propose(asked: Asked, world: World, tx: Tx) -> Appointment:
    """Return the proposed appointment with a new number and the day by which the provider will contact the patient."""
    service, priority, reason, at = asked
    return msgspec.structs.replace(
        await _proposed(service, ReviewCause(reason), at, world, tx),
        contact_expected=contact_expected(at, priority, reason, world.reference),
    )


async def leave_to_provider(left: LeftToProvider, world: World, tx: Tx) -> Appointment:
    """Return the appointment for which the service has to find a time."""
    appointment = await _proposed(left.service, ReviewResult(left.outcome), left.at, world, tx)
    return msgspec.structs.replace(appointment, comment=left.comment)


async def _proposed(service: Service, reason: Reason, at: Instant, world: World, tx: Tx) -> Appointment:
    specialty = specialty_of(service, world.reference)
    return Appointment(
        id=await tx.referrals.next_appointment_id(),
        version=FIRST_VERSION,
        status=AppointmentStatus.PROPOSED,
        service=ShortlistedService(service.id, service.name),
        site=service.site,
        specialty=specialty.code,
        specialty_name=specialty.name,
        created=at,
        reason=reason,
    )


def contact_expected(created: Instant, priority: Priority, reason: ReviewReason, reference: ReferenceData) -> date:
    """Return the day by which the provider contacts the patient, counted in working days. Source: rules 11.2 row 26."""
    days = "triageContactDays" if reason is ReviewReason.TRIAGE else "deferToProviderContactDays"
    values = reference.code_system(CodeSystemName.PRIORITY).concepts[priority].values(days)
    return add_working_days(created.date(), sum(value for value in values if isinstance(value, int)))


def specialty_of(service: Service, reference: ReferenceData) -> Specialty:
    """Return the specialty that replies show for a service; one whose code is not in force yet has no other name."""
    concept = reference.code_system(CodeSystemName.SPECIALTY).concepts.get(service.specialty)
    return Specialty(service.specialty, service.specialty if concept is None else concept.display)
