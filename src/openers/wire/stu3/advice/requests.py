"""The requests of advice and guidance: A023, A026, A027 and A044, and our own X001 and X002.

Source: rules chapters 4 and 12; ADR 0035 for X001 and X002.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

from openers.domain.advice import (
    LONGEST_MESSAGE,
    ConversionAuthorisation,
    GuidanceOutcome,
    MessageText,
    Recommendation,
)
from openers.domain.codes import Priority
from openers.domain.errors import Field, ValueIsRequired
from openers.domain.identifiers import Ubrn
from openers.domain.principal import Principal
from openers.domain.worklists import WorklistFilter
from openers.usecases.advice.ask_for_advice import AskForAdvice
from openers.usecases.advice.close_advice import CloseAdvice
from openers.usecases.advice.convert_advice import ConvertAdvice
from openers.usecases.advice.reply_to_provider import ReplyToProvider
from openers.usecases.advice.send_response import SendResponse
from openers.wire.json import LONGEST_COMMENT, BadValue, JsonValue, element, join, needed, text
from openers.wire.stu3.acts.requests import REVIEW_COMMENTS, REVIEW_FILE, Which
from openers.wire.stu3.create_referral import SHORTLIST
from openers.wire.stu3.document_reference import read_document
from openers.wire.stu3.kinds import Kind, boolean, coding, concept, resource, string
from openers.wire.stu3.parameters import Param, Parameters, many, one, optional
from openers.wire.stu3.search import PATIENT, REFERRING_CLINICIAN
from openers.wire.stu3.systems import CONVERSION_AUTHORISATION, PRIORITY, code_system
from openers.wire.stu3.worklists.filters import FILTERS, read_filter


class CommunicationList(StrEnum):
    """The only worklist of requests for advice."""

    ADVICE_AND_GUIDANCE_REQUESTS = "ADVICE_AND_GUIDANCE_REQUESTS"


class Origin(NamedTuple):
    """The request for advice to convert, and its version if the caller gives one."""

    ubrn: Ubrn
    version: int | None


CONVERSATION: Final = re.compile(r"CommunicationRequest/([0-9]{12})/_history/([0-9]{1,9})", re.ASCII)
"""A reference to a request for advice: UBRN and version."""
_CONVERSATION: Final = re.compile(r"CommunicationRequest/([0-9]{12})(?:/_history/([0-9]{1,9}))?", re.ASCII)
"""The same without requiring the version, because its absence has its own code (VALUE_IS_REQUIRED)."""
_REFERENCE: Final = frozenset({"id", "reference", "display"})


def _read_origin(node: JsonValue, path: str) -> Origin:
    at = join(path, "reference")
    sent = text(needed(element(node, path, _REFERENCE), "reference", path), at)
    found = _CONVERSATION.fullmatch(sent)
    if found is None:
        raise BadValue(at, sent, "must be CommunicationRequest/{UBRN}/_history/{version}")
    return Origin(Ubrn(found[1]), None if found[2] is None else int(found[2]))


_ORIGIN_SCHEMA: Final = {
    "type": "object",
    "required": ["reference"],
    "properties": {"reference": {"type": "string", "pattern": f"^{CONVERSATION.pattern}$"}},
}
_MESSAGE: Final = string(MessageText, LONGEST_MESSAGE)
_FILE: Final = resource(read_document, "NamedDocument")

AUTHORISATION: Final = Param(
    "providerConversionAuthorisation", coding(CONVERSION_AUTHORISATION, ConversionAuthorisation)
)
QUESTION: Final = Param("request", _MESSAGE)
QUESTION_FILE: Final = Param("requestAttachmentFile", _FILE)
OUTCOME: Final = Param("guidanceOutcome", coding(code_system("GuidanceResponseOutcome"), GuidanceOutcome))
RECOMMENDATION: Final = Param(
    "guidanceIntendedRecommendation", coding(code_system("GuidanceIntendedRecommendation"), Recommendation)
)
GUIDANCE: Final = Param("guidance", _MESSAGE)
UPDATED_PRIORITY: Final = Param("updatedPriority", coding(PRIORITY, Priority))
GUIDANCE_FILE: Final = Param("guidanceAttachmentFile", _FILE)
CREATE_FROM: Final = Param("createFrom", Kind("valueReference", _read_origin, _ORIGIN_SCHEMA))
NEW_PRIORITY: Final = Param("newReferralPriority", coding(PRIORITY, Priority))
REPLY: Final = Param("reply", _MESSAGE)
CLINICAL_INFORMATION: Final = Param("clinicalInformationFile", _FILE)
REFERRAL_AVOIDED: Final = Param("referralAvoided", boolean())
ADVICE_USEFUL: Final = Param("adviceUseful", boolean())
COMMENTS: Final = Param("comments", string(str, LONGEST_COMMENT))
LIST_TYPE: Final = Param("listType", concept(coding(code_system("CommunicationListSelector"), CommunicationList)))

ASK: Final = Parameters(
    "CreateAdviceAndGuidance-Request-Parameters",
    one(PATIENT),
    one(AUTHORISATION),
    one(SHORTLIST),
    one(QUESTION),
    optional(REFERRING_CLINICIAN),
    many(QUESTION_FILE),
)
"""The parameters of A044."""
RESPOND: Final = Parameters(
    "SendCommunicationToRequester-Request-Parameters",
    one(OUTCOME),
    optional(RECOMMENDATION),
    one(GUIDANCE),
    one(UPDATED_PRIORITY),
    many(GUIDANCE_FILE),
)
"""The parameters of A026."""
CONVERT: Final = Parameters(
    "CreateFromCommunicationRequestActionLater-Request-Parameters",
    one(CREATE_FROM),
    one(GUIDANCE),
    one(NEW_PRIORITY),
    one(REVIEW_COMMENTS),
    many(GUIDANCE_FILE),
    many(REVIEW_FILE),
)
"""The parameters of A027."""
SEND_REPLY: Final = Parameters(
    "SendCommunicationToProvider-Request-Parameters",
    optional(REPLY),
    many(QUESTION_FILE),
    many(CLINICAL_INFORMATION),
    own=True,
)
"""The parameters of X001."""
CLOSE: Final = Parameters(
    "CloseAdviceAndGuidance-Request-Parameters",
    optional(REFERRAL_AVOIDED),
    optional(ADVICE_USEFUL),
    optional(COMMENTS),
    own=True,
)
"""The parameters of X002."""
FETCH: Final = Parameters("FetchWorklist-Parameters", one(LIST_TYPE), *FILTERS)
"""The parameters of A023."""


def read_question(node: JsonValue, by: Principal) -> AskForAdvice:
    """Return the request that `by` sent to A044. Raises the classes of `Unreadable`."""
    values = ASK.read(node)
    shortlist = values[SHORTLIST]
    return AskForAdvice(
        by=by,
        criteria=shortlist.criteria,
        services=shortlist.services,
        patient=values[PATIENT],
        authorisation=values[AUTHORISATION],
        text=values[QUESTION],
        referring_clinician=values.get(REFERRING_CLINICIAN),
        files=values.all(QUESTION_FILE),
    )


def read_response(node: JsonValue, which: Which) -> SendResponse:
    """Return the request of A026. Raises the classes of `Unreadable`."""
    values = RESPOND.read(node)
    return SendResponse(
        **which,
        outcome=values[OUTCOME],
        text=values[GUIDANCE],
        priority=values[UPDATED_PRIORITY],
        recommendation=values.get(RECOMMENDATION),
        files=values.all(GUIDANCE_FILE),
    )


def read_conversion(node: JsonValue, by: Principal) -> ConvertAdvice:
    """Return the request that `by` sent to A027. Raises the classes of `Unreadable`, ValueIsRequired."""
    values = CONVERT.read(node)
    origin = values[CREATE_FROM]
    if origin.version is None:
        raise ValueIsRequired(Field.CREATE_FROM, hint="name the version that was read: .../_history/{version}")
    return ConvertAdvice(
        by=by,
        ubrn=origin.ubrn,
        version=origin.version,
        text=values[GUIDANCE],
        priority=values[NEW_PRIORITY],
        comment=values[REVIEW_COMMENTS],
        files=values.all(GUIDANCE_FILE),
        review_files=values.all(REVIEW_FILE),
    )


def read_reply(node: JsonValue, which: Which) -> ReplyToProvider:
    """Return the request of X001. Raises the classes of `Unreadable`."""
    values = SEND_REPLY.read(node)
    return ReplyToProvider(
        **which,
        text=values.get(REPLY),
        files=values.all(QUESTION_FILE),
        clinical_information=values.all(CLINICAL_INFORMATION),
    )


def read_closing(node: JsonValue, which: Which) -> CloseAdvice:
    """Return the request of X002. Raises the classes of `Unreadable`."""
    values = CLOSE.read(node)
    return CloseAdvice(
        **which,
        referral_avoided=values.get(REFERRAL_AVOIDED),
        advice_useful=values.get(ADVICE_USEFUL),
        comment=values.get(COMMENTS),
    )


def read_worklist(node: JsonValue) -> WorklistFilter:
    """Return the filter of A023's request. Raises the classes of `Unreadable`."""
    return read_filter(FETCH.read(node))
