"""The rows of worklists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from openers_client import fhir
from openers_client.fhir import Resource, Value


@dataclass(frozen=True)
class WorklistRow:
    """A row of a worklist.

    `columns` has all columns by their published names. `version` is that of the request, if the list has it.
    """

    ubrn: str
    version: int | None
    patient: str | None
    priority: str | None
    status: str | None
    service: str | None
    columns: Mapping[str, Value]
    resource: Resource = field(repr=False)


def rows(worklist: Resource) -> tuple[WorklistRow, ...]:
    """Return the rows of a List of A008 or A023."""
    people = {
        f"#{fhir.text(each, 'id')}": fhir.maybe(each, "identifier", 0, "value")
        for each in fhir.items(worklist, "contained")
    }
    return tuple(_row(entry, people) for entry in fhir.items(worklist, "entry"))


def _row(entry: Resource, people: Mapping[str, str | None]) -> WorklistRow:
    found = fhir.columns(fhir.at(entry, "extension", 0))
    named = {name: people.get(value, value) if isinstance(value, str) else value for name, value in found.items()}
    version = named.get("referralRequestVersion", named.get("communicationRequestVersion"))
    return WorklistRow(
        ubrn=fhir.last(fhir.text(entry, "item", "reference")),
        version=version if isinstance(version, int) else None,
        patient=_text(named.get("patient")),
        priority=_text(named.get("priority")),
        status=_text(named.get("status") or named.get("category")),
        service=_text(named.get("service")),
        columns=named,
        resource=entry,
    )


def _text(found: Value) -> str | None:
    return found if isinstance(found, str) else None
