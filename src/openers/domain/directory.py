"""The directory: organisations, their sites and people, and the services that patients can be referred to.

Values only; which service suits a search is decided in `search.py`. Source: rules chapters 1.3, 4 (A010, A033).
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec

from openers.domain.codes import (
    AdditionalRequirement,
    AppointmentType,
    BookableType,
    GenderTreated,
    Priority,
    RequestFlow,
)
from openers.domain.identifiers import OdsCode, Postcode, ServiceId, UserId
from openers.domain.principal import BusinessFunction


class OrganisationKind(StrEnum):
    """What an organisation does in a referral."""

    GP_PRACTICE = "GP_PRACTICE"
    PROVIDER = "PROVIDER"
    COMMISSIONER = "COMMISSIONER"


class Organisation(msgspec.Struct, frozen=True):
    """An organisation: open from the start of its life until the day it is closed."""

    ods: OdsCode
    name: str
    kind: OrganisationKind
    postcode: Postcode
    address: str = ""
    telephone: str = ""
    closed_on: date | None = None

    def is_closed(self, day: date) -> bool:
        """Whether it has closed by `day`."""
        return self.closed_on is not None and day >= self.closed_on


class Site(msgspec.Struct, frozen=True):
    """A place where an organisation gives its services."""

    ods: OdsCode
    organisation: OdsCode
    name: str
    postcode: Postcode


class Role(msgspec.Struct, frozen=True):
    """What a person may do at one organisation."""

    organisation: OdsCode
    functions: tuple[BusinessFunction, ...]


class Assurance(msgspec.Struct, frozen=True):
    """How surely a person is known (identity level 0 to 3) and logged in (authenticator level 1 to 3, method)."""

    identity_level: int = 3
    authenticator_level: int = 3
    method: str = "N3_SMARTCARD"


class User(msgspec.Struct, frozen=True):
    """A person who works with referrals. `workgroups` are written `ODS/name`."""

    id: UserId
    name: str
    roles: tuple[Role, ...]
    workgroups: frozenset[str] = frozenset()
    assurance: Assurance = Assurance()
    active: bool = True

    def holds(self, function: BusinessFunction, organisation: OdsCode | None = None) -> bool:
        """Whether the person has `function`, at `organisation` if one is given."""
        return any(
            function in role.functions
            for role in self.roles
            if organisation is None or role.organisation == organisation
        )

    def works_at(self, organisation: OdsCode) -> bool:
        """Whether the person has any role at `organisation`."""
        return any(role.organisation == organisation for role in self.roles)

    def workgroups_at(self, organisation: OdsCode) -> frozenset[str]:
        """The workgroups of `organisation` that the person belongs to."""
        return frozenset(name for name in self.workgroups if name.startswith(f"{organisation}/"))


class ServiceStatus(StrEnum):
    """Whether a service can be found and read."""

    PUBLISHED = "PUBLISHED"
    WITHDRAWN = "WITHDRAWN"


class LimitedWait(StrEnum):
    """A wait for an appointment that is not a number of days."""

    LIMITED_AVAILABILITY = "LIMITED_AVAILABILITY"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class AgeRange(msgspec.Struct, frozen=True):
    """Ages treated, in whole years, both ends included; `None` is no limit."""

    lowest: int | None = None
    highest: int | None = None

    def includes(self, age_years: int) -> bool:
        """Whether somebody of this age is treated."""
        return (self.lowest is None or age_years >= self.lowest) and (self.highest is None or age_years <= self.highest)

    def __str__(self) -> str:
        """In words for a person."""
        match self.lowest, self.highest:
            case None, None:
                return "All ages"
            case lowest, None:
                return f"{lowest} years and over"
            case None, highest:
                return f"Up to {highest} years"
            case lowest, highest:
                return f"{lowest} to {highest} years"


class Contact(msgspec.Struct, frozen=True):
    """A way to reach a service: for patients or for healthcare professionals, by phone or email."""

    for_patients: bool
    system: str
    value: str


class Commissioning(msgspec.Struct, frozen=True):
    """Whose patients a service is for: everybody's, or those of the named organisations."""

    nationally_available: bool = True
    organisations: frozenset[OdsCode] = frozenset()

    def admits(self, rule_organisation: OdsCode) -> bool:
        """Whether patients referred under the rules of `rule_organisation` may be sent here."""
        return self.nationally_available or rule_organisation in self.organisations


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One service of the directory, as A010 lists and A033 shows it.

    `clinic_types` are (specialty, clinic type) pairs and the first specialty is the one shown. Waits are in days.
    `letter_freeze_days` before an appointment a letter that is there may not be changed any more (rules 1.3).
    `advice_response_hours` is within how many working hours it means to respond to requests for advice, if it says so.
    """

    id: ServiceId
    name: str
    organisation: OdsCode
    site: OdsCode
    location_name: str
    postcode: Postcode
    workgroup: str
    clinic_types: tuple[tuple[str, str], ...]
    flows: tuple[RequestFlow, ...]
    bookable: BookableType
    appointment_type: AppointmentType | None = None
    priorities: frozenset[Priority] = frozenset(Priority)
    letter_required: bool = True
    letter_freeze_days: int = 0
    gender: GenderTreated = GenderTreated.MALE_AND_FEMALE
    ages: AgeRange = AgeRange()
    clinicians: frozenset[UserId] = frozenset()
    commissioning: Commissioning = Commissioning()
    appointment_wait_days: int | LimitedWait = LimitedWait.LIMITED_AVAILABILITY
    treatment_wait_days: int | None = None
    low_capacity: bool = False
    displayed_prominently: bool = False
    referrer_alert: str | None = None
    exclusions: str | None = None
    suggested_investigations: str | None = None
    conditions_treated: str | None = None
    additional_requirements: tuple[AdditionalRequirement, ...] = ()
    hours_of_operation: str | None = None
    instructions: str | None = None
    contacts: tuple[Contact, ...] = ()
    status: ServiceStatus = ServiceStatus.PUBLISHED
    advice_response_hours: int | None = None

    @property
    def specialty(self) -> str:
        """The specialty that the service is shown under."""
        return self.clinic_types[0][0]

    @property
    def is_triage(self) -> bool:
        """Whether requests are reviewed before anything is booked."""
        return RequestFlow.TRIAGE_REQUEST in self.flows

    @property
    def is_published(self) -> bool:
        """Whether it can be found, read and referred to."""
        return self.status is ServiceStatus.PUBLISHED
