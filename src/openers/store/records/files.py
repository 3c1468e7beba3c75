"""Metadata of uploaded files in SQL; the content is in the blob store. Source: rules chapter 6."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import bindparam, delete, insert, select, update

from openers.domain.attachments import UploadedFile
from openers.domain.identifiers import AttachmentId, FileId
from openers.store.engine.statements import Connection, Statement, decoder, encode
from openers.store.engine.tables import files

_GET: Final = Statement(select(files.c.body).where(files.c.id == bindparam("of_id")))
_ADD: Final = Statement(insert(files))
_PUT: Final = Statement(
    update(files)
    .where(files.c.id == bindparam("of_id"))
    .values(attached_to=bindparam("attached_to"), body=bindparam("body"))
)
_REMOVE: Final = Statement(delete(files).where(files.c.id == bindparam("of_id")))
_BLOBS: Final = Statement(select(files.c.blob))
_OF_BLOB: Final = Statement(select(files.c.id).where(files.c.blob == bindparam("of_blob")))
_decoder: Final = decoder(UploadedFile)


class SqlFiles:
    """The `Files` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that reads and writes."""
        self._connection = connection

    async def get(self, file: FileId) -> UploadedFile | None:
        """Return the file with this id."""
        row = await self._connection.row(_GET, {"of_id": file})
        return None if row is None else _decoder.decode(row[0])

    async def add(self, file: UploadedFile) -> None:
        """Store the metadata of a new file."""
        row = {"id": file.id, "attached_to": file.attached_to, "blob": file.blob, "body": encode(file)}
        await self._connection.run(_ADD, row)

    async def put(self, file: UploadedFile) -> None:
        """Replace the metadata of a file."""
        values = {"of_id": file.id, "attached_to": file.attached_to, "body": encode(file)}
        await self._connection.run(_PUT, values)

    async def remove(self, file: FileId) -> None:
        """Delete the metadata of a file."""
        await self._connection.run(_REMOVE, {"of_id": file})

    async def blobs(self) -> list[str]:
        """Return the content keys of all files."""
        return [row[0] for row in await self._connection.rows(_BLOBS, {})]

    async def without_file(self, blobs: Collection[str]) -> list[str]:
        """Return the blobs to which no file refers."""
        return [blob for blob in blobs if await self._connection.row(_OF_BLOB, {"of_blob": blob}) is None]

    async def next_attachment_id(self) -> AttachmentId:
        """Return a new attachment id, never used before."""
        return AttachmentId(str(await self._connection.next_number("attachment")))
