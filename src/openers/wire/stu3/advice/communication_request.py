"""A request for advice in FHIR: CommunicationRequest, with shortlist, criteria and requester contained.

Written for A024, A026, A044 and our own X001 and X002. Source: rules chapters 3.3, 4 (A024) and 12 (A.3).
"""

from __future__ import annotations

from typing import Final

from openers.domain.advice import CloseOut, Conversation, ConversionAuthorisation
from openers.domain.advice_lifecycle import AdviceState
from openers.usecases.advice.converse import SentMessages
from openers.usecases.ports.transaction import Stored
from openers.wire.json import Json, JsonValue, encode
from openers.wire.stu3.advice.communication import communication_of
from openers.wire.stu3.criteria import criteria_of
from openers.wire.stu3.document_reference import documents_of, references_to
from openers.wire.stu3.practitioner_role import contained_key, role_of
from openers.wire.stu3.referral import PRIORITY_DISPLAYS
from openers.wire.stu3.shortlist import shortlist_of
from openers.wire.stu3.systems import (
    ADVICE_STATUS,
    CONVERSION_AUTHORISATION,
    ERS_SERVICE,
    NHS_NUMBER,
    PRIORITY,
    REQUEST_ID,
    SPECIALTY,
    coded,
    extension,
    identified,
    own_extension,
    own_profile,
    profile,
    shared_extension,
)

STATUSES: Final[dict[AdviceState, str]] = {
    AdviceState.PROVIDER_RESPONSE_REQUIRED: "active",
    AdviceState.REFERRER_TO_SUBMIT_FURTHER_INFORMATION: "active",
    AdviceState.REFERRER_TO_REVIEW_RESPONSE: "active",
    AdviceState.CONVERSATION_ENDED_CANCELLED: "cancelled",
    AdviceState.CONVERSATION_ENDED_CLOSED: "completed",
    AdviceState.ADVICE_CONVERTED: "completed",
}
"""The FHIR status of each state."""
AUTHORISATION_DISPLAYS: Final[dict[ConversionAuthorisation, str]] = {
    ConversionAuthorisation.AUTHORISED_TO_CONVERT: (
        "Referrer has allowed the Service Provider to convert the Advice and Guidance to a Referral"
    ),
    ConversionAuthorisation.NOT_AUTHORISED_TO_CONVERT: (
        "Referrer has NOT allowed the Service Provider to convert the Advice and Guidance to a Referral"
    ),
}
"""The display text of each authorisation."""
PROFILE: Final = profile("CommunicationRequest")
CLOSE_OUT: Final = own_extension("CloseOut")
"""Our own extension with the referrer's closing feedback. It extends `status`, which no published reply does."""
REPLIED: Final = own_profile("SendCommunicationToProvider-Response-Parameters")
"""The profile of the reply of X001."""
_RESPONDED: Final = profile("SendCommunicationToRequester-Response-Parameters")
_ASKED: Final = profile("CreateAdviceAndGuidance-Response-Parameters")
_TO_SHORTLIST: Final[Json] = {"url": extension("ReferralShortlist"), "valueReference": {"reference": "#shortlist"}}
_TO_ROLE: Final = shared_extension("PractitionerRole-Reference")
_TO_SERVICE: Final = shared_extension("HealthcareService-Reference")


def write_conversation(stored: Stored[Conversation], base: str) -> bytes:
    """Return the stored request as JSON, for the service at `base` (A024, X002)."""
    return encode(conversation_of(stored, base, provisioning=True))


def write_asked(said: SentMessages, base: str) -> bytes:
    """Return the reply of A044: the request and its first message."""
    return _together(said, base, _ASKED, "createdCommunicationRequest")


def write_responded(said: SentMessages, base: str) -> bytes:
    """Return the reply of A026: the request after the act, and the message sent."""
    return _together(said, base, _RESPONDED, "updatedCommunicationRequest")


