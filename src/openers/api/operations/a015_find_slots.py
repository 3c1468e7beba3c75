"""A015: free slots of a directly bookable service. Refusals return 400, not 422. Source: rules chapter 4 (A015)."""

from __future__ import annotations

from typing import Final, TypeVar

from openers.api.call import Call, Reply
from openers.api.operation import GET, Parameter, Tag
from openers.api.registry import operation
from openers.domain.codes import Priority
from openers.domain.errors import Field, InvalidCode, InvalidValue, MissingHeader, MissingParameter
from openers.domain.identifiers import Identifier, OdsCode, ServiceId, UserId
from openers.domain.principal import REFERRERS
from openers.usecases.booking.find_slots import FindSlots, find_slots
from openers.usecases.ports.slot_page import SlotQuery
from openers.wire.labels import LABELS
from openers.wire.stu3.booking.slots import write_slots

K = TypeVar("K", bound=Identifier)

RULE_ORGANISATION: Final = "NHSD-eRS-Comm-Rule-Org"
MOST: Final = 100
STATUSES: Final = frozenset({"busy", "free", "busy-unavailable", "busy-tentative", "entered-in-error"})
INCLUDE: Final = "Slot:schedule"


@operation(
    "A015",
    GET,
    "/STU3/Slot",
    operation_id="a015-retrieve-appointment-slots",
    tags=(Tag.BOOK,),
    roles=REFERRERS,
    response="Slots",
    audit="API Retrieve Slots",
    refusal=400,
    query=(
        Parameter("schedule.actor:HealthcareService", True, "the service", "reference"),
        Parameter("schedule.actor:Practitioner", False, "only slots of this clinician", "reference"),
        Parameter("appointmentType", True, "the priority, despite the name: ROUTINE, URGENT or TWO_WEEK_WAIT"),
        Parameter("status", True, "always free"),
        Parameter("_count", True, "slots on a page, 1 to 100", "number"),
        Parameter("page", True, "which page, from 1", "number"),
        Parameter("_include", False, f"always {INCLUDE}; schedules are always included", values=(INCLUDE,)),
    ),
    headers=(Parameter(RULE_ORGANISATION, True, "The organisation whose commissioning rules apply"),),
)
async def retrieve_appointment_slots(call: Call) -> Reply:
    """Find free appointment slots of a service."""
    command = FindSlots(call.principal, _query(call), _rule_organisation(call))
    page = await find_slots(command, call.world)
    return call.plain(write_slots(page, call.base, call.world.ids.uuid(), call.world.clock.now()))


def _query(call: Call) -> SlotQuery:
    _check_status(call)
    clinician = _one(call, Field.SLOT_CLINICIAN)
    return SlotQuery(
        service=_parsed(Field.SLOT_SERVICE, _needed(call, Field.SLOT_SERVICE), ServiceId),
        clinician=None if clinician is None else _parsed(Field.SLOT_CLINICIAN, clinician, UserId),
        priority=_priority(_needed(call, Field.APPOINTMENT_TYPE)),
        count=_number(Field.COUNT, _needed(call, Field.COUNT), MOST),
        page=_number(Field.PAGE, _needed(call, Field.PAGE), 10**6),
    )


def _rule_organisation(call: Call) -> OdsCode:
    """Return the organisation whose commissioning rules apply. Raises MissingHeader, InvalidValue."""
    text = call.header(RULE_ORGANISATION)
    if not text:
        raise MissingHeader(Field.COMMISSIONING_RULE_ORGANISATION, None, f"send {RULE_ORGANISATION}")
    return _parsed(Field.COMMISSIONING_RULE_ORGANISATION, text, OdsCode)


def _check_status(call: Call) -> None:
    status, include = _needed(call, Field.STATUS), _one(call, Field.INCLUDE)
    if status not in STATUSES:
        raise InvalidCode(Field.STATUS, status, "must be free")
    if status != "free":
        raise InvalidValue(Field.STATUS, status, "must be free")
    if include not in (None, INCLUDE):
        raise InvalidValue(Field.INCLUDE, include, f"must be {INCLUDE}")


def _one(call: Call, field: Field) -> str | None:
    values = call.values_of("page" if field is Field.PAGE else LABELS[field])
    if len(values) > 1:
        raise InvalidValue(field, len(values), "must be given once")
    return values[0] if values else None


def _needed(call: Call, field: Field) -> str:
    value = _one(call, field)
    if not value:
        raise MissingParameter(field)
    return value


def _parsed(field: Field, text: str, kind: type[K]) -> K:
    try:
        return kind(text)
    except ValueError as error:
        raise InvalidValue(field, text, f"must be {kind.shape}") from error


def _priority(text: str) -> Priority:
    if text not in set(Priority):
        raise InvalidCode(Field.APPOINTMENT_TYPE, text, f"must be one of {', '.join(Priority)}")
    return Priority(text)


def _number(field: Field, text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        raise InvalidValue(field, text)
    return int(text)
