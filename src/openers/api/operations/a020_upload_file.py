"""A020: upload a file of up to 5 MB for a request. Source: rules chapters 2.4, 4 (A020) and 6.

It also holds the code that it shares with A039, which accepts larger files.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from openers.api.call import Call, Reply
from openers.api.http.media import file_name_of, media_of
from openers.api.http.request import Stop
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.attachments import LARGEST_UPLOAD
from openers.domain.errors import InvalidValue
from openers.domain.fields import Field
from openers.domain.file_types import EXTENSIONS
from openers.domain.identifiers import Ubrn
from openers.domain.principal import CLINICIANS
from openers.usecases.files.upload_file import UploadFile, upload_file
from openers.wire import problems

AUDIT: Final = "API Upload Clinical Attachment"


@operation(
    "A020",
    POST,
    "/STU3/Binary",
    operation_id="a020-upload-file-to-document-store",
    tags=(Tag.REFER, Tag.ASK, Tag.BOOK, Tag.TRIAGE),
    roles=CLINICIANS,
    response="",
    takes_file=True,
    success=201,
    audit=AUDIT,
)
async def upload_file_to_document_store(call: Call) -> Reply:
    """Upload a file."""
    return await take_in(call, LARGEST_UPLOAD, preview=False)


async def take_in(call: Call, most_bytes: int, *, preview: bool) -> Reply:
    """Upload the file of the call. Raises Stop, a `FieldRefused` and the errors of the use case."""
    command = UploadFile(
        by=call.principal,
        name=file_name_of(call.headers.get(b"nhsd-ers-file-name", b"")),
        media_type=_media_type(call),
        most_bytes=most_bytes,
        kept=timedelta(hours=call.settings.unlinked_files_kept_h),
        meant_for=_meant_for(call),
        preview=preview,
    )
    file = await upload_file(command, call.incoming.chunks(), call.world)
    return call.plain(b"", (b"location", f"Binary/{file}".encode()))


def _media_type(call: Call) -> str:
    """Return the declared media type. Raises Stop if it is missing; the use case checks which types are allowed."""
    media_type = media_of(call.header("Content-Type"))
    if not media_type:
        raise Stop(problems.unsupported_media(" or ".join(EXTENSIONS)))
    return media_type


def _meant_for(call: Call) -> Ubrn | None:
    text = call.header("NHSD-eRS-Referral-ID")
    try:
        return Ubrn(text) if text else None
    except ValueError as error:
        raise InvalidValue(Field.FILE_MEANT_FOR, text, f"must be {Ubrn.shape}") from error
