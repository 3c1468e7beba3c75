"""A042: a short-lived address of a file of any size, usable without our headers. Source: rules 4 (A042), 6."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import ANY, GET, PROVIDER_APPLICATIONS, Tag
from openers.api.registry import operation
from openers.domain.principal import CLINICIANS
from openers.usecases.files.read_file import ReadFile, read_file


@operation(
    "A042",
    GET,
    "/R4/Binary/{id}",
    operation_id="a042-retrieve-attachment",
    tags=(Tag.READ,),
    roles=CLINICIANS,
    applications=PROVIDER_APPLICATIONS,
    response="",
    produces=ANY,
    success=307,
    audit="API Retrieve Clinical Attachment",
)
async def retrieve_attachment_address(call: Call) -> Reply:
    """Retrieve a temporary address of a file."""
    file = await read_file(ReadFile(call.file_id, call.principal, most_bytes=None), call.world)
    address = call.addresses.give(file.id, call.principal, call.world.base_url)
    return call.plain(b"", (b"location", address.encode()), (b"cache-control", b"no-store"))
