"""Change the letter of a referral: the named files replace all files that its referrer attached (A012).

Files left out are detached and purged later. Source: rules chapters 4 (A012) and 6.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from openers.domain.attachments import Attachment, AttachmentType
from openers.domain.errors import InvalidRequestState, MissingValue, NoChangesDetected, RecordLocked
from openers.domain.fields import Field
from openers.domain.identifiers import Ubrn
from openers.domain.lifecycle import Act
from openers.domain.principal import RCA, Principal
from openers.domain.referral import Referral
from openers.usecases.events.recording import record_event
from openers.usecases.files.attach_files import (
    NamedFile,
    Target,
    attach_files,
    check_named_once,
    detach_file,
    locks_of,
)
from openers.usecases.finding import check_not_sensitive
from openers.usecases.ports.transaction import Stored, Tx
from openers.usecases.world import World

_LETTER = AttachmentType.REFERRER


class MaintainLetter(msgspec.Struct, frozen=True, kw_only=True):
    """The files of the new letter, the referral, and the version that the caller has read.

    `kept` is how long a detached file is kept.
    """

    by: Principal
    ubrn: Ubrn
    version: int
    files: tuple[NamedFile, ...]
    kept: timedelta


async def maintain_letter(command: MaintainLetter, world: World) -> Stored[Referral]:
    """Replace the letter, or change nothing.

    Raises a `FieldRefused`, NotFound, NoRelationship, VersionConflict, RecordLocked.
    """
    if not command.files:
        raise MissingValue(Field.LETTER_FILE, None, "name at least one file")
    check_named_once(command.files, _LETTER, Field.LETTER_FILE)
    world.entry.touched(ubrn=command.ubrn)
    # Files to detach need no lock of their own: they belong to the referral, whose lock keeps them unchanged.
    async with world.begin(Act.MAINTAIN_LETTER, lock=(command.ubrn, *locks_of(command.files))) as tx:
        referral = await tx.referrals.get(command.ubrn, command.by, command.version)
        world.entry.touched(patient=referral.patient)
        await check_may_change(referral, world, tx)
        attachments = await _replaced(command, referral.value, world, tx)
        stored = await tx.referrals.put(referral, referral.value.maintain_letter(attachments, world.clock.now()))
        await record_event(tx, world, Act.MAINTAIN_LETTER, stored)
        return stored


async def check_may_change(referral: Stored[Referral], world: World, tx: Tx) -> None:
    """Raise a `FieldRefused` or RecordLocked if the letter of a referral cannot change now, with any files."""
    if await tx.claims.get(referral.value.ubrn) is not None:
        raise RecordLocked
    await check_not_sensitive(referral.patient, world, tx)
    await _check_state(referral.value, world, tx)


async def _check_state(referral: Referral, world: World, tx: Tx) -> None:
    """Raise InvalidRequestState if the letter can no longer change (rules 4, A012)."""
    appointment, now = referral.appointment, world.clock.now()
    referral.check(Act.MAINTAIN_LETTER, now)
    if appointment is None or appointment.start is None:
        return
    if appointment.start <= now:
        raise InvalidRequestState(Field.REFERRAL, referral.ubrn, "has an appointment that is over")
    service = await tx.directory.service(appointment.service.id)
    freeze = timedelta(days=0 if service is None else service.value.letter_freeze_days)
    if referral.clinical_information.is_there and appointment.start - freeze <= now:
        raise InvalidRequestState(
            Field.REFERRAL, referral.ubrn, "has a letter that is locked: the appointment is too close"
        )


async def _replaced(command: MaintainLetter, referral: Referral, world: World, tx: Tx) -> tuple[Attachment, ...]:
    """Return all attachments after the change: those of others first, then the letter in the requested order."""
    old = {each.file: each for each in referral.attachments if each.type is _LETTER}
    others = tuple(each for each in referral.attachments if each.type is not _LETTER)
    kept = {
        each.file: msgspec.structs.replace(old[each.file], description=each.description)
        for each in command.files
        if each.file in old
    }
    if kept == old and len(kept) == len(command.files):  # a set: a different order is not a change
        raise NoChangesDetected(Field.LETTER_FILE, None, "names the files that are attached already")
    acting_for = referral.referrer if command.by.function is RCA else None
    beside = (*others, *kept.values())
    target = Target(command.ubrn, Field.LETTER_FILE, _LETTER, beside, command.by, acting_for)
    new = {
        each.file: each
        for each in await attach_files([each for each in command.files if each.file not in old], target, world, tx)
    }
    for file in old.keys() - kept.keys():
        await detach_file(file, command.kept, world, tx)
    return (*others, *((kept | new)[each.file] for each in command.files))
