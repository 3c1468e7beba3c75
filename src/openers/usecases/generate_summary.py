"""The clinical information of a referral on paper (A007). Source: rules chapters 4 (A007) and 6."""

from __future__ import annotations

import msgspec

from openers.domain.codes import CodeSystemName
from openers.domain.identifiers import Ubrn
from openers.domain.patient import Patient
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.usecases import printing
from openers.usecases.document_ports import ClinicalSummary, Fact, FactGroup
from openers.usecases.ports import Tx
from openers.usecases.printing import Printout, print_out
from openers.usecases.read_referral import usable_patient
from openers.usecases.world import World


class GenerateSummary(msgspec.Struct, frozen=True):
    """Of which referral, for whom."""

    ubrn: Ubrn
    by: Principal


async def generate_summary(command: GenerateSummary, world: World) -> Printout:
    """The summary. Raises NotFound, NoRelationship, PatientError, Unavailable."""
    world.entry.touched(ubrn=command.ubrn)
    async with world.read() as tx:
        stored = await tx.referrals.get(command.ubrn, command.by)
        world.entry.touched(patient=stored.patient)
        patient = await usable_patient(stored.patient, world, tx)
        summary = await _summary(stored.value, patient, world, tx)
    return await print_out(summary, command.ubrn, "Clinical_Information_Summary", world)


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
        files=(),
        activities=(),
    )


async def _about_referral(referral: Referral, world: World, tx: Tx) -> FactGroup:
    criteria, appointment = referral.shortlist.criteria, referral.appointment
    term = None if criteria.clinical_term is None else world.reference.clinical_term(criteria.clinical_term)
    owner = await tx.directory.organisation(referral.owner)
    return FactGroup(
        "UBRN information",
        (
            Fact("Appointment", _appointment(referral)),
            Fact("Priority", printing.words(referral.priority)),
            Fact("Referred by", await printing.name_of(referral.referrer, tx)),
            Fact("Referring organisation", "\n".join(printing.lines_of(owner))),
            Fact("Referral created", printing.moment(referral.created)),
            Fact("Named clinician", await printing.name_of(criteria.named_clinician, tx)),
            Fact("Allocated clinician", await printing.name_of(appointment.clinician if appointment else None, tx)),
            Fact("Clinical context", _context(referral, world)),
            Fact("Location", await _location(referral, tx)),
            Fact("Clinical term", term.display if term else criteria.clinical_term or ""),
        ),
    )


def _appointment(referral: Referral) -> str:
    """When it is, or where the referral stands."""
    start = None if referral.appointment is None else referral.appointment.start
    return printing.words(referral.state) if start is None else printing.moment(start)


def _context(referral: Referral, world: World) -> str:
    """The specialty and clinic type that were searched for, else the specialty of the service that holds it."""
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
    """Where the service is that holds the referral."""
    if referral.appointment is None:
        return ""
    held = referral.appointment.service
    service = await tx.directory.service(held.id)
    if service is None:
        return held.name
    provider = await tx.directory.organisation(service.value.organisation)
    clinic = printing.clinic_of(service.value, provider)
    return "\n".join((clinic.name, *clinic.place))
