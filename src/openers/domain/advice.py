"""A request for advice and guidance: the conversation between a referrer and a service, from first question to end.

Values are frozen: each act applies its row of `advice_lifecycle.py` and returns a new value. A converted request
continues as a referral under the same UBRN. Source: rules chapters 3.3 and 4 (A023 to A027, A044).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple, Self

import msgspec

from openers.domain.advice_lifecycle import AdviceAct, AdviceState, after
from openers.domain.attachments import Attachment, Availability, with_availability
from openers.domain.clock import Instant
from openers.domain.codes import Priority
from openers.domain.errors import Field, InvalidRequestState
from openers.domain.identifiers import CommunicationId, FileId, NhsNumber, OdsCode, RequestId, Ubrn, UserId
from openers.domain.principal import RC, RCA, SPC, SPCA, BusinessFunction
from openers.domain.search import SearchCriteria
from openers.domain.shortlist import Shortlist, ShortlistedService

LONGEST_MESSAGE: Final = 8000
"""Maximum length of a message in characters (rules 12)."""


class MessageText(str):
    """The text of a message exactly as it was sent. It may hold HTML, so only `openers.paper` renders it."""

    __slots__ = ()

    @classmethod
    def restored(cls, text: str) -> Self:
        """Return a text read from the store."""
        return cls(text)


CLINICAL_INFORMATION_NOTE: Final = MessageText("NOTE: Clinical Information has been added/amended")
"""The note that the conversation shows when files are added to the request itself (rules 4, A025)."""


class ConversionAuthorisation(StrEnum):
    """Whether the referrer allows the provider to convert the request into a referral."""

    AUTHORISED_TO_CONVERT = "AUTHORISED_TO_CONVERT"
    NOT_AUTHORISED_TO_CONVERT = "NOT_AUTHORISED_TO_CONVERT"


class SentBy(StrEnum):
    """Which side sent a message, or that it is a note about the referrer's files."""

    REQUESTER = "REQUESTER"
    RESPONDER = "RESPONDER"
    REFERRER_CLINICAL_INFORMATION_UPDATED = "REFERRER_CLINICAL_INFORMATION_UPDATED"


class GuidanceOutcome(StrEnum):
    """The outcome of a provider's message."""

    RETURN_TO_REFERRER_WITH_ADVICE = "RETURN_TO_REFERRER_WITH_ADVICE"
    REQUIRE_FURTHER_INFORMATION = "REQUIRE_FURTHER_INFORMATION"
    PROVIDER_CONVERTED = "PROVIDER_CONVERTED"


class Recommendation(StrEnum):
    """The recommendation that a provider gives with advice."""

    ADVICE_ONLY_NO_REFERRAL_RECOMMENDED = "ADVICE_ONLY_NO_REFERRAL_RECOMMENDED"
    ADVICE_FOLLOWED_BY_REFERRAL_IF_REQUIRED = "ADVICE_FOLLOWED_BY_REFERRAL_IF_REQUIRED"
    REFERRAL_RECOMMENDED = "REFERRAL_RECOMMENDED"
    OTHER = "OTHER"


_ADMINISTRATOR_OF: Final = {RC: RCA, SPC: SPCA}
"""The business function of an administrator who writes for a clinician, by the clinician's function."""


