"""Uploaded files, and attachments of a request.

An uploaded file belongs to no request until it is attached. Attaching copies the file's details into the request.
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
"""Maximum size in bytes of a file that A020 accepts and A006 returns."""
LARGEST_PREVIEW: Final = 100 * 1024 * 1024
"""Maximum size in bytes of a file that A039 accepts."""
LONGEST_NAME: Final = 255
"""Maximum length of a file name in characters, its extension included."""


class AttachmentType(StrEnum):
    """Which side a file comes from, and which part of a request it belongs to."""

    REFERRER = "REFERRER"
    PROVIDER = "PROVIDER"
    ADVICE_REQUEST = "ADVICE_REQUEST"
    GUIDANCE_RESPONSE = "GUIDANCE_RESPONSE"


class Availability(StrEnum):
    """Whether a file can be downloaded, and if not, why."""

    PENDING = "PENDING"
    AVAILABLE = "AVAILABLE"
    THREATS_FOUND = "THREATS_FOUND"
    VALIDATION_FAILED = "VALIDATION_FAILED"


class UploadedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was uploaded. `size` is in bytes, `sha256` in hexadecimal; `blob` is the key of its stored content.

    `meant_for` is the request that the upload named, `attached_to` the request that has it as an attachment now.
    `preview` marks an upload by A039, which the real service has announced but never released.
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
        """Raise FilePending, ThreatsFound or ValidationFailed unless the file can be downloaded (rules 6)."""
        refusal = _REFUSALS.get(self.availability)
        if refusal is not None:
            error, hint = refusal
            raise error(Field.FILE, self.id, hint)


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a request, with the file's details at the time of attaching; `availability` follows the file."""

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
    """When the referral letter was first added, when it last changed, and when the provider printed the summary."""

    first_submitted: Instant | None = None
    last_updated: Instant | None = None
    printed: Instant | None = None

    @property
    def is_there(self) -> bool:
        """Whether a letter was ever added."""
        return self.first_submitted is not None

    def submitted(self, at: Instant) -> ClinicalInformation:
        """Record that a letter was added or changed, and so is not printed in its current form."""
        if self.first_submitted is None:
            return ClinicalInformation(first_submitted=at)
        return ClinicalInformation(first_submitted=self.first_submitted, last_updated=at)

    def on_paper(self, at: Instant) -> ClinicalInformation:
        """Record that the current letter was printed."""
        return msgspec.structs.replace(self, printed=at)


def with_availability(
    attachments: Sequence[Attachment], file: FileId, availability: Availability
) -> tuple[Attachment, ...]:
    """Return the attachments with the scan result of one file applied."""
    return tuple(
        msgspec.structs.replace(each, availability=availability) if each.file == file else each for each in attachments
    )


_REFUSALS: Final[dict[Availability, tuple[type[FieldRefused], str]]] = {
    Availability.PENDING: (FilePending, "is being scanned: retry in five minutes"),
    Availability.THREATS_FOUND: (ThreatsFound, "is in quarantine: contact the organisation that uploaded it"),
    Availability.VALIDATION_FAILED: (
        ValidationFailed,
        "does not match its name and type: ask the organisation that uploaded it to send it again",
    ),
}
