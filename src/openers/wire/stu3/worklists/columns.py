"""Columns of worklists, for A008 and A023: each column is one extension within the extension of a row.

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
"""Columns of a row; an optional column is a list of none or one."""


def concept(name: str, system: System, code: str, display: str | None = None, base: str = "") -> Columns:
    """Return a column with a code."""
    coding = coded(System(system.url(base)), code, display)
    return [{"url": name, "valueCodeableConcept": {"coding": [coding]}}]


def priority(of: Priority) -> Columns:
    """Return the column with the priority."""
    return concept("priority", PRIORITY, of)


def specialty(code: str, base: str) -> Columns:
    """Return the column with the specialty of the service that holds the request."""
    return concept("specialty", SPECIALTY, code, base=base)


def patient(number: NhsNumber) -> Columns:
    """Return the column with the patient's NHS number."""
    return _identified("patient", identified(NHS_NUMBER, number))


def person(name: str, user: UserId | None) -> Columns:
    """Return a column with a person's user id, or none for `None`."""
    return [] if user is None else _identified(name, identified(SDS_USER, user))


def service(of: ShortlistedService) -> Columns:
    """Return the column with the service that holds the request, and its name."""
    reference: Json = {"identifier": identified(ERS_SERVICE, of.id), "display": of.name}
    return [{"url": "service", "valueReference": reference}]


def local(name: str, reference: str) -> Columns:
    """Return a column that refers to a resource contained in the list."""
    return [{"url": name, "valueReference": {"reference": f"#{reference}"}}]


def at(name: str, moment: Instant | None) -> Columns:
    """Return a column with an instant, or none for `None`."""
    return [] if moment is None else [{"url": name, "valueDateTime": write_instant(moment)}]


def on(name: str, day: date | None) -> Columns:
    """Return a column with a day, or none for `None`."""
    return [] if day is None else [{"url": name, "valueDate": day.isoformat()}]


def string(name: str, text: str) -> Columns:
    """Return a column with a text."""
    return [{"url": name, "valueString": text}]


def truth(name: str, *, value: bool) -> Columns:
    """Return a column with a boolean."""
    return [{"url": name, "valueBoolean": value}]


def number(name: str, value: int) -> Columns:
    """Return a column with a whole number."""
    return [{"url": name, "valueInteger": value}]


def _identified(name: str, identifier: Json) -> Columns:
    return [{"url": name, "valueReference": {"identifier": identifier}}]
