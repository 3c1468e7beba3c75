"""Scan an uploaded file and record the result in its request, if it is attached.

As due work it survives restarts; while a scanner does not answer, it is retried with doubling pauses. Source: rules
chapter 6 (availability).
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

import msgspec

from openers.domain.attachments import Availability, UploadedFile
from openers.domain.callers import SYSTEM
from openers.domain.errors import RecordLocked
from openers.domain.identifiers import FileId
from openers.usecases.due import job
from openers.usecases.events.recording import record_advice_event, record_event
from openers.usecases.files.upload_file import SCAN
from openers.usecases.ports.files import Verdict
from openers.usecases.ports.transaction import DueItem, Tx
from openers.usecases.world import World

SCANNED: Final = "record scan"
_AVAILABILITY: Final = {
    Verdict.CLEAN: Availability.AVAILABLE,
    Verdict.THREAT: Availability.THREATS_FOUND,
    Verdict.INVALID: Availability.VALIDATION_FAILED,
}


@job(SCAN)
async def scan_file(item: DueItem, world: World) -> None:
    """Scan the file `item.key`. Raises Unavailable, RecordLocked (attached in the meantime): then it is retried."""
    async with world.read() as tx:
        file = await tx.files.get(FileId(item.key))
    if file is None or file.availability is not Availability.PENDING:
        async with world.begin("file needs no scan") as tx:
            await tx.due.done(item)
        return
    async with aclosing(world.blobs.read(file.blob)) as chunks:
        verdict = await world.scanner.scan(file, chunks)
    locks = (file.id,) if file.attached_to is None else (file.id, file.attached_to)
    async with world.begin(SCANNED, lock=locks) as tx:
        current = await tx.files.get(file.id)
        if current is not None and current.attached_to != file.attached_to:
            raise RecordLocked
        if current is not None and current.availability is Availability.PENDING:  # the first of two scans counts
            await _record(current, _AVAILABILITY[verdict], world, tx)
        await tx.due.done(item)


async def _record(file: UploadedFile, availability: Availability, world: World, tx: Tx) -> None:
    """Record the result in the file and in the requests that show it."""
    await tx.files.put(msgspec.structs.replace(file, availability=availability))
    world.entry.touched(ubrn=file.attached_to)
    if file.attached_to is None:
        return
    referral = await tx.referrals.find(file.attached_to, SYSTEM)
    if referral is not None and any(each.file == file.id for each in referral.value.attachments):
        await record_event(
            tx, world, SCANNED, await tx.referrals.put(referral, referral.value.scanned(file.id, availability))
        )
    advice = await tx.conversations.find(file.attached_to, SYSTEM)
    if advice is not None and any(each.file == file.id for each in advice.value.files):
        kept = await tx.conversations.put(advice, advice.value.scanned(file.id, availability))
        await record_advice_event(tx, world, SCANNED, kept)
