"""Administered records in SQL: one table each, with a version.

Repositories for other purposes read the same tables; all writes of administered values come here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, delete, insert, select

from openers.domain.booking import PasLink
from openers.domain.credentials import Application
from openers.domain.directory import Organisation, Service, Site, User
from openers.domain.endpoints.endpoint import Endpoint
from openers.domain.patient import Patient
from openers.domain.services.access import CommissioningRule
from openers.domain.services.code_sets import CodeSet
from openers.domain.services.draft import ServiceDraft
from openers.domain.webhooks import Webhook
from openers.store.engine import tables
from openers.store.engine.statements import Connection, Statement, upsert
from openers.store.registers.code_sets import SqlCodeSets
from openers.store.registers.services import SqlDrafts, SqlRules, SqlServices
from openers.store.registers.table import Layout, RegisterTable, SqlRegister

_DROP_ROLES: Final = Statement(delete(tables.user_roles).where(tables.user_roles.c.user == bindparam("key")))
_ADD_ROLE: Final = Statement(insert(tables.user_roles))


class SqlPeople(SqlRegister[User]):
    """The register of people, with the organisations where they have a role."""

    __slots__ = ()

    async def _written(self, values: Sequence[User]) -> None:
        held = [(role.organisation, value.id) for value in values for role in value.roles]
        rows = [{"organisation": organisation, "user": user} for organisation, user in dict.fromkeys(held)]
        await self._connection.run_many(_DROP_ROLES, [{"key": value.id} for value in values])
        await self._connection.run_many(_ADD_ROLE, rows)


class SqlEndpoints(SqlRegister[Endpoint]):
    """The register of endpoints, with their certificates for look-ups."""

    __slots__ = ()

    async def of_certificate(self, fingerprint: str) -> Endpoint | None:
        """Return the endpoint with a registered certificate."""
        row = await self._connection.row(_OF_CERTIFICATE, {"of_fingerprint": fingerprint})
        return None if row is None else _ENDPOINTS.decoder.decode(row[0])

    async def _written(self, values: Sequence[Endpoint]) -> None:
        rows = [
            {"fingerprint": each.fingerprint, "asid": value.asid} for value in values for each in value.certificates
        ]
        await self._connection.run_many(_DROP_CERTIFICATES, [{"of_asid": value.asid} for value in values])
        await self._connection.run_many(_ADD_CERTIFICATE, rows)


_drafts_of: Final = select(tables.service_drafts.c.id).where(tables.service_drafts.c.organisation == bindparam("owner"))
_services_of: Final = (
    select(tables.services.c.id).where(tables.services.c.organisation == bindparam("owner")).union(_drafts_of)
)
_people_of: Final = select(tables.user_roles.c.user).where(tables.user_roles.c.organisation == bindparam("owner"))
_SERVICE: Final = ("status", "organisation")

_ORGANISATIONS: Final = RegisterTable(
    Layout(
        "organisation", tables.organisations, Organisation, "ods", (), tables.organisations.c.ods == bindparam("owner")
    )
)
_SITES: Final = RegisterTable(
    Layout("site", tables.sites, Site, "ods", ("organisation",), tables.sites.c.organisation == bindparam("owner"))
)
_PEOPLE: Final = RegisterTable(Layout("user", tables.users, User, "id", (), tables.users.c.id.in_(_people_of)))
_DRAFTS: Final = RegisterTable(
    Layout(
        "draft",
        tables.service_drafts,
        ServiceDraft,
        "id",
        ("organisation",),
        tables.service_drafts.c.organisation == bindparam("owner"),
    )
)
_RULES: Final = RegisterTable(
    Layout(
        "commissioning rule",
        tables.commissioning_rules,
        CommissioningRule,
        "id",
        ("service", "commissioner", "starts", "active"),
        tables.commissioning_rules.c.commissioner == bindparam("owner"),
    )
)
_CODE_SETS: Final = RegisterTable(Layout("code set", tables.code_sets, CodeSet, "starts"))
_APPLICATIONS: Final = RegisterTable(Layout("application", tables.applications, Application, "client_id"))
_SERVICES: Final = RegisterTable(
    Layout("service", tables.services, Service, "id", _SERVICE, tables.services.c.organisation == bindparam("owner"))
)
_LINKS: Final = RegisterTable(
    Layout("pas link", tables.pas_links, PasLink, "service", (), tables.pas_links.c.service.in_(_services_of))
)
_PATIENTS: Final = RegisterTable(Layout("patient", tables.patients, Patient, "nhs_number", ("sensitive", "born")))
_WEBHOOKS: Final = RegisterTable(Layout("webhook", tables.webhooks, Webhook, "id"))
_ENDPOINTS: Final = RegisterTable(
    Layout(
        "endpoint",
        tables.endpoints,
        Endpoint,
        "asid",
        ("organisation",),
        tables.endpoints.c.organisation == bindparam("owner"),
    )
)
_certificate: Final = tables.endpoint_certificates.c
_OF_CERTIFICATE: Final = Statement(
    select(tables.endpoints.c.body)
    .join(tables.endpoint_certificates, _certificate.asid == tables.endpoints.c.asid)
    .where(_certificate.fingerprint == bindparam("of_fingerprint"))
)
_DROP_CERTIFICATES: Final = Statement(
    delete(tables.endpoint_certificates).where(_certificate.asid == bindparam("of_asid"))
)
_ADD_CERTIFICATE: Final = upsert(tables.endpoint_certificates)


class SqlRegisters:
    """The `Registers` port over one connection."""

    __slots__ = (
        "applications",
        "code_sets",
        "drafts",
        "endpoints",
        "links",
        "organisations",
        "patients",
        "people",
        "rules",
        "services",
        "sites",
        "webhooks",
    )

    def __init__(self, connection: Connection) -> None:
        """Create all registers over `connection`."""
        self.organisations = SqlRegister(connection, _ORGANISATIONS)
        self.sites = SqlRegister(connection, _SITES)
        self.people = SqlPeople(connection, _PEOPLE)
        self.applications = SqlRegister(connection, _APPLICATIONS)
        self.services = SqlServices(connection, _SERVICES)
        self.links = SqlRegister(connection, _LINKS)
        self.patients = SqlRegister(connection, _PATIENTS)
        self.webhooks = SqlRegister(connection, _WEBHOOKS)
        self.drafts = SqlDrafts(connection, _DRAFTS)
        self.rules = SqlRules(connection, _RULES)
        self.code_sets = SqlCodeSets(connection, _CODE_SETS)
        self.endpoints = SqlEndpoints(connection, _ENDPOINTS)
