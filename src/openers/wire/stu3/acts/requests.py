"""Requests that change a referral: A014, A022, A028, A031, A032 and A036 (A013 has no body).

The use cases check codes that depend on data. Source: rules chapters 4 and 12.
"""

from __future__ import annotations

from typing import Final, TypedDict

from openers.domain.codes import Priority, ReviewOutcome
from openers.domain.identifiers import Ubrn
from openers.domain.principal import Principal
from openers.usecases.deciding.act_later import ActLater
from openers.usecases.deciding.cancel_referral import CancelReferral
from openers.usecases.deciding.record_review import RecordReview
from openers.usecases.deciding.reject_referral import RejectReferral
from openers.usecases.directory.shortlist_services import ShortlistChoice
from openers.usecases.referring.change_shortlist import ChangeShortlist
from openers.wire.json import LONGEST_COMMENT, JsonValue
from openers.wire.stu3.create_referral import LETTER_INTENTION, REMINDER_DAYS, SHORTLIST
from openers.wire.stu3.document_reference import read_document
from openers.wire.stu3.kinds import boolean, coding, open_coding, resource, string
from openers.wire.stu3.parameters import Param, Parameters, many, one, optional
from openers.wire.stu3.systems import (
    APPOINTMENT_CANCELLATION,
    PRIORITY,
    REFERRAL_CANCELLATION,
    REVIEW_OUTCOME,
)

"""Maximum length of an act's comment, in characters."""

_COMMENT: Final = string(str, LONGEST_COMMENT)
REJECTION_REASON: Final = Param("rejectionReason", open_coding(APPOINTMENT_CANCELLATION, str))
REJECTION_COMMENTS: Final = Param("rejectionComments", _COMMENT)
CANCELLED_IN_PAS: Final = Param("appointmentCancelledInPAS", boolean())
COMMENTS: Final = Param("comments", _COMMENT)
NEW_PRIORITY: Final = Param("priority", coding(PRIORITY, Priority))
OUTCOME: Final = Param("reviewOutcome", coding(REVIEW_OUTCOME, ReviewOutcome))
REVIEW_COMMENTS: Final = Param("reviewComments", _COMMENT)
REVIEW_PRIORITY: Final = Param("reviewPriority", coding(PRIORITY, Priority))
CANCELLATION_REASON: Final = Param("cancellationReason", open_coding(REFERRAL_CANCELLATION, str))
CANCELLATION_COMMENTS: Final = Param("cancellationComments", _COMMENT)

PROVIDER_FILE: Final = Param("providerAttachmentFile", resource(read_document, "NamedDocument"))
REVIEW_FILE: Final = Param("reviewAttachmentFile", resource(read_document, "NamedDocument"))

REJECT: Final = Parameters(
    "RejectReferral-Parameters", one(REJECTION_REASON), optional(REJECTION_COMMENTS), optional(CANCELLED_IN_PAS)
)
"""The parameters of A014."""
ACT_LATER: Final = Parameters(
    "cancelAppointmentActionLater-Parameters",
    one(COMMENTS),
    optional(NEW_PRIORITY),
    optional(CANCELLED_IN_PAS),
    many(PROVIDER_FILE),
)
"""The parameters of A022, whose profile name starts with a small letter (rules 5.3)."""
RECORD_REVIEW: Final = Parameters(
    "RecordReviewOutcome-Parameters", one(OUTCOME), one(REVIEW_COMMENTS), optional(REVIEW_PRIORITY), many(REVIEW_FILE)
)
"""The parameters of A028."""
_CHOICE: Final = (one(SHORTLIST), one(LETTER_INTENTION), one(REMINDER_DAYS))
CHANGE_SHORTLIST: Final = Parameters("ChangeShortlist-Parameters", *_CHOICE)
"""The parameters of A031."""
CHANGE_SHORTLIST_FOR_TRIAGE: Final = Parameters("ChangeShortlistAndSendForTriage-Request-Parameters", *_CHOICE)
"""The parameters of A032."""
CANCEL: Final = Parameters(
    "CancelReferral-Request-Parameters", one(CANCELLATION_REASON), optional(CANCELLATION_COMMENTS)
)
"""The parameters of A036."""


class Which(TypedDict):
    """The referral, its version and the caller: common to all requests."""

    by: Principal
    ubrn: Ubrn
    version: int


def read_rejection(node: JsonValue, which: Which) -> RejectReferral:
    """Return the request of A014. Raises the classes of `Unreadable`."""
    values = REJECT.read(node)
    return RejectReferral(
        **which,
        reason=values[REJECTION_REASON],
        comment=values.get(REJECTION_COMMENTS),
        cancelled_in_pas=values.get(CANCELLED_IN_PAS),
    )


def read_act_later(node: JsonValue, which: Which) -> ActLater:
    """Return the request of A022. Raises the classes of `Unreadable`."""
    values = ACT_LATER.read(node)
    return ActLater(
        **which,
        comment=values[COMMENTS],
        priority=values.get(NEW_PRIORITY),
        cancelled_in_pas=values.get(CANCELLED_IN_PAS),
        files=values.all(PROVIDER_FILE),
    )


def read_review(node: JsonValue, which: Which) -> RecordReview:
    """Return the request of A028. Raises the classes of `Unreadable`."""
    values = RECORD_REVIEW.read(node)
    return RecordReview(
        **which,
        outcome=values[OUTCOME],
        comment=values[REVIEW_COMMENTS],
        priority=values.get(REVIEW_PRIORITY),
        files=values.all(REVIEW_FILE),
    )


def read_change_of_shortlist(node: JsonValue, which: Which, *, send_for_triage: bool) -> ChangeShortlist:
    """Return the request of A031 or A032. Raises the classes of `Unreadable`."""
    values = (CHANGE_SHORTLIST_FOR_TRIAGE if send_for_triage else CHANGE_SHORTLIST).read(node)
    shortlist = values[SHORTLIST]
    choice = ShortlistChoice(
        by=which["by"],
        criteria=shortlist.criteria,
        services=shortlist.services,
        letter_intention=values[LETTER_INTENTION],
        reminder_days=values[REMINDER_DAYS],
        send_for_triage=send_for_triage,
    )
    return ChangeShortlist(**which, choice=choice)


def read_cancellation(node: JsonValue, which: Which) -> CancelReferral:
    """Return the request of A036. Raises the classes of `Unreadable`."""
    values = CANCEL.read(node)
    return CancelReferral(**which, reason=values[CANCELLATION_REASON], comment=values.get(CANCELLATION_COMMENTS))
