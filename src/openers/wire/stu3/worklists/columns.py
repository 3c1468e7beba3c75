"""Columns of worklists: each is one extension in a row's extension. For all lists of requests, A008's and A023's.

Source: rules chapter 13.
"""

from __future__ import annotations

from datetime import date

from openers.domain.clock import Instant
from openers.domain.codes import Priority
from openers.domain.identifiers import NhsNumber, UserId
from openers.domain.shortlist import ShortlistedService
from openers.wire.instants import write_instant
from openers.wire.json import Json, JsonValue
from openers.wire.stu3.systems import (
    ERS_SERVICE,
    NHS_NUMBER,
    PRIORITY,
    SDS_USER,
    SPECIALTY,
    System,
    coded,
    identified,
)

Columns = list[JsonValue]
"""Some columns of a row: optional ones are none or one."""


def concept(name: str, system: System, code: str, display: str | None = None, base: str = "") -> Columns:
    """A code."""
    coding = coded(System(system.url(base)), code, display)
    return [{"url": name, "valueCodeableConcept": {"coding": [coding]}}]


def priority(of: Priority) -> Columns:
    """How soon the patient needs to be seen."""
    return concept("priority", PRIORITY, of)


def specialty(code: str, base: str) -> Columns:
    """The specialty of the service that holds the request."""
    return concept("specialty", SPECIALTY, code, base=base)


def patient(number: NhsNumber) -> Columns:
    """The patient, by NHS number."""
    return _identified("patient", identified(NHS_NUMBER, number))


def person(name: str, user: UserId | None) -> Columns:
    """Somebody by their user id, if there is somebody."""
    return [] if user is None else _identified(name, identified(SDS_USER, user))


def service(of: ShortlistedService) -> Columns:
    """The service that holds the request, with its name."""
    reference: Json = {"identifier": identified(ERS_SERVICE, of.id), "display": of.name}
    return [{"url": "service", "valueReference": reference}]


def local(name: str, reference: str) -> Columns:
    """Something that the list contains."""
    return [{"url": name, "valueReference": {"reference": f"#{reference}"}}]


def at(name: str, moment: Instant | None) -> Columns:
    """A moment, if it has come."""
    return [] if moment is None else [{"url": name, "valueDateTime": write_instant(moment)}]


def on(name: str, day: date | None) -> Columns:
    """A day, if there is one."""
    return [] if day is None else [{"url": name, "valueDate": day.isoformat()}]


def string(name: str, text: str) -> Columns:
    """A text."""
    return [{"url": name, "valueString": text}]


def truth(name: str, *, value: bool) -> Columns:
    """Yes or no."""
    return [{"url": name, "valueBoolean": value}]


def number(name: str, value: int) -> Columns:
    """A whole number."""
    return [{"url": name, "valueInteger": value}]


def _identified(name: str, identifier: Json) -> Columns:
    return [{"url": name, "valueReference": {"identifier": identifier}}]
