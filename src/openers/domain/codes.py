"""Codes of the service: static codes as enums, the dynamic code systems (A004) as values read from data files.

This module does no input or output; `openers.reference` reads the files. Source: rules chapter 5.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec


class Priority(StrEnum):
    """How soon a patient needs to be seen."""

    ROUTINE = "ROUTINE"
    URGENT = "URGENT"
    TWO_WEEK_WAIT = "TWO_WEEK_WAIT"


class RequestType(StrEnum):
    """The type of request that a service search is for (A010)."""

    APPOINTMENT_REQUEST = "APPOINTMENT_REQUEST"
    ADVICE_AND_GUIDANCE_REQUEST = "ADVICE_AND_GUIDANCE_REQUEST"


class SortBy(StrEnum):
    """Order of a service search: nearest first, or shortest indicative wait first."""

    DISTANCE = "DISTANCE"
    IWT = "IWT"


class RequestFlow(StrEnum):
    """A type of request that a service accepts.

    No service accepts both triage and appointment requests; requests for advice may be accepted with either.
    """

    APPOINTMENT_REQUEST = "APPOINTMENT_REQUEST"
    TRIAGE_REQUEST = "TRIAGE_REQUEST"
    ADVICE_AND_GUIDANCE_REQUEST = "ADVICE_AND_GUIDANCE_REQUEST"


class BookableType(StrEnum):
    """How an appointment at a service is booked."""

    DIRECTLY_BOOKABLE = "DIRECTLY_BOOKABLE"
    INDIRECTLY_BOOKABLE = "INDIRECTLY_BOOKABLE"
    UNSPECIFIED = "UNSPECIFIED"


class AppointmentType(StrEnum):
    """The type of appointment that a service offers."""

    DAY_CASE = "DAY_CASE"
    FIRST_OUTPATIENT = "FIRST_OUTPATIENT"
    ASSESSMENT_SERVICE = "ASSESSMENT_SERVICE"
    GPSI = "GPSI"
    AHP_CLINIC = "AHP_CLINIC"
    DIAGNOSTIC = "DIAGNOSTIC"
    NURSE_CLINIC = "NURSE_CLINIC"
    OPHTHALMOLOGIST = "OPHTHALMOLOGIST"
    TELEPHONE_ASSESSMENT = "TELEPHONE_ASSESSMENT"


class GenderTreated(StrEnum):
    """The patients that a service treats, by gender."""

    MALE = "MALE"
    FEMALE = "FEMALE"
    MALE_AND_FEMALE = "MALE_AND_FEMALE"


class AdditionalRequirement(StrEnum):
    """Support that a service can arrange for a patient."""

    ADVOCACY = "ADVOCACY"
    INTERPRETER = "INTERPRETER"
    TRANSPORT = "TRANSPORT"


class CommissioningProvisioning(StrEnum):
    """Which services a search returned. New searches always use ALL_AVAILABLE_FOR_BOOKING."""

    ALL_AVAILABLE_FOR_BOOKING = "ALL_AVAILABLE_FOR_BOOKING"
    ALL_SERVICES = "ALL_SERVICES"
    LOCALLY_COMMISSIONABLE = "LOCALLY_COMMISSIONABLE"
    NATIONALLY_AVAILABLE = "NATIONALLY_AVAILABLE"


class LetterIntention(StrEnum):
    """Whether the referrer will add a referral letter."""

    NEED_TO_ADD_LATER = "NEED_TO_ADD_LATER"
    NOT_INTENDING_TO_ADD = "NOT_INTENDING_TO_ADD"


class ReviewReason(StrEnum):
    """Why a request was sent to its provider for review."""

    NO_SLOTS_AT_SERVICE = "NO_SLOTS_AT_SERVICE"
    SLOT_NOT_AVAILABLE = "SLOT_NOT_AVAILABLE"
    BOOKING_ATTEMPT_PROBLEM = "BOOKING_ATTEMPT_PROBLEM"
    TRIAGE = "TRIAGE"


class ReviewOutcome(StrEnum):
    """The outcome of a provider's review."""

    ACCEPT_REFER_BOOK_LATER = "ACCEPT_REFER_BOOK_LATER"
    CANCEL_APPOINTMENT_ACTION_LATER = "CANCEL_APPOINTMENT_ACTION_LATER"
    RETURN_TO_REFERRER_WITH_ADVICE = "RETURN_TO_REFERRER_WITH_ADVICE"
    PROVIDER_CONVERTED_ADVICE_AND_GUIDANCE_ADMIN_TO_REFER = "PROVIDER_CONVERTED_ADVICE_AND_GUIDANCE_ADMIN_TO_REFER"


