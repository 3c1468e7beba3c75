"""Reference data, services and people."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from openers_client import fhir
from openers_client.fhir import Resource
from openers_client.roles import Role


@dataclass(frozen=True)
class Code:
    """A code, and the period in which it is used."""

    code: str
    display: str
    effective_from: datetime | None
    effective_to: datetime | None
    resource: Resource = field(repr=False)


@dataclass(frozen=True)
class CodeSystem:
    """A code system of the service, with expired codes."""

    name: str
    version: str
    codes: tuple[Code, ...]
    resource: Resource = field(repr=False)


@dataclass(frozen=True)
class FoundService:
    """A service that suits a patient. `wait_days` is the indicative wait for an appointment.

    `place` names where it is, `organisation` is the ODS code of its provider.
    """

    id: str
    name: str
    distance_miles: int | None
    wait_days: int | None
    bookable_type: str | None
    letter_required: bool
    resource: Resource = field(repr=False)
    place: str | None = None
    organisation: str | None = None


@dataclass(frozen=True)
class Service:
    """A service as its provider publishes it."""

    id: str
    version: int
    name: str
    bookable_type: str | None
    appointment_types: tuple[str, ...]
    request_flows: tuple[str, ...]
    instructions: str | None
    resource: Resource = field(repr=False)


def code_system(resource: Resource) -> CodeSystem:
    """Return a CodeSystem of A004."""
    codes = tuple(_code(each) for each in fhir.items(resource, "concept"))
    return CodeSystem(fhir.text(resource, "id"), fhir.text(resource, "version"), codes, resource)


def found_services(listed: Resource) -> tuple[FoundService, ...]:
    """Return the services in a List of A010, in its order."""
    return tuple(_found(each) for each in fhir.items(listed, "entry"))


def service(resource: Resource) -> Service:
    """Return a HealthcareService of A033 or A035."""
    kinds = {"eRS-BookableType": list[str](), "eRS-RequestFlowType": list[str]()}
    for each in fhir.items(resource, "characteristic"):
        kinds.setdefault(fhir.last(fhir.text(each, "coding", 0, "system")), []).append(fhir.code(each) or "")
    instructions = fhir.value(fhir.extension(resource, "ServiceInstructions"))
    return Service(
        id=fhir.text(resource, "id"),
        version=fhir.version_of(resource),
        name=fhir.text(resource, "name"),
        bookable_type=next(iter(kinds["eRS-BookableType"]), None),
        appointment_types=tuple(fhir.code(each) or "" for each in fhir.items(resource, "type")),
        request_flows=tuple(kinds["eRS-RequestFlowType"]),
        instructions=str(instructions) if instructions else None,
        resource=resource,
    )


def services(bundle: Resource) -> tuple[Service, ...]:
    """Return the services in a bundle of A035."""
    return tuple(service(each) for each in fhir.entries(bundle, "HealthcareService"))


def roles(bundle: Resource) -> tuple[Role, ...]:
    """Return the roles in a bundle of A030."""
    return tuple(
        Role(fhir.text(each, "organization", "identifier", "value"), fhir.code(code) or "")
        for each in fhir.entries(bundle, "PractitionerRole")
        for code in fhir.items(each, "code")
    )


def user_ids(bundle: Resource) -> tuple[str, ...]:
    """Return the user ids of the clinicians in a bundle of A040."""
    return tuple(fhir.text(each, "id") for each in fhir.entries(bundle, "Practitioner"))


def _code(concept: Resource) -> Code:
    properties = {fhir.text(each, "code"): fhir.value(each) for each in fhir.items(concept, "property")}
    return Code(
        code=fhir.text(concept, "code"),
        display=fhir.text(concept, "display"),
        effective_from=fhir.instant(properties.get("effectiveFrom")),
        effective_to=fhir.instant(properties.get("effectiveTo")),
        resource=concept,
    )


def _found(entry: Resource) -> FoundService:
    ranked = fhir.columns(fhir.at(entry, "extension", 0))
    summary = fhir.at(entry, "item", "extension", 0)
    shown = fhir.columns(summary)
    located = fhir.at(
        next((each for each in fhir.items(summary, "extension") if each.get("url") == "location"), None),
        "valueReference",
    )
    return FoundService(
        id=fhir.text(entry, "item", "identifier", "value"),
        name=str(shown.get("serviceName") or ""),
        distance_miles=_whole(ranked.get("distance")),
        wait_days=_whole(ranked.get("indicativeAppointmentWaitTime")),
        bookable_type=str(shown["bookableType"]) if shown.get("bookableType") else None,
        letter_required=shown.get("referralLetterRequired") is True,
        resource=entry,
        place=fhir.maybe(located, "display"),
        organisation=fhir.maybe(located, "identifier", "value"),
    )


def _whole(found: fhir.Value) -> int | None:
    return found if isinstance(found, int) else None
