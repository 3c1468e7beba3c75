"""Reasons that the user may give: those of a published code system for the act and the role (A004)."""

from __future__ import annotations

from enum import Enum
from typing import Final

from openers_client import fhir
from openers_client.records.directory import Code
from openers_quickconnect.desk import Desk
from openers_web.parts.forms import Option

COMMENT_NEEDED: Final = "A comment is needed."


class Act(Enum):
    """An act that needs a reason: the code system, and the property and value that a reason for it has."""

    CANCEL_APPOINTMENT = ("APPOINTMENT-CANCELLATION-REASON", "usage", "CANCEL")
    REJECT = ("APPOINTMENT-CANCELLATION-REASON", "usage", "REJECT")
    CANCEL_REFERRAL = ("REFERRAL-CANCELLATION-REASON", "referrerUsage", "CANCEL_REFERRAL")


async def reasons(desk: Desk, act: Act, *, stands: bool = False) -> list[Option]:
    """Return the reasons in force that this role may give. `stands` leaves out those that keep an appointment."""
    system, name, value = act.value
    found = await desk.caller.code_system(system)
    return [
        Option(each.code, each.display, COMMENT_NEEDED if True in _values(each, "commentIsMandatory") else "")
        for each in found.codes
        if each.effective_to is None
        and value in _values(each, name)
        and desk.function in _values(each, "businessFunction")
        and (not stands or True in _values(each, "canCancelAppointment"))
    ]


def _values(code: Code, name: str) -> list[fhir.Value]:
    return [fhir.value(each) for each in fhir.items(code.resource, "property") if each.get("code") == name]
