"""JSON schemas of the replies of R4 operations, by component name. All names start with R4."""

from __future__ import annotations

from typing import Final

from openers.wire.r4.services import FLOWS, TYPES
from openers.wire.shapes import COUNT, INSTANT, TEXT, TRUTH, Schema, array, code, const, ref, thing

_CODING: Final = thing({"system": TEXT, "code": TEXT}, {"display": TEXT})
_CONCEPT: Final = thing({"coding": array(_CODING, least=1)})
_IDENTIFIER: Final = thing({"system": TEXT, "value": TEXT})
_TELECOM: Final = thing({"system": code(["phone", "email"]), "value": TEXT})
_UPDATED: Final = thing({"lastUpdated": INSTANT})


def _searchset(of: str) -> Schema:
    """Return the schema of a search result that holds resources of the component `of`."""
    entry = thing({"fullUrl": TEXT, "resource": ref(of), "search": thing({"mode": const("match")})})
    return thing(
        {
            "resourceType": const("Bundle"),
            "id": TEXT,
            "meta": _UPDATED,
            "type": const("searchset"),
            "total": COUNT,
            "timestamp": INSTANT,
            "link": array(thing({"relation": const("self"), "url": TEXT}), least=1),
        },
        {"entry": array(entry, least=1)},
        "A search result.",
    )


_SERVICE: Final = thing(
    {
        "resourceType": const("HealthcareService"),
        "id": TEXT,
        "meta": thing({"versionId": TEXT}),
        "location": array(thing({"identifier": _IDENTIFIER}), least=1),
        "name": TEXT,
    },
    {
        "language": TEXT,
        "active": TRUTH,
        "extension": array(ref("R4Extension"), least=1),
        "type": array(_CONCEPT) | {"description": f"One of {', '.join(TYPES)}"},
        "characteristic": array(_CONCEPT)
        | {"description": f"{', '.join(each for each, _ in FLOWS.values())}; bookable"},
    },
    "A service of the directory.",
)
_EXTENSION: Final = thing(
    {"url": TEXT},
    {
        "valueString": TEXT,
        "extension": array(thing({"url": TEXT}, {"valueCodeableConcept": _CONCEPT, "valueContactPoint": _TELECOM})),
    },
)
_ROLE: Final = thing(
    {
        "resourceType": const("PractitionerRole"),
        "id": TEXT,
        "meta": _UPDATED,
        "practitioner": thing({"identifier": _IDENTIFIER}),
        "organization": thing({"identifier": _IDENTIFIER}),
        "code": array(_CONCEPT),
    },
    description="The business functions of a person at one organisation.",
)
_PRACTITIONER: Final = thing(
    {"resourceType": const("Practitioner"), "id": TEXT, "meta": _UPDATED, "identifier": _IDENTIFIER},
    description="A clinician. The identifier is an object, as in the real service's replies.",
)
_REQUEST: Final = thing(
    {
        "resourceType": const("ServiceRequest"),
        "id": TEXT,
        "meta": thing({"versionId": TEXT}),
        "identifier": array(_IDENTIFIER, least=1),
        "status": code(["active", "completed", "draft", "revoked"]),
        "intent": const("order"),
        "category": array(_CONCEPT, least=1),
        "subject": thing({"identifier": _IDENTIFIER}),
    },
    {"code": _CONCEPT},
    "A request, found by its UBRN.",
)
_OUTCOME: Final = thing(
    {
        "resourceType": const("OperationOutcome"),
        "meta": thing({"lastUpdated": INSTANT}, {"profile": array(TEXT)}),
        "issue": array(
            thing(
                {"severity": const("error"), "code": TEXT, "details": thing({"coding": array(_CODING, least=1)})},
                {"diagnostics": TEXT},
            ),
            least=1,
        ),
    },
    description="Why a request was refused or failed.",
)

COMPONENTS: Final[dict[str, Schema]] = {
    "R4Extension": _EXTENSION,
    "R4HealthcareService": _SERVICE,
    "R4HealthcareServices": _searchset("R4HealthcareService"),
    "R4OperationOutcome": _OUTCOME,
    "R4Practitioner": _PRACTITIONER,
    "R4PractitionerRole": _ROLE,
    "R4PractitionerRoles": _searchset("R4PractitionerRole"),
    "R4Practitioners": _searchset("R4Practitioner"),
    "R4ServiceRequest": _REQUEST,
    "R4ServiceRequests": _searchset("R4ServiceRequest"),
}
"""Every schema of R4."""
