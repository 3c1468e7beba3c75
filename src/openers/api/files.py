"""`/files/{signed}`: serve a file, with ranges, to the holder of an unexpired address that A042 returned.

The signature replaces a token. The service still checks whether the file can be fetched. Source: rules chapters 4
(A042) and 6; RFC 9110 (ranges).
"""

from __future__ import annotations

import re
from typing import Final

from starlette.routing import Route

from openers.api.addresses import Declared, route
from openers.api.dialects import FhirDialect
from openers.api.http.media import disposition
from openers.api.http.reply import Content, Header, Reply
from openers.api.http.request import Request, Stop
from openers.api.interaction import ActiveCall, Interaction, Loop
from openers.domain.attachments import UploadedFile
from openers.domain.audit import AuditEntry
from openers.domain.errors import NotFound
from openers.domain.fields import Field
from openers.files.signed_addresses import PATH, NotSigned, SignedAddresses, SignedFile
from openers.usecases.files.read_file import content_of, note_patient
from openers.usecases.world import World
from openers.wire import problems
from openers.wire.r4.dialect import R4

_RANGE: Final = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})", re.ASCII)
_HEADERS: Final[tuple[Header, ...]] = (
    (b"accept-ranges", b"bytes"),
    (b"cache-control", b"private, no-store"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"referrer-policy", b"no-referrer"),
)


SIGNED: Final = Interaction(
    audit="API Retrieve Clinical Attachment",
    operation=PATH,
    dialect=FhirDialect(R4),
    success=200,
    for_anybody=True,
)


def file_routes(loop: Loop, addresses: SignedAddresses) -> list[Route]:
    """Return the route of `/files/{signed}`."""

    async def _fetch(call: ActiveCall) -> Reply:
        try:
            signed = addresses.read(call.request.scope["path_params"]["signed"], call.world.base_url)
        except NotSigned as error:
            raise Stop(problems.address_ended()) from error
        _note(call.entry, signed)
        return await _reply(call.request, await _file(signed, call.world), call.world)

    return [route(loop, PATH + "{signed}", {"GET": Declared(SIGNED, _fetch)})]


def _note(entry: AuditEntry, signed: SignedFile) -> None:
    """Record the caller to whom A042 gave the address."""
    entry.user, entry.on_behalf_of = signed.user, signed.on_behalf_of
    entry.organisation, entry.business_function = signed.organisation, signed.function
    entry.application = signed.application


async def _file(signed: SignedFile, world: World) -> UploadedFile:
    """Return the file if it can still be fetched. Raises NotFound, and a refusal of its state."""
    async with world.read() as tx:
        file = await tx.files.get(signed.file)
        if file is None:
            raise NotFound(Field.FILE, signed.file)
        await note_patient(file, world, tx)
    file.check_available()
    return file


async def _reply(request: Request, file: UploadedFile, world: World) -> Reply:
    etag = f'"{file.sha256}"'
    wanted = _range(request, etag, file.size)
    start, end = wanted or (0, file.size)
    headers: list[Header] = [*_HEADERS, (b"content-disposition", disposition(file.name)), (b"etag", etag.encode())]
    if start >= end:
        return Reply(416, b"", (*_HEADERS, (b"content-range", b"bytes */%d" % file.size)))
    if wanted is not None:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (start, end - 1, file.size)))
    headers.append((b"content-type", file.media_type.encode()))
    chunks = None if request.method == "HEAD" else await content_of(file, world, start, end)
    return Reply(200 if wanted is None else 206, Content(chunks, end - start), tuple(headers))


def _range(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """Return the requested range: first byte and end (exclusive). `None` means the whole file; start >= end means 416.

    A request for several ranges returns the whole file, as RFC 9110 allows. So does `If-Range` with another ETag.
    """
    matched = _RANGE.fullmatch(request.header(b"range"))
    if matched is None or matched[0] == "bytes=-" or request.header(b"if-range") not in ("", etag):
        return None
    first, last = matched.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1, size) if last else size
