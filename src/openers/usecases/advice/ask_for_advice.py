"""Ask a service for advice (A044): the question begins a conversation. Source: rules chapters 3.3 and 4 (A044)."""

from __future__ import annotations

import msgspec

from openers.domain.advice import Conversation, ConversionAuthorisation, MessageText, SentBy
from openers.domain.advice_lifecycle import AdviceAct, after
from openers.domain.attachments import AttachmentType
from openers.domain.clock import Instant
from openers.domain.codes import RequestType
from openers.domain.directory import Service
from openers.domain.errors import Field
from openers.domain.identifiers import NhsNumber, RequestId, UserId
from openers.domain.principal import RCA
from openers.domain.shortlist import check_entries
from openers.usecases.advice.converse import MessageDraft, SentMessages, referring, respond_by, watch
from openers.usecases.booking.propose_appointment import specialty_of
from openers.usecases.directory.service_criteria import SearchSubject, resolve_referrer
from openers.usecases.directory.shortlist_services import ServiceChoice, find_services, shortlist_of
from openers.usecases.events.recording import record_advice_event
from openers.usecases.files.attach_files import NamedFile, Target, attach_files, check_named_once, locks_of
from openers.usecases.patients.refresh import current_number
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

_TYPE = AttachmentType.ADVICE_REQUEST


class AskForAdvice(ServiceChoice, frozen=True, kw_only=True):
    """The parsed request of the referrer."""

    patient: NhsNumber
    authorisation: ConversionAuthorisation
    text: MessageText
    referring_clinician: UserId | None = None
    files: tuple[NamedFile, ...] = ()

    @property
    def request_type(self) -> RequestType:
        """The type of request: advice and guidance."""
        return RequestType.ADVICE_AND_GUIDANCE_REQUEST

    def check(self) -> None:
        """Check everything that needs no stored data. Raises a `FieldRefused`."""
        check_entries(self.services, 1)
        check_named_once(self.files, _TYPE, Field.REQUEST_FILE)


async def ask_for_advice(command: AskForAdvice, world: World) -> SentMessages:
    """Start the conversation, or change nothing. Raises a `FieldRefused`, RecordLocked, NeighbourSilent."""
    command.check()
    now = world.clock.now()
    command = msgspec.structs.replace(command, patient=await current_number(command.patient, world))
    world.entry.touched(patient=command.patient)
    world.entry.services = command.services
    subject = SearchSubject(by=command.by, patient=command.patient, referring_clinician=command.referring_clinician)
    async with world.begin(AdviceAct.ASK, lock=locks_of(command.files)) as tx:
        (service,) = await find_services(command, subject, world, tx)
        new = await _new(command, service, now, world, tx)
        acting_for = new.referrer if command.by.function is RCA else None
        target = Target(new.ubrn, Field.REQUEST_FILE, _TYPE, (), command.by, acting_for, is_new=True)
        draft = MessageDraft(
            by=command.by,
            sender=referring(command.by, new),
            sent_by=SentBy.REQUESTER,
            text=command.text,
            at=now,
            attachments=await attach_files(command.files, target, world, tx),
        )
        conversation = new.begun(await draft.send(tx), respond_by(service, now))
        world.entry.touched(ubrn=new.ubrn)
        stored = await tx.conversations.add(conversation)
        await watch(conversation, tx)
        await record_advice_event(tx, world, AdviceAct.ASK, stored)
        return SentMessages(stored, conversation.messages)


async def _new(command: AskForAdvice, service: Service, now: Instant, world: World, tx: Tx) -> Conversation:
    specialty = specialty_of(service, world.reference)
    return Conversation(
        ubrn=await tx.referrals.next_ubrn(),
        request_id=RequestId(f"a.{world.ids.uuid()}"),
        state=after(None, AdviceAct.ASK),
        patient=command.patient,
        owner=command.by.organisation,
        referrer=await resolve_referrer(command.by, command.referring_clinician, tx),
        created_by=command.by.user,
        created=now,
        priority=command.criteria.priority,
        shortlist=shortlist_of(command, (service,)),
        authorisation=command.authorisation,
        specialty=specialty.code,
        specialty_name=specialty.name,
        workgroup=service.workgroup,
        site=service.site,
    )
