"""Find a file that the caller may download (A006, A042). Source: rules chapters 4 (A006, A042), 6 and 1.3.

A request's file is visible to callers who may see the request; a file without a request, to the organisation that
uploaded it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Self

import msgspec

from openers.domain.attachments import LARGEST_UPLOAD, UploadedFile
from openers.domain.callers import SYSTEM
from openers.domain.errors import FileSizeError, NoRelationship, NotFound
from openers.domain.fields import Field
from openers.domain.identifiers import FileId, NhsNumber, Ubrn
from openers.domain.principal import Principal
from openers.usecases.finding import check_not_sensitive
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World


class ReadFile(msgspec.Struct, frozen=True):
    """The file to read, the caller, and the maximum size in bytes (`None`: any size)."""

    file: FileId
    by: Principal
    most_bytes: int | None = LARGEST_UPLOAD


async def read_file(query: ReadFile, world: World) -> UploadedFile:
    """Return a file that can be downloaded.

    Raises NotFound, NoRelationship, PatientError, and a refusal of its state.
    """
    async with world.read() as tx:
        file = await tx.files.get(query.file)
        if file is None:
            raise NotFound(Field.FILE, query.file)
        await _check_relationship(file, query.by, world, tx)
    world.entry.read_file(file.id, file.name)
    file.check_available()
    if query.most_bytes is not None and file.size > query.most_bytes:
        hint = f"is larger than {query.most_bytes} bytes: fetch it by A042"
        raise FileSizeError(Field.FILE, file.id, hint)
    return file


async def note_patient(file: UploadedFile, world: World, tx: Tx) -> None:
    """Note the request and the patient of a file in the audit entry, for a caller whom A042 let read it."""
    if file.attached_to is None:
        return
    found = await tx.referrals.find(file.attached_to, SYSTEM) or await tx.conversations.find(file.attached_to, SYSTEM)
    world.entry.touched(ubrn=file.attached_to, patient=None if found is None else found.patient)


class FileContent:
    """The bytes of a file in chunks; the first chunk is already read. The owner of this object must close it."""

    __slots__ = ("_first", "_rest")

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None]) -> None:
        """Wrap the first chunk and the `rest` after it."""
        self._first: bytes | None = first
        self._rest = rest

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        first, self._first = self._first, None
        return await anext(self._rest) if first is None else first

    async def aclose(self) -> None:
        """Close the file, at any point of reading; a repeated call is safe."""
        await self._rest.aclose()


async def content_of(file: UploadedFile, world: World, start: int = 0, end: int | None = None) -> FileContent:
    """Return the bytes of the file from `start` up to before `end`. Raises Unavailable at once if they cannot be read.

    The first chunk is read immediately, because a reply that has started cannot change its status.
    """
    chunks = world.blobs.read(file.blob, start, end)
    return FileContent(await anext(chunks, b""), chunks)


async def _check_relationship(file: UploadedFile, by: Principal, world: World, tx: Tx) -> None:
    """Raise NoRelationship unless the caller may see the file."""
    if file.attached_to is None:
        if file.organisation != by.organisation:
            raise NoRelationship(Field.FILE, file.id)
        return
    world.entry.touched(ubrn=file.attached_to)
    patient = await _patient_of(file, file.attached_to, by, tx)
    world.entry.touched(patient=patient)
    await check_not_sensitive(patient, world, tx)


async def _patient_of(file: UploadedFile, ubrn: Ubrn, by: Principal, tx: Tx) -> NhsNumber | None:
    """Return the patient of the request that shows the file to `by`. Raises NoRelationship.

    A request for advice and the referral converted from it share a UBRN but not their files.
    """
    conversation = await tx.conversations.find(ubrn, by)
    if conversation is not None and any(each.file == file.id for each in conversation.value.files):
        return conversation.patient
    referral = await tx.referrals.find(ubrn, by)
    if referral is not None and any(each.file == file.id for each in referral.value.attachments):
        return referral.patient
    raise NoRelationship(Field.FILE, file.id)
