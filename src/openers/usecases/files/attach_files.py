"""Attach uploaded files to a request: the shared steps of all operations that name files.

A012 attaches letters, A022 and A028 a provider's files, and A026, A027 and A044 those of a conversation. The caller
must lock the request and every file (`locks_of`). Source: rules chapters 4 (A012) and 6 (linking errors).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

import msgspec

from openers.domain.attachments import Attachment, AttachmentType, Availability, UploadedFile
from openers.domain.clock import Instant
from openers.domain.errors import (
    ConflictingValues,
    DuplicateFilename,
    InappropriateValue,
    InvalidState,
    ReferenceNotFound,
)
from openers.domain.fields import Field
from openers.domain.file_types import same_name
from openers.domain.identifiers import AttachmentId, FileId, Ubrn, UserId
from openers.domain.principal import Principal
from openers.usecases.files.upload_file import PURGE
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

_UNNUMBERED: Final = AttachmentId("1")
_REFUSED = frozenset({Availability.THREATS_FOUND, Availability.VALIDATION_FAILED})


class NamedFile(msgspec.Struct, frozen=True):
    """A file that a request names: its id, its attachment type and its description."""

    file: FileId
    type: AttachmentType
    description: str | None = None


class Target(NamedTuple):
    """Where files are attached: the request, the field for refusals, the attachment type, and the other attachments.

    `is_new`: this call creates the request, so no upload can have named it.
    """

    ubrn: Ubrn
    field: Field
    type: AttachmentType
    beside: Sequence[Attachment]
    by: Principal
    on_behalf_of: UserId | None = None
    is_new: bool = False


def locks_of(files: Iterable[NamedFile]) -> tuple[str, ...]:
    """Return the keys to lock in addition to the request's."""
    return tuple(sorted({each.file for each in files}))


def check_named_once(files: Sequence[NamedFile], target_type: AttachmentType, field: Field) -> None:
    """Raise InappropriateValue (wrong attachment type) or ConflictingValues (one file named twice)."""
    seen: set[FileId] = set()
    for index, each in enumerate(files):
        if each.type is not target_type:
            raise InappropriateValue(Field.ATTACHMENT_TYPE, each.type, f"must be {target_type}", index)
        if each.file in seen:
            raise ConflictingValues(field, each.file, "is named more than once", index)
        seen.add(each.file)


async def attach_files(files: Sequence[NamedFile], target: Target, world: World, tx: Tx) -> tuple[Attachment, ...]:
    """Attach files that belong to no request yet, and return them in the given order. Raises a `FieldRefused`."""
    check_named_once(files, target.type, target.field)
    taken = {same_name(each.name) for each in target.beside}
    attached: list[Attachment] = []
    for index, each in enumerate(files):
        file = await _attachable(each, target, index, tx)
        name = same_name(file.name)
        if name in taken:
            raise DuplicateFilename(target.field, file.name, "is the name of another attachment", index)
        taken.add(name)
        await tx.files.put(msgspec.structs.replace(file, attached_to=target.ubrn))
        attached.append(await _attachment(each, file, target, world, tx))
    return tuple(attached)


async def detach_file(file_id: FileId, kept: timedelta, world: World, tx: Tx) -> None:
    """Detach a file; it is purged after `kept` unless it is attached again, to the same request, by then."""
    file = await tx.files.get(file_id)
    if file is not None:
        await tx.files.put(msgspec.structs.replace(file, attached_to=None))
        await tx.due.add(PURGE, file_id, world.clock.now() + kept)


async def as_scanned(attachments: Sequence[Attachment], tx: Tx) -> tuple[Attachment, ...]:
    """Return the attachments with the current scan results of their files."""
    found: list[Attachment] = []
    for each in attachments:
        file = await tx.files.get(each.file)
        found.append(each if file is None else msgspec.structs.replace(each, availability=file.availability))
    return tuple(found)


async def _attachable(named: NamedFile, target: Target, index: int, tx: Tx) -> UploadedFile:
    """Return the file, if the caller's organisation uploaded it for this request. Raises a `FieldRefused`."""
    file = await tx.files.get(named.file)
    if file is None or file.organisation != target.by.organisation:
        raise ReferenceNotFound(target.field, named.file, "is not known", index)
    if file.attached_to is not None:
        raise InvalidState(target.field, named.file, "is attached already", index)
    if file.meant_for is None and not target.is_new:
        raise InappropriateValue(target.field, named.file, "was uploaded without NHSD-eRS-Referral-ID", index)
    if file.meant_for is not None and file.meant_for != target.ubrn:
        raise ReferenceNotFound(target.field, named.file, "was uploaded for another request", index)
    if file.availability in _REFUSED:
        raise InvalidState(target.field, named.file, f"cannot be attached: {file.availability}", index)
    return file


async def _attachment(named: NamedFile, file: UploadedFile, target: Target, world: World, tx: Tx) -> Attachment:
    return msgspec.structs.replace(
        shown_as(target.type, file, target.by, world.clock.now()),
        id=await tx.files.next_attachment_id(),
        on_behalf_of=target.by.on_behalf_of or target.on_behalf_of,
        description=named.description,
    )


def shown_as(type: AttachmentType, file: UploadedFile, by: Principal, at: Instant) -> Attachment:
    """Return the attachment that a request shows for a file attached by `by` at `at`; it has no number yet."""
    return Attachment(
        id=_UNNUMBERED,
        file=file.id,
        type=type,
        name=file.name,
        media_type=file.media_type,
        size=file.size,
        created=file.uploaded.date(),
        indexed=at,
        by=by.user,
        organisation=by.organisation,
        on_behalf_of=by.on_behalf_of,
        availability=file.availability,
    )
