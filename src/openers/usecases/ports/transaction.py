"""The ports of the use cases as Protocols: the transaction, the store and the sources of data.

Adapters implement them; tests use real ones. Store methods run inside `World.begin` (reading and writing) or
`World.read` (only reading). With SQLite none of them suspends, while with PostgreSQL each is a round trip. They raise
the classes of `openers.domain.errors`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

import msgspec

from openers.domain.audit import AuditEntry
from openers.domain.clock import Instant
from openers.domain.codes import ClinicalTerm, CodeSystem, CodeSystemName
from openers.domain.credentials import Application
from openers.domain.directory import Organisation, Service, Site, User
from openers.domain.exchanges.exchange import ExchangeBatch, LogBounds
from openers.domain.geography import Point
from openers.domain.identifiers import AppointmentId, NhsNumber, OdsCode, Postcode, ServiceId, Ubrn, UserId
from openers.domain.overview.patient_search import PatientSearch
from openers.domain.patient import Patient
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.usecases.ports.access_codes import AccessCodes, Credentials
from openers.usecases.ports.booking import Claims, Events, Links, Slots
from openers.usecases.ports.conversations import Conversations
from openers.usecases.ports.files import Files
from openers.usecases.ports.loading import Records
from openers.usecases.ports.neighbours import PatientMirror, Patients
from openers.usecases.ports.registers import AuditTrail, Exchanges, Registers
from openers.usecases.ports.stored import Requests, Stored
from openers.usecases.ports.webhooks import Webhooks
from openers.usecases.ports.worklists import Worklists

T = TypeVar("T")


class Referrals(Requests[Referral], Protocol):
    """Referrals by UBRN."""

    async def of_appointment(self, appointment: AppointmentId, by: Principal) -> Stored[Referral]:
        """Return the referral with this current appointment, for `by`. Raises NotFound, NoRelationship."""
        ...

    async def several(self, ubrns: Sequence[Ubrn]) -> Sequence[Stored[Referral]]:
        """Return the existing referrals among `ubrns`, in any order; for lists, whose members the caller may see."""
        ...

    async def amend(self, old: Stored[Referral], new: Referral) -> Stored[Referral]:
        """Replace the value without raising the version, for data that no reply about the referral itself shows."""
        ...

    async def next_ubrn(self) -> Ubrn:
        """Return a new UBRN, never used for any kind of request."""
        ...

    async def next_appointment_id(self) -> AppointmentId:
        """Return a new appointment id."""
        ...


class Directory(Protocol):
    """Organisations, sites, people, services and registered applications, by key."""

    async def version(self) -> int:
        """Return the directory's version, which rises with every change to the services."""
        ...

    async def organisation(self, ods: OdsCode) -> Organisation | None:
        """Return the organisation with this code."""
        ...

    async def site(self, ods: OdsCode) -> Site | None:
        """Return the site with this code."""
        ...

    async def user(self, user: UserId) -> User | None:
        """Return the person with this id."""
        ...

    async def users(self) -> Sequence[User]:
        """Return all people, sorted by id."""
        ...

    async def find_users(self, text: str, most: int) -> Sequence[User]:
        """Return the first `most` active people, by id, with a text in their id, name or organisation; for pages."""
        ...

    async def users_at(self, organisation: OdsCode) -> Sequence[User]:
        """Return all people with a role at this organisation, sorted by id."""
        ...

    async def service(self, service: ServiceId) -> Stored[Service] | None:
        """Return the service with this id, published or not."""
        ...

    async def services(self, ids: Iterable[ServiceId]) -> Sequence[Stored[Service]]:
        """Return the existing services among `ids`, in the requested order."""
        ...

    async def published(self, after: int, most: int) -> Sequence[Service]:
        """Return the first `most` published services with a number above `after`, sorted, for the search index."""
        ...

    async def changed(self, after: int, most: int) -> Sequence[tuple[int, Service]]:
        """Return the first `most` services, in any state, that changed after a version of the directory.

        Each comes with the version of its change, by which they are sorted.
        """
        ...

    async def application(self, client_id: str) -> Application | None:
        """Return the registered application with this client id."""
        ...

    async def applications(self) -> Sequence[Application]:
        """Return all registered applications, sorted by client id."""
        ...

    async def put_organisation(self, organisation: Organisation) -> None:
        """Add or replace an organisation."""
        ...

    async def put_site(self, site: Site) -> None:
        """Add or replace a site."""
        ...

    async def put_user(self, user: User) -> None:
        """Add or replace a person."""
        ...

    async def put_service(self, service: Service) -> None:
        """Add or replace a service; raises its version and the directory's."""
        ...

    async def put_application(self, application: Application) -> None:
        """Add or replace an application."""
        ...


class DueItem(msgspec.Struct, frozen=True):
    """A claimed item of due work. `attempt` counts from 1."""

    kind: str
    key: str
    due_at: Instant
    attempt: int


