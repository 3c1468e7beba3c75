"""Reasons for a hospital's cancellation and for a patient's non-attendance.

Codes of the service's APPOINTMENT-CANCELLATION-REASON (those that a provider may use) and
APPOINTMENT-NON-ATTENDANCE-REASON. Source: rules chapter 5.1.
"""

from __future__ import annotations

from typing import Final

import msgspec

CANCELLATION: Final = "APPOINTMENT-CANCELLATION-REASON"
NON_ATTENDANCE: Final = "APPOINTMENT-NON-ATTENDANCE-REASON"


class Reason(msgspec.Struct, frozen=True):
    """A code of one of the lists."""

    code: str
    display: str
    needs_comment: bool = False


CANCELLATION_REASONS: Final = (
    Reason("CLINIC_CANCELLED", "Clinic cancelled"),
    Reason("CLINIC_OVERRUN", "Clinic overrun"),
    Reason("SLOT_CANCELLED", "Slot cancelled"),
    Reason("ADDITIONAL_REQ_NOT_ELIGIBLE", "Not eligible for additional requirement"),
    Reason("ADDITIONAL_REQ_NOT_PROVIDED", "Additional req not provided at location"),
    Reason("ADDITIONAL_REQ_UNAVAILABLE", "Additional req unavailable for this appt"),
    Reason("PRIORITY_CHANGE", "Priority change for other reasons", needs_comment=True),
    Reason("PRIORITY_INAPPROPRIATE", "Inappropriate priority", needs_comment=True),
    Reason("PROVIDER_CANCELLATION", "Other - Provider cancellation", needs_comment=True),
    Reason("NOT_SPECIFIED", "Not Specified"),
)
NON_ATTENDANCE_REASONS: Final = (
    Reason("UNKNOWN", "Reason not known"),
    Reason("PATIENT_FORGOT", "Patient forgot about appointment"),
    Reason("PATIENT_ILL", "Patient ill"),
    Reason("PATIENT_DIED", "Patient died"),
    Reason("CANCELLED_TOO_LATE", "Cancelled too late"),
    Reason("ARRIVED_TOO_LATE", "Patient arrived too late to be seen"),
    Reason("NOT_SPECIFIED", "Not specified"),
)


def find_reason(reasons: tuple[Reason, ...], code: str) -> Reason | None:
    """Return the reason with a code, if the list has it."""
    return next((each for each in reasons if each.code == code), None)
