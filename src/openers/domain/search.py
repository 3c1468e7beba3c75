"""Search criteria, and whether a service matches them. The same rules serve A010 and the check of a shortlist.

The use cases resolve references first (patient, clinicians, clinical term); this module only compares values. Source:
rules chapter 4 (A010, A011) and chapter 12.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Self

import msgspec

from openers.domain.codes import CommissioningProvisioning, GenderTreated, Priority, RequestFlow, RequestType
from openers.domain.directory import AgeRange, Commissioning, Service, is_within
from openers.domain.errors import Field, FieldNotPermitted, ValueIsRequired
from openers.domain.geography import Point
from openers.domain.identifiers import OdsCode, Postcode, ServiceId, SnomedCode, UserId
from openers.domain.patient import Patient, Sex
from openers.domain.services.access import Referrer, Restriction, Rules, rule_admits


class SearchCriteria(msgspec.Struct, frozen=True, kw_only=True):
    """The criteria of one search, which a shortlist stores. Distance in miles, wait in days.

    `organisation` narrows a search; no reply shows it (rules 4, A010).
    """

    priority: Priority
    age_and_gender_appropriate: bool
    specialty: str | None = None
    clinic_type: str | None = None
    clinical_term: SnomedCode | None = None
    named_clinician: UserId | None = None
    organisation: OdsCode | None = None
    wait_limit_days: int | None = None
    postcode: Postcode | None = None
    distance_limit_miles: int | None = None
    provisioning: CommissioningProvisioning = CommissioningProvisioning.ALL_AVAILABLE_FOR_BOOKING

    def check(self) -> None:
        """Raise `ValueIsRequired` or `FieldNotPermitted` for combinations that no search may have."""
        if self.clinic_type is not None and self.specialty is None:
            raise FieldNotPermitted(Field.CLINIC_TYPE, self.clinic_type, "is only allowed together with a specialty")
        if self.distance_limit_miles is not None and self.postcode is None:
            raise FieldNotPermitted(
                Field.DISTANCE_LIMIT, self.distance_limit_miles, "is only allowed together with a postcode"
            )
        if self.wait_limit_days is not None and self.priority is Priority.TWO_WEEK_WAIT:
            raise FieldNotPermitted(
                Field.WAIT_TIME_LIMIT, self.wait_limit_days, "is not allowed with priority TWO_WEEK_WAIT"
            )
        if self.clinic_type is None and self.clinical_term is None and self.named_clinician is None:
            missing = Field.SPECIALTY if self.specialty is None else Field.CLINIC_TYPE
            raise ValueIsRequired(missing, hint="give specialty and clinicType, or a clinicalTerm, or a namedClinician")


class Condition(StrEnum):
    """A condition that a service must satisfy to be found, in the order in which they are checked."""

    PUBLISHED = "PUBLISHED"
    OPERATIONAL_DATES = "OPERATIONAL_DATES"
    REQUEST_TYPE = "REQUEST_TYPE"
    PRIORITY = "PRIORITY"
    CLINIC_TYPE = "CLINIC_TYPE"
    NAMED_CLINICIAN = "NAMED_CLINICIAN"
    ORGANISATION = "ORGANISATION"
    AGE_OR_SEX = "AGE_OR_SEX"
    COMMISSIONING = "COMMISSIONING"
    RESTRICTION = "RESTRICTION"
    WAIT = "WAIT"
    DISTANCE = "DISTANCE"


class ServiceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Criteria with all references resolved, ready to compare with services.

    `pairs` are the requested (specialty, clinic type) pairs, of which a service needs one; `None` if none were
    requested. Distance is not part of the filter, because it depends on the directory's geography. Without a
    `referrer`, commissioning plays no part, and no restricted service fits.
    """

    request_type: RequestType
    criteria: SearchCriteria
    pairs: frozenset[tuple[str, str]] | None
    referrer: Referrer | None
    day: date
    age_years: int | None = None
    sex: Sex = Sex.UNKNOWN

    @classmethod
    def of(
        cls,
        request_type: RequestType,
        criteria: SearchCriteria,
        pairs: frozenset[tuple[str, str]] | None,
        referrer: Referrer,
        patient: tuple[Patient, date],
    ) -> Self:
        """Return the filter for these criteria and this patient on this day."""
        who, day = patient
        appropriate = criteria.age_and_gender_appropriate
        return cls(
            request_type=request_type,
            criteria=criteria,
            pairs=pairs,
            referrer=referrer,
            day=day,
            age_years=who.age_years(day) if appropriate else None,
            sex=who.sex if appropriate else Sex.UNKNOWN,
        )

    def admits(self, listing: Listing) -> bool:
        """Return whether the service of `listing` satisfies all criteria except distance."""
        return self.hidden_by(listing) is None

    def hidden_by(self, listing: Listing) -> Condition | None:
        """Return the first condition, except distance, that the service of `listing` does not satisfy."""
        criteria = self.criteria
        if not is_within(listing.opens_on, listing.closes_on, self.day):
            return Condition.OPERATIONAL_DATES
        if not supports(listing.flows, self.request_type):
            return Condition.REQUEST_TYPE
        if criteria.priority not in listing.priorities:
            return Condition.PRIORITY
        if self.pairs is not None and self.pairs.isdisjoint(listing.clinic_types):
            return Condition.CLINIC_TYPE
        if criteria.named_clinician is not None and criteria.named_clinician not in listing.clinicians:
            return Condition.NAMED_CLINICIAN
        if criteria.organisation is not None and criteria.organisation not in (listing.organisation, listing.site):
            return Condition.ORGANISATION
        if not treats(listing, self.age_years, self.sex):
            return Condition.AGE_OR_SEX
        if self.referrer is not None and not commissioned(
            listing.commissioning, listing.rules, self.referrer, self.day
        ):
            return Condition.COMMISSIONING
        if listing.restriction is not None and (self.referrer is None or not listing.restriction.admits(self.referrer)):
            return Condition.RESTRICTION
        return None if within_wait(listing, criteria.wait_limit_days) else Condition.WAIT


