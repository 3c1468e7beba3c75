"""The port for administered records: each has a key and a version, and history keeps its replaced values.

The rules in `transaction.py` apply here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import msgspec

from openers.domain.audit import AuditEntry, AuditPlace
from openers.domain.booking import PasLink
from openers.domain.clock import Instant
from openers.domain.credentials import Application
from openers.domain.directory import Organisation, Service, Site, User
from openers.domain.endpoints.endpoint import Endpoint
from openers.domain.exchanges.exchange import ExchangeBatch, LogBounds
from openers.domain.identifiers import NhsNumber, OdsCode, ServiceId
from openers.domain.patient import Patient
from openers.domain.services.access import CommissioningRule, Rules
from openers.domain.services.code_sets import CodeSet
from openers.domain.services.draft import ServiceDraft
from openers.domain.webhooks import Webhook
from openers.usecases.ports.stored import Stored

T = TypeVar("T")


class Window(msgspec.Struct, frozen=True):
    """Part of a list: at most `most` records after the key `after`, of one organisation if it is given."""

    after: str = ""
    most: int = 100
    organisation: OdsCode | None = None


class Register(Protocol[T]):
    """The records of one kind."""

    async def get(self, key: str) -> Stored[T] | None:
        """Return the record with this key."""
        ...

    async def several(self, keys: Sequence[str]) -> Sequence[Stored[T]]:
        """Return the existing records among `keys`, in any order."""
        ...

    async def held(self, keys: Sequence[str]) -> Sequence[Stored[T]]:
        """Return the existing records among `keys`; no other act changes them before this act ends."""
        ...

    async def page(self, window: Window) -> Sequence[Stored[T]]:
        """Return part of the list, in the order of the keys."""
        ...

    async def add(self, value: T) -> Stored[T]:
        """Store a new record in version 1. Raises VersionConflict if its key exists."""
        ...

    async def replace(self, old: Stored[T], new: T) -> Stored[T]:
        """Replace a value, raise the version by one and keep the old value in history. Raises VersionConflict."""
        ...

    async def write(self, changes: Sequence[tuple[Stored[T] | None, T]]) -> None:
        """Store new records, and replace others that `held` returned; all have different keys. Raises RecordLocked."""
        ...


class ServiceRegister(Register[Service], Protocol):
    """Services by number. A change raises the directory's version too."""

    async def past(self, key: str, version: int) -> Service | None:
        """Return the value that a service had in an earlier version."""
        ...

    async def amend(self, old: Stored[Service], new: Service) -> None:
        """Replace a value without raising the version of the service. Raises VersionConflict."""
        ...

    async def touch(self, service: ServiceId) -> None:
        """Let searches read a service again, since what others say of it has changed."""
        ...

    async def namesakes(self, name: str) -> frozenset[ServiceId]:
        """Return the services, live and drafts, that have a name, in capital or small letters."""
        ...

    async def next_id(self) -> ServiceId:
        """Return a number that no service has."""
        ...


class DraftRegister(Register[ServiceDraft], Protocol):
    """Drafts of services by number; their organisation owns them."""

    async def remove(self, key: str) -> None:
        """Remove a draft that was never published."""
        ...


class RuleRegister(Register[CommissioningRule], Protocol):
    """Commissioning rules by service and commissioner; the commissioner owns them."""

    async def of_services(self, services: Sequence[ServiceId], *, withdrawn: bool = False) -> dict[ServiceId, Rules]:
        """Return the rules by service: those that are not withdrawn, or all."""
        ...


class CodeSetRegister(Register[CodeSet], Protocol):
    """Dated code sets by their first day; they have no owner."""

    async def active(self) -> Sequence[CodeSet]:
        """Return all sets that have not ended, in the order of their days."""
        ...

    async def edition(self) -> int:
        """Return a number that rises with each change of a set."""
        ...


class EndpointRegister(Register[Endpoint], Protocol):
    """Registered endpoints by ASID; their organisation owns them."""

    async def of_certificate(self, fingerprint: str) -> Endpoint | None:
        """Return the endpoint with a registered certificate (SHA-256, hexadecimal)."""
        ...


class Registers(Protocol):
    """The registers of one world."""

    @property
    def organisations(self) -> Register[Organisation]:
        """Organisations by ODS code."""
        ...

    @property
    def sites(self) -> Register[Site]:
        """Sites by ODS code; their organisation owns them."""
        ...

    @property
    def people(self) -> Register[User]:
        """People by id; every organisation where they have a role owns them."""
        ...

    @property
    def applications(self) -> Register[Application]:
        """Applications by client id."""
        ...

    @property
    def services(self) -> ServiceRegister:
        """Services by number; their organisation owns them."""
        ...

    @property
    def drafts(self) -> DraftRegister:
        """Drafts of services."""
        ...

    @property
    def rules(self) -> RuleRegister:
        """Commissioning rules."""
        ...

    @property
    def code_sets(self) -> CodeSetRegister:
        """Dated code sets."""
        ...

    @property
    def links(self) -> Register[PasLink]:
        """The PAS links by number of the service; its organisation owns them."""
        ...

    @property
    def patients(self) -> Register[Patient]:
        """The world's own patients by NHS number."""
        ...

    @property
    def webhooks(self) -> Register[Webhook]:
        """Webhooks by id."""
        ...

    @property
    def endpoints(self) -> EndpointRegister:
        """Registered endpoints."""
        ...


class Exchanges(Protocol):
    """Logged exchanges in batches, whose numbers rise in the order of commit."""

    async def add(self, batch: ExchangeBatch, now: Instant, bounds: LogBounds) -> None:
        """Store a batch, and remove the oldest ones beyond the bounds."""
        ...

    async def after(self, number: int, now: Instant, most_bytes: int) -> Sequence[ExchangeBatch]:
        """Return the next batches after `number` that are not too old: at least one, then up to `most_bytes`."""
        ...

    async def purge(self, now: Instant) -> int:
        """Remove batches that are too old; return how many."""
        ...


class AuditTrail(Protocol):
    """The sealed entries of the audit."""

    async def of_patient(
        self, patient: NhsNumber, since: Instant, before: AuditPlace, most: int
    ) -> Sequence[tuple[AuditPlace, AuditEntry]]:
        """Return the last `most` sealed entries of a patient before a place, the newest first."""
        ...
