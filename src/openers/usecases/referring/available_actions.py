"""The actions that a caller may perform on a referral now (A029), read from the lifecycle table.

Other refusals count too: an unusable patient record, no service that accepts requests, or another act in progress on
the referral. Source: rules chapter 4 (A029), 3.1.
"""

from __future__ import annotations

from typing import Final

import msgspec

from openers.domain.codes import AvailableAction, BookableType
from openers.domain.errors import Field, NoRelationship, NotFound, OldVersion, ReferenceNotFound, Refused
from openers.domain.identifiers import Ubrn
from openers.domain.lifecycle import PARTIES, Act
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.usecases.directory.service_criteria import find_patient
from openers.usecases.ports.transaction import Stored, Tx
from openers.usecases.world import World

ACTS: Final[dict[AvailableAction, tuple[Act, ...]]] = {
    AvailableAction.RECORD_REVIEW_OUTCOME: (Act.ACCEPT_BOOK_LATER, Act.RETURN_WITH_ADVICE),
    AvailableAction.CREATE_APPOINTMENT: (Act.BOOK, Act.DEFER, Act.SEND_FOR_TRIAGE),
    AvailableAction.CHANGE_SHORTLIST: (Act.CHANGE_SHORTLIST,),
    AvailableAction.CHANGE_SHORTLIST_AND_SEND_FOR_TRIAGE: (Act.CHANGE_SHORTLIST_FOR_TRIAGE,),
    AvailableAction.CANCEL_DIRECTLY_BOOKED_APPOINTMENT: (Act.CANCEL_APPOINTMENT,),
    AvailableAction.CANCEL_REFERRAL: (Act.CANCEL_REFERRAL,),
}
"""The acts of each action; an action is offered if any of its acts is allowed."""
NEEDS_SEARCH: Final = frozenset({Act.CHANGE_SHORTLIST, Act.CHANGE_SHORTLIST_FOR_TRIAGE})
"""Acts that need a patient for whom services can be searched."""


class FindActions(msgspec.Struct, frozen=True):
    """The referral, in the version that the caller has read."""

    by: Principal
    ubrn: Ubrn
    version: int


async def available_actions(query: FindActions, world: World) -> list[AvailableAction]:
    """Return the possible actions; empty if there are none now. Raises ReferenceNotFound, OldVersion.

    A029 has no refusal for a missing relationship: a referral that the caller may not see does not exist for the
    caller.
    """
    world.entry.touched(ubrn=query.ubrn)
    async with world.read() as tx:
        stored = await _find(query, tx)
        world.entry.touched(patient=stored.patient)
        referral = stored.value
        patient = await world.patients.get(referral.patient, tx)
        if patient is None or patient.sensitive or await tx.claims.get(query.ubrn) is not None:
            return []
        possible = {act for act in Act if query.by.party in PARTIES[act] and _is_allowed(referral, act, world)}
        if not await _can_search(referral, world, tx):
            possible -= NEEDS_SEARCH
        if Act.BOOK in possible and not await _can_ask(referral, world, tx):
            possible -= set(ACTS[AvailableAction.CREATE_APPOINTMENT])
    return [action for action, acts in ACTS.items() if not possible.isdisjoint(acts)]


async def _find(query: FindActions, tx: Tx) -> Stored[Referral]:
    try:
        stored = await tx.referrals.get(query.ubrn, query.by)
    except (NotFound, NoRelationship) as error:
        raise ReferenceNotFound(Field.FOCUS, query.ubrn, "is not known") from error
    if stored.version != query.version:
        raise OldVersion(Field.FOCUS, query.version, f"is not the latest version ({stored.version})")
    return stored


def _is_allowed(referral: Referral, act: Act, world: World) -> bool:
    try:
        referral.check(act, world.clock.now())
    except Refused:
        return False
    return True


async def _can_search(referral: Referral, world: World, tx: Tx) -> bool:
    """Return whether services can be searched for the patient."""
    try:
        patient = await find_patient(referral.patient, world, tx)
    except Refused:
        return False
    return patient.practice is not None


async def _can_ask(referral: Referral, world: World, tx: Tx) -> bool:
    """Return whether a shortlisted service is published and accepts bookings, deferrals or triage requests now."""
    today = world.clock.now().date()
    services = await tx.directory.services(each.id for each in referral.shortlist.services)
    return any(
        each.value.is_open(today)
        and referral.priority in each.value.priorities
        and (each.value.is_triage or each.value.bookable is BookableType.DIRECTLY_BOOKABLE)
        for each in services
    )
