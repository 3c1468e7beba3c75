"""Access codes: created with a referral, printed on its letters, tried by the patient, and reset.

Source: rules chapters 1.3 and 6; ADR 0025. The creation of referrals, letters and the command line call this module. A
future interface for patients will call `try_access_code`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from openers.domain.access_code import MOST_FAILURES, AccessCode, as_typed
from openers.domain.callers import SYSTEM
from openers.domain.errors import Field, NoAccessCode, ReferenceNotFound
from openers.domain.identifiers import Ubrn
from openers.usecases.ports.access_codes import KeptCode
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

_TRIED: Final = "try access code"


class Trial(StrEnum):
    """The result of trying a code."""

    FITS = "FITS"
    WRONG = "WRONG"
    LOCKED = "LOCKED"
    NONE = "NONE"


class TryAccessCode(msgspec.Struct, frozen=True):
    """A code as a person typed it."""

    ubrn: Ubrn
    typed: str


async def give_access_code(ubrn: Ubrn, world: World, tx: Tx) -> None:
    """Give a referral a new code, replacing an earlier one, within the caller's transaction."""
    await tx.access_codes.put(ubrn, KeptCode(world.seal.close(world.seal.draw(), ubrn), 0))


async def access_code_of(ubrn: Ubrn, world: World, tx: Tx) -> AccessCode:
    """Return the code of a referral, for printing. Raises NoAccessCode, Unavailable."""
    kept = await tx.access_codes.get(ubrn)
    if kept is None:
        raise NoAccessCode(Field.REFERRAL, ubrn, "has no access code: reset it")
    return world.seal.open(kept.sealed, ubrn)


async def try_access_code(command: TryAccessCode, world: World) -> Trial:
    """Return whether the code is correct. Each wrong attempt is counted durably before the reply. Raises Unavailable.

    Failures are returned, not raised, because a transaction that ends in an error would not count the attempt.
    """
    world.entry.touched(ubrn=command.ubrn)
    async with world.begin(_TRIED, lock=(_lock(command.ubrn),)) as tx:
        kept = await tx.access_codes.get(command.ubrn)
        if kept is None:
            return Trial.NONE
        if kept.failures >= MOST_FAILURES:
            return Trial.LOCKED
        fits = world.seal.fits(kept.sealed, command.ubrn, as_typed(command.typed))
        failures = 0 if fits else kept.failures + 1
        if failures != kept.failures:
            await tx.access_codes.put(command.ubrn, KeptCode(kept.sealed, failures))
        return Trial.FITS if fits else Trial.WRONG


async def reset_access_code(ubrn: Ubrn, world: World) -> None:
    """Give a referral a new code; codes on earlier letters become invalid. Raises ReferenceNotFound."""
    world.entry.touched(ubrn=ubrn)
    async with world.begin("reset access code", lock=(_lock(ubrn),)) as tx:
        await _check_exists(ubrn, tx)
        await give_access_code(ubrn, world, tx)


async def revoke_access_code(ubrn: Ubrn, world: World) -> None:
    """Remove the code of a referral, until it is reset. Raises ReferenceNotFound."""
    world.entry.touched(ubrn=ubrn)
    async with world.begin("revoke access code", lock=(_lock(ubrn),)) as tx:
        await _check_exists(ubrn, tx)
        await tx.access_codes.drop(ubrn)


async def _check_exists(ubrn: Ubrn, tx: Tx) -> None:
    if await tx.referrals.find(ubrn, SYSTEM) is None:
        raise ReferenceNotFound(Field.REFERRAL, ubrn, "is not known")


def _lock(ubrn: Ubrn) -> str:
    """Return a lock key separate from the referral's, so that trying a code never blocks work on the referral."""
    return f"access-code/{ubrn}"
