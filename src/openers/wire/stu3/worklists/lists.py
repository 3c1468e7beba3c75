"""Worklists in FHIR: a List whose entries have their columns in one extension. Source: rules chapter 13."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from openers.domain.advice import Conversation
from openers.domain.clock import Instant
from openers.usecases.ports.transaction import Stored
from openers.wire.instants import write_instant
from openers.wire.json import Json, JsonValue, encode
from openers.wire.stu3.systems import (
    ADVICE_STATUS,
    CLINIC_TYPE,
    ERS_SERVICE,
    NHS_NUMBER,
    PRIORITY,
    SDS_USER,
    SPECIALTY,
    System,
    extension,
    identified,
    own_extension,
    profile,
)

PROFILE: Final = profile("FetchWorklist-List")
RESPONSE_TARGET: Final = own_extension("ResponseTarget")
"""Our own extension: when a response is due and whether it is overdue.

It extends `item`, which no published reply does.
"""
_ADVICE: Final = extension("AdviceAndGuidanceRequests-WorkListItem")


def write_advice_worklist(found: Sequence[Stored[Conversation]], base: str, at: Instant) -> bytes:
    """Return the requests for advice on a provider's worklist at an instant (A023)."""
    return write_worklist([_advice(each, base, at) for each in found])


def write_worklist(entries: list[JsonValue]) -> bytes:
    """Return a worklist of these entries; an empty one has no `entry` (rules 11.1 row 15)."""
    shown: Json = {
        "meta": {"profile": [PROFILE]},
        "resourceType": "List",
        "status": "current",
        "mode": "snapshot",
    }
    if entries:
        shown["entry"] = entries
    return encode(shown)


def concept_column(url: str, system: System, code: str, base: str) -> JsonValue:
    """Return a column with a concept."""
    coding: Json = {"system": system.url(base), "code": code}
    return {"url": url, "valueCodeableConcept": {"coding": [coding]}}


def reference_column(url: str, system: System, value: str, display: str | None = None) -> JsonValue:
    """Return a column that refers to a resource by its identifier."""
    reference: Json = {"identifier": identified(system, value)}
    if display is not None:
        reference["display"] = display
    return {"url": url, "valueReference": reference}


def _advice(stored: Stored[Conversation], base: str, at: Instant) -> JsonValue:
    conversation, criteria = stored.value, stored.value.criteria
    columns: list[JsonValue] = [
        concept_column("priority", PRIORITY, conversation.priority, base),
        concept_column("specialty", SPECIALTY, conversation.specialty, base),
        reference_column("patient", NHS_NUMBER, conversation.patient),
    ]
    if criteria.named_clinician is not None:
        columns.append(reference_column("namedClinician", SDS_USER, criteria.named_clinician))
    told: list[JsonValue] = [
        concept_column("category", ADVICE_STATUS, conversation.state, base),
        {"url": "adviceFirstRequested", "valueDateTime": write_instant(conversation.created)},
        {"url": "adviceLastUpdated", "valueDateTime": write_instant(conversation.last_updated)},
        reference_column("referrer", SDS_USER, conversation.referrer),
        reference_column("service", ERS_SERVICE, conversation.service.id, conversation.service.name),
    ]
    columns += told
    if criteria.clinic_type is not None:
        columns.append(concept_column("clinicType", CLINIC_TYPE, criteria.clinic_type, base))
    columns.append({"url": "communicationRequestVersion", "valueInteger": stored.version})
    item: Json = {"reference": f"CommunicationRequest/{conversation.ubrn}", **_target(conversation, at)}
    shown: Json = {"extension": columns, "url": _ADVICE}
    return {"extension": [shown], "item": item}


def _target(conversation: Conversation, at: Instant) -> Json:
    """Return when the service's response is due, if a response is required and the service has a target."""
    if conversation.respond_by is None:
        return {}
    told: list[JsonValue] = [
        {"url": "due", "valueDateTime": write_instant(conversation.respond_by)},
        {"url": "overdue", "valueBoolean": conversation.is_overdue(at)},
    ]
    return {"extension": [{"url": RESPONSE_TARGET, "extension": told}]}
