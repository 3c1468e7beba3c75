"""A006: a file of up to 5 MB as uploaded; deprecated in favour of A042. Source: rules 4 (A006) and 6."""

from __future__ import annotations

from openers.api.call import Call
from openers.api.http.media import disposition
from openers.api.http.reply import Content, Reply
from openers.api.operation import ANY, GET, PROVIDER_APPLICATIONS, Tag
from openers.api.registry import operation
from openers.domain.principal import CLINICIANS
from openers.usecases.files.read_file import ReadFile, content_of, read_file


@operation(
    "A006",
    GET,
    "/STU3/Binary/{id}",
    operation_id="a006-retrieve-attachment",
    tags=(Tag.READ,),
    deprecated=True,
    roles=CLINICIANS,
    applications=PROVIDER_APPLICATIONS,
    response="FileContent",
    produces=ANY,
    audit="API Retrieve Clinical Attachment",
)
async def retrieve_attachment(call: Call) -> Reply:
    """Retrieve a file."""
    file = await read_file(ReadFile(call.file_id, call.principal), call.world)
    call.check_accepts(file.media_type)
    content = Content(await content_of(file, call.world), file.size)
    return Reply(
        call.operation.success,
        content,
        (
            (b"content-type", file.media_type.encode()),
            (b"content-disposition", disposition(file.name)),
            (b"x-content-type-options", b"nosniff"),
        ),
    )
