"""Create a referral from a shortlist, unbooked (A011) or sent at once to its one triage service (A021).

`api/operations/a011_create_referral.py` and `a021_...` call this; the rules on the shortlist are in
`shortlist_services.py`. Source: rules chapter 4 (A011, A021), 11.2 row 23.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from openers.domain.clock import Instant
from openers.domain.codes import LetterIntention, ReviewReason
from openers.domain.directory import Service
from openers.domain.errors import Field, InappropriateValue
from openers.domain.identifiers import NhsNumber, RequestId, UserId
from openers.domain.lifecycle import Act, row_of
from openers.domain.referral import Referral, check_pathway_start, letter_due
from openers.usecases.booking.propose_appointment import Asked, propose
from openers.usecases.directory.service_criteria import SearchSubject, resolve_referrer
from openers.usecases.directory.shortlist_services import ShortlistChoice, find_services, shortlist_of
from openers.usecases.events.recording import record_event
from openers.usecases.patients.refresh import current_number
from openers.usecases.ports.transaction import Stored, Tx
from openers.usecases.referring.access_codes import give_access_code
from openers.usecases.referring.remind_patient import plan_reminder
from openers.usecases.world import World


class CreateReferral(ShortlistChoice, frozen=True, kw_only=True):
    """The parsed request of the referrer. `send_for_triage` makes it A021."""

    patient: NhsNumber
    referring_clinician: UserId | None = None
    pathway_start: Instant | None = None


async def create_referral(command: CreateReferral, world: World) -> Stored[Referral]:
    """Create the referral, or change nothing. Raises a `FieldRefused`, NeighbourSilent."""
    now = world.clock.now()
    _check(command, now)
    command = msgspec.structs.replace(command, patient=await current_number(command.patient, world))
    world.entry.touched(patient=command.patient)
    world.entry.services = command.services
    subject = SearchSubject(by=command.by, patient=command.patient, referring_clinician=command.referring_clinician)
    async with world.begin("create referral") as tx:
        services = await find_services(command, subject, world, tx)
        referral = await _new_referral(command, services, now, world, tx)
        if command.send_for_triage:
            proposed = await propose(Asked(services[0], referral.priority, ReviewReason.TRIAGE, now), world, tx)
            referral = referral.ask(Act.SEND_FOR_TRIAGE, proposed, services[0].workgroup)
        world.entry.touched(ubrn=referral.ubrn)
        stored = await tx.referrals.add(referral)
        await give_access_code(referral.ubrn, world, tx)
        await plan_reminder(referral, world, tx)
        await record_event(tx, world, Act.CREATE, stored)
        return stored


def _check(command: CreateReferral, now: Instant) -> None:
    """Check everything that needs no stored data; A021 accepts only one letter intention (rules 12)."""
    command.check()
    check_pathway_start(command.pathway_start, now)
    if command.send_for_triage and command.letter_intention is not LetterIntention.NEED_TO_ADD_LATER:
        raise InappropriateValue(
            Field.LETTER_INTENTION, command.letter_intention, f"must be {LetterIntention.NEED_TO_ADD_LATER} for triage"
        )


async def _new_referral(
    command: CreateReferral, services: Sequence[Service], now: Instant, world: World, tx: Tx
) -> Referral:
    return Referral(
        ubrn=await tx.referrals.next_ubrn(),
        request_id=RequestId(f"r.{world.ids.uuid()}"),
        state=row_of(None, Act.CREATE).to,
        patient=command.patient,
        owner=command.by.organisation,
        referrer=await resolve_referrer(command.by, command.referring_clinician, tx),
        created_by=command.by.user,
        created=now,
        priority=command.criteria.priority,
        shortlist=shortlist_of(command, services),
        letter_intention=command.letter_intention,
        reminder_days=command.reminder_days,
        commissioning_organisation=command.by.organisation,
        pathway_start=command.pathway_start,
        letter_due=letter_due(command.letter_intention, command.criteria.priority, now),
    )
