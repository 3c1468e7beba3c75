"""Drafts of services and the calls of their life as JSON. Names of attributes are those of services."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta

from openers.domain.codes import (
    AdditionalRequirement,
    AppointmentType,
    BookableType,
    GenderTreated,
    Priority,
    RequestFlow,
)
from openers.domain.directory import LimitedWait
from openers.wire.admin.records import Ages, ContactDetail, Pathways, Record, Rules, SlotSettings
from openers.wire.admin.texts import Code, Days, Hours, Name, Ods, PersonId, Text, Workgroup

_People = Annotated[frozenset[PersonId], Meta(max_length=1000)]
Number = Annotated[
    str, Meta(pattern=r"^([1-9][0-9]{0,11})?$(?!\n)", description="Given by the service; may be left out")
]


class DraftRecord(Record, frozen=True, kw_only=True):
    """A draft: null or empty means that something is not decided. `id` and `base` are given by the service.

    `base` is the version of the live service on which it is based; 0 if it was never published.
    """

    name: Name
    organisation: Ods
    site: Ods
    id: Number = ""
    base: int = 0
    location_name: Name | None = None
    workgroup: Workgroup | None = None
    clinic_types: Annotated[tuple[tuple[Code, Code], ...], Meta(max_length=100)] = ()
    flows: Annotated[tuple[RequestFlow, ...], Meta(max_length=3)] = ()
    bookable: BookableType | None = None
    appointment_type: AppointmentType | None = None
    priorities: frozenset[Priority] = frozenset()
    letter_required: bool | None = None
    letter_freeze_days: Days | None = None
    gender: GenderTreated | None = None
    ages: Ages | None = None
    clinicians: _People = frozenset()
    allocated_clinicians: _People = frozenset()
    commissioning: Rules | None = None
    restriction: Pathways | None = None
    opens_on: date | None = None
    closes_on: date | None = None
    slot_rules: SlotSettings | None = None
    appointment_wait_days: Days | LimitedWait | None = None
    treatment_wait_days: Days | None = None
    low_capacity: bool | None = None
    displayed_prominently: bool | None = None
    referrer_alert: Text | None = None
    exclusions: Text | None = None
    suggested_investigations: Text | None = None
    conditions_treated: Text | None = None
    additional_requirements: Annotated[tuple[AdditionalRequirement, ...], Meta(max_length=3)] = ()
    hours_of_operation: Text | None = None
    instructions: Text | None = None
    contacts: Annotated[tuple[ContactDetail, ...], Meta(max_length=50)] = ()
    advice_response_hours: Hours | None = None


class Copy(Record, frozen=True, kw_only=True):
    """The name of a copy."""

    name: Name


class LastDay(Record, frozen=True, kw_only=True):
    """The last day on which a service is found."""

    on: date
