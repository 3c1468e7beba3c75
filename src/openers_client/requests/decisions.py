"""Decisions on a referral: of its provider, and its cancellation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from openers_client import fhir
from openers_client.fhir import Json
from openers_client.requests.attachments import Attachment, documents


@dataclass(frozen=True, kw_only=True)
class RejectionOfReferral:
    """Why a provider rejects a referral (A014). `reason` is a code of APPOINTMENT-CANCELLATION-REASON.

    `cancelled_in_pas` says of a telephone booking whether the provider has cancelled it in its own system.
    """

    reason: str
    comments: str | None = None
    cancelled_in_pas: bool | None = None

    def body(self) -> Json:
        """Return the request body."""
        listed = [
            fhir.dynamic("rejectionReason", self.reason, "APPOINTMENT-CANCELLATION-REASON"),
            *fhir.given("String", rejectionComments=self.comments),
            *fhir.given("Boolean", appointmentCancelledInPAS=self.cancelled_in_pas),
        ]
        return fhir.parameters("RejectReferral", listed)


@dataclass(frozen=True, kw_only=True)
class ActLater:
    """A provider cancels the appointment and books the patient later (A022)."""

    comments: str
    priority: str | None = None
    cancelled_in_pas: bool | None = None
    files: Sequence[Attachment] = ()

    def body(self) -> Json:
        """Return the request body."""
        listed = [
            *([] if self.priority is None else [fhir.static("priority", self.priority, "Priority")]),
            *fhir.given("Boolean", appointmentCancelledInPAS=self.cancelled_in_pas),
            *fhir.given("String", comments=self.comments),
            *documents("providerAttachmentFile", self.files, "PROVIDER"),
        ]
        return fhir.parameters("cancelAppointmentActionLater", listed)


@dataclass(frozen=True, kw_only=True)
class ReviewOutcome:
    """The outcome of a triage (A028): RETURN_TO_REFERRER_WITH_ADVICE or ACCEPT_REFER_BOOK_LATER."""

    outcome: str
    comments: str
    priority: str | None = None
    files: Sequence[Attachment] = ()

    def body(self) -> Json:
        """Return the request body."""
        listed = [
            fhir.static("reviewOutcome", self.outcome, "ReviewOutcome"),
            *fhir.given("String", reviewComments=self.comments),
            *([] if self.priority is None else [fhir.static("reviewPriority", self.priority, "Priority")]),
            *documents("reviewAttachmentFile", self.files, "PROVIDER"),
        ]
        return fhir.parameters("RecordReviewOutcome", listed)


def cancellation_of_referral(reason: str, comments: str | None) -> Json:
    """Return the request body of A036; `reason` is a code of REFERRAL-CANCELLATION-REASON."""
    coded = fhir.dynamic("cancellationReason", reason, "REFERRAL-CANCELLATION-REASON")
    return fhir.parameters("CancelReferral-Request", [coded, *fhir.given("String", cancellationComments=comments)])


def letter(files: Sequence[Attachment]) -> Json:
    """Return the request body of A012, which replaces all files of the letter."""
    return fhir.parameters("MaintainReferralLetter", documents("referralLetterFile", files, "REFERRER"))