class RequestContext(StrEnum):
    """Why a request is on the review list: it was never reviewed, or something changed since the last review (A008)."""

    NEVER_REVIEWED = "NEVER_REVIEWED"
    LETTER_CHANGED = "LETTER_CHANGED"
    PRIORITY_CHANGED = "PRIORITY_CHANGED"
    PRIORITY_AND_LETTER_CHANGED = "PRIORITY_AND_LETTER_CHANGED"


class AvailableAction(StrEnum):
    """An action that A029 offers a caller for a referral."""

    RECORD_REVIEW_OUTCOME = "RECORD_REVIEW_OUTCOME"
    CREATE_APPOINTMENT = "CREATE_APPOINTMENT"
    CHANGE_SHORTLIST = "CHANGE_SHORTLIST"
    CHANGE_SHORTLIST_AND_SEND_FOR_TRIAGE = "CHANGE_SHORTLIST_AND_SEND_FOR_TRIAGE"
    CANCEL_DIRECTLY_BOOKED_APPOINTMENT = "CANCEL_DIRECTLY_BOOKED_APPOINTMENT"
    CANCEL_REFERRAL = "CANCEL_REFERRAL"


class CodeSystemName(StrEnum):
    """The six dynamic code systems. Their names are case-sensitive."""

    SPECIALTY = "SPECIALTY"
    CLINIC_TYPE = "CLINIC-TYPE"
    PRIORITY = "PRIORITY"
    APPOINTMENT_CANCELLATION_REASON = "APPOINTMENT-CANCELLATION-REASON"
    APPOINTMENT_NON_ATTENDANCE_REASON = "APPOINTMENT-NON-ATTENDANCE-REASON"
    REFERRAL_CANCELLATION_REASON = "REFERRAL-CANCELLATION-REASON"


PropertyValue = datetime | bool | int | str
"""The value of a property: an instant, a boolean, an integer, or a code of the system that the property declares."""


class PropertyKind(StrEnum):
    """The FHIR type of a concept property."""

    DATE_TIME = "dateTime"
    CODING = "Coding"
    BOOLEAN = "boolean"
    INTEGER = "integer"


class Property(msgspec.Struct, frozen=True):
    """A property that the concepts of a system may have: its code, its type, and for a coding its code system."""

    code: str
    kind: PropertyKind
    system: str | None = None


class Concept(msgspec.Struct, frozen=True):
    """One code: its display text, its period of use, and its properties in published order (a code may repeat)."""

    code: str
    display: str
    effective_from: datetime
    effective_to: datetime | None = None
    properties: tuple[tuple[str, PropertyValue], ...] = ()

    def effective_on(self, day: date) -> bool:
        """Return whether the code may be used on `day`; the end date is the first day on which it may not."""
        ended = self.effective_to is not None and day >= self.effective_to.date()
        return self.effective_from.date() <= day and not ended

    def values(self, code: str) -> tuple[PropertyValue, ...]:
        """Return all values of the property `code`; empty if the concept has no such property."""
        return tuple(value for name, value in self.properties if name == code)


class CodeSystem(msgspec.Struct, frozen=True):
    """One dynamic code system, including expired codes.

    `edition` is 0 for the system as it ships; another number stands for one state under code sets in this process.
    """

    name: CodeSystemName
    title: str
    description: str
    changed: datetime
    properties: tuple[Property, ...]
    concepts: dict[str, Concept]
    edition: int = 0


class ClinicalTerm(msgspec.Struct, frozen=True):
    """A SNOMED CT concept of the service's dictionary, with the (specialty, clinic type) pairs that it maps to."""

    code: str
    display: str
    leads_to: tuple[tuple[str, str], ...]
