"""The messages and decisions of a request for advice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from openers_client import fhir
from openers_client.fhir import Json
from openers_client.records.advice import AdviceRequest
from openers_client.requests.attachments import Attachment, documents


@dataclass(frozen=True, kw_only=True)
class Response:
    """A provider's response (A026).

    `outcome` is RETURN_TO_REFERRER_WITH_ADVICE or REQUIRE_FURTHER_INFORMATION. `recommendation`, for example
    ADVICE_ONLY_NO_REFERRAL_RECOMMENDED, goes with the first. `priority` is the request's priority from now on.
    """

    outcome: str
    text: str
    priority: str
    recommendation: str | None = None
    files: Sequence[Attachment] = ()

    def body(self) -> Json:
        """Return the request body."""
        intended = self.recommendation
        system = "GuidanceIntendedRecommendation"
        listed = [
            fhir.static("guidanceOutcome", self.outcome, "GuidanceResponseOutcome"),
            *([] if intended is None else [fhir.static("guidanceIntendedRecommendation", intended, system)]),
            *fhir.given("String", guidance=self.text),
            fhir.static("updatedPriority", self.priority, "Priority"),
            *documents("guidanceAttachmentFile", self.files, "GUIDANCE_RESPONSE"),
        ]
        return fhir.parameters("SendCommunicationToRequester-Request", listed)


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """A provider converts a request for advice into a referral (A027)."""

    text: str
    priority: str
    comments: str
    files: Sequence[Attachment] = ()
    review_files: Sequence[Attachment] = ()

    def body(self, request: AdviceRequest) -> Json:
        """Return the request body for a request for advice as it was read."""
        source = {"reference": f"CommunicationRequest/{request.ubrn}/_history/{request.version}"}
        listed = [
            {"name": "createFrom", "valueReference": source},
            *fhir.given("String", guidance=self.text),
            fhir.static("newReferralPriority", self.priority, "Priority"),
            *fhir.given("String", reviewComments=self.comments),
            *documents("guidanceAttachmentFile", self.files, "GUIDANCE_RESPONSE"),
            *documents("reviewAttachmentFile", self.review_files, "PROVIDER"),
        ]
        return fhir.parameters("CreateFromCommunicationRequestActionLater-Request", listed)


def reply_to_provider(
    text: str | None, files: Sequence[Attachment], clinical_information: Sequence[Attachment]
) -> Json:
    """Return the request body of X001."""
    listed = [
        *fhir.given("String", reply=text),
        *documents("requestAttachmentFile", files, "ADVICE_REQUEST"),
        *documents("clinicalInformationFile", clinical_information, "REFERRER"),
    ]
    return fhir.parameters("urn:openers:profile:SendCommunicationToProvider-Request-Parameters-1", listed)


@dataclass(frozen=True, kw_only=True)
class Closing:
    """How a referrer closes a request for advice (X002).

    The two answers are needed after a response, and forbidden before.
    """

    referral_avoided: bool | None = None
    advice_useful: bool | None = None
    comments: str | None = None

    def body(self) -> Json:
        """Return the request body."""
        answers = fhir.given("Boolean", referralAvoided=self.referral_avoided, adviceUseful=self.advice_useful)
        listed = [*answers, *fhir.given("String", comments=self.comments)]
        return fhir.parameters("urn:openers:profile:CloseAdviceAndGuidance-Request-Parameters-1", listed)