class Listing(msgspec.Struct, frozen=True, gc=False):
    """The data of one published service that a search needs; the service's body stays in the store.

    `easting` and `northing` are metres on the British National Grid, `None` if the postcode is unknown.
    """

    id: ServiceId
    name: str
    organisation: OdsCode
    site: OdsCode
    flows: tuple[RequestFlow, ...]
    priorities: frozenset[Priority]
    clinic_types: tuple[tuple[str, str], ...]
    clinicians: frozenset[UserId]
    commissioning: Commissioning
    gender: GenderTreated
    ages: AgeRange
    wait_days: int | None
    point: Point | None
    opens_on: date | None = None
    closes_on: date | None = None
    restriction: Restriction | None = None
    rules: Rules = ()

    @classmethod
    def of(cls, service: Service, point: Point | None, rules: Rules = ()) -> Self:
        """Return the listing of `service`, located at `point`, with the rules of commissioners."""
        wait = service.appointment_wait_days
        return cls(
            id=service.id,
            name=service.name,
            organisation=service.organisation,
            site=service.site,
            flows=service.flows,
            priorities=service.priorities,
            clinic_types=service.clinic_types,
            clinicians=service.clinicians,
            commissioning=service.commissioning,
            gender=service.gender,
            ages=service.ages,
            wait_days=wait if isinstance(wait, int) else None,
            point=point,
            opens_on=service.opens_on,
            closes_on=service.closes_on,
            restriction=service.restriction,
            rules=rules,
        )


def commissioned(commissioning: Commissioning, rules: Rules, referrer: Referrer, day: date) -> bool:
    """Return whether patients of the referrer's organisation may be sent to a service."""
    return commissioning.admits(referrer.rules_of) or rule_admits(rules, referrer.commissioner, day)


def supports(flows: tuple[RequestFlow, ...], request_type: RequestType) -> bool:
    """Return whether a service with `flows` accepts this type of request; appointment searches include triage."""
    if request_type is RequestType.ADVICE_AND_GUIDANCE_REQUEST:
        return RequestFlow.ADVICE_AND_GUIDANCE_REQUEST in flows
    return RequestFlow.APPOINTMENT_REQUEST in flows or RequestFlow.TRIAGE_REQUEST in flows


def treats(listing: Listing, age_years: int | None, sex: Sex) -> bool:
    """Return whether the service treats a patient of this age and sex; unknown values exclude nothing."""
    if age_years is not None and not listing.ages.includes(age_years):
        return False
    if listing.gender is GenderTreated.MALE:
        return sex is not Sex.FEMALE
    if listing.gender is GenderTreated.FEMALE:
        return sex is not Sex.MALE
    return True


def within_wait(listing: Listing, limit_days: int | None) -> bool:
    """Return whether the indicative wait is known and within the limit; `True` without a limit."""
    return limit_days is None or (listing.wait_days is not None and listing.wait_days <= limit_days)
