"""Find a file that the caller may fetch (A006, A042). Source: rules chapters 4 (A006, A042), 6 and 1.3.

A file of a request is for those who may see the request; one that no request has yet, for those who uploaded it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Self

import msgspec

from openers.domain.attachments import LARGEST_UPLOAD, UploadedFile
from openers.domain.errors import FileSizeError, NoRelationship, NotFound
from openers.domain.fields import Field
from openers.domain.identifiers import FileId, NhsNumber, Ubrn
from openers.domain.principal import Principal
from openers.usecases.finding import check_not_sensitive
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World


class ReadFile(msgspec.Struct, frozen=True):
    """Which file, for whom, how large at most (`None`: any size)."""

    file: FileId
    by: Principal
    most_bytes: int | None = LARGEST_UPLOAD


async def read_file(query: ReadFile, world: World) -> UploadedFile:
    """The file, which can be fetched. Raises NotFound, NoRelationship, PatientError, and a refusal of its state."""
    async with world.read() as tx:
        file = await tx.files.get(query.file)
        if file is None:
            raise NotFound(Field.FILE, query.file)
        await _check_relationship(file, query.by, world, tx)
    file.check_available()
    if query.most_bytes is not None and file.size > query.most_bytes:
        hint = f"is larger than {query.most_bytes} bytes: fetch it by A042"
        raise FileSizeError(Field.FILE, file.id, hint)
    return file


class FileContent:
    """The bytes of a file, piece by piece; the first piece is there already. Whoever has it closes it."""

    __slots__ = ("_first", "_rest")

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None]) -> None:
        """`rest` is what comes after `first`."""
        self._first: bytes | None = first
        self._rest = rest

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        first, self._first = self._first, None
        return await anext(self._rest) if first is None else first

    async def aclose(self) -> None:
        """Let go of the file, however far it has been read; repeating it does no harm."""
        await self._rest.aclose()


async def content_of(file: UploadedFile, world: World, start: int = 0, end: int | None = None) -> FileContent:
    """The bytes of the file from `start` to before `end`. Raises Unavailable at once if they can't be read.

    The first of them are read already, since a reply that has begun can't be taken back.
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
    """The patient of the request that shows the file to `by`. Raises NoRelationship.

    A UBRN may be that of a request for advice and of the referral made of it, whose files are not the same.
    """
    conversation = await tx.conversations.find(ubrn, by)
    if conversation is not None and any(each.file == file.id for each in conversation.value.files):
        return conversation.patient
    referral = await tx.referrals.find(ubrn, by)
    if referral is not None and any(each.file == file.id for each in referral.value.attachments):
        return referral.patient
    raise NoRelationship(Field.FILE, file.id)
