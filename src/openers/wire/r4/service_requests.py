"""Requests found by UBRN in FHIR R4 (A041). Source: rules chapter 4 (A041), 11.2 row 34."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from openers.domain.referral import Referral
from openers.usecases.ports import Stored
from openers.wire.json import Json
from openers.wire.r4.bundles import Searchset, coded

_CATEGORY: Final = "https://fhir.nhs.uk/CodeSystem/message-category-servicerequest"


def write_service_requests(referrals: Sequence[Stored[Referral]], result: Searchset) -> bytes:
    """The referrals with the UBRN asked for: one, or none."""
    of = "ServiceRequest"
    found = [_request(each) for each in referrals]
    return result.write(of, [(result.full_url(of, str(each["id"])), each) for each in found])


def _request(stored: Stored[Referral]) -> Json:
    """One referral, as far as a search shows it."""
    referral = stored.value
    return {
        "id": referral.request_id,
        "meta": {"versionId": str(stored.version)},
        "resourceType": "ServiceRequest",
        "identifier": [{"system": "https://fhir.nhs.uk/Id/UBRN", "value": referral.ubrn}],
        "status": "active" if referral.is_active else "revoked",
        "intent": "order",
        "category": [coded(_CATEGORY, "referral")],
        "subject": {"identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": referral.patient}},
    }
