"""A proposed appointment: what a deferral and a triage request have in common.

Source: rules chapters 3.2 and 4 (A004, A016).
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from openers.domain.appointment import Appointment, AppointmentStatus, ReviewCause, Specialty
from openers.domain.clock import Instant
from openers.domain.codes import CodeSystemName, Priority, ReviewReason
from openers.domain.directory import Service
from openers.domain.shortlist import ShortlistedService
from openers.domain.working_days import add_working_days
from openers.usecases.ports import ReferenceData, Tx
from openers.usecases.world import World

FIRST_VERSION = 1
"""Version of a proposed appointment; a booked one starts at 0 (rules 3.2)."""


class Asked(NamedTuple):
    """What is asked of a service, when."""

    service: Service
    priority: Priority
    reason: ReviewReason
    at: Instant


async def propose(asked: Asked, world: World, tx: Tx) -> Appointment:
    """The appointment that is asked for, with a number of its own and the day of contact to expect."""
    service, priority, reason, at = asked
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
        reason=ReviewCause(reason),
        contact_expected=contact_expected(at, priority, reason, world.reference),
    )


def contact_expected(created: Instant, priority: Priority, reason: ReviewReason, reference: ReferenceData) -> date:
    """By when the provider gets in touch: so many working days later, by priority. Source: rules 11.2 row 26."""
    days = "triageContactDays" if reason is ReviewReason.TRIAGE else "deferToProviderContactDays"
    values = reference.code_system(CodeSystemName.PRIORITY).concepts[priority].values(days)
    return add_working_days(created.date(), sum(value for value in values if isinstance(value, int)))


def specialty_of(service: Service, reference: ReferenceData) -> Specialty:
    """The specialty that a service is shown under."""
    concept = reference.code_system(CodeSystemName.SPECIALTY).concepts[service.specialty]
    return Specialty(concept.code, concept.display)
