"""Cancel a booking in its PAS, then carry out what was decided: a saga like booking, the same for every act.

The claim holds the decision, so a crash between the steps is healed by `settle_claims.py`. Called by `decide.py`.
Source: rules chapters 2.6, 4 (A014, A022, A034, A036) and 7; the decisions on sagas and claims.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from openers.domain.appointment import CancellationReason
from openers.domain.booking import CancellationClaim, PasLink
from openers.domain.codes import CodeSystemName
from openers.domain.decision import Decision
from openers.domain.errors import (
    Field,
    OpenersError,
    OutcomeUnknown,
    PasCall,
    PasNotResponding,
    PasRefused,
    PasRespondedWithError,
    PasSilent,
    RecordLocked,
    UnableToCancelAppointment,
    Unavailable,
)
from openers.domain.lifecycle import Act
from openers.domain.referral import Referral
from openers.domain.slots import SlotState
from openers.usecases.events.recording import happened
from openers.usecases.files.attach_files import as_scanned, detach_file
from openers.usecases.ports.transaction import Stored
from openers.usecases.world import World

KEPT: Final = timedelta(hours=24)
"""How long files are kept that were to go with a decision which came to nothing."""


async def cancel_in_pas(claim: CancellationClaim, link: PasLink, world: World) -> Stored[Referral]:
    """Second and third step: ask the PAS, then confirm or release. Raises as `decide`."""
    try:
        await ask_pas(claim, link, world)
    except PasRefused as error:
        await release_cancellation(claim, world)
        raise _refusal(claim) from error
    except PasSilent as error:
        if not error.sent:
            await release_cancellation(claim, world)
        raise PasNotResponding(PasCall.CANCEL, claim.slot, claim.ubrn) from error
    try:
        confirmed = await confirm_cancellation(claim, world)
    except (Unavailable, RecordLocked) as error:  # the PAS has cancelled, and the claim is settled later
        raise OutcomeUnknown("cancellation") from error
    if confirmed is None:
        raise UnableToCancelAppointment(Field.APPOINTMENT, claim.appointment, "was settled otherwise meanwhile")
    return confirmed


async def ask_pas(claim: CancellationClaim, link: PasLink, world: World) -> None:
    """Ask; repeating it is harmless and tells for sure. Raises PasRefused, PasSilent."""
    await world.pas.cancel(link, claim.pas_appointment, _told(claim.decision))


async def confirm_cancellation(claim: CancellationClaim, world: World) -> Stored[Referral] | None:
    """Last step: the PAS has cancelled, so the referral says so. `None` if somebody else has settled the claim."""
    decision = claim.decision
    async with world.begin(decision.act, lock=(claim.ubrn, f"slot/{claim.slot}")) as tx:
        if not await tx.claims.release(claim):
            return None
        old = await tx.referrals.get(claim.ubrn, claim.by)
        decision = msgspec.structs.replace(decision, attachments=await as_scanned(decision.attachments, tx))
        # As of the claim: the review was allowed then, and the PAS has cancelled since.
        stored = await tx.referrals.put(old, old.value.decide(decision, claim.taken))
        await tx.slots.move(claim.slot, SlotState.BOOKED, SlotState.FREE)
        world.entry.touched(ubrn=claim.ubrn, patient=old.patient)
        await happened(tx, world, decision.act, stored)
        return stored


async def release_cancellation(claim: CancellationClaim, world: World) -> None:
    """The PAS has not cancelled: the booking stands, and the referral is free again."""
    files = [each.file for each in claim.decision.attachments]
    async with world.begin("release cancellation", lock=(claim.ubrn, *files)) as tx:
        world.entry.touched(ubrn=claim.ubrn)
        if await tx.claims.release(claim):
            for file in files:
                await detach_file(file, KEPT, world, tx)


def _told(decision: Decision) -> str | None:
    """The reason that the PAS hears, where there is one of those that bookings are cancelled for."""
    reason = decision.booking_reason or decision.reason
    if not isinstance(reason, CancellationReason):
        return None
    return reason.code if reason.system is CodeSystemName.APPOINTMENT_CANCELLATION_REASON else None


def _refusal(claim: CancellationClaim) -> OpenersError:
    """How a PAS's no is told. A014 lists no 502, but has UNABLE_TO_CANCEL_APPOINTMENT (rules 2.5, 4 (A014))."""
    if claim.decision.act is Act.REJECT:
        return UnableToCancelAppointment(
            Field.APPOINTMENT, claim.appointment, "was not cancelled by its PAS: it stands"
        )
    return PasRespondedWithError(PasCall.CANCEL, claim.slot, claim.ubrn)
