"""Read the current appointment of a referral (A038). Source: rules chapters 3.2 and 4 (A038)."""

from __future__ import annotations

import msgspec

from openers.domain.errors import Field, HistoryNotSupported, NotFound
from openers.domain.identifiers import AppointmentId
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.usecases.finding import check_not_sensitive
from openers.usecases.ports.transaction import Stored
from openers.usecases.world import World


class ReadAppointment(msgspec.Struct, frozen=True):
    """The appointment to read, and the caller; `version` if a specific version is requested."""

    appointment: AppointmentId
    by: Principal
    version: int | None = None


async def read_appointment(query: ReadAppointment, world: World) -> Stored[Referral]:
    """Return the referral with its appointment. Raises NotFound, NoRelationship, PatientError, HistoryNotSupported."""
    async with world.read() as tx:
        referral = await tx.referrals.of_appointment(query.appointment, query.by)
        world.entry.touched(ubrn=referral.value.ubrn, patient=referral.patient)
        await check_not_sensitive(referral.patient, world, tx)
    appointment = referral.value.appointment
    if appointment is None:
        raise NotFound(Field.APPOINTMENT, query.appointment)
    if query.version is not None and query.version != appointment.version:
        raise HistoryNotSupported(query.version, appointment.version)
    return referral
