"""JSON schemas of worklists, by component name: a part of `schemas.py`."""

from __future__ import annotations

from typing import Final

from openers.wire.shapes import TEXT, Schema, array, code, const, profiled, ref, thing
from openers.wire.stu3.worklists.referral_worklist import FETCH_WORKLIST, LIST_PROFILE
from openers.wire.stu3.worklists.referral_worklist_rows import PATIENT_PROFILE, PRACTITIONER_PROFILE

_PERSON: Final = thing(
    {
        "resourceType": code(["Patient", "Practitioner"]),
        "id": TEXT,
        "meta": profiled(f"{PATIENT_PROFILE} or {PRACTITIONER_PROFILE}"),
        "identifier": array(thing({"system": TEXT, "value": TEXT}), least=1),
    },
    description="A person to whom a row refers, with only an identifier.",
)
_ROW: Final = thing(
    {
        "extension": array(thing({"url": TEXT, "extension": array(ref("Extension"), least=1)}), least=1),
        "item": thing({"reference": {"type": "string", "pattern": "^ReferralRequest/[0-9]{12}$"}}),
    }
)
_WORKLIST: Final = thing(
    {
        "resourceType": const("List"),
        "meta": profiled(LIST_PROFILE),
        "status": const("current"),
        "mode": const("snapshot"),
    },
    {"contained": array(_PERSON, least=1), "entry": array(_ROW, least=1)},
    "A worklist, sorted by priority, then by the longest wait. Only REFERRALS_FOR_REVIEW contains people.",
)

WORKLIST_COMPONENTS: Final[dict[str, Schema]] = {
    "FetchWorklist": FETCH_WORKLIST.schema(),
    "Worklist": _WORKLIST,
}
"""The schemas of a worklist and of its request."""
