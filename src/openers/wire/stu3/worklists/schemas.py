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
    description="Somebody whom a row of a list refers to, by an identifier and nothing more.",
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
    "A worklist: by priority, then who has waited longest. People are contained in REFERRALS_FOR_REVIEW alone.",
)

WORKLIST_COMPONENTS: Final[dict[str, Schema]] = {
    "FetchWorklist": FETCH_WORKLIST.schema(),
    "Worklist": _WORKLIST,
}
"""What a request for a worklist and a worklist look like."""
