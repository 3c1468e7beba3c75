"""A035: up to twenty services by their ids; unknown ids are left out. Source: rules chapter 4 (A035)."""

from __future__ import annotations

from typing import Final

from openers.api.call import Call, Reply
from openers.api.operation import GET, REFERRER_APPLICATIONS, Parameter, Tag
from openers.api.registry import operation
from openers.domain.errors import Field, InvalidValue
from openers.domain.identifiers import ServiceId
from openers.domain.principal import REFERRERS
from openers.usecases.directory.read_services import read_services
from openers.wire.r4.services import write_services

MOST: Final = 20
"""Maximum services in one request."""


@operation(
    "A035",
    GET,
    "/R4/HealthcareService",
    operation_id="a035-search-for-healthcare-services",
    tags=(Tag.SERVICES,),
    roles=REFERRERS,
    applications=REFERRER_APPLICATIONS,
    response="R4HealthcareServices",
    audit="API Retrieve Service",
    query=(Parameter("_id", True, "1 to 20 service ids, separated by commas"),),
)
async def search_for_healthcare_services(call: Call) -> Reply:
    """Retrieve several services by their ids."""
    services = await read_services(_ids(call), call.world)
    return call.plain(write_services(services, call.searchset()))


def _ids(call: Call) -> list[ServiceId]:
    """Return the requested ids without duplicates. Raises InvalidValue."""
    asked = [each for value in call.values_of("_id") for each in value.split(",")]
    if not asked:
        raise InvalidValue(Field.SERVICE_IDS, None, "is missing: give 1 to 20 service ids, separated by commas")
    if len(asked) > MOST:
        raise InvalidValue(Field.SERVICE_IDS, len(asked), f"holds more than {MOST} ids")
    ids: dict[ServiceId, None] = {}
    for each in asked:
        try:
            ids[ServiceId(each)] = None
        except ValueError as error:
            raise InvalidValue(Field.SERVICE_IDS, each, f"must be {ServiceId.shape}") from error
    return list(ids)
