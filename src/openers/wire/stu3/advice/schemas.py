"""JSON schemas of advice and guidance, by component name: a part of `schemas.py`."""

from __future__ import annotations

from typing import Final

from openers.domain.advice import SentBy
from openers.domain.advice_lifecycle import AdviceState
from openers.wire.shapes import COUNT, INSTANT, TEXT, Schema, array, code, const, profiled, ref, thing
from openers.wire.stu3.acts.schemas import together
from openers.wire.stu3.advice.communication import PROFILE as COMMUNICATION_PROFILE
from openers.wire.stu3.advice.communication_request import PROFILE, REPLIED, STATUSES
from openers.wire.stu3.advice.requests import ASK, CLOSE, CONVERT, FETCH, RESPOND, SEND_REPLY
from openers.wire.stu3.booking.slots import BUNDLE_PROFILE
from openers.wire.stu3.systems import PRACTITIONER_ROLE, profile
from openers.wire.stu3.worklists.lists import PROFILE as WORKLIST_PROFILE

_IDENTIFIER: Final = thing({"system": TEXT, "value": TEXT})
_REFERENCE: Final = thing({"reference": TEXT})
_EXTENDED: Final = thing({"extension": array(thing({"url": TEXT}), least=1)})
_PAYLOAD: Final = array(thing({"contentReference": _REFERENCE}), least=1)


def _concept(codes: type[AdviceState] | type[SentBy]) -> Schema:
    return array(thing({"coding": array(thing({"system": TEXT, "code": code(codes)}), least=1)}), least=1)


_ROLE: Final = thing(
    {
        "resourceType": const("PractitionerRole"),
        "id": TEXT,
        "meta": profiled(PRACTITIONER_ROLE),
        "practitioner": thing({"identifier": _IDENTIFIER}),
        "organization": thing({"identifier": _IDENTIFIER}),
        "code": array(thing({"coding": array(thing({"system": TEXT, "code": TEXT}), least=1)}), least=1),
    },
    description="A clinician with the role in which they write.",
)
_REQUEST: Final = thing(
    {
        "resourceType": const("CommunicationRequest"),
        "id": {"type": "string", "pattern": "^[0-9]{12}$"},
        "meta": profiled(PROFILE, versionId=TEXT),
        "extension": array(ref("Extension"), least=4),
        "contained": array(
            {
                "anyOf": [
                    ref("ServiceSearchCriteria"),
                    ref("Shortlist"),
                    ref("PractitionerRole"),
                    ref("DocumentReference"),
                ]
            },
            least=3,
        ),
        "status": code(sorted(set(STATUSES.values()))),
        "category": _concept(AdviceState),
        "subject": thing({"identifier": _IDENTIFIER}),
        "recipient": array(_EXTENDED, least=1),
        "sender": _EXTENDED,
        "requester": thing({"agent": _EXTENDED}),
        "identifier": array(_IDENTIFIER, least=1),
    },
    {"payload": _PAYLOAD, "_status": _EXTENDED | {"description": "The referrer's closing feedback (X002)"}},
    "A request for advice.",
)
_COMMUNICATION: Final = thing(
    {
        "resourceType": const("Communication"),
        "id": TEXT,
        "meta": profiled(COMMUNICATION_PROFILE, versionId=TEXT),
        "extension": array(thing({"url": TEXT}), least=1),
        "basedOn": array(_REFERENCE, least=1),
        "status": const("completed"),
        "category": _concept(SentBy),
        "recipient": array({"anyOf": [ref("Identified"), ref("Extended")]}, least=1),
        "sent": INSTANT,
        "sender": _EXTENDED,
        "note": array(
            thing({"text": TEXT | {"description": "As it was sent. It may hold HTML: sanitise it."}}), least=1
        ),
    },
    {"payload": _PAYLOAD, "contained": array({"anyOf": [ref("PractitionerRole"), ref("DocumentReference")]})},
    "One message of a conversation.",
)
_FOUND: Final = {"anyOf": [ref("Communication"), ref("PractitionerRole"), ref("DocumentReference")]}
_COMMUNICATIONS: Final = thing(
    {
        "resourceType": const("Bundle"),
        "id": TEXT,
        "meta": profiled(BUNDLE_PROFILE, lastUpdated=INSTANT),
        "type": const("searchset"),
        "total": COUNT | {"description": "The number of messages"},
        "link": array(thing({"relation": const("self"), "url": TEXT}), least=1),
        "entry": array(
            thing({"fullUrl": TEXT, "resource": _FOUND, "search": thing({"mode": code(["match", "include"])})}), least=1
        ),
    },
    description="A conversation: its messages, and the resources included on request.",
)
_WORKLIST: Final = thing(
    {
        "resourceType": const("List"),
        "meta": profiled(WORKLIST_PROFILE),
        "status": const("current"),
        "mode": const("snapshot"),
    },
    {
        "entry": array(
            thing(
                {
                    "extension": array(thing({"url": TEXT, "extension": array(thing({"url": TEXT}))}), least=1),
                    "item": _REFERENCE,
                }
            )
        )
    },
    "The requests for advice of a provider. `entry.item.extension` gives the time a response is due (our extension).",
)
_SAID: Final = ("createdCommunication", "Communication")

ADVICE_COMPONENTS: Final[dict[str, Schema]] = {
    "AdviceAsked": together(
        profile("CreateAdviceAndGuidance-Response-Parameters"),
        ("createdCommunicationRequest", "CommunicationRequest"),
        _SAID,
    ),
    "AdviceReplied": together(REPLIED, ("updatedCommunicationRequest", "CommunicationRequest"), _SAID),
    "AdviceResponded": together(
        profile("SendCommunicationToRequester-Response-Parameters"),
        ("updatedCommunicationRequest", "CommunicationRequest"),
        _SAID,
    ),
    "AdviceWorklist": _WORKLIST,
    "CloseAdviceAndGuidance": CLOSE.schema(),
    "Communication": _COMMUNICATION,
    "CommunicationRequest": _REQUEST,
    "Communications": _COMMUNICATIONS,
    "CreateAdviceAndGuidance": ASK.schema(),
    "CreateFromCommunicationRequest": CONVERT.schema(),
    "Extended": _EXTENDED,
    "FetchAdviceWorklist": FETCH.schema(),
    "Identified": thing({"identifier": _IDENTIFIER}),
    "PractitionerRole": _ROLE,
    "SendCommunicationToProvider": SEND_REPLY.schema(),
    "SendCommunicationToRequester": RESPOND.schema(),
}
"""Every schema of advice and guidance."""
