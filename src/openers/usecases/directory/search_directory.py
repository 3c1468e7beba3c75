"""Search the directory without a patient (A009 of the alpha API): commissioning and suitability play no part.

Source: ADR 0073.
"""

from __future__ import annotations

import msgspec

from openers.domain.codes import RequestType, SortBy
from openers.domain.errors import Field, InvalidValue
from openers.domain.search import SearchCriteria, ServiceFilter
from openers.usecases.directory.search_services import ServiceFound
from openers.usecases.directory.service_criteria import pairs_of
from openers.usecases.world import World


class SearchDirectory(msgspec.Struct, frozen=True, kw_only=True):
    """The parsed request: criteria of services, and the order of the result."""

    sort_by: SortBy
    criteria: SearchCriteria


async def search_directory(command: SearchDirectory, world: World, most: int) -> list[ServiceFound]:
    """Return the first `most` services that fit, in the requested order. Raises a `FieldRefused`."""
    criteria = command.criteria
    criteria.check()
    origin = None if criteria.postcode is None else world.reference.locate(criteria.postcode)
    if criteria.postcode is not None and origin is None:
        raise InvalidValue(Field.POSTCODE, criteria.postcode, "is not the postcode of a known area")
    today = world.clock.now().date()
    wanted = ServiceFilter(
        request_type=RequestType.APPOINTMENT_REQUEST,
        criteria=criteria,
        pairs=pairs_of(criteria, world.reference, today),
        referrer=None,
        day=today,
    )
    async with world.read() as tx:
        listings = await world.listings.at(tx, world.store.generation)
        found = listings.search(wanted, command.sort_by, origin, most)
        services = await tx.directory.services(each.service for each in found)
    distances = {str(each.service): each.distance_miles for each in found}
    return [ServiceFound(service, distances[service.key]) for service in services]
