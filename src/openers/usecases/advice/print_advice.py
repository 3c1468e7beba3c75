"""Prints a request for advice with its conversation (A043), also as the file that a conversion stores (A027).

Source: rules chapters 4 (A027, A043) and 6.
"""

from __future__ import annotations

from collections.abc import Iterable

from openers.domain import advice
from openers.domain.advice import Conversation, ConversionAuthorisation
from openers.domain.codes import CodeSystemName
from openers.domain.patient import Patient
from openers.usecases.advice.read_conversation import ReadConversation
from openers.usecases.finding import usable_patient
from openers.usecases.paper import printing
from openers.usecases.paper.printing import Printout, print_out
from openers.usecases.ports.paper import AdviceConversation, Fact, FactGroup, Message
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World


async def print_advice(query: ReadConversation, world: World) -> Printout:
    """Return the overview. Raises NotFound, NoRelationship, InvalidRequestType, PatientError, Unavailable."""
    world.entry.touched(ubrn=query.ubrn)
    async with world.read() as tx:
        stored = await tx.conversations.get(query.ubrn, query.by)
        world.entry.touched(patient=stored.patient)
        patient = await usable_patient(stored.patient, world, tx)
        document = await document_of(stored.value, patient, world, tx)
    return await print_out(document, query.ubrn, "Advice_And_Guidance", world)


async def document_of(conversation: Conversation, patient: Patient, world: World, tx: Tx) -> AdviceConversation:
    """Return the printable conversation, with messages in the order in which they were sent."""
    said = sorted(conversation.messages, key=lambda each: (each.sent, int(each.id)))
    return AdviceConversation(
        title="Advice and guidance",
        subject=printing.subject_of(patient, conversation.ubrn, printing.local_day(world.clock.now())),
        groups=(await _about(conversation, patient, world, tx),),
        status=printing.words(conversation.state),
        may_convert=conversation.authorisation is ConversionAuthorisation.AUTHORISED_TO_CONVERT,
        messages=tuple([await _message(each, tx) for each in said]),
    )


async def _about(conversation: Conversation, patient: Patient, world: World, tx: Tx) -> FactGroup:
    owner = await tx.directory.organisation(conversation.owner)
    practice = None if patient.practice is None else await tx.directory.organisation(patient.practice)
    service = await tx.directory.service(conversation.service.id)
    provider = None if service is None else await tx.directory.organisation(service.value.organisation)
    criteria = conversation.criteria
    facts = (
        Fact("Priority", printing.words(conversation.priority)),
        Fact("Requested by", await printing.name_of(conversation.referrer, tx)),
        Fact("Requesting organisation", "\n".join(printing.lines_of(owner))),
        Fact("Registered practice", "\n".join(printing.lines_of(practice))),
        Fact("First requested", printing.moment(conversation.created)),
        Fact("Last updated", printing.moment(conversation.last_updated)),
        Fact("Service", "\n".join(filter(None, (conversation.service.name, provider.name if provider else "")))),
        Fact("Named clinician", await printing.name_of(criteria.named_clinician, tx)),
        Fact("Clinical context", _context(conversation, world)),
        Fact("Attachments", "\n".join(each.name for each in conversation.attachments)),
    )
    return FactGroup("Request", (*facts, *_closing(conversation)))


def _context(conversation: Conversation, world: World) -> str:
    """Return the specialty, and the clinic type of the search."""
    code = conversation.criteria.clinic_type
    clinic_type = None if code is None else world.reference.code_system(CodeSystemName.CLINIC_TYPE).concepts.get(code)
    displays = (conversation.specialty_name, clinic_type.display if clinic_type else code)
    return " / ".join(filter(None, displays))


def _closing(conversation: Conversation) -> Iterable[Fact]:
    """Return the referrer's closing feedback."""
    said = conversation.close_out
    if said is None:
        return ()
    answers = (("Referral avoided", said.referral_avoided), ("Advice useful", said.advice_useful))
    given = (Fact(label, "Yes" if answer else "No") for label, answer in answers if answer is not None)
    return (*given, Fact("Closing comments", said.comment or ""))


async def _message(message: advice.Message, tx: Tx) -> Message:
    sender = message.writer
    role = printing.words(sender.function)
    if sender != message.sender:
        role = f"{role}, for {await printing.name_of(message.sender.user, tx)}"
    if message.recommendation is not None:
        role = f"{role}: {printing.words(message.recommendation)}"
    return Message(
        sender=await printing.name_of(sender.user, tx),
        role=role,
        organisation=await printing.organisation_name(sender.organisation, tx),
        sent=printing.moment(message.sent),
        text=message.text,
        files=tuple(each.name for each in message.attachments),
    )
