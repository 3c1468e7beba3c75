"""The registers for programs that are not asynchronous: each call waits for its result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final, Generic, TypeVar

from openers_client.administration.audit import Audit, AuditEvent, AuditPage, AuditSearch
from openers_client.administration.drafts import (
    Checks,
    ClinicType,
    Difference,
    Draft,
    PutMany,
    Visibility,
    VisibilityQuestion,
)
from openers_client.administration.records import NewWebhook, Service, Webhook
from openers_client.administration.register import PAGE, EndingRegister, Register, Registered
from openers_client.administration.registers import Administration, Webhooks
from openers_client.administration.services import Services
from openers_client.runner import Runner

T = TypeVar("T")


class SyncRegister(Generic[T]):
    """`Register`, whose methods wait."""

    def __init__(self, inner: Register[T], runner: Runner) -> None:
        """Store the register `inner` and the runner of its calls."""
        self._inner, self._runner = inner, runner

    def read(self, key: str) -> Registered[T]:
        """Read a record."""
        return self._runner.run(self._inner.read(key))

    def all(self, organisation: str | None = None, page_size: int = PAGE) -> Iterator[Registered[T]]:
        """Yield all records in the order of their keys, or only those of an organisation."""
        return self._runner.each(self._inner.all(organisation, page_size))

    def page(
        self, cursor: str | None = None, organisation: str | None = None, page_size: int = PAGE
    ) -> tuple[tuple[Registered[T], ...], str | None]:
        """Return one page of the list, and the cursor of the next one, if any."""
        return self._runner.run(self._inner.page(cursor, organisation, page_size))

    def create(self, value: T, *, dry_run: bool = False) -> Registered[T]:
        """Create a record, as `Register.create` does."""
        return self._runner.run(self._inner.create(value, dry_run=dry_run))

    def replace(self, before: Registered[T], value: T, *, dry_run: bool = False) -> Registered[T]:
        """Replace the version `before` of a record, as `Register.replace` does."""
        return self._runner.run(self._inner.replace(before, value, dry_run=dry_run))

    def put(self, value: T, *, dry_run: bool = False) -> Registered[T]:
        """Create a record, or replace whatever version there is."""
        return self._runner.run(self._inner.put(value, dry_run=dry_run))

    def put_many(self, values: Sequence[T], *, dry_run: bool = False) -> PutMany:
        """Create or replace several records in one act, as `Register.put_many` does."""
        return self._runner.run(self._inner.put_many(values, dry_run=dry_run))


class SyncEndingRegister(SyncRegister[T]):
    """`EndingRegister`, whose methods wait."""

    def __init__(self, inner: EndingRegister[T], runner: Runner) -> None:
        """Store the register `inner` and the runner of its calls."""
        super().__init__(inner, runner)
        self._ending = inner

    def end(self, before: Registered[T], on: date | None = None, *, dry_run: bool = False) -> Registered[T]:
        """End the version `before` of a record, as `EndingRegister.end` does."""
        return self._runner.run(self._ending.end(before, on, dry_run=dry_run))


class SyncServices(SyncEndingRegister[Service]):
    """`Services`, whose methods wait."""

    def __init__(self, inner: Services, runner: Runner) -> None:
        """Store the register `inner` and the runner of its calls."""
        super().__init__(inner, runner)
        self._services = inner

    def drafts(self, organisation: str | None = None, page_size: int = PAGE) -> Iterator[Registered[Draft]]:
        """Yield all drafts that the caller may define, or only those of an organisation."""
        return self._runner.each(self._services.drafts(organisation, page_size))

    def create_draft(self, draft: Draft, *, dry_run: bool = False) -> Registered[Draft]:
        """Save a new draft, which gets its number."""
        return self._runner.run(self._services.create_draft(draft, dry_run=dry_run))

    def read_draft(self, number: str) -> Registered[Draft]:
        """Read the draft of a service."""
        return self._runner.run(self._services.read_draft(number))

    def save_draft(self, before: Registered[Draft], draft: Draft, *, dry_run: bool = False) -> Registered[Draft]:
        """Replace the version `before` of a draft."""
        return self._runner.run(self._services.save_draft(before, draft, dry_run=dry_run))

    def discard_draft(self, number: str, *, dry_run: bool = False) -> Registered[Draft]:
        """Discard a draft, as `Services.discard_draft` does."""
        return self._runner.run(self._services.discard_draft(number, dry_run=dry_run))

    def copy(self, number: str, name: str, *, dry_run: bool = False) -> Registered[Draft]:
        """Save a copy as a new draft with another name."""
        return self._runner.run(self._services.copy(number, name, dry_run=dry_run))

    def clinic_types(self) -> tuple[ClinicType, ...]:
        """Return the pairs of specialty and clinic type that a service can have today."""
        return self._runner.run(self._services.clinic_types())

    def check(self, number: str) -> Checks:
        """Return whether the draft of a service can be published, and what the checks find."""
        return self._runner.run(self._services.check(number))

    def publish(
        self, number: str, draft: Registered[Draft] | None = None, *, dry_run: bool = False
    ) -> Registered[Service]:
        """Make the draft the live service, as `Services.publish` does."""
        return self._runner.run(self._services.publish(number, draft, dry_run=dry_run))

    def unpublish(self, number: str, *, dry_run: bool = False) -> Registered[Service]:
        """Hide a service from searches."""
        return self._runner.run(self._services.unpublish(number, dry_run=dry_run))

    def end_on(self, number: str, last: date, *, dry_run: bool = False) -> Registered[Service]:
        """Set the last day on which a service is found."""
        return self._runner.run(self._services.end_on(number, last, dry_run=dry_run))

    def versions(self, number: str) -> tuple[int, ...]:
        """Return the versions of the live service, the last one first."""
        return self._runner.run(self._services.versions(number))

    def version(self, number: str, version: int) -> Registered[Service]:
        """Return the live service as it was in a version."""
        return self._runner.run(self._services.version(number, version))

    def differences(self, number: str, first: int | None = None, second: int | None = None) -> tuple[Difference, ...]:
        """Return what differs between two versions: by default the live one, and the draft."""
        return self._runner.run(self._services.differences(number, first, second))

    def poll(self, number: str) -> int:
        """Poll the PAS of a service now; return how many slots changed."""
        return self._runner.run(self._services.poll(number))

    def visibility(self, number: str, asked: VisibilityQuestion) -> Visibility:
        """Return why a search does not find a service, and which of its next slots are hidden."""
        return self._runner.run(self._services.visibility(number, asked))


class SyncWebhooks:
    """`Webhooks`, whose methods wait."""

    def __init__(self, inner: Webhooks, runner: Runner) -> None:
        """Store the webhooks `inner` and the runner of their calls."""
        self._inner, self._runner = inner, runner

    def read(self, webhook_id: str) -> Webhook:
        """Read a webhook."""
        return self._runner.run(self._inner.read(webhook_id))

    def all(self) -> Iterator[Webhook]:
        """Yield all webhooks."""
        return self._runner.each(self._inner.all())

    def register(self, url: str, since: int | None = None, secret: str | None = None) -> NewWebhook:
        """Register an address for events, as `Webhooks.register` does."""
        return self._runner.run(self._inner.register(url, since, secret))

    def remove(self, webhook_id: str) -> None:
        """Remove a webhook."""
        self._runner.run(self._inner.remove(webhook_id))


class SyncAudit:
    """`Audit`, whose methods wait."""

    def __init__(self, inner: Audit, runner: Runner) -> None:
        """Store the audit `inner` and the runner of its calls."""
        self._inner, self._runner = inner, runner

    def page(self, search: AuditSearch, cursor: str | None = None, page_size: int = PAGE) -> AuditPage:
        """Return one page of the entries that fit; an empty page may have a next one."""
        return self._runner.run(self._inner.page(search, cursor, page_size))

    def all(self, search: AuditSearch, page_size: int = PAGE) -> Iterator[AuditEvent]:
        """Yield all entries that fit, the newest first."""
        return self._runner.each(self._inner.all(search, page_size))


class SyncAdministration:
    """`Administration`, whose registers wait."""

    def __init__(self, inner: Administration, runner: Runner) -> None:
        """Store the registers `inner` and the runner of their calls."""
        self.organisations: Final = SyncEndingRegister(inner.organisations, runner)
        self.sites: Final = SyncEndingRegister(inner.sites, runner)
        self.people: Final = SyncEndingRegister(inner.people, runner)
        self.applications: Final = SyncEndingRegister(inner.applications, runner)
        self.code_sets: Final = SyncEndingRegister(inner.code_sets, runner)
        self.services: Final = SyncServices(inner.services, runner)
        self.commissioning_rules: Final = SyncEndingRegister(inner.commissioning_rules, runner)
        self.pas_links: Final = SyncEndingRegister(inner.pas_links, runner)
        self.endpoints: Final = SyncEndingRegister(inner.endpoints, runner)
        self.patients: Final = SyncRegister(inner.patients, runner)
        self.webhooks: Final = SyncWebhooks(inner.webhooks, runner)
        self.audit: Final = SyncAudit(inner.audit, runner)
