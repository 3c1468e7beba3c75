"""The registers of the administration API, one for each kind of record, and the webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from openers_client.administration import records
from openers_client.administration.audit import Audit
from openers_client.administration.register import JSON, AdminCalls, EndingRegister, Register, call_of, read_as
from openers_client.administration.services import Services
from openers_client.fhir import Json
from openers_client.operations.base import Calling, path


class Webhooks:
    """The webhooks. Each method raises `ErsError`."""

    def __init__(self, calling: Calling) -> None:
        """Store who calls."""
        self._calls: Final = AdminCalls(calling)
        self._register: Final = Register(calling, "webhooks", records.Webhook, lambda webhook: webhook.id)

    async def read(self, webhook_id: str) -> records.Webhook:
        """Read a webhook."""
        return (await self._register.read(webhook_id)).value

    async def all(self) -> AsyncIterator[records.Webhook]:
        """Yield all webhooks."""
        async for each in self._register.all():
            yield each.value

    async def register(self, url: str, since: int | None = None, secret: str | None = None) -> records.NewWebhook:
        """Register an address for all events after number `since`, by default after the latest one.

        Without a `secret` the service makes one; no later reply shows it. If the reply is lost, this raises
        OutcomeUnknown: look for the address in the list.
        """
        given: Json = {"url": url, "since": since, "secret": secret}
        body = {name: each for name, each in given.items() if each is not None}
        call = call_of("POST", "/webhooks", headers={"Content-Type": JSON}, body=body)
        return read_as((await self._calls.send(call)).json(), records.NewWebhook)

    async def remove(self, webhook_id: str) -> None:
        """Remove a webhook."""
        await self._calls.send(call_of("DELETE", path("/webhooks/{}", webhook_id)))


class Administration:
    """The registers and the audit of a service, for an application that may administer or a person in a role."""

    def __init__(self, calling: Calling) -> None:
        """Store who calls."""
        self.organisations: Final = EndingRegister(calling, "organisations", records.Organisation, lambda one: one.ods)
        self.sites: Final = EndingRegister(calling, "sites", records.Site, lambda one: one.ods)
        self.people: Final = EndingRegister(calling, "people", records.Person, lambda one: one.id)
        self.applications: Final = EndingRegister(
            calling, "applications", records.RegisteredApplication, lambda one: one.client_id
        )
        self.code_sets: Final = EndingRegister(
            calling, "code-sets", records.CodeSet, lambda one: one.starts.isoformat()
        )
        self.services: Final = Services(calling)
        self.commissioning_rules: Final = EndingRegister(
            calling, "commissioning-rules", records.CommissioningRule, lambda one: one.id
        )
        self.pas_links: Final = EndingRegister(calling, "pas-links", records.PasLink, lambda one: one.service)
        self.endpoints: Final = EndingRegister(calling, "endpoints", records.Endpoint, lambda one: one.asid)
        self.patients: Final = Register(calling, "patients", records.Patient, lambda one: one.nhs_number)
        self.webhooks: Final = Webhooks(calling)
        self.audit: Final = Audit(calling)
