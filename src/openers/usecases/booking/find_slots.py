"""Free appointment slots of a directly bookable service (A015), the earliest first, in pages.

Source: rules chapter 4 (A015), 11.2 row 24. Slots come from an earlier poll, so one may be gone when it is booked.
"""

from __future__ import annotations

from datetime import date

import msgspec

from openers.domain.clock import Instant
from openers.domain.codes import BookableType
from openers.domain.directory import Organisation, Service
from openers.domain.errors import Field, InvalidState, InvalidValue, ReferenceNotFound, ServiceUnavailable
from openers.domain.identifiers import OdsCode, ServiceId
from openers.domain.principal import Principal
from openers.domain.services.access import Referrer, rule_admits
from openers.usecases.directory.service_criteria import referrer_of
from openers.usecases.ports.slot_page import SlotPage, SlotQuery
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World


class FindSlots(msgspec.Struct, frozen=True):
    """The search for slots, the caller, and the organisation whose commissioning rules apply."""

    by: Principal
    query: SlotQuery
    rule_organisation: OdsCode


async def find_slots(command: FindSlots, world: World) -> SlotPage:
    """Return one page of slots. Raises ReferenceNotFound, InvalidValue, InvalidState, ServiceUnavailable."""
    query, now = command.query, world.clock.now()
    world.entry.services = (query.service,)
    async with world.read() as tx:
        rules_of = await _organisation(command.rule_organisation, now, tx)
        service = await _service(query.service, referrer_of(command.by, rules_of), now, tx)
        if query.clinician is not None and await tx.directory.user(query.clinician) is None:
            raise InvalidValue(Field.SLOT_CLINICIAN, query.clinician, "is not known")
        window, page = service.slot_window(query.priority, now), ((query.page - 1) * query.count, query.count)
        slots, total = await tx.slots.free(query.service, query.clinician, window, page)
    if query.page > 1 and not slots:
        raise InvalidValue(Field.PAGE, query.page)
    return SlotPage(query, slots, total)


async def _organisation(ods: OdsCode, now: Instant, tx: Tx) -> Organisation:
    organisation = await tx.directory.organisation(ods)
    if organisation is None or organisation.is_closed(now.date()):
        raise InvalidValue(Field.COMMISSIONING_RULE_ORGANISATION, ods, "is not an open organisation")
    return organisation


async def _service(service_id: ServiceId, referrer: Referrer, now: Instant, tx: Tx) -> Service:
    """Return the service, if its slots are offered to the referrer. Raises a `FieldRefused`."""
    stored = await tx.directory.service(service_id)
    if stored is None or not await admits(stored.value, referrer, now.date(), tx):
        raise ReferenceNotFound(Field.SLOT_SERVICE, service_id, "is not known")
    service = stored.value
    if not service.is_open(now.date()):
        raise ServiceUnavailable(Field.SLOT_SERVICE, service_id, "is not published")
    if service.bookable is not BookableType.DIRECTLY_BOOKABLE or service.is_triage:
        raise InvalidState(Field.SLOT_SERVICE, service_id, "is not directly bookable")
    return service


async def admits(service: Service, referrer: Referrer, day: date, tx: Tx) -> bool:
    """Return whether the referrer may book at a service: by its commissioning and its restriction.

    A commissioner's rule that was withdrawn counts: referrals of its time keep the service, and no new one finds it.
    """
    if service.restriction is not None and not service.restriction.admits(referrer):
        return False
    if service.commissioning.admits(referrer.rules_of):
        return True
    rules = await tx.registers.rules.of_services([service.id], withdrawn=True)
    return rule_admits(rules.get(service.id, ()), referrer.commissioner, day)
