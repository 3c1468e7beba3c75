"""Drafts of services, and what the service tells of them. Names, formats and defaults are those of the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from openers_client.administration.records import Ages, ContactDetail, Pathways, Rules, SlotSettings


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A draft: `None` or empty means that something is not decided. The service gives `id` and `base`.

    `base` is the version of the live service on which it is based; 0 if it was never published.
    """

    name: str
    organisation: str
    site: str
    id: str = ""
    base: int = 0
    location_name: str | None = None
    workgroup: str | None = None
    clinic_types: tuple[tuple[str, str], ...] = ()
    flows: tuple[str, ...] = ()
    bookable: str | None = None
    appointment_type: str | None = None
    priorities: frozenset[str] = frozenset()
    letter_required: bool | None = None
    letter_freeze_days: int | None = None
    gender: str | None = None
    ages: Ages | None = None
    clinicians: frozenset[str] = frozenset()
    allocated_clinicians: frozenset[str] = frozenset()
    commissioning: Rules | None = None
    restriction: Pathways | None = None
    opens_on: date | None = None
    closes_on: date | None = None
    slot_rules: SlotSettings | None = None
    appointment_wait_days: int | str | None = None
    treatment_wait_days: int | None = None
    low_capacity: bool | None = None
    displayed_prominently: bool | None = None
    referrer_alert: str | None = None
    exclusions: str | None = None
    suggested_investigations: str | None = None
    conditions_treated: str | None = None
    additional_requirements: tuple[str, ...] = ()
    hours_of_operation: str | None = None
    instructions: str | None = None
    contacts: tuple[ContactDetail, ...] = ()
    advice_response_hours: int | None = None


@dataclass(frozen=True, kw_only=True)
class ClinicType:
    """A clinic type of a specialty that a service can have today: codes and names."""

    specialty: str
    specialty_name: str
    clinic_type: str
    clinic_type_name: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check of publishing has found: `kind` is error or warning, `place` a JSON pointer into the draft."""

    check: str
    kind: str
    detail: str
    place: str
    cure: str


@dataclass(frozen=True, kw_only=True)
class Checks:
    """Whether a draft can be published, and what the checks have found, errors first."""

    publishable: bool
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A place in which two versions differ, with the value in each, as JSON."""

    place: str
    before: Any
    after: Any


@dataclass(frozen=True, kw_only=True)
class SlotVisibility:
    """A slot of a service. `hidden_by` is the first condition that hides it, `told` says it in words."""

    id: str
    start: str
    shown: bool
    hidden_by: str | None = None
    told: str = ""


@dataclass(frozen=True, kw_only=True)
class Visibility:
    """Whether a search finds a service. `hidden_by` is the first condition that hides it, `told` says it in words."""

    service: str
    name: str
    shown: bool
    hidden_by: str | None = None
    told: str = ""
    slots: tuple[SlotVisibility, ...] = ()


@dataclass(frozen=True, kw_only=True)
class VisibilityQuestion:
    """Who looks for a service: an organisation, and what else is known. What is left out hides nothing."""

    organisation: str
    user: str | None = None
    request_type: str | None = None
    priority: str | None = None
    specialty: str | None = None
    clinic_type: str | None = None
    clinician: str | None = None
    age: int | None = None
    sex: str | None = None
    slot: str | None = None


@dataclass(frozen=True)
class MissingRecord:
    """A record that does not exist: its kind, as in addresses, and its key."""

    resource: str
    key: str


@dataclass(frozen=True, kw_only=True)
class RefusedRecord:
    """A record that was refused among others. `index` is its place in the request, from 0."""

    index: int
    code: str
    detail: str
    place: str
    cure: str
    missing: MissingRecord | None = None


@dataclass(frozen=True, kw_only=True)
class PutMany:
    """What a request with many records has put, and what was refused."""

    created: int
    replaced: int
    unchanged: int
    refused: tuple[RefusedRecord, ...] = field(default=())
