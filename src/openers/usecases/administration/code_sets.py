"""What a dated code set must satisfy: codes that services and referrals may have stay. Source: rules part 3, A.10."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from openers.domain.codes import CodeSystemName
from openers.domain.services.code_sets import CodeSet, Systems, clinic_types, faults, in_force, specialties
from openers.usecases.administration.refusals import NotEndable, Unfit
from openers.usecases.dated_reference import shipped_of
from openers.usecases.ports.transaction import ReferenceData, Tx
from openers.usecases.world import World

MOST_SETS: Final = 200
"""Sets that have not ended: a process keeps all of them, and checks a new one against each."""


async def check_code_set(new: CodeSet, old: CodeSet | None, world: World, tx: Tx) -> None:
    """Check a set against those before and after it. Raises Unfit, NotEndable."""
    if old is not None and old.is_in_force(world.clock.now().date()):
        _check_kept(new, old)
    if new.active:
        others = [each for each in await tx.registers.code_sets.active() if each.starts != new.starts]
        if (old is None or not old.active) and len(others) >= MOST_SETS:
            cure = "put the changes into one of them, or end one that has not started"
            raise Unfit(f"there are {MOST_SETS} code sets already", "/starts", cure)
        for cause, place, cure in faults(new, systems_on(new.starts, others, world.reference)):
            raise Unfit(cause, place, cure)
        _check_later(new, [*others, new], world.reference)


async def affect_code_set(new: CodeSet, old: CodeSet | None, world: World, tx: Tx) -> None:
    """Refuse to end a set that is in force, or on which a later one builds. Raises NotEndable, Unfit."""
    if old is None or new.active or not old.active:
        return
    if old.is_in_force(world.clock.now().date()):
        raise _in_force(new, "path")
    _check_later(new, await tx.registers.code_sets.active(), world.reference)


def systems_on(day: date, sets: Sequence[CodeSet], reference: ReferenceData) -> Systems:
    """Return specialties and clinic types as they are in force on a day under these sets."""
    shipped, active = shipped_of(reference), in_force(sets, day)
    return (
        specialties(shipped.code_system(CodeSystemName.SPECIALTY), active),
        clinic_types(shipped.code_system(CodeSystemName.CLINIC_TYPE), active),
    )


def _check_later(changed: CodeSet, sets: Sequence[CodeSet], reference: ReferenceData) -> None:
    """Raise Unfit unless each later set still fits."""
    following = sorted((each for each in sets if each.starts > changed.starts), key=lambda each: each.starts)
    systems = systems_on(changed.starts, sets, reference)
    for later in following:
        for cause, _, _ in faults(later, systems):
            cure = f"change the set of {later.starts} first"
            raise Unfit(f"the set of {later.starts} builds on it: {cause}", "/starts", cure)
        systems = specialties(systems[0], [later]), clinic_types(systems[1], [later])


def _check_kept(new: CodeSet, old: CodeSet) -> None:
    """Raise Unfit unless a set in force keeps its codes: services and referrals may have them."""
    if not new.active:
        raise _in_force(new, "/active")
    for name in ("specialties", "clinic_types"):
        codes = {each.code for each in getattr(new, name)}
        for each in getattr(old, name):
            if each.code not in codes:
                cure = "keep it, and end it by another set"
                raise Unfit(f"the set is in force, so {each.code} may be in use", f"/{name}", cure)


def _in_force(of: CodeSet, place: str) -> NotEndable:
    return NotEndable(f"the set of {of.starts} is in force", place, "put another set, which ends its codes on a day")
