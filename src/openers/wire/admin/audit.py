"""Write entries of the audit as a search shows them, and the cursor of a search."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec

from openers.domain.audit import AuditEntry, AuditPlace
from openers.domain.clock import EPOCH
from openers.wire.instants import write_instant

_CURSOR: Final = re.compile(r"([0-9]{1,17})-([0-9]{1,17})-([0-9]{1,9})-([A-Za-z0-9._-]{1,40})", re.ASCII)
_MICROSECOND: Final = timedelta(microseconds=1)


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A call that concerns the patient: when, who in which role, what, and with which status (400 or more: refused).

    Texts that do not apply are empty. `patients` is how many patients the reply shows.
    """

    at: str
    person: str
    person_name: str
    on_behalf_of: str
    on_behalf_of_name: str
    organisation: str
    organisation_name: str
    function: str
    application: str
    audit_type: str
    operation: str
    act: str
    ubrn: str
    file: str
    patients: int
    outcome: int
    code: str
    request_id: str


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of entries, the newest first. `next` is the cursor of the next page, which may hold none."""

    items: list[AuditEvent]
    next: str | None


def write_event(entry: AuditEntry, people: Mapping[str, str], organisations: Mapping[str, str]) -> AuditEvent:
    """Return an entry as it is shown, with the names of people and organisations."""
    other = entry.on_behalf_of or ""
    return AuditEvent(
        at=write_instant(entry.at),
        person=entry.user,
        person_name=people.get(entry.user, ""),
        on_behalf_of=other,
        on_behalf_of_name=people.get(other, ""),
        organisation=entry.organisation,
        organisation_name=organisations.get(entry.organisation, ""),
        function=entry.business_function,
        application=entry.application,
        audit_type=entry.audit_type,
        operation=entry.operation,
        act=entry.act,
        ubrn=entry.ubrn or "",
        file=entry.file_name,
        patients=len(entry.patients) or 1,
        outcome=entry.outcome,
        code=entry.code,
        request_id=entry.request_id,
    )


def write_place(place: AuditPlace) -> str:
    """Return a place as a cursor."""
    return f"{(place.at - EPOCH) // _MICROSECOND}-{place.block}-{place.start}-{place.writer}"


def read_place(cursor: str) -> AuditPlace:
    """Return the place in a cursor. Raises ValueError."""
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise ValueError("the cursor is not one of this search")
    at, block, start, writer = found.groups()
    return AuditPlace(EPOCH + int(at) * _MICROSECOND, writer, int(block), int(start))