class Due(Protocol):
    """Due work: work that no request causes directly. An act adds it in its own transaction."""

    async def add(self, kind: str, key: str, at: Instant) -> None:
        """Schedule `kind` for `key` at an instant; this replaces an earlier schedule."""
        ...

    async def planned(self, kind: str, key: str) -> bool:
        """Return whether such an item exists."""
        ...

    async def upcoming(self, until: Instant, most: int) -> Sequence[DueItem]:
        """Return the first `most` items that may run by an instant, in order; `due_at` takes claims into account."""
        ...

    async def waiting(self, now: Instant) -> Sequence[str]:
        """Return the kinds that have unclaimed items due at `now`."""
        ...

    async def claim(self, kind: str, now: Instant, until: Instant, most: int) -> Sequence[DueItem]:
        """Claim up to `most` items of a kind that are due at `now`, earliest first, for this runner until `until`."""
        ...

    async def done(self, item: DueItem) -> None:
        """Remove a completed item."""
        ...

    async def retry(self, item: DueItem, at: Instant) -> None:
        """Release a claimed item, to run again at an instant."""
        ...


class Tx(Protocol):
    """The data that a use case reads and writes within one transaction of one world."""

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
        """Tokens, codes and sessions."""
        ...

    @property
    def patients(self) -> Patients:
        """The world's own patients."""
        ...

    @property
    def mirror(self) -> PatientMirror:
        """What PDS said of patients' numbers, and when."""
        ...

    @property
    def due(self) -> Due:
        """Due work."""
        ...

    @property
    def records(self) -> Records:
        """Loading of records with given keys and versions."""
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
        """Claims on referrals with a call to a PAS in progress."""
        ...

    @property
    def links(self) -> Links:
        """The PAS links of services."""
        ...

    @property
    def worklists(self) -> Worklists:
        """Worklists of referrals."""
        ...

    @property
    def events(self) -> Events:
        """The event log."""
        ...

    @property
    def webhooks(self) -> Webhooks:
        """Registered webhooks."""
        ...

    @property
    def audit(self) -> AuditTrail:
        """Sealed entries of the audit."""
        ...

    @property
    def exchanges(self) -> Exchanges:
        """Logged exchanges."""
        ...

    @property
    def registers(self) -> Registers:
        """Administered records, with their versions."""
        ...

    @property
    def access_codes(self) -> AccessCodes:
        """Patients' access codes."""
        ...


class Store(Protocol):
    """One world's durable state."""

    @property
    def generation(self) -> int:
        """A counter that rises when readers may have seen data that was never committed: caches must be dropped."""
        ...

    def begin(self, entry: AuditEntry, lock: Sequence[str] = ()) -> AbstractAsyncContextManager[Tx]:
        """Return a transaction that commits durably, with `entry`, when its body ends, or changes nothing.

        It first locks the records named by `lock`, all at once. Raises RecordLocked, Unavailable.
        """
        ...

    def read(self) -> AbstractAsyncContextManager[Tx]:
        """Return a view of the current state that only reads."""
        ...

    async def record_audit(self, entry: AuditEntry) -> None:
        """Persist an audit entry that has no transaction of its own, batched with concurrent entries."""
        ...

    async def log_exchanges(self, batch: ExchangeBatch, now: Instant, bounds: LogBounds) -> None:
        """Store logged exchanges, without an audit entry. Raises Unavailable."""
        ...

    async def upkeep(self) -> None:
        """Do the store's regular maintenance, such as sealing waiting audit entries. Raises Unavailable."""
        ...

    async def heads(self) -> Sequence[str]:
        """Return the heads of the audit chains as text for the log, so that a later cut or rewrite can be detected."""
        ...

    async def check(self) -> None:
        """Raise Unavailable if the store does not answer."""
        ...

    async def close(self) -> None:
        """Finish work in progress and close the database."""
        ...


class PatientSource(Protocol):
    """The source of patients: the world's own table, or PDS."""

    async def get(self, nhs_number: NhsNumber, tx: Tx) -> Patient | None:
        """Return the patient with this number, even if sensitive. Raises Unavailable."""
        ...

    async def find(self, search: PatientSearch, most: int, tx: Tx) -> Sequence[Patient]:
        """Return the first `most` patients who fit, without sensitive ones. Raises Unavailable."""
        ...

    async def unusable(self, numbers: Collection[NhsNumber], tx: Tx) -> frozenset[NhsNumber]:
        """Return those of the numbers whose records cannot be used: sensitive or unknown ones. Raises Unavailable."""
        ...


class ReferenceData(Protocol):
    """Code systems, clinical terms and locations of postcodes: data that changes only with releases."""

    def code_system(self, name: CodeSystemName) -> CodeSystem:
        """Return one of the six dynamic code systems."""
        ...

    def clinical_term(self, code: str) -> ClinicalTerm | None:
        """Return the SNOMED CT concept, or `None` if the dictionary lacks it."""
        ...

    def locate(self, postcode: Postcode) -> Point | None:
        """Return the location of a postcode's outward area."""
        ...
