"""The registers for programs that are not asynchronous: each call waits for its result."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final, Generic, TypeVar

from openers_client.administration.api import Administration
from openers_client.administration.defining import Change, Checked, ClinicType, Referrer, ServiceDraft, Visibility
from openers_client.administration.records import NewWebhook, Service, Webhook
from openers_client.administration.registers import (
    PAGE,
    EndingRegister,
    Register,
    Registered,
    Webhooks,
)
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
        """Store the services `inner` and the runner of their calls."""
        super().__init__(inner, runner)
        self._services = inner

    def create_draft(self, draft: ServiceDraft) -> Registered[ServiceDraft]:
        """Save a new draft."""
        return self._runner.run(self._services.create_draft(draft))

    def drafts(self, page_size: int = PAGE) -> Iterator[Registered[ServiceDraft]]:
        """Yield all drafts that the caller may define."""
        return self._runner.each(self._services.drafts(page_size))

    def clinic_types(self) -> tuple[ClinicType, ...]:
        """Return the pairs of specialty and clinic type that a service can have today."""
        return self._runner.run(self._services.clinic_types())

    def read_draft(self, service: str) -> Registered[ServiceDraft]:
        """Read the draft, as `Services.read_draft` does."""
        return self._runner.run(self._services.read_draft(service))

    def save_draft(self, before: Registered[ServiceDraft], draft: ServiceDraft) -> Registered[ServiceDraft]:
        """Replace the version `before` of a draft."""
        return self._runner.run(self._services.save_draft(before, draft))

    def discard_draft(self, service: str) -> None:
        """Discard the draft, as `Services.discard_draft` does."""
        self._runner.run(self._services.discard_draft(service))

    def check(self, service: str) -> Checked:
        """Return what the checks of publishing find in the draft."""
        return self._runner.run(self._services.check(service))

    def publish(self, before: Registered[ServiceDraft]) -> Registered[Service]:
        """Make the version `before` of the draft the live service."""
        return self._runner.run(self._services.publish(before))

    def unpublish(self, service: str) -> Registered[Service]:
        """Hide the service from searches."""
        return self._runner.run(self._services.unpublish(service))

    def end_on(self, service: str, day: date) -> Registered[Service]:
        """Set the last day on which the service is found."""
        return self._runner.run(self._services.end_on(service, day))

    def copy(self, service: str, name: str) -> Registered[ServiceDraft]:
        """Save a copy as a new draft."""
        return self._runner.run(self._services.copy(service, name))

    def versions(self, service: str) -> tuple[int, ...]:
        """Return the numbers of the live versions, the last one first."""
        return self._runner.run(self._services.versions(service))

    def version(self, service: str, number: int) -> Registered[Service]:
        """Read the live service as it was in a version."""
        return self._runner.run(self._services.version(service, number))

    def difference(self, service: str, before: int | None = None, after: int | None = None) -> tuple[Change, ...]:
        """Return what differs between two versions, by default between the live one and the draft."""
        return self._runner.run(self._services.difference(service, before, after))

    def poll(self, service: str) -> int:
        """Poll the PAS of the service now; return how many slots have changed."""
        return self._runner.run(self._services.poll(service))

    def visibility(self, service: str, referrer: Referrer) -> Visibility:
        """Return whether a referrer sees the service and its next slots, and what hides them."""
        return self._runner.run(self._services.visibility(service, referrer))


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


class SyncAdministration:
    """`Administration`, whose registers wait."""

    def __init__(self, inner: Administration, runner: Runner) -> None:
        """Store the registers `inner` and the runner of their calls."""
        self.organisations: Final = SyncEndingRegister(inner.organisations, runner)
        self.sites: Final = SyncEndingRegister(inner.sites, runner)
        self.people: Final = SyncEndingRegister(inner.people, runner)
        self.applications: Final = SyncEndingRegister(inner.applications, runner)
        self.services: Final = SyncServices(inner.services, runner)
        self.commissioning_rules: Final = SyncEndingRegister(inner.commissioning_rules, runner)
        self.pas_links: Final = SyncEndingRegister(inner.pas_links, runner)
        self.endpoints: Final = SyncEndingRegister(inner.endpoints, runner)
        self.patients: Final = SyncRegister(inner.patients, runner)
        self.webhooks: Final = SyncWebhooks(inner.webhooks, runner)
