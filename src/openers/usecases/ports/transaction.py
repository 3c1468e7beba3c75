"""Everything that the use cases ask of the world outside, as Protocols. Adapters implement them; tests use real ones.

Store methods run inside `World.begin` (reading and writing) or `World.read` (reading alone). On SQLite none of them
suspends; on PostgreSQL each is a round trip. They raise the classes of `openers.domain.errors`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

import msgspec

from openers.domain.audit import AuditEntry
from openers.domain.clock import Instant
from openers.domain.codes import ClinicalTerm, CodeSystem, CodeSystemName
from openers.domain.credentials import Application, CredentialKind
from openers.domain.directory import Organisation, Service, Site, User
from openers.domain.geography import Point
from openers.domain.identifiers import AppointmentId, NhsNumber, OdsCode, Postcode, ServiceId, Ubrn, UserId
from openers.domain.patient import Patient
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.usecases.ports.access_codes import AccessCodes
from openers.usecases.ports.booking import Claims, Events, Links, Slots
from openers.usecases.ports.conversations import Conversations
from openers.usecases.ports.files import Files
from openers.usecases.ports.loading import Records
from openers.usecases.ports.stored import Requests, Stored
from openers.usecases.ports.webhooks import Webhooks
from openers.usecases.ports.worklists import Worklists

T = TypeVar("T")


class Referrals(Requests[Referral], Protocol):
    """Referrals by UBRN."""

    async def of_appointment(self, appointment: AppointmentId, by: Principal) -> Stored[Referral]:
        """The referral whose current appointment this is, for `by`. Raises NotFound, NoRelationship."""
        ...

    async def several(self, ubrns: Sequence[Ubrn]) -> Sequence[Stored[Referral]]:
        """Those of the referrals that exist, in any order; for lists, whose members the caller may see."""
        ...

    async def amend(self, old: Stored[Referral], new: Referral) -> Stored[Referral]:
        """Replace the value under the same version: for what no reply about the referral itself shows."""
        ...

    async def next_ubrn(self) -> Ubrn:
        """A UBRN that was never given before, to any kind of request."""
        ...

    async def next_appointment_id(self) -> AppointmentId:
        """An appointment id that was never given before."""
        ...


class Directory(Protocol):
    """Organisations, sites, people, services and registered applications, by key."""

    async def version(self) -> int:
        """A number that rises with every change to the services."""
        ...

    async def organisation(self, ods: OdsCode) -> Organisation | None:
        """The organisation with this code."""
        ...

    async def site(self, ods: OdsCode) -> Site | None:
        """The site with this code."""
        ...

    async def user(self, user: UserId) -> User | None:
        """The person with this id."""
        ...

    async def users(self) -> Sequence[User]:
        """All people, by id; for the page on which one is picked."""
        ...

    async def users_at(self, organisation: OdsCode) -> Sequence[User]:
        """All people with a role at this organisation, by id."""
        ...

    async def service(self, service: ServiceId) -> Stored[Service] | None:
        """The service with this id, published or not."""
        ...

    async def services(self, ids: Iterable[ServiceId]) -> Sequence[Stored[Service]]:
        """Those of the services that exist, in the order asked for."""
        ...

    async def published(self) -> Sequence[Service]:
        """All published services, for the index."""
        ...

    async def application(self, client_id: str) -> Application | None:
        """The registered application with this client id."""
        ...

    async def applications(self) -> Sequence[Application]:
        """All registered applications, by client id."""
        ...

    async def put_organisation(self, organisation: Organisation) -> None:
        """Add or replace."""
        ...

    async def put_site(self, site: Site) -> None:
        """Add or replace."""
        ...

    async def put_user(self, user: User) -> None:
        """Add or replace."""
        ...

    async def put_service(self, service: Service) -> None:
        """Add or replace; raises the service's version and the directory's."""
        ...

    async def put_application(self, application: Application) -> None:
        """Add or replace."""
        ...


class Credentials(Protocol):
    """Tokens, codes, sessions and used assertion ids: values that expire, under keys that are hashed by the caller."""

    async def add(
        self, kind: CredentialKind, key: str, value: msgspec.Struct | None, expires: Instant, session: str = ""
    ) -> bool:
        """Keep `value`; `False`, and nothing kept, if the key is there already."""
        ...

    async def get(self, kind: CredentialKind, key: str, as_type: type[T]) -> T | None:
        """The value under `key`, expired or not."""
        ...

    async def take(self, kind: CredentialKind, key: str, as_type: type[T]) -> T | None:
        """The value under `key`, removed: only one caller gets it."""
        ...

    async def all(self, kind: CredentialKind, as_type: type[T]) -> Sequence[T]:
        """Every value of a kind, expired or not."""
        ...

    async def end_session(self, session: str) -> None:
        """Remove everything that belongs to a session."""
        ...

    async def purge(self, before: Instant) -> int:
        """Remove what expired before an instant; how many were removed."""
        ...


class Patients(Protocol):
    """The world's own patients, where the patient source is a table."""

    async def get(self, nhs_number: NhsNumber) -> Patient | None:
        """The patient with this number."""
        ...

    async def put(self, patient: Patient) -> None:
        """Add or replace."""
        ...

    async def unusable(self, numbers: Collection[NhsNumber]) -> frozenset[NhsNumber]:
        """Those of the numbers whose records are sensitive or not there."""
        ...


