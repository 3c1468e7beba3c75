"""JSON schemas of what STU3 operations take and give, by component name. Requests come from their declarations."""

from __future__ import annotations

from typing import Final

from openers.domain.codes import CodeSystemName, PropertyKind
from openers.domain.lifecycle import ReferralState
from openers.wire.shapes import COUNT, INSTANT, TEXT, TRUTH, Schema, array, code, const, profiled, ref, thing
from openers.wire.stu3.create_referral import CREATE_REFERRAL, CREATE_REFERRAL_FOR_TRIAGE
from openers.wire.stu3.criteria import SEARCH_CRITERIA
from openers.wire.stu3.search import SEARCH_SERVICES
from openers.wire.stu3.shortlist import CRITERIA_EXTENSION, PROFILE
from openers.wire.stu3.systems import ERS_SERVICE, NHS_NUMBER, extension, profile

_CODING: Final = thing({"system": TEXT, "code": TEXT}, {"display": TEXT})
_CONCEPT: Final = thing({"coding": array(_CODING, least=1)})
_REFERENCE: Final = thing({"reference": TEXT})
_IDENTIFIER: Final = thing({"system": TEXT, "value": TEXT})
_VALUES: Final[Schema] = {
    "valueBoolean": TRUTH,
    "valueCodeableConcept": _CONCEPT,
    "valueCoding": _CODING,
    "valueDate": {"type": "string", "format": "date"},
    "valueDateTime": INSTANT,
    "valueIdentifier": _IDENTIFIER,
    "valueInstant": INSTANT,
    "valueInteger": {"type": "integer"},
    "valueReference": thing({}, {"reference": TEXT, "identifier": _IDENTIFIER, "display": TEXT}),
    "valueString": TEXT,
    "valueUnsignedInt": COUNT,
}
_AGE: Final = thing({"value": COUNT, "unit": code(["YEARS", "MONTHS"])})
_SERVICE: Final = thing({"system": const(ERS_SERVICE.name), "value": TEXT})
_NHS_NUMBER: Final = thing({"system": const(NHS_NUMBER.name), "value": TEXT})


def _extensions(url: str) -> Schema:
    """An extension made of extensions."""
    return thing({"url": const(url), "extension": array(ref("Extension"), least=1)})


_SHORTLIST: Final = thing(
    {
        "resourceType": const("List"),
        "meta": profiled(PROFILE),
        "status": const("current"),
        "mode": const("snapshot"),
        "extension": array(thing({"url": const(CRITERIA_EXTENSION), "valueReference": _REFERENCE}), least=1),
        "entry": array(thing({"item": thing({"identifier": _SERVICE}, {"display": TEXT})})),
    },
    {"id": TEXT, "contained": array(ref("ServiceSearchCriteria"))},
    "Services in the referrer's order, with the criteria that found them.",
)
_APPOINTMENT: Final = thing(
    {
        "resourceType": const("Appointment"),
        "id": const("appointment"),
        "meta": profiled(profile("Appointment"), versionId=TEXT),
        "status": TEXT,
        "description": TEXT,
        "incomingReferral": array(_REFERENCE),
        "participant": array(thing({"actor": thing({"identifier": _IDENTIFIER}, {"display": TEXT}), "status": TEXT})),
    },
    {"language": TEXT, "created": INSTANT, "reason": array(_CONCEPT)},
    "The appointment that a referral holds.",
)
_REFERRAL: Final = thing(
    {
        "resourceType": const("ReferralRequest"),
        "id": {"type": "string", "pattern": "^[0-9]{12}$"},
        "meta": profiled(profile("ReferralRequest"), versionId=TEXT),
        "extension": array({"anyOf": [ref("ReferralState"), ref("Extension")]}, least=4),
        "contained": array({"anyOf": [ref("ServiceSearchCriteria"), ref("Shortlist"), ref("Appointment")]}, least=2),
        "status": code(["active", "cancelled", "completed"]),
        "subject": thing({"identifier": _NHS_NUMBER}),
        "supportingInfo": array(_REFERENCE),
        "intent": const("plan"),
        "identifier": array(_IDENTIFIER, least=1),
    },
    {"specialty": _CONCEPT},
    "A referral.",
)
_STATE: Final = thing(
    {
        "url": const(extension("ReferralState")),
        "extension": array(thing({"url": code(["state", "reason"]), "valueCoding": _CODING}), least=1),
    },
    description=f"Where a referral stands: {', '.join(ReferralState)}.",
)
_SERVICES_FOUND: Final = thing(
    {
        "resourceType": const("List"),
        "meta": profiled(profile("FetchServices-List")),
        "status": const("current"),
        "mode": const("snapshot"),
        "entry": array(
            thing(
                {
                    "extension": array(_extensions(extension("ServiceSearch-ListItem")), least=1),
                    "item": thing(
                        {
                            "extension": array(_extensions(extension("ServiceSummaryView")), least=1),
                            "identifier": _SERVICE,
                        }
                    ),
                }
            )
        ),
    },
    {"emptyReason": _CONCEPT},
    "Services found, in the order asked for.",
)
_CODE_SYSTEM: Final = thing(
    {
        "resourceType": const("CodeSystem"),
        "id": code(CodeSystemName),
        "meta": profiled("the profile of the code system"),
        "url": TEXT,
        "name": TEXT,
        "status": const("active"),
        "date": INSTANT,
        "description": TEXT,
        "content": const("complete"),
        "property": array(thing({"code": TEXT, "uri": TEXT, "type": code(PropertyKind)})),
        "concept": array(
            thing(
                {"code": TEXT, "display": TEXT, "property": array(thing({"code": TEXT}, _VALUES))},
                {"extension": array(ref("Extension"))},
            )
        ),
    },
    {"version": TEXT, "publisher": TEXT, "copyright": TEXT, "experimental": TRUTH, "caseSensitive": TRUTH},
    "One dynamic code system, expired codes included.",
)
_OUTCOME: Final = thing(
    {
        "resourceType": const("OperationOutcome"),
        "meta": profiled(profile("OperationOutcome")),
        "issue": array(
            thing(
                {
                    "severity": const("error"),
                    "code": TEXT,
                    "details": thing({"coding": array(thing({"system": TEXT, "code": TEXT, "display": TEXT}))}),
                },
                {"diagnostics": TEXT},
            ),
            least=1,
        ),
    },
    description="Why a request was refused or failed.",
)

COMPONENTS: Final[dict[str, Schema]] = {
    "Appointment": _APPOINTMENT,
    "CodeSystem": _CODE_SYSTEM,
    "CreateReferral": CREATE_REFERRAL.schema(),
    "CreateReferralAndSendForTriage": CREATE_REFERRAL_FOR_TRIAGE.schema(),
    "Extension": thing({"url": TEXT}, {**_VALUES, "valueRange": thing({"low": _AGE, "high": _AGE})}),
    "OperationOutcome": _OUTCOME,
    "ReferralRequest": _REFERRAL,
    "ReferralState": _STATE,
    "SearchServices": SEARCH_SERVICES.schema(),
    "ServiceSearchCriteria": SEARCH_CRITERIA.schema(),
    "ServicesFound": _SERVICES_FOUND,
    "Shortlist": _SHORTLIST,
}
"""Every schema of STU3."""
