"""JSON schemas of overviews, by component name: a part of `schemas.py`."""

from __future__ import annotations

from typing import Final

from openers.wire.shapes import COUNT, INSTANT, TEXT, TRUTH, Schema, array, code, const, profiled, thing
from openers.wire.stu3.overview.requests import FIND_NAMES, FIND_PATIENTS, PATIENT_REQUESTS, ROW_OVERVIEWS
from openers.wire.stu3.systems import own_profile

_PART: Final = thing(
    {"name": TEXT},
    {
        "valueCode": TEXT,
        "valueDate": {"type": "string", "format": "date"},
        "valueHumanName": thing({"family": TEXT, "given": array(TEXT, least=1)}),
        "valueIdentifier": thing({"system": TEXT, "value": TEXT}),
        "valueInstant": INSTANT,
        "valueString": TEXT,
        "valueUnsignedInt": COUNT,
    },
    "One named value.",
)


def _reply(name: str, entries: list[str], description: str, **more: Schema) -> Schema:
    entry = thing({"name": code(entries)}, {"part": array({"$ref": "#/components/schemas/OverviewPart"}), **more})
    return thing(
        {
            "resourceType": const("Parameters"),
            "meta": profiled(own_profile(name)),
            "parameter": array(entry),
        },
        description=description,
    )


OVERVIEW_COMPONENTS: Final[dict[str, Schema]] = {
    "FindNames": FIND_NAMES.schema(),
    "FindPatients": FIND_PATIENTS.schema(),
    "FoundNames": _reply(
        "FindNames-Response-Parameters", ["patient", "person", "organisation"], "Names behind identifiers."
    ),
    "FoundPatients": _reply(
        "FindPatients-Response-Parameters",
        ["complete", "patient"],
        "Patients found. `complete` is false if there are more than the reply shows.",
        valueBoolean=TRUTH,
    ),
    "History": _reply("History-Response-Parameters", ["event"], "The events of a request, oldest first."),
    "Overviews": _reply("Overviews-Response-Parameters", ["request"], "Requests with their next step and last event."),
    "OverviewPart": _PART,
    "PatientRequests": PATIENT_REQUESTS.schema(),
    "RowOverviews": ROW_OVERVIEWS.schema(),
}
"""Every schema of overviews."""
