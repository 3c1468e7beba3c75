"""A referrer's reply to the provider, and added clinical information (X001, which the real API lacks).

Source: rules chapters 3.3 and 4 (A025: the three kinds of message); ADR 0035.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from openers.domain.advice import CLINICAL_INFORMATION_NOTE, Conversation, Message, MessageText, Progress, SentBy
from openers.domain.advice_lifecycle import AdviceAct
from openers.domain.attachments import Attachment, AttachmentType
from openers.domain.clock import Instant
from openers.domain.errors import ConflictingValues, ValueIsRequired
from openers.domain.fields import Field
from openers.domain.principal import RCA
from openers.usecases.advice.converse import (
    ChangeOfAdvice,
    MessageDraft,
    SentMessages,
    asked_service,
    keep,
    referring,
    respond_by,
)
from openers.usecases.files.attach_files import NamedFile, Target, attach_files, check_named_once, locks_of
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

_OF_MESSAGE: Final = AttachmentType.ADVICE_REQUEST
_OF_REQUEST: Final = AttachmentType.REFERRER


class ReplyToProvider(ChangeOfAdvice, frozen=True, kw_only=True):
    """The referrer's message with its files; `clinical_information` are files added to the request itself."""

    text: MessageText | None = None
    files: tuple[NamedFile, ...] = ()
    clinical_information: tuple[NamedFile, ...] = ()

    def check(self) -> None:
        """Check everything that needs no stored data. Raises a `FieldRefused`."""
        if self.text is None and (self.files or not self.clinical_information):
            raise ValueIsRequired(Field.REPLY, hint="say something, or add clinical information")
        check_named_once(self.files, _OF_MESSAGE, Field.REQUEST_FILE)
        check_named_once(self.clinical_information, _OF_REQUEST, Field.CLINICAL_INFORMATION_FILE)
        named = {each.file for each in self.files}
        for index, each in enumerate(self.clinical_information):
            if each.file in named:
                raise ConflictingValues(Field.CLINICAL_INFORMATION_FILE, each.file, "is named more than once", index)


class _Added(NamedTuple):
    """The files that a reply adds to the request, and its messages."""

    information: tuple[Attachment, ...]
    messages: tuple[Message, ...]


async def reply_to_provider(command: ReplyToProvider, world: World) -> SentMessages:
    """Send the reply to the provider, or change nothing.

    Raises a `FieldRefused`, NotFound, NoRelationship, VersionConflict, RecordLocked.
    """
    command.check()
    now, act = world.clock.now(), AdviceAct.REPLY
    locks = (command.ubrn, *locks_of((*command.files, *command.clinical_information)))
    async with world.begin(act, lock=locks) as tx:
        stored = await command.find(world, tx)
        conversation = stored.value
        conversation.check(act)
        added = await _added(command, conversation, now, world, tx)
        due = respond_by(await asked_service(conversation, tx), now)
        new = conversation.attached((*conversation.attachments, *added.information))
        new = new.proceed(act, Progress(added.messages, conversation.priority, due))
        return SentMessages(await keep(stored, new, act, world, tx), added.messages)


async def _added(command: ReplyToProvider, conversation: Conversation, now: Instant, world: World, tx: Tx) -> _Added:
    acting_for = conversation.referrer if command.by.function is RCA else None
    target = Target(
        command.ubrn, Field.CLINICAL_INFORMATION_FILE, _OF_REQUEST, conversation.files, command.by, acting_for
    )
    information = await attach_files(command.clinical_information, target, world, tx)
    target = Target(
        command.ubrn, Field.REQUEST_FILE, _OF_MESSAGE, (*conversation.files, *information), command.by, acting_for
    )
    files = await attach_files(command.files, target, world, tx)
    drafts = _drafts(command, conversation, now, files)
    return _Added(information, tuple([await draft.send(tx) for draft in drafts]))


def _drafts(
    command: ReplyToProvider, conversation: Conversation, now: Instant, files: tuple[Attachment, ...]
) -> list[MessageDraft]:
    """Return the note about clinical information and the reply, each only if there is one."""
    sender = referring(command.by, conversation)
    drafts: list[MessageDraft] = []
    if command.clinical_information:
        kind = SentBy.REFERRER_CLINICAL_INFORMATION_UPDATED
        drafts.append(MessageDraft(by=command.by, sender=sender, sent_by=kind, text=CLINICAL_INFORMATION_NOTE, at=now))
    if command.text is not None:
        sent_by = SentBy.REQUESTER
        drafts.append(
            MessageDraft(by=command.by, sender=sender, sent_by=sent_by, text=command.text, at=now, attachments=files)
        )
    return drafts
