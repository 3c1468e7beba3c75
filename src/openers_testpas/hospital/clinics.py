"""Clinics from a TOML file: their service, clinician, priorities and sessions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from enum import Enum
from pathlib import Path
from typing import Annotated, Final

import msgspec

DEMO: Final = Path(__file__).parent / "demo.toml"

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class BadClinics(ValueError):
    """The file of clinics is invalid; the text gives the reason."""


class Priority(Enum):
    """How soon a patient must be seen."""

    ROUTINE = "ROUTINE"
    URGENT = "URGENT"
    TWO_WEEK_WAIT = "TWO_WEEK_WAIT"


class Weekday(Enum):
    """The days on which clinics are held."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"


class Session(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A weekly period in London time on these days."""

    days: tuple[Weekday, ...]
    opens: time
    closes: time


class Clinic(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One clinic. `id` is its Schedule's; `away` is the share of sessions that are not held because of leave."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.-]{1,64}\Z")]
    service: str
    name: str
    clinician: str | None = None
    priorities: tuple[Priority, ...] = tuple(Priority)
    slot_minutes: Annotated[int, msgspec.Meta(ge=5, le=480)] = 20
    sessions: tuple[Session, ...] = ()
    away: Share = 0.0
    taken: Share = 0.0
    """Share of slots with the hospital's own patients, which are never free here."""


USUAL: Final = (
    Session(tuple(Weekday), time(9), time(12)),
    Session(tuple(Weekday), time(13, 30), time(16, 30)),
)
"""The sessions of a clinic that is made when it is asked for."""


class Clinics:
    """All clinics, by id and by service."""

    def __init__(self, clinics: tuple[Clinic, ...], services: Mapping[str, str] | None = None) -> None:
        """Index the clinics; `services` are names of services by id. Raises BadClinics if two have the same id."""
        self.by_id: Final = {each.id: each for each in clinics}
        self._services: Final = services or {}
        if len(self.by_id) != len(clinics):
            raise BadClinics("two clinics have the same id")

    def add(self, clinic: Clinic) -> None:
        """Add a clinic. Raises BadClinics if its id is taken."""
        if clinic.id in self.by_id:
            raise BadClinics(f"there is a clinic {clinic.id} already")
        self.by_id[clinic.id] = clinic

    def of_service(self, service: str) -> list[Clinic]:
        """Return the clinics of a service; none for an unknown service."""
        return [each for each in self.by_id.values() if each.service == service]

    def named(self, service: str) -> str:
        """Return the name of a service with its id, or only its id if the file has no name for it."""
        name = self._services.get(service)
        return service if name is None else f"{name} ({service})"


class _File(msgspec.Struct, forbid_unknown_fields=True):
    clinics: tuple[Clinic, ...]
    services: dict[str, str] = {}


def read_clinics(path: Path) -> Clinics:
    """Return the clinics in a TOML file. Raises BadClinics."""
    try:
        file = msgspec.toml.decode(path.read_bytes(), type=_File)
        return Clinics(file.clinics, file.services)
    except (OSError, msgspec.MsgspecError) as error:
        raise BadClinics(f"{path}: {error}") from error
