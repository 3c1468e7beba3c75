"""The letter to a patient about their referral (A019); its content depends on the referral's state.

Source: rules chapters 3.1, 4 (A019) and 6. The older published pages refuse letters for booked and deferred referrals;
the current ones show a letter for a booking, and this module follows them.
"""

from __future__ import annotations

from typing import Final

import msgspec

from openers.domain.errors import Field, InvalidRequestState
from openers.domain.identifiers import ServiceId, Ubrn
from openers.domain.lifecycle import ReferralState
from openers.domain.patient import Patient
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.usecases.finding import usable_patient
from openers.usecases.paper import printing
from openers.usecases.paper.printing import Printout, print_out
from openers.usecases.ports.paper import Clinic, LetterKind, PatientLetter
from openers.usecases.ports.transaction import Tx
from openers.usecases.referring.access_codes import access_code_of
from openers.usecases.world import World

KINDS: Final = {
    ReferralState.NOT_BOOKED: LetterKind.REQUEST,
    ReferralState.DEFERRED_TO_PROVIDER: LetterKind.AWAITING,
    ReferralState.TRIAGED_PROVIDER_TO_ACTION: LetterKind.AWAITING,
    ReferralState.AWAITING_TRIAGE: LetterKind.TRIAGE,
    ReferralState.BOOKED: LetterKind.CONFIRMATION,
}
"""The kind of letter for each state.

The other states have none, because the practice has to act before the patient can.
"""
_FILE_NAMES: Final = {
    LetterKind.CONFIRMATION: "Appointment_Confirmation_Summary",
    LetterKind.REQUEST: "Appointment_Request_Summary",
    LetterKind.AWAITING: "Appointment_Request_Summary",
    LetterKind.TRIAGE: "Triage_Summary",
}
_TITLES: Final = {
    LetterKind.CONFIRMATION: "Your appointment",
    LetterKind.REQUEST: "Book your appointment",
    LetterKind.AWAITING: "Your referral",
    LetterKind.TRIAGE: "Your referral",
}


class GenerateLetter(msgspec.Struct, frozen=True):
    """The referral of the letter, and the caller."""

    ubrn: Ubrn
    by: Principal


async def generate_letter(command: GenerateLetter, world: World) -> Printout:
    """Return the letter.

    Raises NotFound, NoRelationship, PatientError, InvalidRequestState, NoAccessCode, Unavailable.
    """
    world.entry.touched(ubrn=command.ubrn)
    async with world.read() as tx:
        stored = await tx.referrals.get(command.ubrn, command.by)
        world.entry.touched(patient=stored.patient)
        patient = await usable_patient(stored.patient, world, tx)
        letter = await _letter(stored.value, patient, world, tx)
    return await print_out(letter, command.ubrn, _FILE_NAMES[letter.kind], world)


async def _letter(referral: Referral, patient: Patient, world: World, tx: Tx) -> PatientLetter:
    kind = KINDS.get(referral.state)
    if kind is None:
        raise InvalidRequestState(Field.REFERRAL, referral.state, "has no letter: the patient cannot act on it")
    code = await access_code_of(referral.ubrn, world, tx)
    appointment = referral.appointment
    asked = (appointment.service,) if appointment else referral.shortlist.services
    letter = PatientLetter(
        title=_TITLES[kind],
        kind=kind,
        address=(f"{patient.given_name} {patient.family_name}", *printing.address_of(patient)),
        sender=printing.lines_of(await tx.directory.organisation(referral.owner)),
        written=printing.day(printing.local_day(world.clock.now())),
        nhs_number=patient.nhs_number.grouped(),
        clinics=tuple([await _clinic(each.id, each.name, tx) for each in asked]),
        reference=referral.ubrn.grouped(),
        code=code.grouped(),
    )
    if appointment is None:
        return letter
    start, hears = appointment.start, appointment.contact_expected
    return msgspec.structs.replace(
        letter,
        day="" if start is None else printing.weekday(printing.local_day(start)),
        time="" if start is None else printing.clock_time(start),
        clinician=await printing.name_of(appointment.clinician, tx),
        contact_by="" if hears is None else printing.weekday(hears),
    )


async def _clinic(service_id: ServiceId, name: str, tx: Tx) -> Clinic:
    """Return the clinic from the current directory; only its name if the service does not exist any more."""
    service = await tx.directory.service(service_id)
    if service is None:
        return Clinic(name=name, place=())
    return printing.clinic_of(service.value, await tx.directory.organisation(service.value.organisation))
