"""What a pack holds."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from openers.domain.codes import ClinicalTerm, CodeSystemName
from openers.domain.credentials import Application
from openers.domain.directory import Organisation, Service, Site, User
from openers.domain.identifiers import UserId
from openers.domain.patient import Patient
from openers.domain.principal import BusinessFunction
from openers.usecases.directory.load_directory import LoadDirectory
from openers.usecases.directory.load_records import LoadRecords
from openers.worlds.packs.acts import Actor, PackAct
from openers.worlds.packs.clinics import Clinic
from openers.worlds.packs.people import Crowd


class PackError(ValueError):
    """A pack can't be read. The text names the pack, the place in it and what is wrong there."""


class PackPas(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The Patient Administration System of all directly bookable services, and the application as which it calls."""

    url: str
    client_id: str


class Scene(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A moment of a pack's world, with records of its own, in which some operations are tried where it is frozen.

    `operations` are by number (`A013`); `ids` are those that the call will make, in this order. With `as_it_is` the
    scene has the records of the base world. `afterwards` are parts of the directory that were otherwise at that moment.
    `code_systems_changed` says when code systems changed last, `codes` which codes of them there were, where not all.
    """

    name: str
    title: str
    operations: tuple[str, ...]
    now: Annotated[datetime, msgspec.Meta(tz=True)]
    ids: tuple[UUID, ...] = ()
    as_it_is: bool = False
    records: LoadRecords = LoadRecords()
    afterwards: LoadDirectory = LoadDirectory()
    code_systems_changed: dict[CodeSystemName, Annotated[datetime, msgspec.Meta(tz=True)]] = {}
    codes: dict[CodeSystemName, frozenset[str]] = {}


class Pack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a world holds when it begins.

    `secrets` and `private_keys` are those of the test applications, by client id, for whoever plays these applications.
    `day` is the day from which the ages of generated patients are counted. `now` is the instant at which the clock
    stands, where a world does not go with the real time. `clinics` offer the slots of a world without a real PAS.
    `acts` are what has happened before, `records` what has to be there as it is; `open_to` says as whom a request
    without a token acts, where the door is open. `afterwards` are parts of the directory as they are in the end, such
    as a service that was withdrawn after it had been put on a shortlist. `scenes` are files of their own, in the folder
    that has the pack's name. `reference` is what it was read by, a name or a path; a file does not say it.
    """

    name: str
    title: str
    day: date
    organisations: tuple[Organisation, ...] = ()
    sites: tuple[Site, ...] = ()
    users: tuple[User, ...] = ()
    services: tuple[Service, ...] = ()
    applications: tuple[Application, ...] = ()
    patients: tuple[Patient, ...] = ()
    clinical_terms: tuple[ClinicalTerm, ...] = ()
    now: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    clinics: tuple[Clinic, ...] = ()
    actors: dict[str, Actor] = {}
    acts: tuple[PackAct, ...] = ()
    afterwards: LoadDirectory = LoadDirectory()
    records: LoadRecords = LoadRecords()
    scenes: tuple[Scene, ...] = ()
    open_to: dict[BusinessFunction, UserId] = {}
    crowd: Crowd | None = None
    pas: PackPas | None = None
    secrets: dict[str, str] = {}
    private_keys: dict[str, dict[str, str]] = {}
    reference: str = ""
