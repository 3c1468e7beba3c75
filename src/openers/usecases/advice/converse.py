"""Shared steps of all acts on a request for advice: find it, send a message, and watch for overdue responses.

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
from openers.usecases.events.recording import record_advice_event
from openers.usecases.finding import check_not_sensitive
from openers.usecases.ports.transaction import DueItem, Stored, Tx
from openers.usecases.world import World

OVERDUE: Final = "response overdue"
"""Kind of due work, and the act of its event; its key is the UBRN."""


class ChangeOfAdvice(msgspec.Struct, frozen=True, kw_only=True):
    """The request for advice to change, in the version that the caller has read."""

    by: Principal
    ubrn: Ubrn
    version: int

    async def find(self, world: World, tx: Tx) -> Stored[Conversation]:
        """Return the request. Raises NotFound, NoRelationship, InvalidRequestType, VersionConflict, PatientError."""
        world.entry.touched(ubrn=self.ubrn)
        stored = await tx.conversations.get(self.ubrn, self.by, self.version)
        world.entry.touched(patient=stored.patient)
        await check_not_sensitive(stored.patient, world, tx)
        return stored


class SentMessages(NamedTuple):
    """The request after the act, and the messages that the act added."""

    conversation: Stored[Conversation]
    messages: tuple[Message, ...]


class MessageDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A message that `by` sends; `sender` is the clinician responsible for it."""

    by: Principal
    sender: PersonInRole
    sent_by: SentBy
    text: MessageText
    at: Instant
    attachments: tuple[Attachment, ...] = ()
    recommendation: Recommendation | None = None

    async def send(self, tx: Tx) -> Message:
        """Return the message with a new number."""
        return self.numbered(await tx.conversations.next_communication_id())

    def numbered(self, number: CommunicationId) -> Message:
        """Return the message with this number."""
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
    """Return the clinician of the service who is responsible for messages from `by`."""
    return PersonInRole(by.effective_user, by.organisation, SPC)


def referring(by: Principal, conversation: Conversation) -> PersonInRole:
    """Return the referring clinician responsible for messages from `by`.

    An administrator writes for the clinician who made the request.
    """
    return conversation.requester if by.function is RCA else PersonInRole(by.user, by.organisation, RC)


async def asked_service(conversation: Conversation, tx: Tx) -> Service:
    """Return the current record of the service. Raises ServiceUnavailable if it does not exist any more."""
    stored = await tx.directory.service(conversation.service.id)
    if stored is None:
        raise ServiceUnavailable(Field.SERVICE, conversation.service.id, "does not exist any more")
    return stored.value


def check_priority(service: Service, priority: Priority, field: Field) -> None:
    """Raise UnsupportedPriority if the service does not accept this priority."""
    if priority not in service.priorities:
        taken = ", ".join(sorted(service.priorities))
        raise UnsupportedPriority(field, priority, f"is not accepted by service {service.id}, which accepts {taken}")


def respond_by(service: Service, at: Instant) -> Instant | None:
    """Return when the response to a message sent at `at` falls due; `None` if the service has no target."""
    hours = service.advice_response_hours
    return None if hours is None else add_working_hours(at, hours)


async def keep(stored: Stored[Conversation], new: Conversation, act: str, world: World, tx: Tx) -> Stored[Conversation]:
    """Store the request after an act, record the event, and watch for its response to fall due."""
    kept = await tx.conversations.put(stored, new)
    await watch(new, tx)
    await record_advice_event(tx, world, act, kept)
    return kept


async def watch(conversation: Conversation, tx: Tx) -> None:
    """Schedule the check for an overdue response."""
    if conversation.respond_by is not None:
        await tx.due.add(OVERDUE, conversation.ubrn, conversation.respond_by)


@job(OVERDUE)
async def note_overdue(item: DueItem, world: World) -> None:
    """Record an event if the service has still not responded to the request `item.key` and the response is due."""
    ubrn = Ubrn(item.key)
    async with world.begin(OVERDUE, lock=(ubrn,)) as tx:
        stored = await tx.conversations.find(ubrn, SYSTEM)
        if stored is not None and _is_awaited(stored.value, world.clock.now()):
            world.entry.touched(ubrn=ubrn, patient=stored.patient)
            await record_advice_event(tx, world, OVERDUE, stored)
        await tx.due.done(item)


def _is_awaited(conversation: Conversation, now: Instant) -> bool:
    due = conversation.respond_by
    return conversation.state is AdviceState.PROVIDER_RESPONSE_REQUIRED and due is not None and due <= now
