"""All registers of the administration API, for one caller."""

from __future__ import annotations

from typing import Final

from openers_client.administration import records
from openers_client.administration.registers import EndingRegister, Register, Webhooks
from openers_client.administration.services import Services
from openers_client.operations.base import Calling


class Administration:
    """The registers of a service, for one caller: an application that may administer, or a person in a role."""

    def __init__(self, calling: Calling) -> None:
        """Store who calls."""
        self.organisations: Final = EndingRegister(calling, "organisations", records.Organisation, lambda one: one.ods)
        self.sites: Final = EndingRegister(calling, "sites", records.Site, lambda one: one.ods)
        self.people: Final = EndingRegister(calling, "people", records.Person, lambda one: one.id)
        self.applications: Final = EndingRegister(
            calling, "applications", records.RegisteredApplication, lambda one: one.client_id
        )
        self.services: Final = Services(calling)
        self.commissioning_rules: Final = EndingRegister(
            calling, "commissioning-rules", records.CommissioningRule, lambda one: one.id
        )
        self.pas_links: Final = EndingRegister(calling, "pas-links", records.PasLink, lambda one: one.service)
        self.endpoints: Final = EndingRegister(calling, "endpoints", records.Endpoint, lambda one: one.asid)
        self.patients: Final = Register(calling, "patients", records.Patient, lambda one: one.nhs_number)
        self.webhooks: Final = Webhooks(calling)
