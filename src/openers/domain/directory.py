"""The directory: organisations, their sites and people, and the services that patients can be referred to.

These are only values; `search.py` decides which service matches a search. Source: rules chapters 1.3, 4 (A010, A033).
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec

from openers.domain.clock import Instant
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
from openers.domain.services.access import Restriction
from openers.domain.services.slot_window import SlotRules, SlotWindow


class OrganisationKind(StrEnum):
    """The part that an organisation has in a referral."""

    GP_PRACTICE = "GP_PRACTICE"
    PROVIDER = "PROVIDER"
    COMMISSIONER = "COMMISSIONER"


class Organisation(msgspec.Struct, frozen=True):
    """An organisation. It is open until the day it closes. Its `commissioner` pays for its referrals."""

    ods: OdsCode
    name: str
    kind: OrganisationKind
    postcode: Postcode
    address: str = ""
    telephone: str = ""
    closed_on: date | None = None
    commissioner: OdsCode | None = None

    def is_closed(self, day: date) -> bool:
        """Return whether it is closed on `day`."""
        return self.closed_on is not None and day >= self.closed_on


class Site(msgspec.Struct, frozen=True):
    """A place where an organisation provides its services. It is open until the day it closes."""

    ods: OdsCode
    organisation: OdsCode
    name: str
    postcode: Postcode
    closed_on: date | None = None

    def is_closed(self, day: date) -> bool:
        """Return whether it is closed on `day`."""
        return self.closed_on is not None and day >= self.closed_on


class Role(msgspec.Struct, frozen=True):
    """The business functions of a person at one organisation.

    A role `from_claims` comes from the person's last log-in at the OpenID provider, and the next log-in replaces it.
    """

    organisation: OdsCode
    functions: tuple[BusinessFunction, ...]
    from_claims: bool = False


class Assurance(msgspec.Struct, frozen=True):
    """Assurance of a log-in: identity level (0 to 3), authenticator level (1 to 3) and method."""

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
        """Return whether the person has `function`, at `organisation` if given."""
        return any(
            function in role.functions
            for role in self.roles
            if organisation is None or role.organisation == organisation
        )

    def works_at(self, organisation: OdsCode) -> bool:
        """Return whether the person has any role at `organisation`."""
        return any(role.organisation == organisation for role in self.roles)

    def workgroups_at(self, organisation: OdsCode) -> frozenset[str]:
        """Return the person's workgroups at `organisation`."""
        return frozenset(name for name in self.workgroups if name.startswith(f"{organisation}/"))


class ServiceStatus(StrEnum):
    """Whether a service can be found and read."""

    PUBLISHED = "PUBLISHED"
    WITHDRAWN = "WITHDRAWN"


class LimitedWait(StrEnum):
    """A wait for an appointment that is not given as a number of days."""

    LIMITED_AVAILABILITY = "LIMITED_AVAILABILITY"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class AgeRange(msgspec.Struct, frozen=True):
    """The ages that a service treats, in whole years, both ends included; `None` means no limit."""

    lowest: int | None = None
    highest: int | None = None

    def includes(self, age_years: int) -> bool:
        """Return whether a patient of this age is treated."""
        return (self.lowest is None or age_years >= self.lowest) and (self.highest is None or age_years <= self.highest)

    def __str__(self) -> str:
        """Return the range as text for people."""
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
    """Contact details of a service: by phone or email, for patients or for healthcare professionals."""

    for_patients: bool
    system: str
    value: str


class Commissioning(msgspec.Struct, frozen=True):
    """Whose patients a service accepts: all, or only those of the listed organisations."""

    nationally_available: bool = True
    organisations: frozenset[OdsCode] = frozenset()

    def admits(self, rule_organisation: OdsCode) -> bool:
        """Return whether patients referred under the commissioning rules of `rule_organisation` may be sent here."""
        return self.nationally_available or rule_organisation in self.organisations


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One service of the directory, as A010 lists and A033 shows it.

    `clinic_types` are (specialty, clinic type) pairs; replies show the first specialty. Waits are in days.
    `letter_freeze_days` is the number of days before an appointment in which an existing letter is locked (rules 1.3).
    `advice_response_hours` is the service's target for responses to requests for advice, in working hours. It is `None`
    if the service has no target. `clinicians` can be searched by name; they are among the `allocated_clinicians` of a
    service that was defined here. The service can be referred to from `opens_on` to `closes_on`, both included.
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
    opens_on: date | None = None
    closes_on: date | None = None
    slot_rules: SlotRules = SlotRules()
    restriction: Restriction | None = None
    allocated_clinicians: frozenset[UserId] = frozenset()

    @property
    def specialty(self) -> str:
        """The specialty that replies show for the service."""
        return self.clinic_types[0][0]

    @property
    def is_triage(self) -> bool:
        """Whether the service reviews requests before anything is booked."""
        return RequestFlow.TRIAGE_REQUEST in self.flows

    @property
    def is_published(self) -> bool:
        """Whether the service is published, whatever its dates."""
        return self.status is ServiceStatus.PUBLISHED

    def slot_window(self, priority: Priority, now: Instant) -> SlotWindow:
        """Return which free slots referrers see for this priority at this moment: none if it is not accepted."""
        window = self.slot_rules.window(priority, now)
        return window if priority in self.priorities else msgspec.structs.replace(window, is_accepted=False)

    def is_open(self, day: date) -> bool:
        """Return whether the service can be found, read and referred to on `day`."""
        return self.is_published and is_within(self.opens_on, self.closes_on, day)


def is_within(opens_on: date | None, closes_on: date | None, day: date) -> bool:
    """Return whether a day is within operational dates, both included; `None` means no limit."""
    return (opens_on is None or opens_on <= day) and (closes_on is None or day <= closes_on)
