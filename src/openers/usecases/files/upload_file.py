"""Store an uploaded file (A020, A039): first its content, durably, then its record, with scan and purge scheduled.

A crash between the two leaves content that no file names; `purge_files.py` finds it. Source: rules chapters 4 (A020),
6.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import msgspec

from openers.domain.attachments import UploadedFile
from openers.domain.errors import FileSizeError
from openers.domain.fields import Field
from openers.domain.file_types import check_file
from openers.domain.identifiers import FileId, Ubrn
from openers.domain.principal import Principal
from openers.usecases.world import World

SCAN: Final = "scan file"
"""Kind of due work; its key is the file."""
PURGE: Final = "purge file"
"""Kind of due work that removes a file no request has; its key is the file."""


class UploadFile(msgspec.Struct, frozen=True, kw_only=True):
    """The caller's description of the file.

    `most_bytes` is its maximum size; `kept` how long it is kept without a request.
    """

    by: Principal
    name: str
    media_type: str
    most_bytes: int
    kept: timedelta
    meant_for: Ubrn | None = None
    preview: bool = False


async def upload_file(command: UploadFile, chunks: AsyncIterator[bytes], world: World) -> FileId:
    """Store the whole file, or nothing. Raises a `FieldRefused`, Unavailable, and errors of `chunks`."""
    world.entry.touched(ubrn=command.meant_for)
    check_file(command.name, command.media_type)
    file = FileId(str(world.ids.uuid()))
    blob = await world.blobs.save(file, _bounded(chunks, command.most_bytes))
    by, now = command.by, world.clock.now()
    uploaded = UploadedFile(
        id=file,
        name=command.name,
        media_type=command.media_type,
        size=blob.size,
        sha256=blob.sha256,
        blob=blob.key,
        uploaded=now,
        by=by.user,
        organisation=by.organisation,
        on_behalf_of=by.on_behalf_of,
        meant_for=command.meant_for,
        preview=command.preview,
    )
    async with world.begin("upload file") as tx:
        await tx.files.add(uploaded)
        await tx.due.add(SCAN, file, now)
        await tx.due.add(PURGE, file, now + command.kept)
    return file


async def _bounded(chunks: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    """Yield the same bytes. Raises FileSizeError as soon as there are too many, or if there are none."""
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise FileSizeError(Field.FILE_SIZE, None, f"must not be more than {most} bytes")
        yield chunk
    if size == 0:
        raise FileSizeError(Field.FILE_SIZE, 0, "must be more than 0 bytes")
