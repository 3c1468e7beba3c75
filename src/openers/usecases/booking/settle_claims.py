"""Settle acts with an unknown outcome: the sweeper asks the PAS, then confirms or releases the claim.

Runs when a claim expires, whether after a time-out or a crash. If the PAS does not answer, the sweeper retries later.
Until then the slot stays held and the referral claimed, so nothing can be booked twice.
"""

from __future__ import annotations

from typing import Final

from openers.domain.booking import BookingClaim, CancellationClaim, Claim, PasLink
from openers.domain.errors import PasRefused
from openers.domain.identifiers import ServiceId, Ubrn
from openers.usecases.booking.book_appointment import ORPHAN, SETTLE, confirm_booking, release_booking
from openers.usecases.booking.cancel_in_pas import ask_pas, confirm_cancellation, release_cancellation
from openers.usecases.due import job
from openers.usecases.ports.transaction import DueItem
from openers.usecases.world import World

_DEAD: Final = frozenset({"cancelled", "entered-in-error"})


@job(SETTLE)
async def settle_claim(item: DueItem, world: World) -> None:
    """Settle the claim on the referral `item.key`, if it still exists. Raises PasSilent: then it is retried."""
    async with world.read() as tx:
        claim = await tx.claims.get(Ubrn(item.key))
        link = None if claim is None else await tx.links.get(claim.service)
    if claim is not None and link is not None and claim.expires <= world.clock.now():
        await _settle(claim, link, world)
    async with world.begin("claim settled") as tx:
        await tx.due.done(item)


async def _settle(claim: Claim, link: PasLink, world: World) -> None:
    match claim:
        case BookingClaim():
            await _settle_booking(claim, link, world)
        case CancellationClaim():
            await _settle_cancellation(claim, link, world)


async def _settle_booking(claim: BookingClaim, link: PasLink, world: World) -> None:
    found = await world.pas.look_up(link, claim.key)
    if found is not None and found.status not in _DEAD:
        await confirm_booking(claim, found, world)
        return
    await release_booking(claim, world, may_come_late=True)


async def _settle_cancellation(claim: CancellationClaim, link: PasLink, world: World) -> None:
    try:
        await ask_pas(claim, link, world)
    except PasRefused:
        await release_cancellation(claim, world)
    else:
        await confirm_cancellation(claim, world)


@job(ORPHAN)
async def cancel_orphan(item: DueItem, world: World) -> None:
    """Cancel a booking that a PAS made after the service gave up on its key. Raises PasSilent: then it is retried."""
    _, service, key = item.key.split("/")
    async with world.read() as tx:
        link = await tx.links.get(ServiceId(service))
    found = None if link is None else await world.pas.look_up(link, key)
    if link is not None and found is not None and found.status not in _DEAD:
        await world.pas.cancel(link, found.id, None)
    async with world.begin(ORPHAN) as tx:
        await tx.due.done(item)
