"""Convert a request for advice into a referral under the same UBRN (A027).

First the conversation, final guidance included, is printed and its file stored. If the conversion then fails, the file
is a stray and is removed as such. Everything else is one transaction. Source: rules chapters 3.1, 3.3 and 4 (A027).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final, NamedTuple

import msgspec

from openers.domain.advice import Conversation, MessageText, Progress, SentBy
from openers.domain.advice_lifecycle import AdviceAct
from openers.domain.attachments import Attachment, AttachmentType, Availability, ClinicalInformation, UploadedFile
from openers.domain.clock import Instant
from openers.domain.codes import LetterIntention, Priority, ReviewOutcome
from openers.domain.errors import ConflictingValues
from openers.domain.fields import Field
from openers.domain.identifiers import CommunicationId, FileId, RequestId
from openers.domain.lifecycle import Act, row_of
from openers.domain.referral import Referral
from openers.usecases.advice.converse import (
    ChangeOfAdvice,
    MessageDraft,
    asked_service,
    check_priority,
    keep,
    responder,
)
from openers.usecases.advice.print_advice import document_of
from openers.usecases.booking.propose_appointment import LeftToProvider, leave_to_provider
from openers.usecases.events.recording import record_event
from openers.usecases.files.attach_files import NamedFile, Target, attach_files, check_named_once, locks_of, shown_as
from openers.usecases.finding import usable_patient
from openers.usecases.ports.paper import AdviceConversation
from openers.usecases.ports.transaction import Stored, Tx
from openers.usecases.referring.access_codes import give_access_code
from openers.usecases.world import World

_OUTCOME: Final = ReviewOutcome.PROVIDER_CONVERTED_ADVICE_AND_GUIDANCE_ADMIN_TO_REFER
_UNNUMBERED: Final = CommunicationId("1")
"""Placeholder for the number of a message that is printed before it has one; the printed page shows no numbers."""


_SHOWN: Final = (
    AttachmentType.REFERRER,
    AttachmentType.ADVICE_REQUEST,
    AttachmentType.GUIDANCE_RESPONSE,
    AttachmentType.PROVIDER,
)
"""The order in which the referral shows its files."""


class ConvertAdvice(ChangeOfAdvice, frozen=True, kw_only=True):
    """The final guidance for the referrer, and instructions for the provider's own staff, each with its files."""

    text: MessageText
    priority: Priority
    comment: str
    files: tuple[NamedFile, ...] = ()
    review_files: tuple[NamedFile, ...] = ()

    @property
    def locks(self) -> tuple[str, ...]:
        """The request and all files."""
        return (self.ubrn, *locks_of((*self.files, *self.review_files)))

    def check(self) -> None:
        """Check everything that needs no stored data. Raises a `FieldRefused`."""
        check_named_once(self.files, AttachmentType.GUIDANCE_RESPONSE, Field.GUIDANCE_FILE)
        check_named_once(self.review_files, AttachmentType.PROVIDER, Field.REVIEW_FILE)
        named = {each.file for each in self.files}
        for index, each in enumerate(self.review_files):
            if each.file in named:
                raise ConflictingValues(Field.REVIEW_FILE, each.file, "is named more than once", index)


class _Files(NamedTuple):
    """The files of the conversion: the printed conversation, the guidance's, and the provider's own."""

    printed: Attachment
    guidance: tuple[Attachment, ...]
    review: tuple[Attachment, ...]


async def convert_advice(command: ConvertAdvice, world: World) -> Stored[Referral]:
    """Convert the request, or change nothing.

    Raises a `FieldRefused`, NotFound, NoRelationship, VersionConflict, RecordLocked, Unavailable.
    """
    command.check()
    now = world.clock.now()
    async with world.read() as tx:
        stored = await _convertible(command, world, tx)
        patient = await usable_patient(stored.patient, world, tx)
        ended = await _as_printed(command, stored.value, now, tx)
        document = await document_of(ended, patient, world, tx)
    printed = await _printed(command, document, now, world)
    async with world.begin(AdviceAct.CONVERT, lock=command.locks) as tx:
        stored = await _convertible(command, world, tx)
        files = await _attached(command, stored.value, printed, world, tx)
        message = await _draft(command, now, files.guidance).send(tx)
        ended = stored.value.proceed(AdviceAct.CONVERT, Progress((message,), command.priority))
        kept = await keep(stored, ended, AdviceAct.CONVERT, world, tx)
        referral = await _referral(command, ended, files, world, tx)
        # In the real service both are one record: the referral continues the version numbers of the request.
        made = await tx.referrals.add(referral, version=kept.version)
        await give_access_code(command.ubrn, world, tx)
        await record_event(tx, world, Act.CONVERT_ADVICE, made)
        return made


