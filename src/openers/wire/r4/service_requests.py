"""Requests found by UBRN in FHIR R4 (A041). Source: rules chapter 4 (A041), 11.2 row 34."""

from __future__ import annotations

from typing import Final

from openers.domain.advice import Conversation
from openers.domain.advice_lifecycle import AdviceState
from openers.domain.identifiers import NhsNumber, RequestId, Ubrn
from openers.domain.referral import Referral
from openers.usecases.ports.transaction import Stored
from openers.usecases.referring.find_requests import FoundRequests
from openers.wire.json import Json
from openers.wire.r4.bundles import Searchset, coded

STATUSES: Final[dict[AdviceState, str]] = {
    AdviceState.PROVIDER_RESPONSE_REQUIRED: "active",
    AdviceState.REFERRER_TO_SUBMIT_FURTHER_INFORMATION: "active",
    AdviceState.REFERRER_TO_REVIEW_RESPONSE: "active",
    AdviceState.CONVERSATION_ENDED_CANCELLED: "revoked",
    AdviceState.CONVERSATION_ENDED_CLOSED: "completed",
    AdviceState.ADVICE_CONVERTED: "completed",
}
"""The FHIR status of a request for advice in each state."""
_CATEGORY: Final = "https://fhir.nhs.uk/CodeSystem/message-category-servicerequest"
_KIND: Final = "https://fhir.nhs.uk/CodeSystem/servicerequest-code"


def write_service_requests(found: FoundRequests, result: Searchset) -> bytes:
    """Return the requests with this UBRN: none, one, or a request for advice and the referral converted from it."""
    of = "ServiceRequest"
    shown: list[Json] = []
    if found.referral is not None:
        shown.append(_referral(found.referral))
    if found.advice is not None:
        shown.append(_advice(found.advice))
    return result.write(of, [(result.full_url(of, str(each["id"])), each) for each in shown])


def _referral(stored: Stored[Referral]) -> Json:
    """Return a referral in the short form of a search result."""
    referral = stored.value
    return {
        **_identified(referral.request_id, stored.version, referral.ubrn),
        "status": "active" if referral.is_active else "revoked",
        "intent": "order",
        "category": [coded(_CATEGORY, "referral")],
        **_subject(referral.patient),
    }


def _advice(stored: Stored[Conversation]) -> Json:
    """Return a request for advice in the short form of a search result."""
    conversation = stored.value
    return {
        **_identified(conversation.request_id, stored.version, conversation.ubrn),
        "status": STATUSES[conversation.state],
        "intent": "order",
        "category": [coded(_CATEGORY, "request")],
        "code": coded(_KIND, "advice-and-guidance"),
        **_subject(conversation.patient),
    }


def _identified(id: RequestId, version: int, ubrn: Ubrn) -> Json:
    return {
        "id": id,
        "meta": {"versionId": str(version)},
        "resourceType": "ServiceRequest",
        "identifier": [{"system": "https://fhir.nhs.uk/Id/UBRN", "value": ubrn}],
    }


def _subject(patient: NhsNumber) -> Json:
    return {"subject": {"identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": patient}}}
