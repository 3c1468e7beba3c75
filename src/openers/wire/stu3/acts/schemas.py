"""JSON schemas of the acts on a referral and of available actions, by component name: a part of `schemas.py`."""

from __future__ import annotations

from typing import Final

from openers.domain.codes import AvailableAction
from openers.wire.shapes import INSTANT, TEXT, Schema, array, code, const, profiled, ref, thing
from openers.wire.stu3.acts.requests import (
    ACT_LATER,
    CANCEL,
    CHANGE_SHORTLIST,
    CHANGE_SHORTLIST_FOR_TRIAGE,
    RECORD_REVIEW,
    REJECT,
)
from openers.wire.stu3.acts.tasks import INTENT, STATUS, TASK_PROFILE
from openers.wire.stu3.booking.slots import BUNDLE_PROFILE
from openers.wire.stu3.systems import profile


def together(of_profile: str, *parts: tuple[str, str]) -> Schema:
    """Return the schema of a reply with this profile: several resources, each with its name and its schema."""
    named: list[Schema] = [thing({"name": const(name), "resource": ref(schema)}) for name, schema in parts]
    return thing(
        {
            "resourceType": const("Parameters"),
            "meta": profiled(of_profile),
            "parameter": array({"anyOf": named}, least=1),
        }
    )


_ACTION: Final = thing({"system": TEXT, "code": code(AvailableAction), "display": TEXT})
_TASK: Final = thing(
    {
        "resourceType": const("Task"),
        "id": TEXT,
        "meta": profiled(TASK_PROFILE),
        "status": const(STATUS),
        "intent": const(INTENT),
        "focus": thing({"reference": TEXT}),
        "code": thing({"coding": array(_ACTION, least=1)}),
    },
    description="An action that the caller may perform.",
)
_TASKS: Final = thing(
    {
        "resourceType": const("Bundle"),
        "id": TEXT,
        "meta": profiled(BUNDLE_PROFILE, lastUpdated=INSTANT),
        "type": const("searchset"),
        "link": array(thing({"relation": const("self"), "url": TEXT}), least=1),
        "entry": array(
            thing({"fullUrl": TEXT, "resource": ref("AvailableAction"), "search": thing({"mode": const("match")})})
        ),
    },
    description="The actions possible on a referral now. Unlike most Bundles it has no total.",
)

ACT_COMPONENTS: Final[dict[str, Schema]] = {
    "AvailableAction": _TASK,
    "AvailableActions": _TASKS,
    "CancelAppointmentActionLater": ACT_LATER.schema(),
    "CancelReferral": CANCEL.schema(),
    "ChangeShortlist": CHANGE_SHORTLIST.schema(),
    "ChangeShortlistAndSendForTriage": CHANGE_SHORTLIST_FOR_TRIAGE.schema(),
    "RecordReviewOutcome": RECORD_REVIEW.schema(),
    "ReferralCancelled": together(
        profile("CancelReferral-Response-Parameters"),
        ("updatedReferralRequest", "ReferralRequest"),
        ("updatedAppointment", "Appointment"),
    ),
    "ReferralSentForTriage": together(
        profile("ChangeShortlistAndSendForTriage-Response-Parameters"),
        ("updatedReferralRequest", "ReferralRequest"),
        ("createdAppointment", "Appointment"),
    ),
    "RejectReferral": REJECT.schema(),
}
"""Every schema of the acts."""
