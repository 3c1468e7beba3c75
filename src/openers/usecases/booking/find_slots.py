"""Free appointment slots of a directly bookable service (A015), the earliest first, in pages.

Source: rules chapter 4 (A015), 11.2 row 24. Slots come from an earlier poll, so one may be gone when it is booked.
"""

from __future__ import annotations

import msgspec

from openers.domain.codes import BookableType
from openers.domain.errors import Field, InvalidState, InvalidValue, ReferenceNotFound, ServiceUnavailable
from openers.domain.identifiers import OdsCode, ServiceId
from openers.domain.principal import Principal
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
        await _check_organisation(command.rule_organisation, world, tx)
        await _check_service(query.service, command.rule_organisation, tx)
        if query.clinician is not None and await tx.directory.user(query.clinician) is None:
            raise InvalidValue(Field.SLOT_CLINICIAN, query.clinician, "is not known")
        window = (now, (query.page - 1) * query.count, query.count)
        slots, total = await tx.slots.free(query.service, query.priority, query.clinician, window)
    if query.page > 1 and not slots:
        raise InvalidValue(Field.PAGE, query.page)
    return SlotPage(query, slots, total)


async def _check_organisation(ods: OdsCode, world: World, tx: Tx) -> None:
    organisation = await tx.directory.organisation(ods)
    if organisation is None or organisation.is_closed(world.clock.now().date()):
        raise InvalidValue(Field.COMMISSIONING_RULE_ORGANISATION, ods, "is not an open organisation")


async def _check_service(service_id: ServiceId, rules_of: OdsCode, tx: Tx) -> None:
    stored = await tx.directory.service(service_id)
    if stored is None or not stored.value.commissioning.admits(rules_of):
        raise ReferenceNotFound(Field.SLOT_SERVICE, service_id, "is not known")
    if not stored.value.is_published:
        raise ServiceUnavailable(Field.SLOT_SERVICE, service_id, "is not published")
    if stored.value.bookable is not BookableType.DIRECTLY_BOOKABLE or stored.value.is_triage:
        raise InvalidState(Field.SLOT_SERVICE, service_id, "is not directly bookable")
