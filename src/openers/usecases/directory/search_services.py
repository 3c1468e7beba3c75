"""Find the services to which a patient can be referred (A010), by the rules that also check a shortlist (A011, A021).

Source: rules chapter 4 (A010), 11.1 rows 3 and 4.
"""

from __future__ import annotations

import msgspec

from openers.domain.codes import RequestType, SortBy
from openers.domain.directory import Service
from openers.domain.identifiers import NhsNumber, OdsCode, UserId
from openers.domain.principal import Principal
from openers.domain.search import SearchCriteria
from openers.usecases.directory.service_criteria import SearchSubject, resolve
from openers.usecases.patients.refresh import current_number
from openers.usecases.ports.transaction import Stored
from openers.usecases.world import World


class SearchServices(msgspec.Struct, frozen=True, kw_only=True):
    """The parsed request of the referrer."""

    by: Principal
    request_type: RequestType
    sort_by: SortBy
    patient: NhsNumber
    criteria: SearchCriteria
    referring_clinician: UserId | None = None
    rule_organisation: OdsCode | None = None


class ServiceFound(msgspec.Struct, frozen=True):
    """One service of the result, with its distance in miles if both places are known."""

    service: Stored[Service]
    distance_miles: float | None


async def search_services(command: SearchServices, world: World, most: int) -> list[ServiceFound]:
    """Return the first `most` suitable services in the requested order. Raises a `FieldRefused`, NeighbourSilent."""
    patient = await current_number(command.patient, world)
    world.entry.touched(patient=patient)
    subject = SearchSubject(
        by=command.by,
        patient=patient,
        referring_clinician=command.referring_clinician,
        rule_organisation=command.rule_organisation,
    )
    async with world.read() as tx:
        wanted = await resolve(subject, command.request_type, command.criteria, world, tx)
        listings = await world.listings.at(tx, world.store.generation)
        found = listings.search(wanted.filter, command.sort_by, wanted.origin, most)
        services = await tx.directory.services(each.service for each in found)
    distances = {str(each.service): each.distance_miles for each in found}
    return [ServiceFound(service, distances[service.key]) for service in services]
