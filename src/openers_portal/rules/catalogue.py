"""The catalogue of operations as it was on a day, from `content/catalogue.toml`.

Source: rules part 2, chapter 2 (the catalogue over time).
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

DATA: Final = files("openers_portal").joinpath("content/catalogue.toml")
FIRST_DAY: Final = date(2016, 12, 24)
"""The day of the first release."""


class Status(StrEnum):
    """How far an operation is on a day."""

    ALPHA = "alpha"
    BETA = "beta"
    LIVE = "live"
    DEPRECATED = "deprecated"
    RETIRED = "retired"


class Step(msgspec.Struct, frozen=True):
    """A day from which an operation has a status, and its address then."""

    on: date
    status: Status
    address: str = ""
    note: str = ""


class Operation(msgspec.Struct, frozen=True):
    """An operation with its history, the oldest step first. `ours` is its address in OpenERS, if it has it."""

    id: str
    name: str
    family: str
    steps: tuple[Step, ...] = ()
    ours: str = ""


class Shown(msgspec.Struct, frozen=True):
    """An operation on one day."""

    id: str
    name: str
    family: str
    status: Status
    since: date
    address: str
    ours: str
    note: str


class _File(msgspec.Struct, frozen=True):
    operations: tuple[Operation, ...]


@cache
def operations() -> Sequence[Operation]:
    """Return all operations of the data file."""
    return msgspec.convert(tomllib.loads(DATA.read_text("utf-8")), _File).operations


def on(day: date) -> Sequence[Shown]:
    """Return the operations that were in the catalogue on a day; those retired before are left out."""
    found = (_shown(each, day) for each in operations())
    return [each for each in found if each is not None and each.status is not Status.RETIRED]


def operation(id: str) -> Operation | None:
    """Return one operation."""
    return next((each for each in operations() if each.id == id), None)


def _shown(one: Operation, day: date) -> Shown | None:
    past = [each for each in one.steps if each.on <= day]
    if not past:
        return None
    last = past[-1]
    address = next((each.address for each in reversed(past) if each.address), "")
    return Shown(one.id, one.name, one.family, last.status, last.on, address, one.ours, last.note)
