"""The catalogue of the API of 2018: one row for each operation of each generation, with the history of its status.

The rows are data (`catalogue.toml`). They give the addresses, the pages, the CapabilityStatements and the headers of
deprecated operations. Source: ADR 0073.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

DATA: Final = "catalogue.toml"


class Generation(StrEnum):
    """A generation of the API. An operation may belong to several."""

    SESSION = "session"
    DSTU2 = "DSTU2"
    ALPHA = "alpha"
    STU3_V1 = "STU3 v1"


class Status(StrEnum):
    """The status of an operation at a time."""

    ALPHA = "alpha"
    BETA = "beta"
    LIVE = "live"
    DEPRECATED = "deprecated"
    RETIRED = "retired"


ENDING: Final = frozenset({Status.DEPRECATED, Status.RETIRED})
"""Statuses of operations that no new program should use."""


class Since(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A status and its first day. `inferred`: no source gives the day."""

    status: Status
    on: date
    inferred: bool = False


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One operation of one generation.

    `path` is below the base of the API. `successor` is the number of today's operation, `notice` a sentence for users.
    """

    id: str
    name: str
    family: str
    verb: str
    path: str
    generation: Generation
    history: tuple[Since, ...]
    successor: str | None = None
    notice: str = ""

    def status_on(self, day: date) -> Status | None:
        """Return the status on a day; `None` before the operation existed."""
        return next((each.status for each in reversed(self.history) if each.on <= day), None)

    @property
    def since(self) -> date:
        """The day on which the operation appeared."""
        return self.history[0].on

    @property
    def until(self) -> date | None:
        """The day on which it was deprecated or retired, if it was."""
        return next((each.on for each in self.history if each.status in ENDING), None)


class _Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    operations: tuple[Entry, ...]


@cache
def entries() -> Sequence[Entry]:
    """Return all rows, in the order of the file."""
    data: dict[str, Any] = tomllib.loads(files("openers.api.legacy").joinpath(DATA).read_text("utf-8"))
    return msgspec.convert(data, _Data).operations


def catalogue_on(day: date) -> Sequence[tuple[Entry, Status]]:
    """Return the operations that existed on a day, with their status then; retired ones are left out."""
    found = ((each, each.status_on(day)) for each in entries())
    return [(each, status) for each, status in found if status is not None and status is not Status.RETIRED]
