"""A005: one referral, in its latest version. Source: rules chapter 4 (A005), 3.4."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import GET, PROVIDER_APPLICATIONS, Tag
from openers.api.registry import operation
from openers.domain.principal import CLINICIANS
from openers.usecases.referring.read_referral import ReadReferral, read_referral
from openers.wire.stu3.referral import write_referral

_AUDIT = "API Retrieve Request Summary"


@operation(
    "A005",
    GET,
    "/STU3/ReferralRequest/{ubrn}",
    operation_id="a005-retrieve-referral-request",
    tags=(Tag.READ,),
    roles=CLINICIANS,
    applications=PROVIDER_APPLICATIONS,
    response="ReferralRequest",
    audit=_AUDIT,
    etag=True,
)
async def retrieve_referral_request(call: Call) -> Reply:
    """Retrieve a referral."""
    query = ReadReferral(call.ubrn, call.principal)
    return call.reply(await read_referral(query, call.world), write_referral)


@operation(
    "A005",
    GET,
    "/STU3/ReferralRequest/{ubrn}/_history/{version}",
    operation_id="a005-retrieve-referral-request-versioned",
    tags=(Tag.READ,),
    roles=CLINICIANS,
    applications=PROVIDER_APPLICATIONS,
    response="ReferralRequest",
    audit=_AUDIT,
    etag=True,
)
async def retrieve_referral_request_version(call: Call) -> Reply:
    """Retrieve a referral in a given version, which must be the latest."""
    query = ReadReferral(call.ubrn, call.principal, call.version)
    return call.reply(await read_referral(query, call.world), write_referral)
