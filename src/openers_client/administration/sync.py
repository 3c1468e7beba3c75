"""The registers for programs that are not asynchronous: each call waits for its result."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final, Generic, TypeVar

from openers_client.administration.records import NewWebhook, Webhook
from openers_client.administration.registers import (
    PAGE,
    Administration,
    EndingRegister,
    Register,
    Registered,
    Webhooks,
)
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
        self.code_sets: Final = SyncEndingRegister(inner.code_sets, runner)
        self.services: Final = SyncEndingRegister(inner.services, runner)
        self.commissioning_rules: Final = SyncEndingRegister(inner.commissioning_rules, runner)
        self.pas_links: Final = SyncEndingRegister(inner.pas_links, runner)
        self.endpoints: Final = SyncEndingRegister(inner.endpoints, runner)
        self.patients: Final = SyncRegister(inner.patients, runner)
        self.webhooks: Final = SyncWebhooks(inner.webhooks, runner)
