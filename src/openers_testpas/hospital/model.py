"""The hospital's slots and appointments, and the errors of its operations."""

from __future__ import annotations

import sqlite3
from enum import StrEnum
from typing import TypeVar

import msgspec

Row = TypeVar("Row", bound=msgspec.Struct)


class SlotStatus(StrEnum):
    """The used values of FHIR R4 slotstatus."""

    FREE = "free"
    BUSY = "busy"
    BUSY_UNAVAILABLE = "busy-unavailable"


class Status(StrEnum):
    """The used values of FHIR R4 appointmentstatus."""

    BOOKED = "booked"
    ARRIVED = "arrived"
    NOSHOW = "noshow"
    CANCELLED = "cancelled"


class Slot(msgspec.Struct, frozen=True):
    """A slot. Instants are microseconds since 1970; `updated` is the stamp of its last change."""

    id: str
    clinic: str
    start: int
    end: int
    status: SlotStatus
    updated: int

    @property
    def usrn(self) -> str:
        """Return the unique slot reference number."""
        return f"USRN-{self.id.upper()}"


class Appointment(msgspec.Struct, frozen=True):
    """An appointment in its present state; `start` and `end` are those of its slot."""

    id: str
    booking_key: str
    slot: str
    status: Status
    version: int
    ubrn: str
    nhs_number: str
    priority: int | None
    created: int
    reason: str | None
    comment: str | None
    updated: int
    start: int
    end: int


class Wanted(msgspec.Struct, frozen=True):
    """A booking that the service requests."""

    booking_key: str
    slot: str
    start: int
    end: int
    ubrn: str
    nhs_number: str
    priority: int | None
    created: int


class Unknown(LookupError):
    """An unknown slot or appointment."""


class SlotTaken(Exception):
    """The slot is not free."""


class NotPossible(Exception):
    """The state of the appointment or slot does not allow the act."""


class Unfit(ValueError):
    """The request contradicts the hospital's data."""


def as_row(row: sqlite3.Row, kind: type[Row]) -> Row:
    """Convert a row of the store into a `kind`."""
    return msgspec.convert(dict(row), kind)
