"""What the hospital holds: slots and appointments, and why it can't do what was asked."""

from __future__ import annotations

import sqlite3
from enum import StrEnum
from typing import TypeVar

import msgspec

Row = TypeVar("Row", bound=msgspec.Struct)


class SlotStatus(StrEnum):
    """FHIR R4 slotstatus, as far as it is used."""

    FREE = "free"
    BUSY = "busy"
    BUSY_UNAVAILABLE = "busy-unavailable"


class Status(StrEnum):
    """FHIR R4 appointmentstatus, as far as it is used."""

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
        """The unique slot reference number."""
        return f"USRN-{self.id.upper()}"


class Appointment(msgspec.Struct, frozen=True):
    """An appointment as it now is; `start` and `end` are its slot's."""

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
    """A booking that the service asks for."""

    booking_key: str
    slot: str
    start: int
    end: int
    ubrn: str
    nhs_number: str
    priority: int | None
    created: int


class Unknown(LookupError):
    """There is no such slot or appointment."""


class SlotTaken(Exception):
    """The slot is not free."""


class NotPossible(Exception):
    """The appointment or slot is in a state that doesn't allow it."""


class Unfit(ValueError):
    """What was asked contradicts what the hospital holds."""


def as_row(row: sqlite3.Row, kind: type[Row]) -> Row:
    """A row of the store as a `kind`."""
    return msgspec.convert(dict(row), kind)
