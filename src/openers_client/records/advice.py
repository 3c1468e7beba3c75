"""Requests for advice and their conversations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from openers_client import fhir
from openers_client.fhir import Resource
from openers_client.records.referral import ListedService, shortlist_of


@dataclass(frozen=True)
class AdviceRequest:
    """A request for advice as it was read or changed. Its `version` goes with the next change.

    `status` is a code such as PROVIDER_RESPONSE_REQUIRED.
    """

    ubrn: str
    version: int
    status: str
    priority: str | None
    patient: str | None
    specialty: str | None
    service: str | None
    may_convert: bool
    shortlist: tuple[ListedService, ...]
    resource: Resource = field(repr=False)


@dataclass(frozen=True)
class Message:
    """A message of a conversation. `side` is REQUESTER, RESPONDER or REFERRER_CLINICAL_INFORMATION_UPDATED.

    `sender` (a user id) and `organisation` (an ODS code) are known if the read included `SENDERS`.
    `text` may hold HTML from another organisation: sanitise it before you show it.
    """

    id: str
    side: str | None
    sent: datetime | None
    text: str
    resource: Resource = field(repr=False)
    sender: str | None = None
    organisation: str | None = None


@dataclass(frozen=True)
class Exchanged:
    """A request for advice after a message, and the messages that were added."""

    request: AdviceRequest
    messages: tuple[Message, ...]
    resource: Resource = field(repr=False)


def advice_request(resource: Resource) -> AdviceRequest:
    """Return a CommunicationRequest as a request for advice."""
    named = fhir.value(fhir.extension(fhir.at(resource, "recipient", 0), "HealthcareService-Reference"))
    priority = fhir.value(fhir.extension(resource, "ReferralPriority"))
    specialty = fhir.value(fhir.extension(resource, "Specialty"))
    return AdviceRequest(
        ubrn=fhir.text(resource, "id"),
        version=fhir.version_of(resource),
        status=fhir.code(fhir.at(resource, "category", 0)) or "",
        priority=str(priority) if priority else None,
        patient=fhir.maybe(resource, "subject", "identifier", "value"),
        specialty=str(specialty) if specialty else None,
        service=str(named) if named else None,
        may_convert=fhir.value(fhir.extension(resource, "ProviderConversionAuthorisation")) == "AUTHORISED_TO_CONVERT",
        shortlist=shortlist_of(resource),
        resource=resource,
    )


def message(resource: Resource) -> Message:
    """Return a Communication as a message."""
    notes = [fhir.text(each, "text") for each in fhir.items(resource, "note")]
    return Message(
        id=fhir.text(resource, "id"),
        side=fhir.code(fhir.at(resource, "category", 0)),
        sent=fhir.instant(fhir.at(resource, "sent")),
        text="\n".join(notes),
        resource=resource,
    )


def exchanged(parameters: Resource) -> Exchanged:
    """Return the result of A026, A044 or X001."""
    shown = [fhir.at(each, "resource") for each in fhir.items(parameters, "parameter")]
    requests = [each for each in shown if fhir.at(each, "resourceType") == "CommunicationRequest"]
    made = (each for each in shown if fhir.at(each, "resourceType") == "Communication")
    return Exchanged(advice_request(fhir.at(requests, 0)), tuple(message(each) for each in made), parameters)


def messages(bundle: Resource) -> tuple[Message, ...]:
    """Return the messages in a bundle of A025."""
    roles = {fhir.text(each, "id"): each for each in fhir.entries(bundle, "PractitionerRole")}
    return tuple(_signed(message(each), roles) for each in fhir.entries(bundle, "Communication"))


def _signed(found: Message, roles: Mapping[str, Resource]) -> Message:
    reference = fhir.extension(fhir.at(found.resource, "sender"), "PractitionerRole-Reference")
    role = roles.get(fhir.last(fhir.text(reference, "valueReference", "reference")))
    return replace(
        found,
        sender=fhir.maybe(role, "practitioner", "identifier", "value"),
        organisation=fhir.maybe(role, "organization", "identifier", "value"),
    )
