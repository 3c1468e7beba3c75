"""Codes of the service: the static ones as enums, the dynamic systems (A004) as values read from data.

Pure: the data files are read by `openers.reference`. Source: rules chapter 5.
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
    """What a service search is for (A010)."""

    APPOINTMENT_REQUEST = "APPOINTMENT_REQUEST"
    ADVICE_AND_GUIDANCE_REQUEST = "ADVICE_AND_GUIDANCE_REQUEST"


class SortBy(StrEnum):
    """Order of a service search: nearest first, or shortest indicative wait first."""

    DISTANCE = "DISTANCE"
    IWT = "IWT"


class RequestFlow(StrEnum):
    """What can be sent to a service. Triage and appointments exclude each other in one service; advice joins either."""

    APPOINTMENT_REQUEST = "APPOINTMENT_REQUEST"
    TRIAGE_REQUEST = "TRIAGE_REQUEST"
    ADVICE_AND_GUIDANCE_REQUEST = "ADVICE_AND_GUIDANCE_REQUEST"


class BookableType(StrEnum):
    """How an appointment at a service is booked."""

    DIRECTLY_BOOKABLE = "DIRECTLY_BOOKABLE"
    INDIRECTLY_BOOKABLE = "INDIRECTLY_BOOKABLE"
    UNSPECIFIED = "UNSPECIFIED"


class AppointmentType(StrEnum):
    """Kind of appointment that a service gives."""

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
    """Whom a service treats."""

    MALE = "MALE"
    FEMALE = "FEMALE"
    MALE_AND_FEMALE = "MALE_AND_FEMALE"


class AdditionalRequirement(StrEnum):
    """Support that a service can arrange for a patient."""

    ADVOCACY = "ADVOCACY"
    INTERPRETER = "INTERPRETER"
    TRANSPORT = "TRANSPORT"


class CommissioningProvisioning(StrEnum):
    """Which services a search showed. New searches always show ALL_AVAILABLE_FOR_BOOKING."""

    ALL_AVAILABLE_FOR_BOOKING = "ALL_AVAILABLE_FOR_BOOKING"
    ALL_SERVICES = "ALL_SERVICES"
    LOCALLY_COMMISSIONABLE = "LOCALLY_COMMISSIONABLE"
    NATIONALLY_AVAILABLE = "NATIONALLY_AVAILABLE"


class LetterIntention(StrEnum):
    """Whether the referrer will add a referral letter."""

    NEED_TO_ADD_LATER = "NEED_TO_ADD_LATER"
    NOT_INTENDING_TO_ADD = "NOT_INTENDING_TO_ADD"


class ReviewReason(StrEnum):
    """Why a request was put before its provider."""

    NO_SLOTS_AT_SERVICE = "NO_SLOTS_AT_SERVICE"
    SLOT_NOT_AVAILABLE = "SLOT_NOT_AVAILABLE"
    BOOKING_ATTEMPT_PROBLEM = "BOOKING_ATTEMPT_PROBLEM"
    TRIAGE = "TRIAGE"


class ReviewOutcome(StrEnum):
    """What came of a provider's review."""

    ACCEPT_REFER_BOOK_LATER = "ACCEPT_REFER_BOOK_LATER"
    CANCEL_APPOINTMENT_ACTION_LATER = "CANCEL_APPOINTMENT_ACTION_LATER"
    RETURN_TO_REFERRER_WITH_ADVICE = "RETURN_TO_REFERRER_WITH_ADVICE"
    PROVIDER_CONVERTED_ADVICE_AND_GUIDANCE_ADMIN_TO_REFER = "PROVIDER_CONVERTED_ADVICE_AND_GUIDANCE_ADMIN_TO_REFER"


class RequestContext(StrEnum):
    """Why a request is on the list of those to be reviewed: it never was, or something changed since (A008)."""

    NEVER_REVIEWED = "NEVER_REVIEWED"
    LETTER_CHANGED = "LETTER_CHANGED"
    PRIORITY_CHANGED = "PRIORITY_CHANGED"
    PRIORITY_AND_LETTER_CHANGED = "PRIORITY_AND_LETTER_CHANGED"


class AvailableAction(StrEnum):
    """What A029 says that a caller may do with a referral."""

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
"""An instant, a truth value, a whole number, or a code of the system that the property declares."""


class PropertyKind(StrEnum):
    """FHIR type of a concept property."""

    DATE_TIME = "dateTime"
    CODING = "Coding"
    BOOLEAN = "boolean"
    INTEGER = "integer"


class Property(msgspec.Struct, frozen=True):
    """A property that the concepts of a system may have: its code, its type, and the code system of a coding."""

    code: str
    kind: PropertyKind
    system: str | None = None


class Concept(msgspec.Struct, frozen=True):
    """One code: what it is called, when it was in use, and its properties in published order, codes repeated."""

    code: str
    display: str
    effective_from: datetime
    effective_to: datetime | None = None
    properties: tuple[tuple[str, PropertyValue], ...] = ()

    def effective_on(self, day: date) -> bool:
        """Whether the code may be used on `day`; the end date is the first day on which it may not."""
        ended = self.effective_to is not None and day >= self.effective_to.date()
        return self.effective_from.date() <= day and not ended

    def values(self, code: str) -> tuple[PropertyValue, ...]:
        """All values of the property `code`, none if it has none."""
        return tuple(value for name, value in self.properties if name == code)


class CodeSystem(msgspec.Struct, frozen=True):
    """One dynamic code system, expired codes included."""

    name: CodeSystemName
    title: str
    description: str
    changed: datetime
    properties: tuple[Property, ...]
    concepts: dict[str, Concept]


class ClinicalTerm(msgspec.Struct, frozen=True):
    """A SNOMED CT concept of the service's dictionary, and the specialty and clinic type pairs that it leads to."""

    code: str
    display: str
    leads_to: tuple[tuple[str, str], ...]
