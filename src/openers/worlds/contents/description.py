"""Describe the content of a world for people who test with it: who is there, and what is special about each.

The control plane calls it. Rows come from the pack as it was read; their values are the present ones of the world.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

import msgspec

from openers.domain.directory import Organisation, Service, User
from openers.domain.patient import Patient, Sex
from openers.usecases.ports.transaction import Tx
from openers.worlds.packs import Pack
from openers.worlds.running.running_world import RunningWorld

ADULT_YEARS: Final = 16
"""Age from which a patient counts as an adult."""
FULL_ASSURANCE: Final = 3


class DirectoryRow(msgspec.Struct, frozen=True):
    """One row: its id, its name, what it is, and what is special about it."""

    id: str
    name: str
    kind: str
    special: tuple[str, ...] = ()


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a world."""

    world: str
    pack: str
    title: str
    organisations: Sequence[DirectoryRow] = ()
    people: Sequence[DirectoryRow] = ()
    patients: Sequence[DirectoryRow] = ()
    services: Sequence[DirectoryRow] = ()


async def describe(held: RunningWorld) -> Contents:
    """Return the description of a world. A world without a pack has only people. Raises Unavailable."""
    pack = held.content or Pack(name=held.pack, title="", day=date.min)
    day = held.clock.now().date()
    async with held.world.read() as tx:
        return Contents(
            world=held.name,
            pack=pack.name,
            title=pack.title,
            organisations=[_organisation(each, day) for each in await _organisations(pack, tx)],
            people=[_person(each) for each in await tx.directory.users()],
            patients=[_patient(each, day) for each in await _patients(pack, tx)],
            services=[_service(each.value) for each in await tx.directory.services(row.id for row in pack.services)],
        )


async def _organisations(pack: Pack, tx: Tx) -> list[Organisation]:
    found = [await tx.directory.organisation(each.ods) for each in pack.organisations]
    return [each for each in found if each is not None]


async def _patients(pack: Pack, tx: Tx) -> list[Patient]:
    found = [await tx.patients.get(each.nhs_number) for each in pack.patients]
    return [each for each in found if each is not None]


def _organisation(each: Organisation, day: date) -> DirectoryRow:
    closed = (f"closed on {each.closed_on}",) if each.is_closed(day) else ()
    return DirectoryRow(each.ods, each.name, each.kind.lower().replace("_", " "), closed)


def _person(each: User) -> DirectoryRow:
    roles = "; ".join(f"{', '.join(role.functions)} at {role.organisation}" for role in each.roles)
    return DirectoryRow(each.id, each.name, roles or "no role", tuple(_of_person(each)))


def _of_person(each: User) -> Iterator[str]:
    if not each.active:
        yield "cannot log in: not active"
    levels = each.assurance.identity_level, each.assurance.authenticator_level
    if min(levels) < FULL_ASSURANCE:
        yield "identity level {}, authenticator level {}".format(*levels)
    if each.workgroups:
        yield f"workgroups {', '.join(sorted(each.workgroups))}"


def _patient(each: Patient, day: date) -> DirectoryRow:
    kind = f"{each.sex}, born {each.born}, practice {each.practice or 'none'}"
    return DirectoryRow(each.nhs_number, f"{each.given_name} {each.family_name}", kind, tuple(_of_patient(each, day)))


def _of_patient(each: Patient, day: date) -> Iterator[str]:
    if each.sensitive:
        yield "sensitive: calls return PATIENT_ERROR"
    if each.died is not None:
        yield f"died on {each.died}"
    elif each.age_years(day) < ADULT_YEARS:
        yield f"child of {each.age_years(day)} years"
    if each.practice is None:
        yield "no registered practice"
    if each.postcode is None:
        yield "no postcode"
    if each.sex in (Sex.OTHER, Sex.UNKNOWN):
        yield f"sex {each.sex}"


def _service(each: Service) -> DirectoryRow:
    kind = f"{each.specialty}, {each.bookable.lower().replace('_', ' ')}, at {each.organisation}"
    return DirectoryRow(each.id, each.name, kind, tuple(_of_service(each)))


def _of_service(each: Service) -> Iterator[str]:
    if not each.is_published:
        yield "withdrawn"
    yield f"accepts {', '.join(flow.lower().replace('_', ' ') for flow in each.flows)}"
    if each.ages != type(each.ages)():
        yield str(each.ages)
    if not each.commissioning.nationally_available:
        yield f"only for patients of {', '.join(sorted(each.commissioning.organisations)) or 'nobody'}"
    if not each.letter_required:
        yield "needs no letter"
    if each.letter_freeze_days:
        yield f"letter locked {each.letter_freeze_days} days before the appointment"
