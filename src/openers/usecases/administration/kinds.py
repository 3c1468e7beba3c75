"""The kinds of record: how each is found, checked, ended, and what depends on it. One row for each resource."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, Final, NamedTuple

import msgspec

from openers.domain.administration.rights import Resource
from openers.domain.booking import PasLink
from openers.domain.credentials import Application
from openers.domain.directory import Organisation, Service, ServiceStatus, Site, User
from openers.domain.endpoints.endpoint import Endpoint, EndpointStatus
from openers.domain.identifiers import Identifier, NhsNumber, OdsCode, ServiceId, UserId
from openers.domain.patient import Patient
from openers.domain.services.access import CommissioningRule
from openers.domain.services.code_sets import CodeSet
from openers.domain.webhooks import Webhook
from openers.usecases.administration import checks, effects
from openers.usecases.administration.code_sets import affect_code_set, check_code_set
from openers.usecases.ports.registers import Register
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

LONGEST_KEY: Final = 100
"""Maximum characters of a client id or of the id of a webhook."""
IDENTIFIERS: Final[dict[Resource, type[Identifier]]] = {
    Resource.ORGANISATIONS: OdsCode,
    Resource.SITES: OdsCode,
    Resource.PEOPLE: UserId,
    Resource.SERVICES: ServiceId,
    Resource.PAS_LINKS: ServiceId,
    Resource.PATIENTS: NhsNumber,
}
"""The formats of keys that are identifiers."""


async def _as_sent(value: Any, _tx: Tx) -> Any:
    return value


class Kind(NamedTuple):
    """One kind of record.

    `key_field` is the field of the key, `register_name` the name of the register. `owners` returns the organisations
    that own a record. `check` raises Unfit if a value, which replaces the second one, breaks a rule. `ended` returns
    the value that has ended on a day; it is absent if nothing ends this way. `affect` does, in the act, what a change
    causes elsewhere. `filled` returns a sent value with what the service fills in.
    """

    resource: Resource
    of: type[Any]
    key_field: str
    register_name: str
    owners: Callable[[Any, Tx], Awaitable[frozenset[OdsCode]]]
    check: Callable[[Any, Any, World, Tx], Awaitable[None]] = checks.nothing
    ended: Callable[[Any, date], Any] | None = None
    affect: Callable[[Any, Any, World, Tx], Awaitable[None]] = effects.nothing
    filled: Callable[[Any, Tx], Awaitable[Any]] = _as_sent

    def key(self, value: Any) -> str:
        """Return the key of a record."""
        return str(getattr(value, self.key_field))

    def register(self, tx: Tx) -> Register[Any]:
        """Return the register of these records."""
        register: Register[Any] = getattr(tx.registers, self.register_name)
        return register

    @property
    def ends_on_a_day(self) -> bool:
        """Return whether a caller may name the day on which a record ends."""
        return self.ended is _closed

    def is_key(self, text: str) -> bool:
        """Return whether a record could have this key."""
        if self.resource in IDENTIFIERS:
            return IDENTIFIERS[self.resource].pattern.fullmatch(text) is not None
        return 0 < len(text) <= LONGEST_KEY and text.isascii() and text.isprintable()

    def locks(self, key: str, value: Any = None) -> tuple[str, ...]:
        """Return the locks of an act that changes the record, to `value` if it is put: first that of the record."""
        more = {Resource.PAS_LINKS: (f"polling/{key}",), Resource.CODE_SETS: (Resource.CODE_SETS.value,)}
        held = value.certificates if isinstance(value, Endpoint) else ()
        return (
            f"{self.resource}/{key}",
            *more.get(self.resource, ()),
            *(f"certificate/{each.fingerprint}" for each in held),
        )


async def _of_organisation(value: Organisation, _tx: Tx) -> frozenset[OdsCode]:
    return frozenset({value.ods})


async def _of_its_organisation(value: Site | Service | Endpoint, _tx: Tx) -> frozenset[OdsCode]:
    return frozenset({value.organisation})


async def _of_person(value: User, _tx: Tx) -> frozenset[OdsCode]:
    return frozenset(role.organisation for role in value.roles)


async def _of_commissioner(value: CommissioningRule, _tx: Tx) -> frozenset[OdsCode]:
    return frozenset({value.commissioner})


async def _of_link(value: PasLink, tx: Tx) -> frozenset[OdsCode]:
    service = await tx.directory.service(value.service) or await tx.registers.drafts.get(value.service)
    return frozenset() if service is None else frozenset({service.value.organisation})


async def _of_nobody(_value: Any, _tx: Tx) -> frozenset[OdsCode]:
    return frozenset()


async def _with_pathways(value: Service, tx: Tx) -> Service:
    """Return the service with the workgroups that may refer into it, if it is restricted."""
    if value.restriction is None:
        return value
    own = frozenset({value.workgroup} if value.id in value.restriction.services else ())
    workgroups = own | await checks.authorised_workgroups(value.restriction, tx)
    return msgspec.structs.replace(value, restriction=msgspec.structs.replace(value.restriction, workgroups=workgroups))


def _closed(value: Any, day: date) -> Any:
    """Return the value closed on a day, unless it has closed by then."""
    return value if value.is_closed(day) else msgspec.structs.replace(value, closed_on=day)


def _inactive(value: Any, _day: date) -> Any:
    return msgspec.structs.replace(value, active=False)


def _withdrawn(value: Service, _day: date) -> Service:
    return msgspec.structs.replace(value, status=ServiceStatus.WITHDRAWN)


def _revoked(value: Endpoint, _day: date) -> Endpoint:
    return msgspec.structs.replace(value, status=EndpointStatus.REVOKED)


_ROWS: Final = (
    Kind(
        Resource.ORGANISATIONS,
        Organisation,
        "ods",
        "organisations",
        _of_organisation,
        checks.organisation,
        _closed,
    ),
    Kind(Resource.SITES, Site, "ods", "sites", _of_its_organisation, checks.site, _closed),
    Kind(Resource.PEOPLE, User, "id", "people", _of_person, checks.person, _inactive, effects.of_person),
    Kind(
        Resource.APPLICATIONS,
        Application,
        "client_id",
        "applications",
        _of_nobody,
        checks.application,
        _inactive,
        effects.of_application,
    ),
    Kind(
        Resource.CODE_SETS,
        CodeSet,
        "starts",
        "code_sets",
        _of_nobody,
        check_code_set,
        _inactive,
        affect_code_set,
    ),
    Kind(
        Resource.SERVICES,
        Service,
        "id",
        "services",
        _of_its_organisation,
        checks.service,
        _withdrawn,
        effects.of_service,
        _with_pathways,
    ),
    Kind(
        Resource.COMMISSIONING_RULES,
        CommissioningRule,
        "id",
        "rules",
        _of_commissioner,
        checks.rule,
        _inactive,
        effects.of_rule,
    ),
    Kind(Resource.PAS_LINKS, PasLink, "service", "links", _of_link, checks.link, _inactive, effects.of_link),
    Kind(Resource.ENDPOINTS, Endpoint, "asid", "endpoints", _of_its_organisation, checks.endpoint, _revoked),
    Kind(Resource.PATIENTS, Patient, "nhs_number", "patients", _of_nobody, checks.patient, affect=effects.of_patient),
    Kind(Resource.WEBHOOKS, Webhook, "id", "webhooks", _of_nobody),
)
KINDS: Final = {each.resource: each for each in _ROWS}
"""Each resource with its kind of record. Webhooks are made and removed by `webhooks.py`, and only read here."""
