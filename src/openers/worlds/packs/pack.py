"""The content of a pack."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from openers.domain.codes import ClinicalTerm, CodeSystemName
from openers.domain.credentials import Application
from openers.domain.directory import Organisation, Service, Site, User
from openers.domain.endpoints.endpoint import Endpoint
from openers.domain.identifiers import UserId
from openers.domain.patient import Patient
from openers.domain.principal import BusinessFunction
from openers.usecases.directory.load_directory import LoadDirectory
from openers.usecases.directory.load_records import LoadRecords
from openers.worlds.packs.acts import Actor, PackAct
from openers.worlds.packs.clinics import Clinic
from openers.worlds.packs.people import Crowd


class PackError(ValueError):
    """An unreadable pack. The text names the pack, the place in it and the fault."""


class PackPas(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The Patient Administration System of all directly bookable services, and the client id with which it calls."""

    url: str
    client_id: str


class Scene(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A moment of a pack's world with its own records, in which a frozen service tries some operations.

    `operations` are numbers (`A013`); `ids` are the ids that the call creates, in order. With `as_it_is` the scene uses
    the records of the base world. `afterwards` replaces parts of the directory for that moment. `code_systems_changed`
    gives the last change of code systems, `codes` their codes at that time if not all.
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
    """The initial content of a world.

    `secrets` and `private_keys` belong to the test applications, by client id, for clients that play them. `day` is the
    date for the ages of generated patients. `now` is the initial time of a stopped clock; without it the clock shows
    the real time. `clinics` provide slots in a world without a real PAS.

    `acts` are calls made before the start; `records` are stored unchanged. `open_to` gives the user for requests
    without a token if `--open` is set. `afterwards` replaces parts of the directory after the acts, such as a service
    that was withdrawn after it was shortlisted. `scenes` are separate files in the folder with the pack's name.
    `portal_operators` are the people who give roles in the partner portal.
    A file does not contain `reference`, the name or path by which the pack was read, nor `read_as`, the file with the
    pack's value at that time.
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
    endpoints: tuple[Endpoint, ...] = ()
    clinical_terms: tuple[ClinicalTerm, ...] = ()
    now: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    clinics: tuple[Clinic, ...] = ()
    actors: dict[str, Actor] = {}
    acts: tuple[PackAct, ...] = ()
    afterwards: LoadDirectory = LoadDirectory()
    records: LoadRecords = LoadRecords()
    scenes: tuple[Scene, ...] = ()
    open_to: dict[BusinessFunction, UserId] = {}
    portal_operators: tuple[UserId, ...] = ()
    crowd: Crowd | None = None
    pas: PackPas | None = None
    secrets: dict[str, str] = {}
    private_keys: dict[str, dict[str, str]] = {}
    reference: str = ""
    read_as: str = ""