def write_replied(said: SentMessages, base: str) -> bytes:
    """Return the reply of X001: the request after the act, and the messages sent."""
    return _together(said, base, REPLIED, "updatedCommunicationRequest")


def conversation_of(stored: Stored[Conversation], base: str, *, provisioning: bool = False) -> Json:
    """Return the stored request as values; only replies that read it include `commissioningProvisioning`."""
    conversation = stored.value
    role: Json = {
        "extension": [
            {"url": _TO_ROLE, "valueReference": {"reference": f"#{contained_key(conversation.requester)}"}},
        ]
    }
    shown: Json = {
        "id": conversation.ubrn,
        "meta": {"versionId": str(stored.version), "profile": [PROFILE]},
        "resourceType": "CommunicationRequest",
        "extension": _extensions(conversation, base),
        "contained": [
            criteria_of(conversation.criteria, base, provisioning=provisioning),
            shortlist_of(conversation.shortlist),
            role_of(conversation.requester, contained_key(conversation.requester)),
            *documents_of(conversation.attachments),
        ],
        "status": STATUSES[conversation.state],
        **_closing(conversation.close_out),
        "category": [{"coding": [coded(ADVICE_STATUS, conversation.state)]}],
        "subject": {"identifier": identified(NHS_NUMBER, conversation.patient)},
        "recipient": [to_service(conversation)],
        "sender": role,
        "requester": {"agent": role},
    }
    if conversation.attachments:
        payload: list[JsonValue] = [{"contentReference": each} for each in references_to(conversation.attachments)]
        shown["payload"] = payload
    shown["identifier"] = [identified(REQUEST_ID, conversation.request_id)]
    return shown


def to_service(conversation: Conversation) -> Json:
    """Return the service of the request as a recipient."""
    reference: Json = {"identifier": identified(ERS_SERVICE, conversation.service.id)}
    return {"extension": [{"url": _TO_SERVICE, "valueReference": reference}]}


def _together(said: SentMessages, base: str, of_profile: str, name: str) -> bytes:
    """Return the request and the new messages in one reply."""
    stored = said.conversation
    service = to_service(stored.value)
    parts = [(name, conversation_of(stored, base))]
    parts += [("createdCommunication", communication_of(each, stored, service)) for each in said.messages]
    parameters: list[JsonValue] = [{"name": each, "resource": resource} for each, resource in parts]
    return encode({"meta": {"profile": [of_profile]}, "resourceType": "Parameters", "parameter": parameters})


def _extensions(conversation: Conversation, base: str) -> list[JsonValue]:
    """Return the values for which FHIR has no element."""
    priority = coded(PRIORITY, conversation.priority, PRIORITY_DISPLAYS[conversation.priority])
    allowed = conversation.authorisation
    authorisation = coded(CONVERSION_AUTHORISATION, allowed, AUTHORISATION_DISPLAYS[allowed])
    specialty: Json = {
        "system": SPECIALTY.url(base),
        "code": conversation.specialty,
        "display": conversation.specialty_name,
    }
    return [
        {"url": extension("ReferralPriority"), "valueCodeableConcept": {"coding": [priority]}},
        {"url": extension("ProviderConversionAuthorisation"), "valueCoding": authorisation},
        _TO_SHORTLIST,
        {"url": extension("Specialty"), "valueCoding": specialty},
    ]


def _closing(close_out: CloseOut | None) -> Json:
    """Return the referrer's closing feedback as an extension of the status."""
    if close_out is None:
        return {}
    told: list[JsonValue] = []
    for url, answer in (("referralAvoided", close_out.referral_avoided), ("adviceUseful", close_out.advice_useful)):
        if answer is not None:
            told.append({"url": url, "valueBoolean": answer})
    if close_out.comment is not None:
        told.append({"url": "comments", "valueString": close_out.comment})
    return {"_status": {"extension": [{"url": CLOSE_OUT, "extension": told}]}} if told else {}
