"""JSON schemas of the requests and replies of STU3 operations, by component name.

Schemas of requests come from their declarations.
"""

from __future__ import annotations

from typing import Final

from openers.domain.appointment import AppointmentStatus
from openers.domain.attachments import AttachmentType
from openers.domain.codes import CodeSystemName, PropertyKind
from openers.domain.lifecycle import ReferralState
from openers.usecases.ports.appointment_request import WantedStatus
from openers.wire.json import LONGEST_DESCRIPTION
from openers.wire.shapes import COUNT, INSTANT, TEXT, TRUTH, Schema, array, code, const, profiled, ref, thing
from openers.wire.stu3.acts.schemas import ACT_COMPONENTS
from openers.wire.stu3.advice.schemas import ADVICE_COMPONENTS
from openers.wire.stu3.booking.appointment import DESCRIPTION, PROFILES
from openers.wire.stu3.booking.appointment_request import LONGEST_COMMENT, REFERRAL, SLOT
from openers.wire.stu3.booking.slots import BUNDLE_PROFILE, SCHEDULE_PROFILE, SLOT_PROFILE
from openers.wire.stu3.create_referral import CREATE_REFERRAL, CREATE_REFERRAL_FOR_TRIAGE
from openers.wire.stu3.criteria import SEARCH_CRITERIA
from openers.wire.stu3.document_reference import ADDRESS, TYPE
from openers.wire.stu3.document_reference import PROFILE as DOCUMENT_PROFILE
from openers.wire.stu3.maintain_letter import MAINTAIN_LETTER
from openers.wire.stu3.overview.schemas import OVERVIEW_COMPONENTS
from openers.wire.stu3.search import SEARCH_SERVICES
from openers.wire.stu3.shortlist import CRITERIA_EXTENSION, PROFILE
from openers.wire.stu3.systems import ERS_SERVICE, NHS_NUMBER, extension, profile
from openers.wire.stu3.worklists.schemas import WORKLIST_COMPONENTS

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
    """Return the schema of an extension made of extensions."""
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
_WHY: Final = array(_CONCEPT, least=1) | {"maxItems": 1}
_TAKES_PART: Final = array(
    thing(
        {"actor": thing({"identifier": _IDENTIFIER}, {"display": TEXT}), "status": const("accepted")},
        {"type": _CONCEPT | {"description": "CON for a clinician. An object, although FHIR defines an array."}},
    ),
    least=2,
) | {"maxItems": 3}
_APPOINTMENT: Final = thing(
    {
        "resourceType": const("Appointment"),
        "id": TEXT,
        "meta": profiled(PROFILES[0], versionId=TEXT),
        "language": const("en"),
        "status": code(AppointmentStatus),
        "description": const(DESCRIPTION),
        "created": INSTANT,
        "incomingReferral": array(_REFERENCE, least=1),
        "participant": _TAKES_PART,
    },
    {"reason": _WHY, "start": INSTANT, "end": INSTANT, "slot": array(_REFERENCE, least=1), "comment": TEXT},
    "The appointment of a referral, separate or contained in it.",
)
_APPOINTMENT_REQUEST: Final = thing(
    {
        "resourceType": const("Appointment"),
        "id": TEXT,
        "meta": profiled(" and ".join(PROFILES)),
        "status": code(WantedStatus),
        "description": const(DESCRIPTION),
        "incomingReferral": array(thing({"reference": {"type": "string", "pattern": REFERRAL.pattern}}), least=1),
        "participant": _TAKES_PART,
    },
    {
        "language": TEXT,
        "created": INSTANT,
        "reason": _WHY,
        "start": INSTANT,
        "end": INSTANT,
        "slot": array(thing({"reference": {"type": "string", "pattern": SLOT.pattern}})) | {"maxItems": 1},
        "comment": {"type": "string", "minLength": 1, "maxLength": LONGEST_COMMENT},
    },
    "A request to book, send for triage, defer or cancel an appointment.",
)
_ATTACHMENT_TYPE: Final = thing(
    {"coding": array(thing({"system": const(TYPE.name), "code": code(AttachmentType)}, {"display": TEXT}), least=1)}
)
_NAMED_DOCUMENT: Final = thing(
    {
        "resourceType": const("DocumentReference"),
        "meta": profiled(DOCUMENT_PROFILE),
        "type": _ATTACHMENT_TYPE,
        "status": const("current"),
        "indexed": INSTANT,
        "content": array(thing({"attachment": thing({"url": {"type": "string", "pattern": f"^{ADDRESS}"}})}), least=1)
        | {"maxItems": 1},
    },
    {"description": {"type": ["string", "null"], "minLength": 1, "maxLength": LONGEST_DESCRIPTION}},
    "An uploaded file to attach.",
)
_DOCUMENT: Final = thing(
    {
        "id": TEXT,
        "resourceType": const("DocumentReference"),
        "meta": profiled(DOCUMENT_PROFILE),
        "type": _ATTACHMENT_TYPE,
        "status": const("current"),
        "indexed": INSTANT,
        "content": array(
            thing(
                {
                    "attachment": thing(
                        {
                            "id": TEXT,
                            "extension": array(ref("Extension"), least=2),
                            "contentType": TEXT,
                            "url": TEXT,
                            "size": COUNT,
                            "title": TEXT,
                            "creation": {"type": "string", "format": "date"},
                        }
                    )
                }
            ),
            least=1,
        ),
    },
    {"description": TEXT},
    "An attachment of a request.",
)
_REFERRAL: Final = thing(
    {
        "resourceType": const("ReferralRequest"),
        "id": {"type": "string", "pattern": "^[0-9]{12}$"},
        "meta": profiled(profile("ReferralRequest"), versionId=TEXT),
        "extension": array({"anyOf": [ref("ReferralState"), ref("Extension")]}, least=4),
        "contained": array(
            {
                "anyOf": [
                    ref("ServiceSearchCriteria"),
                    ref("Shortlist"),
                    ref("Appointment"),
                    ref("DocumentReference"),
                ]
            },
            least=2,
        ),
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
        "extension": array(
            thing({"url": code(["state", "reason", "comments"])}, {"valueCoding": _CODING, "valueString": TEXT}),
            least=1,
        ),
    },
    description=f"The state of a referral: {', '.join(ReferralState)}.",
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
    "Services found, in the requested order.",
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
    "One dynamic code system, including expired codes.",
)
_SLOT: Final = thing(
    {
        "resourceType": const("Slot"),
        "id": TEXT,
        "meta": profiled(SLOT_PROFILE),
        "identifier": array(_IDENTIFIER, least=1),
        "schedule": _REFERENCE,
        "status": const("free"),
        "start": INSTANT,
        "end": INSTANT,
    },
    description="A time that can be booked.",
)
_SCHEDULE: Final = thing(
    {
        "resourceType": const("Schedule"),
        "id": TEXT,
        "meta": profiled(SCHEDULE_PROFILE),
        "identifier": array(_IDENTIFIER, least=1),
        "actor": array(thing({"identifier": _IDENTIFIER}), least=1),
    },
    description="The slots of a service, or of one clinician there.",
)
_SLOTS: Final = thing(
    {
        "resourceType": const("Bundle"),
        "id": TEXT,
        "meta": profiled(BUNDLE_PROFILE, lastUpdated=INSTANT),
        "type": const("searchset"),
        "total": COUNT | {"description": "The number of slots on all pages"},
        "link": array(thing({"relation": code(["self", "previous", "next"]), "url": TEXT}), least=1),
        "entry": array(
            thing(
                {
                    "fullUrl": TEXT,
                    "resource": {"anyOf": [ref("Slot"), ref("Schedule")]},
                    "search": thing({"mode": code(["match", "include"])}),
                }
            )
        ),
    },
    description="One page of free slots, and their schedules.",
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
    "Age": _AGE,
    "Appointment": _APPOINTMENT,
    "AppointmentRequest": _APPOINTMENT_REQUEST,
    "CodeableConcept": _CONCEPT,
    "CodeSystem": _CODE_SYSTEM,
    "Coding": _CODING,
    "CreateReferral": CREATE_REFERRAL.schema(),
    "CreateReferralAndSendForTriage": CREATE_REFERRAL_FOR_TRIAGE.schema(),
    "DocumentReference": _DOCUMENT,
    "Extension": thing({"url": TEXT}, {**_VALUES, "valueRange": thing({"low": _AGE, "high": _AGE})}),
    "Identifier": _IDENTIFIER,
    "MaintainLetter": MAINTAIN_LETTER.schema(),
    "NamedDocument": _NAMED_DOCUMENT,
    "OperationOutcome": _OUTCOME,
    "Reference": _REFERENCE,
    "ReferralRequest": _REFERRAL,
    "ReferralState": _STATE,
    "Schedule": _SCHEDULE,
    "SearchServices": SEARCH_SERVICES.schema(),
    "ServiceSearchCriteria": SEARCH_CRITERIA.schema(),
    "ServicesFound": _SERVICES_FOUND,
    "Shortlist": _SHORTLIST,
    "Slot": _SLOT,
    "Slots": _SLOTS,
    **ACT_COMPONENTS,
    **WORKLIST_COMPONENTS,
    **ADVICE_COMPONENTS,
    **OVERVIEW_COMPONENTS,
}
"""Every schema of STU3."""
