"""Remind the patient of an unbooked referral, a number of days after its creation that the referrer chose.

The reminder is an event; a system that prints letters can follow the events. Source: rules chapter 4 (A011, A031:
firstReminderLetterFollowUpDays).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from openers.domain.callers import SYSTEM
from openers.domain.identifiers import Ubrn
from openers.domain.lifecycle import ReferralState
from openers.domain.referral import Referral
from openers.usecases.due import job
from openers.usecases.events.recording import record_event
from openers.usecases.ports.transaction import DueItem, Tx
from openers.usecases.world import World

REMIND: Final = "remind patient"
"""Kind of due work, and the act of its event; its key is the UBRN."""
MOST_DAYS: Final = 36_500
"""The furthest reminder that is scheduled, in days: about a hundred years. Later dates may not be representable."""


async def plan_reminder(referral: Referral, world: World, tx: Tx) -> None:
    """Schedule the reminder if the referrer wants one, replacing an earlier schedule."""
    if 0 < referral.reminder_days <= MOST_DAYS:
        at = world.clock.now() + timedelta(days=referral.reminder_days)
        await tx.due.add(REMIND, referral.ubrn, at)


@job(REMIND)
async def remind_patient(item: DueItem, world: World) -> None:
    """Remind the patient of the referral `item.key`, if it is still unbooked."""
    ubrn = Ubrn(item.key)
    async with world.begin(REMIND, lock=(ubrn,)) as tx:
        referral = await tx.referrals.find(ubrn, SYSTEM)
        if referral is not None and _is_wanted(referral.value):
            world.entry.touched(ubrn=ubrn, patient=referral.patient)
            await record_event(tx, world, REMIND, referral)
        await tx.due.done(item)


def _is_wanted(referral: Referral) -> bool:
    """Return whether it is unbooked and its referrer, who may have changed the shortlist, still wants a reminder."""
    return referral.state is ReferralState.NOT_BOOKED and referral.reminder_days > 0
