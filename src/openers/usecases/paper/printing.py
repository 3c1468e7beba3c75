"""Formats days, times, people and places for documents: in full, in London time. The document use cases call it.

Source: rules chapter 6.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from openers.domain.clock import Instant
from openers.domain.codes import BookableType
from openers.domain.directory import LimitedWait, Organisation, Service
from openers.domain.identifiers import OdsCode, Ubrn, UserId
from openers.domain.patient import Patient
from openers.domain.working_hours import LONDON
from openers.usecases.ports.paper import Clinic, Document, Subject
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World


class Printout(msgspec.Struct, frozen=True):
    """A printed document: the PDF and its file name."""

    name: str
    pdf: bytes


async def print_out(document: Document, ubrn: Ubrn, kind: str, world: World) -> Printout:
    """Typeset a document. Its file name gives its type and time of creation (rules 4: A007, A019, A043)."""
    now = world.clock.now()
    pdf = await world.typesetter.pdf(document, now)
    return Printout(f"{ubrn}_{kind}_{now.astimezone(LONDON):%Y%m%d%H%M%S}.pdf", pdf)


def day(when: date) -> str:
    """Return a day, such as 4 December 2030."""
    return f"{when.day} {when:%B %Y}"


def weekday(when: date) -> str:
    """Return a day with its weekday, such as Wednesday 4 December 2030."""
    return f"{when:%A} {day(when)}"


def local_day(at: Instant) -> date:
    """Return the day of an instant in London."""
    return at.astimezone(LONDON).date()


def moment(at: Instant | None) -> str:
    """Return a day and time for staff, such as 4 December 2030, 14:05; empty for `None`."""
    return "" if at is None else f"{day(local_day(at))}, {at.astimezone(LONDON):%H:%M}"


def clock_time(at: Instant) -> str:
    """Return a time for patients, such as 2:05pm."""
    local = at.astimezone(LONDON)
    return f"{(local.hour - 1) % 12 + 1}:{local:%M}{'am' if local.hour < 12 else 'pm'}"


def words(code: str) -> str:
    """Return a code of the service in words: `TWO_WEEK_WAIT` becomes Two week wait."""
    return code.replace("_", " ").capitalize()


def formal_name(patient: Patient) -> str:
    """Return a patient's name for staff, the family name first."""
    return f"{patient.family_name.upper()}, {patient.given_name}"


def address_of(patient: Patient) -> tuple[str, ...]:
    """Return a patient's address, line by line."""
    return (*patient.address, *((patient.postcode,) if patient.postcode else ()))


def lines_of(organisation: Organisation | None) -> tuple[str, ...]:
    """Return an organisation with its address and telephone number, line by line."""
    if organisation is None:
        return ()
    given = (organisation.name, organisation.address, organisation.postcode, organisation.telephone)
    return tuple(str(line) for line in given if line)


def subject_of(patient: Patient, ubrn: Ubrn, today: date) -> Subject:
    """Return the patient's details for a clinical document."""
    died = "" if patient.died is None else f" (died {day(patient.died)})"
    years = patient.age_years(patient.died or today)
    return Subject(
        name=formal_name(patient),
        ubrn=ubrn.grouped(),
        nhs_number=patient.nhs_number.grouped(),
        born=day(patient.born),
        age=f"{years} year{'s' * (years != 1)}{died}",
        sex=words(patient.sex),
    )


def clinic_of(service: Service, provider: Organisation | None) -> Clinic:
    """Return the details of a service that patients need."""
    phones = (each.value for each in service.contacts if each.for_patients and each.system == "phone")
    wait = service.appointment_wait_days
    return Clinic(
        name=service.name,
        place=_distinct((service.location_name, provider.name if provider else "", service.postcode)),
        phone=next(phones, ""),
        wait="" if isinstance(wait, LimitedWait) else f"{wait} day{'s' * (wait != 1)}",
        by_phone=service.bookable is BookableType.INDIRECTLY_BOOKABLE,
        instructions=service.instructions or "",
    )


async def name_of(user: UserId | None, tx: Tx) -> str:
    """Return a person's name, or the user id if the directory has no such user; empty for `None`."""
    if user is None:
        return ""
    found = await tx.directory.user(user)
    return found.name if found else str(user)


async def organisation_name(ods: OdsCode, tx: Tx) -> str:
    """Return an organisation's name, or its code if the directory has no such organisation."""
    found = await tx.directory.organisation(ods)
    return found.name if found else str(ods)


def _distinct(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(line) for line in lines if line))