class PersonInRole(msgspec.Struct, frozen=True):
    """A clinician or a clinician's administrator, with the role in which they write."""

    user: UserId
    organisation: OdsCode
    function: BusinessFunction


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `sender` is the clinician responsible for it, `typed_by` the person who wrote and sent it.

    In FHIR, `sender` becomes the requester and `typed_by` the sender.
    """

    id: CommunicationId
    sent_by: SentBy
    sender: PersonInRole
    typed_by: UserId
    text: MessageText
    sent: Instant
    attachments: tuple[Attachment, ...] = ()
    recommendation: Recommendation | None = None

    @property
    def writer(self) -> PersonInRole:
        """The person who wrote and sent it: the clinician, or an administrator of the same organisation."""
        if self.typed_by == self.sender.user:
            return self.sender
        function = _ADMINISTRATOR_OF[self.sender.function]
        return PersonInRole(self.typed_by, self.sender.organisation, function)


class CloseOut(msgspec.Struct, frozen=True, kw_only=True):
    """The referrer's closing feedback: whether the advice avoided a referral, and whether it was useful.

    Both are `None` if the request was withdrawn before the provider gave advice.
    """

    referral_avoided: bool | None = None
    advice_useful: bool | None = None
    comment: str | None = None


class Progress(NamedTuple):
    """The changes that an act makes: new messages, the priority, and when a response falls due if one is required."""

    messages: tuple[Message, ...]
    priority: Priority
    respond_by: Instant | None = None


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """The current value of a request for advice.

    `owner` is the organisation that asks, `created_by` the person who entered the request and `referrer` the clinician
    responsible. `workgroup` and `site` are those of the `service` that receives the request. `attachments` are the
    files of the request itself; each message has its own. `respond_by` is when the service's response falls due: only
    set if the service has a response target and it is the service's turn.
    """

    ubrn: Ubrn
    request_id: RequestId
    state: AdviceState
    patient: NhsNumber
    owner: OdsCode
    referrer: UserId
    created_by: UserId
    created: Instant
    priority: Priority
    shortlist: Shortlist
    authorisation: ConversionAuthorisation
    specialty: str
    specialty_name: str
    workgroup: str
    site: OdsCode
    messages: tuple[Message, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    respond_by: Instant | None = None
    close_out: CloseOut | None = None

    @property
    def service(self) -> ShortlistedService:
        """The service that receives the request."""
        return self.shortlist.services[0]

    @property
    def criteria(self) -> SearchCriteria:
        """The search criteria that found the service."""
        return self.shortlist.criteria

    @property
    def requester(self) -> PersonInRole:
        """The referring clinician."""
        return PersonInRole(self.referrer, self.owner, BusinessFunction.REFERRING_CLINICIAN)

    @property
    def last_updated(self) -> Instant:
        """When the latest message was sent; when the request was created if it has no message."""
        return max((each.sent for each in self.messages), default=self.created)

    @property
    def files(self) -> tuple[Attachment, ...]:
        """All files: those of the request first, then those of its messages."""
        return (*self.attachments, *(file for message in self.messages for file in message.attachments))

    def is_overdue(self, at: Instant) -> bool:
        """Return whether the response was due before the instant `at`."""
        return self.respond_by is not None and self.respond_by < at

    def begun(self, question: Message, respond_by: Instant | None) -> Self:
        """Return the request with its first question; `respond_by` is `None` if the service has no response target."""
        return msgspec.structs.replace(self, messages=(question,), respond_by=respond_by)

    def proceed(self, act: AdviceAct, progress: Progress) -> Self:
        """Apply `act` and add its messages. Raises `InvalidRequestState`.

        If a response is already due, its time does not change: a later addition to the question gives the provider no
        more time.
        """
        state = self.check(act)
        if state is not AdviceState.PROVIDER_RESPONSE_REQUIRED:
            respond_by = None
        else:
            respond_by = self.respond_by if state is self.state else progress.respond_by
        return msgspec.structs.replace(
            self,
            state=state,
            messages=(*self.messages, *progress.messages),
            priority=progress.priority,
            respond_by=respond_by,
        )

    def end(self, act: AdviceAct, close_out: CloseOut) -> Self:
        """Apply the referrer's closing or withdrawal. Raises `InvalidRequestState`."""
        return msgspec.structs.replace(self, state=self.check(act), close_out=close_out, respond_by=None)

    def check(self, act: AdviceAct) -> AdviceState:
        """Return the state that `act` leads to. Raises `InvalidRequestState`."""
        state = after(self.state, act)
        if act is AdviceAct.CONVERT and self.authorisation is not ConversionAuthorisation.AUTHORISED_TO_CONVERT:
            raise InvalidRequestState(
                Field.REFERRAL, self.ubrn, "may not be converted: its referrer has not authorised the conversion"
            )
        return state

    def attached(self, attachments: tuple[Attachment, ...]) -> Self:
        """Return the request with `attachments` as its own files; those of its messages stay."""
        return msgspec.structs.replace(self, attachments=attachments)

    def scanned(self, file: FileId, availability: Availability) -> Self:
        """Record the scan result of an attached file."""
        messages = tuple(
            msgspec.structs.replace(each, attachments=with_availability(each.attachments, file, availability))
            for each in self.messages
        )
        attachments = with_availability(self.attachments, file, availability)
        return msgspec.structs.replace(self, messages=messages, attachments=attachments)
