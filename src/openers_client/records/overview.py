"""What pages show around a referral: names, patients, next steps and histories (extensions of OpenERS)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import cast

from openers_client import fhir
from openers_client.fhir import Json, Resource, Value


@dataclass(frozen=True)
class Named:
    """The name behind an identifier. `kind` is patient, person or organisation."""

    kind: str
    id: str
    name: str
    resource: Resource = field(repr=False)


@dataclass(frozen=True)
class Patient:
    """A patient."""

    nhs_number: str
    family_name: str
    given_names: tuple[str, ...]
    birth_date: date | None
    gender: str | None
    postcode: str | None
    practice: str | None
    resource: Resource = field(repr=False)


@dataclass(frozen=True)
class FoundPatients:
    """The patients of a search. If not `complete`, more patients fit."""

    patients: tuple[Patient, ...]
    complete: bool


@dataclass(frozen=True)
class Overview:
    """A referral or request for advice (`kind`) with its next step and last act. `values` has all parts by name."""

    ubrn: str
    version: int
    kind: str
    state: str
    priority: str | None
    patient: str | None
    service: str | None
    next_step: str | None
    next_side: str | None
    next_due: datetime | None
    values: dict[str, Value]
    resource: Resource = field(repr=False)


@dataclass(frozen=True)
class Event:
    """An act on a request, and the version that it made. Without an `actor`, the service itself acted."""

    kind: str
    version: int
    act: str
    at: datetime | None
    actor: str | None
    resource: Resource = field(repr=False)


def names(parameters: Resource) -> tuple[Named, ...]:
    """Return the names in the result of X003."""
    return tuple(_named(each) for each in fhir.items(parameters, "parameter"))


def found_patients(parameters: Resource) -> FoundPatients:
    """Return the result of X004."""
    listed = fhir.items(parameters, "parameter")
    complete = next((fhir.value(each) for each in listed if each.get("name") == "complete"), True)
    patients = (_patient(each) for each in listed if each.get("name") == "patient")
    return FoundPatients(tuple(patients), complete is True)


def overviews(parameters: Resource) -> tuple[Overview, ...]:
    """Return the overviews in the result of X005 or X006."""
    return tuple(_overview(each) for each in fhir.items(parameters, "parameter"))


def events(parameters: Resource) -> tuple[Event, ...]:
    """Return the events in the result of X007, oldest first."""
    return tuple(_event(each) for each in fhir.items(parameters, "parameter"))


def _parts(parameter: Resource) -> dict[str, Value]:
    return {fhir.text(each, "name"): fhir.value(each) for each in fhir.items(parameter, "part")}


def _human_name(parameter: Resource) -> Json:
    named = [each for each in fhir.items(parameter, "part") if each.get("name") == "name"]
    found = fhir.at(named, 0, "valueHumanName")
    return cast("Json", found) if isinstance(found, dict) else {}


def _given(name: Resource) -> tuple[str, ...]:
    found = fhir.at(name, "given")
    return tuple(str(each) for each in cast("list[object]", found)) if isinstance(found, list) else ()


def _named(parameter: Resource) -> Named:
    parts, human = _parts(parameter), _human_name(parameter)
    name = " ".join((*_given(human), fhir.text(human, "family"))) if human else str(parts.get("name") or "")
    return Named(fhir.text(parameter, "name"), str(parts.get("identifier") or ""), name, parameter)


def _patient(parameter: Resource) -> Patient:
    parts, human = _parts(parameter), _human_name(parameter)
    born = fhir.instant(parts.get("birthDate"))
    return Patient(
        nhs_number=str(parts.get("identifier") or ""),
        family_name=fhir.text(human, "family"),
        given_names=_given(human),
        birth_date=None if born is None else born.date(),
        gender=_text(parts.get("gender")),
        postcode=_text(parts.get("postcode")),
        practice=_text(parts.get("practice")),
        resource=parameter,
    )


def _overview(parameter: Resource) -> Overview:
    parts = _parts(parameter)
    return Overview(
        ubrn=str(parts.get("identifier") or ""),
        version=_whole(parts.get("version")),
        kind=str(parts.get("kind") or ""),
        state=str(parts.get("state") or ""),
        priority=_text(parts.get("priority")),
        patient=_text(parts.get("patient")),
        service=_text(parts.get("service")),
        next_step=_text(parts.get("nextStep")),
        next_side=_text(parts.get("nextSide")),
        next_due=fhir.instant(parts.get("nextDue")),
        values=parts,
        resource=parameter,
    )


def _event(parameter: Resource) -> Event:
    parts = _parts(parameter)
    return Event(
        kind=str(parts.get("kind") or ""),
        version=_whole(parts.get("version")),
        act=str(parts.get("act") or ""),
        at=fhir.instant(parts.get("at")),
        actor=_text(parts.get("actor")),
        resource=parameter,
    )


def _text(found: Value) -> str | None:
    return found if isinstance(found, str) else None


def _whole(found: Value) -> int:
    return found if isinstance(found, int) else 0
