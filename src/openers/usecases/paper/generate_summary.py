"""Prints the clinical information of a referral (A007). Source: rules chapters 4 (A007) and 6."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Final

import msgspec

from openers.domain.attachments import Attachment, AttachmentType, Availability, ClinicalInformation
from openers.domain.codes import CodeSystemName
from openers.domain.errors import RecordLocked, Unavailable
from openers.domain.identifiers import Ubrn
from openers.domain.patient import Patient
from openers.domain.principal import Party, Principal
from openers.domain.referral import Referral
from openers.usecases.finding import usable_patient
from openers.usecases.paper import printing
from openers.usecases.paper.printing import Printout, print_out
from openers.usecases.ports.paper import Activity, ClinicalSummary, Fact, FactGroup, FileLine
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

OF_REFERRER: Final = frozenset({AttachmentType.REFERRER, AttachmentType.ADVICE_REQUEST})
OF_PROVIDER: Final = frozenset(AttachmentType) - OF_REFERRER


class GenerateSummary(msgspec.Struct, frozen=True):
    """The referral to summarise, and the caller."""

    ubrn: Ubrn
    by: Principal


async def generate_summary(command: GenerateSummary, world: World) -> Printout:
    """Return the summary. Raises NotFound, NoRelationship, PatientError, Unavailable."""
    world.entry.touched(ubrn=command.ubrn)
    async with world.read() as tx:
        stored = await tx.referrals.get(command.ubrn, command.by)
        world.entry.touched(patient=stored.patient)
        patient = await usable_patient(stored.patient, world, tx)
        summary = await _summary(stored.value, patient, world, tx)
    printout = await print_out(summary, command.ubrn, "Clinical_Information_Summary", world)
    if command.by.party is Party.PROVIDER and stored.value.clinical_information.printed is None:
        await _mark_printed(command, stored.value.clinical_information, world)
    return printout


async def _mark_printed(command: GenerateSummary, seen: ClinicalInformation, world: World) -> None:
    """Record that the provider printed the summary, unless the letter has changed since. Raises Unavailable.

    The version stays the same (ADR 0024), so that printing does not force other clients to read the referral again.
    """
    try:
        async with world.begin("print clinical information", lock=(command.ubrn,)) as tx:
            stored = await tx.referrals.get(command.ubrn, command.by)
            if stored.value.clinical_information == seen:
                await tx.referrals.amend(stored, stored.value.printed(world.clock.now()))
    except RecordLocked as error:  # A007 has no status for it
        raise Unavailable("referral", retry_after_s=1) from error


async def _summary(referral: Referral, patient: Patient, world: World, tx: Tx) -> ClinicalSummary:
    practice = None if patient.practice is None else await tx.directory.organisation(patient.practice)
    about_patient = FactGroup(
        "Patient information",
        (
            Fact("Address", "\n".join(printing.address_of(patient))),
            Fact("Registered practice", "\n".join(printing.lines_of(practice))),
        ),
    )
    return ClinicalSummary(
        title="Clinical information summary",
        subject=printing.subject_of(patient, referral.ubrn, printing.local_day(world.clock.now())),
        groups=(await _about_referral(referral, world, tx), about_patient),
        files=await _files(referral.attachments, OF_REFERRER, tx),
        activities=await _activities(referral, tx),
    )


async def _about_referral(referral: Referral, world: World, tx: Tx) -> FactGroup:
    criteria, appointment = referral.shortlist.criteria, referral.appointment
    term = None if criteria.clinical_term is None else world.reference.clinical_term(criteria.clinical_term)
    owner, clinical = await tx.directory.organisation(referral.owner), referral.clinical_information
    return FactGroup(
        "UBRN information",
        (
            Fact("Appointment date/time", _appointment(referral)),
            Fact("Priority", printing.words(referral.priority)),
            Fact("Referred by", await printing.name_of(referral.referrer, tx)),
            Fact("Referring organisation", "\n".join(printing.lines_of(owner))),
            Fact("Referral created", printing.moment(referral.created)),
            Fact("Clinical information first submitted", printing.moment(clinical.first_submitted)),
            Fact(
                "Clinical information last updated", printing.moment(clinical.last_updated or clinical.first_submitted)
            ),
            Fact("Named clinician", await printing.name_of(criteria.named_clinician, tx)),
            Fact("Allocated clinician", await printing.name_of(appointment.clinician if appointment else None, tx)),
            Fact("Clinical context", _context(referral, world)),
            Fact("Location", await _location(referral, tx)),
            Fact("Clinical term", term.display if term else criteria.clinical_term or ""),
        ),
    )


def _appointment(referral: Referral) -> str:
    """Return the time of the appointment, or else the state of the referral."""
    start = None if referral.appointment is None else referral.appointment.start
    return printing.words(referral.state) if start is None else printing.moment(start)


def _context(referral: Referral, world: World) -> str:
    """Return the searched specialty and clinic type.

    If no specialty was searched, return that of the appointment's service.
    """
    criteria, appointment = referral.shortlist.criteria, referral.appointment
    named = (
        (CodeSystemName.SPECIALTY, criteria.specialty or (appointment.specialty if appointment else None)),
        (CodeSystemName.CLINIC_TYPE, criteria.clinic_type),
    )
    displays: list[str] = []
    for system, code in named:
        if code is not None:
            concept = world.reference.code_system(system).concepts.get(code)
            displays.append(concept.display if concept else code)
    return " / ".join(displays)


async def _location(referral: Referral, tx: Tx) -> str:
    """Return the location of the service that holds the referral."""
    if referral.appointment is None:
        return ""
    held = referral.appointment.service
    service = await tx.directory.service(held.id)
    if service is None:
        return held.name
    provider = await tx.directory.organisation(service.value.organisation)
    clinic = printing.clinic_of(service.value, provider)
    return "\n".join((clinic.name, *clinic.place))


async def _activities(referral: Referral, tx: Tx) -> tuple[Activity, ...]:
    """Return the provider's activities, as far as the referral records them."""
    files = await _files(referral.attachments, OF_PROVIDER, tx)
    comment = referral.appointment.comment if referral.appointment else None
    if not files and comment is None:
        return ()
    facts = (Fact("State", printing.words(referral.state)), Fact("Comment", comment or ""))
    return (Activity(title="Review", facts=facts, files=files),)


async def _files(attachments: Sequence[Attachment], types: Set[AttachmentType], tx: Tx) -> tuple[FileLine, ...]:
    return tuple([await _file(each, tx) for each in attachments if each.type in types])


async def _file(attachment: Attachment, tx: Tx) -> FileLine:
    """Return the line of a file; it states if the file cannot be downloaded."""
    state = "" if attachment.availability is Availability.AVAILABLE else f"({printing.words(attachment.availability)})"
    who = await printing.name_of(attachment.by, tx)
    return FileLine(
        name=attachment.name,
        description="\n".join(filter(None, (attachment.description, state))),
        added_by=f"{who}\n{await printing.organisation_name(attachment.organisation, tx)}",
        added=printing.moment(attachment.indexed),
    )
