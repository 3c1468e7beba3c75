"""Create a referral from a shortlist, unbooked (A011) or sent straight to its one triage service (A021).

Called by `api/operations/a011_create_referral.py` and `a021_...`; the rules on the search are those of A010.
Source: rules chapter 4 (A011, A021), 11.2 row 23.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from openers.domain.clock import Instant
from openers.domain.codes import LetterIntention, RequestType, ReviewReason
from openers.domain.directory import Service
from openers.domain.errors import Field, InappropriateValue, ReferenceNotFound, ShortlistedServiceNotInResults
from openers.domain.identifiers import NhsNumber, RequestId, ServiceId, UserId
from openers.domain.lifecycle import Act, after
from openers.domain.principal import Principal
from openers.domain.referral import Referral, check_pathway_start, letter_due
from openers.domain.search import SearchCriteria
from openers.domain.shortlist import LONGEST, Shortlist, ShortlistedService, check_entries
from openers.usecases.access_codes import give_access_code
from openers.usecases.events import happened
from openers.usecases.ports import Stored, Tx
from openers.usecases.propose_appointment import Asked, propose
from openers.usecases.remind_patient import plan_reminder
from openers.usecases.service_criteria import SearchSubject, resolve, resolve_referrer
from openers.usecases.world import World


class CreateReferral(msgspec.Struct, frozen=True, kw_only=True):
    """What the referrer sent, parsed. `send_for_triage` makes it A021."""

    by: Principal
    patient: NhsNumber
    criteria: SearchCriteria
    services: tuple[ServiceId, ...]
    letter_intention: LetterIntention
    reminder_days: int
    referring_clinician: UserId | None = None
    pathway_start: Instant | None = None
    send_for_triage: bool = False


async def create_referral(command: CreateReferral, world: World) -> Stored[Referral]:
    """Create the referral, or nothing. Raises a `FieldRefused`."""
    now = world.clock.now()
    _check(command, now)
    world.entry.touched(patient=command.patient)
    world.entry.services = command.services
    async with world.begin("create referral") as tx:
        services = await _shortlisted(command, world, tx)
        referral = await _new_referral(command, services, now, world, tx)
        if command.send_for_triage:
            proposed = await propose(Asked(services[0], referral.priority, ReviewReason.TRIAGE, now), world, tx)
            referral = referral.send_for_triage(proposed, services[0].workgroup)
        world.entry.touched(ubrn=referral.ubrn)
        stored = await tx.referrals.add(referral)
        await give_access_code(referral.ubrn, world, tx)
        await plan_reminder(referral, world, tx)
        await happened(tx, world, Act.CREATE, stored)
        return stored


def _check(command: CreateReferral, now: Instant) -> None:
    """What can be told from the command alone."""
    check_entries(command.services, 1 if command.send_for_triage else LONGEST)
    check_pathway_start(command.pathway_start, now)
    if not command.send_for_triage:
        return
    if command.reminder_days != 0:
        raise InappropriateValue(Field.REMINDER_DAYS, command.reminder_days, "must be 0 for triage")
    if command.letter_intention is not LetterIntention.NEED_TO_ADD_LATER:
        raise InappropriateValue(
            Field.LETTER_INTENTION, command.letter_intention, f"must be {LetterIntention.NEED_TO_ADD_LATER} for triage"
        )


async def _shortlisted(command: CreateReferral, world: World, tx: Tx) -> Sequence[Service]:
    """The shortlisted services, each of which a fresh search for the criteria would find."""
    subject = SearchSubject(by=command.by, patient=command.patient, referring_clinician=command.referring_clinician)
    wanted = await resolve(subject, RequestType.APPOINTMENT_REQUEST, command.criteria, world, tx)
    listings = await world.listings.at(tx, world.store.generation)
    services: list[Service] = []
    for index, service_id in enumerate(command.services):
        stored = await tx.directory.service(service_id)
        if stored is None:
            raise ReferenceNotFound(Field.SHORTLISTED_SERVICE, service_id, "is not known", index)
        if not listings.admits(wanted.filter, service_id, wanted.origin):
            raise ShortlistedServiceNotInResults(
                Field.SHORTLISTED_SERVICE, service_id, "does not satisfy the search criteria", index
            )
        _check_service(command, stored.value, index)
        services.append(stored.value)
    return services


def _check_service(command: CreateReferral, service: Service, index: int) -> None:
    if command.letter_intention is LetterIntention.NOT_INTENDING_TO_ADD and service.letter_required:
        raise InappropriateValue(
            Field.LETTER_INTENTION, command.letter_intention, f"service {service.id} requires a referral letter"
        )
    if command.send_for_triage and not service.is_triage:
        raise InappropriateValue(Field.SHORTLISTED_SERVICE, service.id, "is not a triage service", index)


async def _new_referral(
    command: CreateReferral, services: Sequence[Service], now: Instant, world: World, tx: Tx
) -> Referral:
    entries = tuple(ShortlistedService(service.id, service.name) for service in services)
    return Referral(
        ubrn=await tx.referrals.next_ubrn(),
        request_id=RequestId(f"r.{world.ids.uuid()}"),
        state=after(None, Act.CREATE),
        patient=command.patient,
        owner=command.by.organisation,
        referrer=await resolve_referrer(command.by, command.referring_clinician, tx),
        created_by=command.by.user,
        created=now,
        priority=command.criteria.priority,
        shortlist=Shortlist(command.criteria, entries),
        letter_intention=command.letter_intention,
        reminder_days=command.reminder_days,
        commissioning_organisation=command.by.organisation,
        pathway_start=command.pathway_start,
        letter_due=letter_due(command.letter_intention, command.criteria.priority, now),
    )
