"""A007: the clinical information of a referral as a PDF. Source: rules chapters 4 (A007) and 6."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.http.media import PDF
from openers.api.operation import POST, PROVIDER_APPLICATIONS, Tag
from openers.api.registry import operation
from openers.domain.principal import CLINICIANS
from openers.usecases.paper.generate_summary import GenerateSummary, generate_summary


@operation(
    "A007",
    POST,
    "/STU3/ReferralRequest/{ubrn}/$ers.generateCRI",
    operation_id="a007-retrieve-clinical-information",
    tags=(Tag.READ,),
    roles=CLINICIANS,
    applications=PROVIDER_APPLICATIONS,
    response="FileContent",
    audit="API Retrieve Clinical Information",
    produces=PDF,
)
async def retrieve_clinical_information(call: Call) -> Reply:
    """Retrieve the clinical information summary of a referral."""
    return call.printout(await generate_summary(GenerateSummary(call.ubrn, call.principal), call.world))
