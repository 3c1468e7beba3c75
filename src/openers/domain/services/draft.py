"""The draft of a service: what its definer has decided so far. Readers see the live service until it is published.

Every attribute has the name that it has in `Service`; `None` means that it is not decided. Source: rules part 3,
chapters A.3 to A.5.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import msgspec

from openers.domain.codes import (
    AdditionalRequirement,
    AppointmentType,
    BookableType,
    GenderTreated,
    Priority,
    RequestFlow,
)
from openers.domain.directory import AgeRange, Commissioning, Contact, LimitedWait, Service, ServiceStatus, Site
from openers.domain.identifiers import OdsCode, ServiceId, UserId
from openers.domain.services.access import Restriction
from openers.domain.services.slot_window import BookingWindow, SlotRules

UNNUMBERED: Final = ServiceId.restored("")
"""The id of a draft that was never saved."""


class ServiceDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A draft. `base` is the version of the live service that it replaces when it is published; 0 if there is none.

    `bookable` follows from the request types and from the PAS link if it is not decided. `site` gives the location.
    """

    name: str
    organisation: OdsCode
    site: OdsCode
    id: ServiceId = UNNUMBERED
    base: int = 0
    location_name: str | None = None
    workgroup: str | None = None
    clinic_types: tuple[tuple[str, str], ...] = ()
    flows: tuple[RequestFlow, ...] = ()
    bookable: BookableType | None = None
    appointment_type: AppointmentType | None = None
    priorities: frozenset[Priority] = frozenset()
    letter_required: bool | None = None
    letter_freeze_days: int | None = None
    gender: GenderTreated | None = None
    ages: AgeRange | None = None
    clinicians: frozenset[UserId] = frozenset()
    allocated_clinicians: frozenset[UserId] = frozenset()
    commissioning: Commissioning | None = None
    restriction: Restriction | None = None
    opens_on: date | None = None
    closes_on: date | None = None
    slot_rules: SlotRules | None = None
    appointment_wait_days: int | LimitedWait | None = None
    treatment_wait_days: int | None = None
    low_capacity: bool | None = None
    displayed_prominently: bool | None = None
    referrer_alert: str | None = None
    exclusions: str | None = None
    suggested_investigations: str | None = None
    conditions_treated: str | None = None
    additional_requirements: tuple[AdditionalRequirement, ...] = ()
    hours_of_operation: str | None = None
    instructions: str | None = None
    contacts: tuple[Contact, ...] = ()
    advice_response_hours: int | None = None

    @property
    def takes_appointments(self) -> bool:
        """Whether the service accepts appointment requests."""
        return RequestFlow.APPOINTMENT_REQUEST in self.flows

    @property
    def takes_triage(self) -> bool:
        """Whether the service accepts triage requests."""
        return RequestFlow.TRIAGE_REQUEST in self.flows

    def booked_how(self, *, linked: bool) -> BookableType:
        """Return how the service is booked; `linked` is whether it has a PAS."""
        if not self.takes_appointments:
            return BookableType.UNSPECIFIED
        if self.bookable is not None and self.bookable is not BookableType.UNSPECIFIED:
            return self.bookable
        return BookableType.DIRECTLY_BOOKABLE if linked else BookableType.INDIRECTLY_BOOKABLE


def name_key(name: str) -> str:
    """Return what two names of services have in common that count as the same: spaces and capital letters do not."""
    return " ".join(name.split()).casefold()


_SHARED: Final = tuple(
    name for name in ServiceDraft.__struct_fields__ if name in Service.__struct_fields__ and name not in ("id", "name")
)


def draft_of(service: Service, base: int) -> ServiceDraft:
    """Return the draft that would publish a live service, of version `base`, unchanged."""
    values: dict[str, Any] = {name: getattr(service, name) for name in _SHARED}
    if service.restriction is not None:
        values["restriction"] = msgspec.structs.replace(service.restriction, workgroups=frozenset())
    values["allocated_clinicians"] = service.allocated_clinicians | service.clinicians
    return ServiceDraft(id=service.id, name=service.name, base=base, **values)


def service_of(draft: ServiceDraft, site: Site, *, linked: bool, authorised: frozenset[str]) -> Service:
    """Return the service that a checked draft publishes; `authorised` are workgroups of services in a pathway.

    Each priority of a directly bookable service without a booking window gets the usual one.
    """
    values: dict[str, Any] = {
        name: value for name in _SHARED if (value := getattr(draft, name)) is not None and name != "bookable"
    }
    booked = draft.booked_how(linked=linked)
    if booked is BookableType.DIRECTLY_BOOKABLE:
        rules = draft.slot_rules or SlotRules()
        windows = {each: rules.windows.get(each, BookingWindow()) for each in sorted(draft.priorities)}
        values["slot_rules"] = msgspec.structs.replace(rules, windows=windows)
    values["location_name"] = draft.location_name or site.name
    if draft.restriction is not None:
        values["restriction"] = msgspec.structs.replace(draft.restriction, workgroups=authorised)
    return Service(
        id=draft.id,
        name=draft.name,
        bookable=booked,
        postcode=site.postcode,
        status=ServiceStatus.PUBLISHED,
        **values,
    )
