"""Who may administer what: one table, closed by default. What no row allows is refused.

Source: wave 2 of the plan, chapter 3; rules part 2, chapter 3.5 (the activities B1106 and B1107).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from openers.domain.principal import BusinessFunction


class Resource(StrEnum):
    """A kind of record that is administered. The value is its name in addresses."""

    ORGANISATIONS = "organisations"
    SITES = "sites"
    PEOPLE = "people"
    APPLICATIONS = "applications"
    CODE_SETS = "code-sets"
    SERVICES = "services"
    COMMISSIONING_RULES = "commissioning-rules"
    PAS_LINKS = "pas-links"
    ENDPOINTS = "endpoints"
    PATIENTS = "patients"
    WEBHOOKS = "webhooks"


class Method(StrEnum):
    """What a caller does with a record: read it, create or replace it, or end it."""

    READ = "read"
    PUT = "put"
    END = "end"


class Reach(StrEnum):
    """Which records a right covers."""

    NONE = "none"
    OWN = "own organisation"
    ALL = "all"


class Caller(StrEnum):
    """A kind of caller: an application that acts for itself, or a person with one of three business functions."""

    APPLICATION = "application"
    ERS_ADMIN = "ERS_ADMIN"
    SERVICE_DEFINER = "SERVICE_DEFINER"
    COMMISSIONER = "COMMISSIONER"


FUNCTIONS: Final = {
    BusinessFunction.ERS_ADMIN: Caller.ERS_ADMIN,
    BusinessFunction.SERVICE_DEFINER: Caller.SERVICE_DEFINER,
    BusinessFunction.COMMISSIONER: Caller.COMMISSIONER,
}
"""The business functions with which a person may administer."""

AUDIT_READERS: Final = frozenset({Caller.APPLICATION, Caller.ERS_ADMIN})
"""Who may search the audit for a patient. Definers and commissioners see no patients at all."""

_READ: Final = {Method.READ: Reach.ALL}
_ALL: Final = dict.fromkeys(Method, Reach.ALL)
_OWN: Final = dict.fromkeys(Method, Reach.OWN)
_ENDLESS: Final = {Method.READ: Reach.ALL, Method.PUT: Reach.ALL}
_EVERYTHING: Final = {each: _ENDLESS if each is Resource.PATIENTS else _ALL for each in Resource}

RIGHTS: Final[dict[Caller, dict[Resource, dict[Method, Reach]]]] = {
    Caller.APPLICATION: _EVERYTHING,
    Caller.ERS_ADMIN: _EVERYTHING,
    Caller.SERVICE_DEFINER: {
        Resource.ORGANISATIONS: _READ,
        Resource.SITES: _READ,
        Resource.PEOPLE: {Method.READ: Reach.OWN},
        Resource.CODE_SETS: _READ,
        Resource.SERVICES: _OWN,
        Resource.COMMISSIONING_RULES: _READ,
        Resource.PAS_LINKS: _OWN,
    },
    Caller.COMMISSIONER: {
        Resource.ORGANISATIONS: _READ,
        Resource.SITES: _READ,
        Resource.CODE_SETS: _READ,
        Resource.SERVICES: _READ,
        Resource.COMMISSIONING_RULES: _OWN,
    },
}
"""The rights. Nobody ends a patient: a date of death is part of the record."""


def reach_of(caller: Caller, resource: Resource, method: Method) -> Reach:
    """Return which records of `resource` the caller may read, put or end."""
    return RIGHTS.get(caller, {}).get(resource, {}).get(method, Reach.NONE)
