"""What all acts on a request for advice have in common: finding it, saying something, and the response that falls due.

Source: rules chapters 3.3, 3.4 and 4 (A026, A027, A044); ADR 0036 for response targets.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from openers.domain.advice import Conversation, Message, MessageText, PersonInRole, Recommendation, SentBy
from openers.domain.advice_lifecycle import AdviceState
from openers.domain.attachments import Attachment
from openers.domain.callers import SYSTEM
from openers.domain.clock import Instant
from openers.domain.codes import Priority
from openers.domain.directory import Service
from openers.domain.errors import Field, ServiceUnavailable, UnsupportedPriority
from openers.domain.identifiers import CommunicationId, Ubrn
from openers.domain.principal import RC, RCA, SPC, Principal
from openers.domain.working_hours import add_working_hours
from openers.usecases.due import job
from openers.usecases.events.recording import advice_happened
from openers.usecases.finding import check_not_sensitive
from openers.usecases.ports.transaction import DueItem, Stored, Tx
from openers.usecases.world import World

OVERDUE: Final = "response overdue"
"""Kind of due work, and the act of its event; its key is the UBRN."""


class ChangeOfAdvice(msgspec.Struct, frozen=True, kw_only=True):
    """Which request for advice somebody wants to change, in the version that they have read."""

    by: Principal
    ubrn: Ubrn
    version: int

    async def find(self, world: World, tx: Tx) -> Stored[Conversation]:
        """The request. Raises NotFound, NoRelationship, InvalidRequestType, VersionConflict, PatientError."""
        world.entry.touched(ubrn=self.ubrn)
        stored = await tx.conversations.get(self.ubrn, self.by, self.version)
        world.entry.touched(patient=stored.patient)
        await check_not_sensitive(stored.patient, world, tx)
        return stored


class SentMessages(NamedTuple):
    """The request as it is now, and what was said."""

    conversation: Stored[Conversation]
    messages: tuple[Message, ...]


class MessageDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is to be sent by `by`, for whom `sender` answers."""

    by: Principal
    sender: PersonInRole
    sent_by: SentBy
    text: MessageText
    at: Instant
    attachments: tuple[Attachment, ...] = ()
    recommendation: Recommendation | None = None

    async def send(self, tx: Tx) -> Message:
        """The message, with a number of its own."""
        return self.numbered(await tx.conversations.next_communication_id())

    def numbered(self, number: CommunicationId) -> Message:
        """The message with this number."""
        return Message(
            id=number,
            sent_by=self.sent_by,
            sender=self.sender,
            typed_by=self.by.user,
            text=self.text,
            sent=self.at,
            attachments=self.attachments,
            recommendation=self.recommendation,
        )


def responder(by: Principal) -> PersonInRole:
    """The clinician of the service who answers for what `by` says."""
    return PersonInRole(by.effective_user, by.organisation, SPC)


def referring(by: Principal, conversation: Conversation) -> PersonInRole:
    """The clinician who answers for what `by` says for the referrer: an admin speaks for the one who asks."""
    return conversation.requester if by.function is RCA else PersonInRole(by.user, by.organisation, RC)


async def asked_service(conversation: Conversation, tx: Tx) -> Service:
    """The service as it is now. Raises ServiceUnavailable: it has gone."""
    stored = await tx.directory.service(conversation.service.id)
    if stored is None:
        raise ServiceUnavailable(Field.SERVICE, conversation.service.id, "is not there any more")
    return stored.value


def check_priority(service: Service, priority: Priority, field: Field) -> None:
    """Raise UnsupportedPriority if the service does not take it."""
    if priority not in service.priorities:
        taken = ", ".join(sorted(service.priorities))
        raise UnsupportedPriority(field, priority, f"is not taken by service {service.id}, which takes {taken}")


def respond_by(service: Service, at: Instant) -> Instant | None:
    """When a response to what is said at an instant falls due; `None` for a service without a target."""
    hours = service.advice_response_hours
    return None if hours is None else add_working_hours(at, hours)


async def keep(stored: Stored[Conversation], new: Conversation, act: str, world: World, tx: Tx) -> Stored[Conversation]:
    """Store what an act has made of the request, with its event; watch for a response that falls due."""
    kept = await tx.conversations.put(stored, new)
    await watch(new, tx)
    await advice_happened(tx, world, act, kept)
    return kept


async def watch(conversation: Conversation, tx: Tx) -> None:
    """Have it looked at when a response is due."""
    if conversation.respond_by is not None:
        await tx.due.add(OVERDUE, conversation.ubrn, conversation.respond_by)


@job(OVERDUE)
async def note_overdue(item: DueItem, world: World) -> None:
    """Say so, if the service of the request `item.key` still has not responded and its time is over."""
    ubrn = Ubrn(item.key)
    async with world.begin(OVERDUE, lock=(ubrn,)) as tx:
        stored = await tx.conversations.find(ubrn, SYSTEM)
        if stored is not None and _is_awaited(stored.value, world.clock.now()):
            world.entry.touched(ubrn=ubrn, patient=stored.patient)
            await advice_happened(tx, world, OVERDUE, stored)
        await tx.due.done(item)


def _is_awaited(conversation: Conversation, now: Instant) -> bool:
    due = conversation.respond_by
    return conversation.state is AdviceState.PROVIDER_RESPONSE_REQUIRED and due is not None and due <= now
