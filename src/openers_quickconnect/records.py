"""What pages need of names, overviews and histories, with every part of the entries of X003 to X007."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from openers_client import fhir
from openers_client.fhir import Resource, Value


@dataclass(frozen=True)
class Person:
    """A patient. Address, postcode and practice are only known of patients that were searched for."""

    nhs_number: str
    family_name: str
    given_name: str
    born: date | None
    gender: str
    address: tuple[str, ...]
    postcode: str | None
    practice: str | None
    died: date | None


@dataclass(frozen=True)
class FoundNames:
    """Records by identifier: patients by NHS number, names of people by user id and of organisations by ODS code."""

    patients: Mapping[str, Person]
    people: Mapping[str, str]
    organisations: Mapping[str, str]


@dataclass(frozen=True)
class Overview:
    """A request as a list shows it. `kind` is referral or advice. `next_due` is a day or an instant."""

    ubrn: str
    kind: str
    version: int
    state: str
    priority: str
    patient: str
    organisation: str
    clinician: str
    service_name: str | None
    specialty: str | None
    appointment_start: datetime | None
    created: datetime | None
    next_step: str | None
    next_side: str | None
    next_due: date | datetime | None


def person(entry: Resource) -> Person:
    """Return the patient of an entry of X003 or X004."""
    parts = _parts(entry)
    name = next((each.get("valueHumanName") for each in fhir.items(entry, "part") if each.get("name") == "name"), None)
    lines = [each for each in fhir.items(entry, "part") if each.get("name") == "addressLine"]
    return Person(
        nhs_number=_text(parts, "identifier"),
        family_name=fhir.text(name, "family"),
        given_name=fhir.text(name, "given", 0),
        born=_day(parts.get("birthDate")),
        gender=_text(parts, "gender"),
        address=tuple(fhir.text(each, "valueString") for each in lines),
        postcode=_text(parts, "postcode") or None,
        practice=_text(parts, "practice") or None,
        died=_day(parts.get("deceasedDate")),
    )


def overview(entry: Resource) -> Overview:
    """Return the request of an entry of X005 or X006."""
    parts = _parts(entry)
    due, version = parts.get("nextDue"), parts.get("version")
    return Overview(
        ubrn=_text(parts, "identifier"),
        kind=_text(parts, "kind"),
        version=version if isinstance(version, int) else 0,
        state=_text(parts, "state"),
        priority=_text(parts, "priority"),
        patient=_text(parts, "patient"),
        organisation=_text(parts, "referringOrganisation"),
        clinician=_text(parts, "referringClinician"),
        service_name=_text(parts, "serviceName") or None,
        specialty=_text(parts, "specialty") or None,
        appointment_start=fhir.instant(parts.get("appointmentStart")),
        created=fhir.instant(parts.get("created")),
        next_step=_text(parts, "nextStep") or None,
        next_side=_text(parts, "nextSide") or None,
        next_due=_day(due) or fhir.instant(due),
    )


def _parts(entry: Resource) -> dict[str, Value]:
    return {fhir.text(part, "name"): fhir.value(part) for part in fhir.items(entry, "part")}


def _text(parts: Mapping[str, Value], name: str) -> str:
    found = parts.get(name)
    return found if isinstance(found, str) else ""


def _day(found: Value) -> date | None:
    try:
        return date.fromisoformat(found) if isinstance(found, str) and len(found) == len("2026-01-01") else None
    except ValueError:
        return None
