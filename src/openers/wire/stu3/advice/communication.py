"""Messages of a conversation in FHIR: Communication, self-contained (A026, A044) or in a search result (A025).

A self-contained message contains its requester, sender and files. In a search result it refers to separate entries,
which are included on request. The requester is the clinician responsible; the sender is the same person or their
administrator. Source: rules chapters 4 (A025), 9 (row 3), 11.2 row 35 and 12.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final, NamedTuple

import msgspec

from openers.domain.advice import Conversation, Message, PersonInRole, SentBy
from openers.domain.attachments import Attachment
from openers.domain.clock import Instant
from openers.usecases.ports.transaction import Stored
from openers.wire.instants import write_instant
from openers.wire.json import Json, JsonValue, encode
from openers.wire.stu3.booking.slots import BUNDLE_PROFILE
from openers.wire.stu3.document_reference import document_id, document_of, documents_of
from openers.wire.stu3.practitioner_role import contained_key, role_key, role_of
from openers.wire.stu3.systems import ODS_CODE, below, code_system, coded, identified, profile, shared_extension

PROFILE: Final = profile("Communication")
_SENT_BY: Final = code_system("CommunicationSentBy")
_REQUESTER: Final = shared_extension("Communication-Requester")
_TO_ROLE: Final = shared_extension("PractitionerRole-Reference")


class Include(Enum):
    """The resources that a search can include with the messages."""

    REQUESTER = "Communication:requester-practitionerrole:PractitionerRole"
    SENDER = "Communication:sender-practitionerrole:PractitionerRole"
    FILES = "Communication:content-reference:DocumentReference"


MISSPELT: Final = {"Communication:sender-practitionerrole:PractionerRole": Include.SENDER}
"""The misspelt published value; the correct spelling is accepted too (rules 4, A025)."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The header of a search result: id, time, base address, the query as sent, and the resources to include."""

    id: str
    at: Instant
    base: str
    query: str
    includes: frozenset[Include]


class _Links(NamedTuple):
    """A message's references to its requester, its sender and its files."""

    requester: str
    sender: str
    files: Sequence[str]


def communication_of(message: Message, stored: Stored[Conversation], service: Json) -> Json:
    """Return the self-contained message. `service` is the recipient of a referrer's message."""
    requester, sender = contained_key(message.sender), contained_key(message.writer)
    links = _Links(f"#{requester}", f"#{sender}", [f"#{document_id(each)}" for each in message.attachments])
    shown = _resource(message, stored, service, links)
    roles = (role_of(each, contained_key(each)) for each in dict.fromkeys((message.sender, message.writer)))
    shown["contained"] = [*roles, *documents_of(message.attachments)]
    return shown


def write_communications(stored: Stored[Conversation], service: Json, found: Found) -> bytes:
    """Return the conversation as a search result. The contract defines no order; ours is the order of sending."""
    messages = stored.value.messages
    entries: list[JsonValue] = []
    for message in messages:
        files = [f"DocumentReference/{each.id}" for each in message.attachments]
        requester, sender = (f"PractitionerRole/{role_key(each)}" for each in (message.sender, message.writer))
        links = _Links(requester, sender, files)
        resource = _resource(message, stored, service, links)
        entries.append(_entry(found, f"Communication/{message.id}", resource, "match"))
    for role in _roles(messages, found.includes):
        key = role_key(role)
        entries.append(_entry(found, f"PractitionerRole/{key}", role_of(role, key), "include"))
    if Include.FILES in found.includes:
        for file in _files(messages):
            resource = document_of(file) | {"id": file.id}
            entries.append(_entry(found, f"DocumentReference/{file.id}", resource, "include"))
    bundle: Json = {
        "id": found.id,
        "meta": {"lastUpdated": write_instant(found.at), "profile": [BUNDLE_PROFILE]},
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(messages),
        "link": [{"relation": "self", "url": below(found.base, f"/STU3/Communication?{found.query}")}],
        "entry": entries,
    }
    return encode(bundle)


def _resource(message: Message, stored: Stored[Conversation], service: Json, links: _Links) -> Json:
    conversation = stored.value
    to_organisation: Json = {"identifier": identified(ODS_CODE, conversation.owner)}
    shown: Json = {
        "id": message.id,
        "meta": {"versionId": "0", "profile": [PROFILE]},
        "resourceType": "Communication",
        "extension": [{"url": _REQUESTER, "valueReference": {"reference": links.requester}}],
        "basedOn": [{"reference": f"CommunicationRequest/{conversation.ubrn}/_history/{stored.version}"}],
        "status": "completed",
        "category": [{"coding": [coded(_SENT_BY, message.sent_by)]}],
        "recipient": [to_organisation if message.sent_by is SentBy.RESPONDER else service],
        "sent": write_instant(message.sent),
        "sender": {"extension": [{"url": _TO_ROLE, "valueReference": {"reference": links.sender}}]},
    }
    if links.files:
        payload: list[JsonValue] = [{"contentReference": {"reference": each}} for each in links.files]
        shown["payload"] = payload
    shown["note"] = [{"text": message.text}]
    return shown


def _entry(found: Found, address: str, resource: Json, mode: str) -> JsonValue:
    return {"fullUrl": below(found.base, f"/STU3/{address}"), "resource": resource, "search": {"mode": mode}}


def _roles(messages: Iterable[Message], includes: frozenset[Include]) -> Iterable[PersonInRole]:
    """Return the roles to include, each once: requesters, senders or both."""
    pairs = ((each.sender, each.writer) for each in messages)
    by_part = ({Include.REQUESTER: clinician, Include.SENDER: writer} for clinician, writer in pairs)
    return dict.fromkeys(role for roles in by_part for part, role in roles.items() if part in includes)


def _files(messages: Iterable[Message]) -> Iterable[Attachment]:
    return (file for message in messages for file in message.attachments)
