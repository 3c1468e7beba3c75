"""A request for advice and guidance: the conversation between a referrer and a service, from question to end.

Frozen: each act returns a new value, having applied its row of `advice_lifecycle.py`. A converted one goes on as a
referral under the same UBRN. Source: rules chapters 3.3 and 4 (A023 to A027, A044).
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
"""Characters of the longest message (rules 12)."""


class MessageText(str):
    """A text exactly as somebody sent it. It may hold HTML, so it is shown only through `openers.paper`."""

    __slots__ = ()

    @classmethod
    def restored(cls, text: str) -> Self:
        """A text that is stored."""
        return cls(text)


CLINICAL_INFORMATION_NOTE: Final = MessageText("NOTE: Clinical Information has been added/amended")
"""What the conversation says when files have joined the request itself (rules 4, A025)."""


class ConversionAuthorisation(StrEnum):
    """Whether the referrer lets the provider make a referral of the request."""

    AUTHORISED_TO_CONVERT = "AUTHORISED_TO_CONVERT"
    NOT_AUTHORISED_TO_CONVERT = "NOT_AUTHORISED_TO_CONVERT"


class SentBy(StrEnum):
    """From which side a message comes, or that it is a note about the referrer's files."""

    REQUESTER = "REQUESTER"
    RESPONDER = "RESPONDER"
    REFERRER_CLINICAL_INFORMATION_UPDATED = "REFERRER_CLINICAL_INFORMATION_UPDATED"


class GuidanceOutcome(StrEnum):
    """What a provider's message is to lead to."""

    RETURN_TO_REFERRER_WITH_ADVICE = "RETURN_TO_REFERRER_WITH_ADVICE"
    REQUIRE_FURTHER_INFORMATION = "REQUIRE_FURTHER_INFORMATION"
    PROVIDER_CONVERTED = "PROVIDER_CONVERTED"


class Recommendation(StrEnum):
    """What a provider recommends with their advice."""

    ADVICE_ONLY_NO_REFERRAL_RECOMMENDED = "ADVICE_ONLY_NO_REFERRAL_RECOMMENDED"
    ADVICE_FOLLOWED_BY_REFERRAL_IF_REQUIRED = "ADVICE_FOLLOWED_BY_REFERRAL_IF_REQUIRED"
    REFERRAL_RECOMMENDED = "REFERRAL_RECOMMENDED"
    OTHER = "OTHER"


_ADMINISTRATOR_OF: Final = {RC: RCA, SPC: SPCA}
"""The function in which an administrator writes for a clinician of each function."""


class PersonInRole(msgspec.Struct, frozen=True):
    """A clinician, or a clinician's administrator, in the role in which they speak."""

    user: UserId
    organisation: OdsCode
    function: BusinessFunction


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `sender` is the clinician who answers for it, `typed_by` the person who wrote and sent it.

    FHIR calls the first one requester, the second one sender.
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
        """Who wrote and sent it: the clinician, or an administrator of the same organisation for them."""
        if self.typed_by == self.sender.user:
            return self.sender
        function = _ADMINISTRATOR_OF[self.sender.function]
        return PersonInRole(self.typed_by, self.sender.organisation, function)


class CloseOut(msgspec.Struct, frozen=True, kw_only=True):
    """What a referrer says in the end: whether the advice avoided a referral, and whether it was useful.

    Both are `None` where the request was withdrawn before there was any advice.
    """

    referral_avoided: bool | None = None
    advice_useful: bool | None = None
    comment: str | None = None


class Progress(NamedTuple):
    """What an act adds: messages, the priority from now on, and when a response will be due if it is wanted."""

    messages: tuple[Message, ...]
    priority: Priority
    respond_by: Instant | None = None


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """The current value of a request for advice.

    `owner` is the organisation that asks, `created_by` the person who typed it, `referrer` the clinician responsible;
    `workgroup` and `site` are those of the `service` that is asked. `attachments` are the files of the request itself,
    beside those of its messages. `respond_by` is when the service's response falls due, if it has a target and is to
    respond.
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
        """The service that is asked."""
        return self.shortlist.services[0]

    @property
    def criteria(self) -> SearchCriteria:
        """The criteria that found it."""
        return self.shortlist.criteria

    @property
    def requester(self) -> PersonInRole:
        """The clinician who asks."""
        return PersonInRole(self.referrer, self.owner, BusinessFunction.REFERRING_CLINICIAN)

    @property
    def last_updated(self) -> Instant:
        """When something was said last."""
        return max((each.sent for each in self.messages), default=self.created)

    @property
    def files(self) -> tuple[Attachment, ...]:
        """All files, those of the request before those of its messages."""
        return (*self.attachments, *(file for message in self.messages for file in message.attachments))

    def is_overdue(self, at: Instant) -> bool:
        """Whether a response was due before an instant."""
        return self.respond_by is not None and self.respond_by < at

    def begun(self, question: Message, respond_by: Instant | None) -> Self:
        """With its question, to which a response falls due if the service has a target."""
        return msgspec.structs.replace(self, messages=(question,), respond_by=respond_by)

    def proceed(self, act: AdviceAct, progress: Progress) -> Self:
        """Something was said. Raises `InvalidRequestState`.

        A response that is still wanted stays due when it was: adding to a question buys the provider no time.
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
        """The referrer ends it. Raises `InvalidRequestState`."""
        return msgspec.structs.replace(self, state=self.check(act), close_out=close_out, respond_by=None)

    def check(self, act: AdviceAct) -> AdviceState:
        """The state that `act` leads to. Raises `InvalidRequestState`."""
        state = after(self.state, act)
        if act is AdviceAct.CONVERT and self.authorisation is not ConversionAuthorisation.AUTHORISED_TO_CONVERT:
            raise InvalidRequestState(
                Field.REFERRAL, self.ubrn, "may not be converted: its referrer has not allowed it"
            )
        return state

    def attached(self, attachments: tuple[Attachment, ...]) -> Self:
        """With other files of the request itself."""
        return msgspec.structs.replace(self, attachments=attachments)

    def scanned(self, file: FileId, availability: Availability) -> Self:
        """What the scan of an attached file has found."""
        messages = tuple(
            msgspec.structs.replace(each, attachments=with_availability(each.attachments, file, availability))
            for each in self.messages
        )
        attachments = with_availability(self.attachments, file, availability)
        return msgspec.structs.replace(self, messages=messages, attachments=attachments)
