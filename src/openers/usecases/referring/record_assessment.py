"""Record that an assessment service has seen the patient, so that the referrer can continue.

An administrator does this. No API does, and no source gives the codes of its outcomes. The command line calls it.
Source: rules chapter 3.1.
"""

from __future__ import annotations

from typing import Final

from openers.domain.codes import AppointmentType
from openers.domain.errors import Field, InvalidState
from openers.domain.identifiers import Ubrn
from openers.domain.lifecycle import Act
from openers.domain.referral import Referral
from openers.usecases.events.recording import record_event
from openers.usecases.finding import find_as_system
from openers.usecases.ports.transaction import Stored
from openers.usecases.world import World

ASSESSING: Final = frozenset({AppointmentType.ASSESSMENT_SERVICE, AppointmentType.TELEPHONE_ASSESSMENT})
"""Types of appointment for an assessment."""


async def record_assessment(ubrn: Ubrn, world: World) -> Stored[Referral]:
    """Record it, or change nothing. Raises NotFound, RecordLocked, InvalidRequestState, InvalidState."""
    async with world.begin(Act.ASSESS, lock=(ubrn,)) as tx:
        stored = await find_as_system(ubrn, world, tx)
        referral = stored.value
        assessed = referral.assess(world.clock.now())
        held = None if referral.appointment is None else await tx.directory.service(referral.appointment.service.id)
        if held is None or held.value.appointment_type not in ASSESSING:
            raise InvalidState(Field.SERVICE, held.key if held else None, "is not an assessment service")
        kept = await tx.referrals.put(stored, assessed)
        await record_event(tx, world, Act.ASSESS, kept)
        return kept