class DueItem(msgspec.Struct, frozen=True):
    """A piece of work that has fallen due and is claimed. `attempt` counts from 1."""

    kind: str
    key: str
    due_at: Instant
    attempt: int


class Due(Protocol):
    """Work without a request, written in the commit of the act that causes it."""

    async def add(self, kind: str, key: str, at: Instant) -> None:
        """Have `kind` run for `key` at an instant; a later one replaces an earlier one."""
        ...

    async def planned(self, kind: str, key: str) -> bool:
        """Whether there is such an item."""
        ...

    async def upcoming(self, until: Instant, most: int) -> Sequence[DueItem]:
        """What may run by an instant, the first `most` of it in order; `due_at` is when it may, claims considered."""
        ...

    async def waiting(self, now: Instant) -> Sequence[str]:
        """The kinds of which anything is due at `now` that nobody has claimed."""
        ...

    async def claim(self, kind: str, now: Instant, until: Instant, most: int) -> Sequence[DueItem]:
        """Claim what of a kind is due at `now`, earliest first, for this runner alone until an instant."""
        ...

    async def done(self, item: DueItem) -> None:
        """Remove a claimed item that has been done."""
        ...

    async def retry(self, item: DueItem, at: Instant) -> None:
        """Give a claimed item back, to run again at an instant."""
        ...


class Tx(Protocol):
    """What a use case reads and writes within one transaction of one world."""

    @property
    def referrals(self) -> Referrals:
        """Referrals."""
        ...

    @property
    def conversations(self) -> Conversations:
        """Requests for advice."""
        ...

    @property
    def directory(self) -> Directory:
        """The directory."""
        ...

    @property
    def credentials(self) -> Credentials:
        """Tokens, codes, sessions."""
        ...

    @property
    def patients(self) -> Patients:
        """The world's own patients."""
        ...

    @property
    def due(self) -> Due:
        """Work that falls due."""
        ...

    @property
    def records(self) -> Records:
        """Records as they are."""
        ...

    @property
    def files(self) -> Files:
        """Uploaded files."""
        ...

    @property
    def slots(self) -> Slots:
        """Appointment slots."""
        ...

    @property
    def claims(self) -> Claims:
        """Acts under way with a PAS."""
        ...

    @property
    def links(self) -> Links:
        """Where each service's PAS is."""
        ...

    @property
    def worklists(self) -> Worklists:
        """Lists of referrals."""
        ...

    @property
    def events(self) -> Events:
        """What has happened."""
        ...

    @property
    def webhooks(self) -> Webhooks:
        """Addresses that are told of what has happened."""
        ...

    @property
    def access_codes(self) -> AccessCodes:
        """Patients' access codes."""
        ...


class Store(Protocol):
    """One world's durable state."""

    @property
    def generation(self) -> int:
        """A number that rises when something that could be read was never committed: caches are to be forgotten."""
        ...

    def begin(self, entry: AuditEntry, lock: Sequence[str] = ()) -> AbstractAsyncContextManager[Tx]:
        """A transaction that commits durably, with `entry`, when its body ends, or changes nothing.

        Locks the records named by `lock` first, all at once. Raises RecordLocked, Unavailable.
        """
        ...

    def read(self) -> AbstractAsyncContextManager[Tx]:
        """A view of the present state, for reading alone."""
        ...

    async def witness(self, entry: AuditEntry) -> None:
        """Make the audit entry of a read or a refusal durable, together with those of its moment."""
        ...

    async def upkeep(self) -> None:
        """What the store has to do regularly, such as sealing audit entries that wait. Raises Unavailable."""
        ...

    async def heads(self) -> Sequence[str]:
        """Where the audit chains end, as text for the log, which shows a chain cut or rewritten later."""
        ...

    async def check(self) -> None:
        """Raise Unavailable if the store does not answer."""
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of the database."""
        ...


class PatientSource(Protocol):
    """Where patients are looked up: the world's own table, or PDS."""

    async def get(self, nhs_number: NhsNumber, tx: Tx) -> Patient | None:
        """The patient with this number, sensitive ones included. Raises Unavailable."""
        ...

    async def unusable(self, numbers: Collection[NhsNumber], tx: Tx) -> frozenset[NhsNumber]:
        """Those of the numbers whose records can't be used: sensitive ones and unknown ones. Raises Unavailable."""
        ...


class ReferenceData(Protocol):
    """Code systems, clinical terms and the places of postcodes: data that changes with releases only."""

    def code_system(self, name: CodeSystemName) -> CodeSystem:
        """One of the six dynamic code systems."""
        ...

    def clinical_term(self, code: str) -> ClinicalTerm | None:
        """The SNOMED CT concept, if the dictionary has it."""
        ...

    def locate(self, postcode: Postcode) -> Point | None:
        """Where a postcode's outward area is."""
        ...
