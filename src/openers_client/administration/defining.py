"""What the life of a service has: a draft, the checks of publishing, differences, and why it is seen or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from openers_client.administration.records import Ages, ContactDetail, Pathways, Rules, SlotSettings


@dataclass(frozen=True, kw_only=True)
class ServiceDraft:
    """The draft of a service: `None` or empty means that something is not decided. The service gives `id` and `base`.

    `base` is the live version that it replaces when it is published; 0 if there is none.
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


@dataclass(frozen=True)
class ClinicType:
    """A clinic type of a specialty that a service can have today: codes and names."""

    specialty: str
    specialty_name: str
    clinic_type: str
    clinic_type_name: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check of publishing has found. `place` is a JSON pointer into the draft, `kind` error or warning."""

    check: str
    kind: str
    detail: str
    place: str
    cure: str

    @property
    def is_warning(self) -> bool:
        """Whether the service can be published all the same."""
        return self.kind == "warning"


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Whether a draft can be published, and what the checks have found."""

    publishable: bool
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Change:
    """What differs between two versions of a service: a JSON pointer, and the value in each."""

    place: str
    before: Any
    after: Any


@dataclass(frozen=True, kw_only=True)
class Referrer:
    """A referrer who looks for a service. What is left out is taken from the service, and hides nothing."""

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


@dataclass(frozen=True, kw_only=True)
class SeenSlot:
    """A slot, and whether the referrer sees it. `told` says in words why not."""

    id: str
    start: str
    shown: bool
    hidden_by: str | None = None
    told: str = ""


@dataclass(frozen=True, kw_only=True)
class Visibility:
    """Whether a referrer sees a service, the first condition that hides it, and the same of its next slots."""

    service: str
    name: str
    shown: bool
    hidden_by: str | None = None
    told: str = ""
    slots: tuple[SeenSlot, ...] = field(default=())


def differences(told: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return the differences in a reply."""
    return tuple(Change(str(each["place"]), each.get("from"), each.get("to")) for each in told.get("difference", ()))
