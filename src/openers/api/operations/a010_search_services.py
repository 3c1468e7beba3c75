"""A010: services to which a patient can be referred. Source: rules chapter 4 (A010)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.directory import Service
from openers.domain.principal import REFERRERS
from openers.usecases.directory.search_services import search_services
from openers.usecases.ports.transaction import Stored
from openers.wire.stu3.search import Fragment, fragment, read_search_services, write_services_found


@operation(
    "A010",
    POST,
    "/STU3/HealthcareService/$ers.searchHealthcareServicesForPatient",
    operation_id="a010-patient-service-search",
    tags=(Tag.REFER, Tag.ASK),
    roles=REFERRERS,
    request="SearchServices",
    response="ServicesFound",
    audit="API Search Services",
)
async def search_services_for_patient(call: Call) -> Reply:
    """Search for services that suit a patient."""
    command = read_search_services(call.body, call.principal)
    found = await search_services(command, call.world, call.settings.search_limit)
    of, world, base = call.renderings.of, call.world, call.base
    return call.plain(
        write_services_found((of(world, each.service, _fragment, base), each.distance_miles) for each in found)
    )


def _fragment(stored: Stored[Service], base: str) -> Fragment:
    return fragment(stored.value, base)