async def _convertible(command: ConvertAdvice, world: World, tx: Tx) -> Stored[Conversation]:
    """Return the request after checking that it can be converted. Raises as `convert_advice`."""
    stored = await command.find(world, tx)
    stored.value.check(AdviceAct.CONVERT)
    check_priority(await asked_service(stored.value, tx), command.priority, Field.NEW_PRIORITY)
    return stored


async def _as_printed(command: ConvertAdvice, conversation: Conversation, now: Instant, tx: Tx) -> Conversation:
    """Return the conversation with the final guidance, as the printed page shows it: files by name."""
    files = [await tx.files.get(each.file) for each in command.files]
    shown = tuple(
        shown_as(AttachmentType.GUIDANCE_RESPONSE, file, command.by, now) for file in files if file is not None
    )
    message = _draft(command, now, shown).numbered(_UNNUMBERED)
    return conversation.proceed(AdviceAct.CONVERT, Progress((message,), command.priority))


async def _printed(command: ConvertAdvice, document: AdviceConversation, now: Instant, world: World) -> UploadedFile:
    """Return the conversation as a PDF with its content stored; no record refers to it yet."""
    pdf = await world.typesetter.pdf(document, now)
    file = FileId(str(world.ids.uuid()))
    blob = await world.blobs.save(file, _chunks(pdf))
    return UploadedFile(
        id=file,
        name=f"Advice and guidance conversation - {command.ubrn}.pdf",
        media_type="application/pdf",
        size=blob.size,
        sha256=blob.sha256,
        blob=blob.key,
        uploaded=now,
        by=command.by.user,
        organisation=command.by.organisation,
        on_behalf_of=command.by.on_behalf_of,
        meant_for=command.ubrn,
        attached_to=command.ubrn,
        availability=Availability.AVAILABLE,
    )


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _draft(command: ConvertAdvice, now: Instant, files: tuple[Attachment, ...]) -> MessageDraft:
    return MessageDraft(
        by=command.by,
        sender=responder(command.by),
        sent_by=SentBy.RESPONDER,
        text=command.text,
        at=now,
        attachments=files,
    )


async def _attached(
    command: ConvertAdvice, conversation: Conversation, printed: UploadedFile, world: World, tx: Tx
) -> _Files:
    await tx.files.add(printed)
    paper = msgspec.structs.replace(
        shown_as(AttachmentType.REFERRER, printed, command.by, printed.uploaded), id=await tx.files.next_attachment_id()
    )
    beside, by = (*conversation.files, paper), command.by
    target = Target(command.ubrn, Field.GUIDANCE_FILE, AttachmentType.GUIDANCE_RESPONSE, beside, by)
    guidance = await attach_files(command.files, target, world, tx)
    target = Target(command.ubrn, Field.REVIEW_FILE, AttachmentType.PROVIDER, (*beside, *guidance), by)
    return _Files(paper, guidance, await attach_files(command.review_files, target, world, tx))


async def _referral(command: ConvertAdvice, ended: Conversation, files: _Files, world: World, tx: Tx) -> Referral:
    """Return the referral, which shows all files of the conversation and of the provider's review."""
    service, now = await asked_service(ended, tx), files.printed.indexed
    shown = sorted((files.printed, *ended.files, *files.review), key=lambda each: _SHOWN.index(each.type))
    return Referral(
        ubrn=ended.ubrn,
        request_id=RequestId(f"r.{world.ids.uuid()}"),
        state=row_of(None, Act.CONVERT_ADVICE).to,
        patient=ended.patient,
        owner=ended.owner,
        referrer=ended.referrer,
        created_by=command.by.user,
        created=now,
        priority=command.priority,
        shortlist=ended.shortlist,
        letter_intention=LetterIntention.NEED_TO_ADD_LATER,
        reminder_days=0,
        commissioning_organisation=ended.owner,
        workgroup=ended.workgroup,
        appointment=await leave_to_provider(LeftToProvider(service, _OUTCOME, command.comment, now), world, tx),
        clinical_information=ClinicalInformation(first_submitted=now),
        attachments=tuple(shown),
        from_advice=True,
    )
