"""What a caller may do with a referral now (A029): read from the lifecycle, which refuses everything else.

What an operation would refuse for another reason than the state is looked at too: the patient's record, a service that
can be asked, somebody else at the record. Source: rules chapter 4 (A029), 3.1.
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
"""The acts that each action stands for; it is offered if any of them is allowed."""
NEEDS_SEARCH: Final = frozenset({Act.CHANGE_SHORTLIST, Act.CHANGE_SHORTLIST_FOR_TRIAGE})
"""Acts that need a patient whom services can be searched for."""


class FindActions(msgspec.Struct, frozen=True):
    """For which referral, in the version that the caller has read."""

    by: Principal
    ubrn: Ubrn
    version: int


async def available_actions(query: FindActions, world: World) -> list[AvailableAction]:
    """The actions, none if there is nothing to be done now. Raises ReferenceNotFound, OldVersion.

    There is no refusal for a missing relationship here: what the caller may not see is not found.
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
        if Act.BOOK in possible and not await _can_ask(referral, tx):
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
    """Whether services can be searched for the patient."""
    try:
        patient = await find_patient(referral.patient, world, tx)
    except Refused:
        return False
    return patient.practice is not None


async def _can_ask(referral: Referral, tx: Tx) -> bool:
    """Whether a shortlisted service can be booked at or deferred to, or takes requests for triage."""
    services = await tx.directory.services(each.id for each in referral.shortlist.services)
    return any(
        each.value.is_published and (each.value.is_triage or each.value.bookable is BookableType.DIRECTLY_BOOKABLE)
        for each in services
    )
