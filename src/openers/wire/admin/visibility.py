"""The question why a service is not found, and its answer: each condition in words."""

from __future__ import annotations

from typing import Any, Final

from openers.domain.codes import Priority, RequestType
from openers.domain.identifiers import OdsCode, SlotId, UserId
from openers.domain.patient import Sex
from openers.domain.search import Condition
from openers.domain.services.slot_window import SlotCondition
from openers.usecases.services.visibility import Question, Told

PARAMETERS: Final = {
    "organisation": "ODS code of the referrer's organisation",
    "user": "Id of the referrer, for restricted services",
    "request_type": "APPOINTMENT_REQUEST or ADVICE_AND_GUIDANCE_REQUEST",
    "priority": "ROUTINE, URGENT or TWO_WEEK_WAIT",
    "specialty": "Specialty, together with clinic_type",
    "clinic_type": "Clinic type, together with specialty",
    "clinician": "Id of a named clinician",
    "age": "Age of the patient in years",
    "sex": "Sex of the patient",
    "slot": "Number of a slot",
}
"""The parameters. The organisation is needed; the others are taken from the service if they are left out."""
CONDITIONS: Final[dict[Condition, str]] = {
    Condition.PUBLISHED: "the service is not published: publish its draft",
    Condition.OPERATIONAL_DATES: "today is not within the operational dates of the service",
    Condition.REQUEST_TYPE: "the service does not accept this type of request",
    Condition.PRIORITY: "the service does not accept this priority",
    Condition.CLINIC_TYPE: "the service has no such pair of specialty and clinic type",
    Condition.NAMED_CLINICIAN: "the clinician is not named at the service",
    Condition.ORGANISATION: "the service is of another organisation and site",
    Condition.AGE_OR_SEX: "the service does not treat patients of this age or sex",
    Condition.COMMISSIONING: "the service is not available nationally, and the commissioner of the referrer's"
    " organisation has no rule that is in force",
    Condition.RESTRICTION: "the service is restricted, and no pathway leads from this referrer into it",
    Condition.WAIT: "the indicative wait of the service is unknown, or longer than wanted",
    Condition.DISTANCE: "the service is farther away than wanted, or its place is unknown",
}
"""Why each condition hides a service."""
SLOT_CONDITIONS: Final[dict[SlotCondition, str]] = {
    SlotCondition.STATE: "the slot is booked, being booked, or no longer offered by the PAS",
    SlotCondition.PRIORITY: "the PAS does not offer the slot for this priority",
    SlotCondition.CLINICIAN: "the slot is of another clinician",
    SlotCondition.RESERVATION: "the slot is new, and still reserved for the provider",
    SlotCondition.WINDOW_START: "the slot starts too soon for the booking window of this priority",
    SlotCondition.WINDOW_END: "the slot starts after the booking window or the polling range",
}
"""Why each condition hides a slot."""


def read_question(asked: dict[str, str]) -> Question:
    """Return the question in the parameters. Raises ValueError, which names the parameter."""
    if ("specialty" in asked) != ("clinic_type" in asked):
        raise ValueError("specialty: it is only allowed together with clinic_type")
    age = asked.get("age")
    if age is not None and not (age.isascii() and age.isdigit() and len(age) < 4):
        raise ValueError("age: it is not a number of years")
    return Question(
        organisation=_read("organisation", OdsCode, asked) or _missing("organisation"),
        user=_read("user", UserId, asked),
        request_type=_read("request_type", RequestType, asked),
        priority=_read("priority", Priority, asked),
        pair=(asked["specialty"], asked["clinic_type"]) if "specialty" in asked else None,
        clinician=_read("clinician", UserId, asked),
        age_years=None if age is None else int(age),
        sex=_read("sex", Sex, asked) or Sex.UNKNOWN,
        slot=_read("slot", SlotId, asked),
    )


def _read(name: str, of: Any, asked: dict[str, str]) -> Any:
    if name not in asked:
        return None
    try:
        return of(asked[name])
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _missing(name: str) -> Any:
    raise ValueError(f"{name}: it is missing")


def write_told(told: Told) -> dict[str, Any]:
    """Return the answer as JSON."""
    slots = [
        {
            "id": str(each.slot.id),
            "start": each.slot.start.isoformat(),
            "shown": each.hidden_by is None,
            "hidden_by": each.hidden_by,
            "told": "" if each.hidden_by is None else SLOT_CONDITIONS[each.hidden_by],
        }
        for each in told.slots
    ]
    return {
        "service": str(told.service),
        "name": told.name,
        "shown": told.hidden_by is None,
        "hidden_by": told.hidden_by,
        "told": "" if told.hidden_by is None else CONDITIONS[told.hidden_by],
        "slots": slots,
    }
