"""Cancel a booking in its PAS, then carry out the decision: a saga like booking, the same for every act.

The claim holds the decision, so `settle_claims.py` can finish after a crash between the steps. `decide.py` calls this.
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
from openers.usecases.events.recording import record_event
from openers.usecases.files.attach_files import as_scanned, detach_file
from openers.usecases.ports.transaction import Stored
from openers.usecases.world import World

KEPT: Final = timedelta(hours=24)
"""How long files of a failed decision are kept."""


async def cancel_in_pas(claim: CancellationClaim, link: PasLink, world: World) -> Stored[Referral]:
    """Call the PAS, then confirm or release: the second and third step. Raises as `decide`."""
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
        raise UnableToCancelAppointment(
            Field.APPOINTMENT, claim.appointment, "was settled in the meantime: read the referral again"
        )
    return confirmed


async def ask_pas(claim: CancellationClaim, link: PasLink, world: World) -> None:
    """Ask the PAS to cancel. A repeated call is safe and gives a definite answer. Raises PasRefused, PasSilent."""
    await world.pas.cancel(link, claim.pas_appointment, _told(claim.decision))


async def confirm_cancellation(claim: CancellationClaim, world: World) -> Stored[Referral] | None:
    """Carry out the decision after the PAS has cancelled: the last step.

    Return `None` if the claim was already settled.
    """
    decision = claim.decision
    async with world.begin(decision.act, lock=(claim.ubrn, f"slot/{claim.slot}")) as tx:
        if not await tx.claims.release(claim):
            return None
        old = await tx.referrals.get(claim.ubrn, claim.by)
        decision = msgspec.structs.replace(decision, attachments=await as_scanned(decision.attachments, tx))
        # As of the claim's time: the review was allowed then, and the PAS has cancelled since.
        stored = await tx.referrals.put(old, old.value.decide(decision, claim.taken))
        await tx.slots.move(claim.slot, SlotState.BOOKED, SlotState.FREE)
        world.entry.touched(ubrn=claim.ubrn, patient=old.patient)
        await record_event(tx, world, decision.act, stored)
        return stored


async def release_cancellation(claim: CancellationClaim, world: World) -> None:
    """Release the referral after the PAS has not cancelled; the booking remains."""
    files = [each.file for each in claim.decision.attachments]
    async with world.begin("release cancellation", lock=(claim.ubrn, *files)) as tx:
        world.entry.touched(ubrn=claim.ubrn)
        if await tx.claims.release(claim):
            for file in files:
                await detach_file(file, KEPT, world, tx)


def _told(decision: Decision) -> str | None:
    """Return the reason to send to the PAS; only a reason for cancelling appointments is sent."""
    reason = decision.booking_reason or decision.reason
    if not isinstance(reason, CancellationReason):
        return None
    return reason.code if reason.system is CodeSystemName.APPOINTMENT_CANCELLATION_REASON else None


def _refusal(claim: CancellationClaim) -> OpenersError:
    """Return the error for a refusal by the PAS.

    A014 lists no 502, but has UNABLE_TO_CANCEL_APPOINTMENT (rules 2.5, 4 (A014)).
    """
    if claim.decision.act is Act.REJECT:
        return UnableToCancelAppointment(
            Field.APPOINTMENT, claim.appointment, "was not cancelled by its PAS: it is still booked"
        )
    return PasRespondedWithError(PasCall.CANCEL, claim.slot, claim.ubrn)
