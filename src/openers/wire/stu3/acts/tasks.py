"""The actions that a caller may perform on a referral (A029): a Bundle of Tasks, each a proposal that is ready.

Source: rules chapter 4 (A029) and 12.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from openers.domain.clock import Instant
from openers.domain.codes import AvailableAction
from openers.domain.identifiers import Ubrn
from openers.wire.instants import write_instant
from openers.wire.json import Json, JsonValue, encode
from openers.wire.stu3.booking.slots import BUNDLE_PROFILE
from openers.wire.stu3.systems import below, code_system, coded

TASK_PROFILE: Final = "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Task-1"
INTENT: Final = "proposal"
STATUS: Final = "ready"
DISPLAYS: Final[dict[AvailableAction, str]] = {
    AvailableAction.RECORD_REVIEW_OUTCOME: "Record Review Outcome",
    AvailableAction.CREATE_APPOINTMENT: "Create Appointment",
    AvailableAction.CHANGE_SHORTLIST: "Change Shortlist",
    AvailableAction.CHANGE_SHORTLIST_AND_SEND_FOR_TRIAGE: "Change Shortlist and Send for Triage",
    AvailableAction.CANCEL_DIRECTLY_BOOKED_APPOINTMENT: "Cancel Directly Booked Appointment",
    AvailableAction.CANCEL_REFERRAL: "Cancel Referral",
}
"""The display text of each action."""

_ACTIONS: Final = code_system("AvailableActionsForUser")


def write_tasks(
    actions: Sequence[AvailableAction], focus: tuple[Ubrn, int], base: str, ids: Callable[[], UUID], at: Instant
) -> bytes:
    """Return the actions on the referral `focus` in this version; unlike most Bundles, this one has no total."""
    reference = f"ReferralRequest/{focus[0]}/_history/{focus[1]}"
    link: Json = {
        "relation": "self",
        "url": below(base, f"/STU3/Task?focus={reference}&intent={INTENT}&status={STATUS}"),
    }
    entries: list[JsonValue] = [_entry(action, reference, base, str(ids())) for action in actions]
    return encode(
        {
            "id": str(ids()),
            "meta": {"lastUpdated": write_instant(at), "profile": [BUNDLE_PROFILE]},
            "resourceType": "Bundle",
            "type": "searchset",
            "link": [link],
            "entry": entries,
        }
    )


def _entry(action: AvailableAction, reference: str, base: str, id: str) -> Json:
    resource: JsonValue = {
        "id": id,
        "meta": {"profile": [TASK_PROFILE]},
        "resourceType": "Task",
        "status": STATUS,
        "intent": INTENT,
        "focus": {"reference": reference},
        "code": {"coding": [coded(_ACTIONS, action, DISPLAYS[action])]},
    }
    return {"fullUrl": below(base, f"/STU3/Task/{id}"), "resource": resource, "search": {"mode": "match"}}
