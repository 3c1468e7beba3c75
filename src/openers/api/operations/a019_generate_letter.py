"""A019: the letter to a patient about their referral, as a PDF. Source: rules chapters 4 (A019) and 6."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.http.media import PDF
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import REFERRERS
from openers.usecases.paper.generate_letter import GenerateLetter, generate_letter


@operation(
    "A019",
    POST,
    "/STU3/ReferralRequest/{ubrn}/$ers.generatePatientLetter",
    operation_id="a019-generate-patient-letter",
    tags=(Tag.REFER, Tag.BOOK, Tag.TRIAGE),
    roles=REFERRERS,
    response="FileContent",
    audit="API Generate Patient Letter",
    produces=PDF,
)
async def generate_patient_letter(call: Call) -> Reply:
    """Generate the patient letter for the referral's current state."""
    return call.printout(await generate_letter(GenerateLetter(call.ubrn, call.principal), call.world))
