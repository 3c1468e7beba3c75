"""A033: one published service of the directory. Source: rules chapter 4 (A033)."""

from __future__ import annotations

from openers.api.call import NO_CACHE, Call, Reply
from openers.api.operation import GET, REFERRER_APPLICATIONS, Tag
from openers.api.registry import operation
from openers.domain.principal import REFERRERS
from openers.usecases.directory.read_services import read_service
from openers.wire.r4.services import write_service


@operation(
    "A033",
    GET,
    "/R4/HealthcareService/{id}",
    operation_id="a033-retrieve-healthcare-service",
    tags=(Tag.SERVICES,),
    roles=REFERRERS,
    applications=REFERRER_APPLICATIONS,
    response="R4HealthcareService",
    audit="API Retrieve Service",
    etag=True,
)
async def retrieve_healthcare_service(call: Call) -> Reply:
    """Retrieve a service."""
    return call.reply(await read_service(call.service_id, call.world), write_service).with_headers(NO_CACHE)
