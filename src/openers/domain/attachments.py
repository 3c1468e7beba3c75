"""Files: as they were uploaded, and as attachments of a request.

An uploaded file belongs to nobody's request until it is attached; what of it a request shows is copied in then.
Source: rules chapters 4 (A006, A012, A020) and 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Final

import msgspec

from openers.domain.clock import Instant
from openers.domain.errors import FieldRefused, FilePending, ThreatsFound, ValidationFailed
from openers.domain.fields import Field
from openers.domain.identifiers import AttachmentId, FileId, OdsCode, Ubrn, UserId

LARGEST_UPLOAD: Final = 5_242_880
"""Bytes of the largest file that A020 takes and A006 gives."""
LARGEST_PREVIEW: Final = 100 * 1024 * 1024
"""Bytes of the largest file that A039 takes."""
LONGEST_NAME: Final = 255
"""Characters of the longest file name, its extension included."""


class AttachmentType(StrEnum):
    """From which side a file comes, and into what."""

    REFERRER = "REFERRER"
    PROVIDER = "PROVIDER"
    ADVICE_REQUEST = "ADVICE_REQUEST"
    GUIDANCE_RESPONSE = "GUIDANCE_RESPONSE"


class Availability(StrEnum):
    """Whether a file can be fetched, and why not."""

    PENDING = "PENDING"
    AVAILABLE = "AVAILABLE"
    THREATS_FOUND = "THREATS_FOUND"
    VALIDATION_FAILED = "VALIDATION_FAILED"


class UploadedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was uploaded. `size` is in bytes, `sha256` in hexadecimal; `blob` is where its content is kept.

    `meant_for` is the request that the upload named, `attached_to` the one that has it as an attachment now.
    `preview` marks an upload by A039, which the real service has announced and never released.
    """

    id: FileId
    name: str
    media_type: str
    size: int
    sha256: str
    blob: str
    uploaded: Instant
    by: UserId
    organisation: OdsCode
    on_behalf_of: UserId | None = None
    meant_for: Ubrn | None = None
    attached_to: Ubrn | None = None
    availability: Availability = Availability.PENDING
    preview: bool = False

    def check_available(self) -> None:
        """Raise FilePending, ThreatsFound or ValidationFailed unless the file can be fetched (rules 6)."""
        refusal = _REFUSALS.get(self.availability)
        if refusal is not None:
            error, hint = refusal
            raise error(Field.FILE, self.id, hint)


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a request, with what was true of it when it was attached; `availability` follows the file."""

    id: AttachmentId
    file: FileId
    type: AttachmentType
    name: str
    media_type: str
    size: int
    created: date
    indexed: Instant
    by: UserId
    organisation: OdsCode
    on_behalf_of: UserId | None = None
    description: str | None = None
    availability: Availability = Availability.PENDING


class ClinicalInformation(msgspec.Struct, frozen=True, kw_only=True):
    """When a referral's letter came, when it changed last, and when somebody printed the summary."""

    first_submitted: Instant | None = None
    last_updated: Instant | None = None
    printed: Instant | None = None

    @property
    def is_there(self) -> bool:
        """Whether a letter was ever added."""
        return self.first_submitted is not None

    def submitted(self, at: Instant) -> ClinicalInformation:
        """A letter came, or was changed if there is one already; nobody has printed it as it is now."""
        if self.first_submitted is None:
            return ClinicalInformation(first_submitted=at)
        return ClinicalInformation(first_submitted=self.first_submitted, last_updated=at)

    def on_paper(self, at: Instant) -> ClinicalInformation:
        """Somebody has printed it as it is now."""
        return msgspec.structs.replace(self, printed=at)


def with_availability(
    attachments: Sequence[Attachment], file: FileId, availability: Availability
) -> tuple[Attachment, ...]:
    """The attachments after the scan of one file."""
    return tuple(
        msgspec.structs.replace(each, availability=availability) if each.file == file else each for each in attachments
    )


_REFUSALS: Final[dict[Availability, tuple[type[FieldRefused], str]]] = {
    Availability.PENDING: (FilePending, "is being scanned: ask again in five minutes"),
    Availability.THREATS_FOUND: (ThreatsFound, "is in quarantine: ask the organisation that uploaded it"),
    Availability.VALIDATION_FAILED: (ValidationFailed, "is not what its name and type say: ask for it again"),
}
