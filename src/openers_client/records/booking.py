"""Slots and appointments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from openers_client import fhir
from openers_client.fhir import Resource


@dataclass(frozen=True)
class Slot:
    """A free slot of a service, and of one clinician if the schedule is a clinician's."""

    id: str
    start: datetime | None
    end: datetime | None
    service: str | None
    clinician: str | None
    resource: Resource = field(repr=False)


@dataclass(frozen=True)
class SlotPage:
    """One page of slots. `total` counts the slots of all pages; `has_next` says whether another page follows."""

    slots: tuple[Slot, ...]
    total: int
    has_next: bool
    resource: Resource = field(repr=False)


@dataclass(frozen=True)
class Appointment:
    """An appointment: booked, proposed (deferred or for triage) or cancelled. Its version is not the referral's."""

    id: str
    version: int
    status: str
    reason: str | None
    start: datetime | None
    end: datetime | None
    ubrn: str | None
    service: str | None
    patient: str | None
    slot: str | None
    resource: Resource = field(repr=False)


def slot_page(bundle: Resource) -> SlotPage:
    """Return the slots in a bundle of A015."""
    schedules = {fhir.text(each, "id"): each for each in fhir.entries(bundle, "Schedule")}
    total = fhir.at(bundle, "total")
    return SlotPage(
        slots=tuple(_slot(each, schedules) for each in fhir.entries(bundle, "Slot")),
        total=total if isinstance(total, int) else 0,
        has_next=any(fhir.text(link, "relation") == "next" for link in fhir.items(bundle, "link")),
        resource=bundle,
    )


def appointment(resource: Resource) -> Appointment:
    """Return an Appointment."""
    reference = fhir.text(resource, "incomingReferral", 0, "reference")
    return Appointment(
        id=fhir.text(resource, "id"),
        version=fhir.version_of(resource),
        status=fhir.text(resource, "status"),
        reason=fhir.code(fhir.at(resource, "reason", 0)),
        start=fhir.instant(fhir.at(resource, "start")),
        end=fhir.instant(fhir.at(resource, "end")),
        ubrn=fhir.last(reference) or None,
        service=_participant(resource, fhir.ERS_SERVICE),
        patient=_participant(resource, fhir.NHS_NUMBER),
        slot=fhir.last(fhir.text(resource, "slot", 0, "reference")) or None,
        resource=resource,
    )


def _slot(resource: Resource, schedules: dict[str, fhir.Json]) -> Slot:
    schedule = schedules.get(fhir.last(fhir.text(resource, "schedule", "reference")))
    actors = {
        fhir.text(each, "identifier", "system"): fhir.maybe(each, "identifier", "value")
        for each in fhir.items(schedule, "actor")
    }
    return Slot(
        id=fhir.text(resource, "id"),
        start=fhir.instant(fhir.at(resource, "start")),
        end=fhir.instant(fhir.at(resource, "end")),
        service=actors.get(fhir.ERS_SERVICE),
        clinician=actors.get(fhir.SDS_USER),
        resource=resource,
    )


def _participant(resource: Resource, system: str) -> str | None:
    named = (fhir.at(each, "actor", "identifier") for each in fhir.items(resource, "participant"))
    return next((fhir.maybe(each, "value") for each in named if fhir.text(each, "system") == system), None)
