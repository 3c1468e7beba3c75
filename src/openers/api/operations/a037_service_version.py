"""A037: the version of a service, so that callers see whether it has changed. Source: rules chapter 4 (A037)."""

from __future__ import annotations

from openers.api.call import NO_CACHE, Call, Reply
from openers.api.operation import HEAD, REFERRER_APPLICATIONS, Tag
from openers.api.registry import operation
from openers.domain.principal import REFERRERS
from openers.usecases.directory.read_services import read_service
from openers.wire.r4.services import write_service


@operation(
    "A037",
    HEAD,
    "/R4/HealthcareService/{id}",
    operation_id="a037-retrieve-healthcare-service-version",
    tags=(Tag.SERVICES,),
    roles=REFERRERS,
    applications=REFERRER_APPLICATIONS,
    response="R4HealthcareService",
    audit="API Retrieve Service",
    etag=True,
)
async def retrieve_healthcare_service_version(call: Call) -> Reply:
    """Return the version of a service without its body."""
    return call.reply(await read_service(call.service_id, call.world), write_service).with_headers(NO_CACHE)
