"""`/files/{signed}`: a file, for whoever has an address that A042 gave, until it ends. Ranges are served.

No token is asked for: the signature is the permission. Whether the file can be fetched is asked again all the same.
Source: rules chapters 4 (A042) and 6; RFC 9110 (ranges).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Final
from uuid import uuid4

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from openers.api.failures import Failures, address_of
from openers.api.media import FHIR_JSON, disposition
from openers.api.request import WorldOf
from openers.documents.signed_addresses import PATH, NotSigned, SignedAddresses, SignedFile
from openers.domain.attachments import UploadedFile
from openers.domain.audit import AuditEntry
from openers.domain.clock import Clock
from openers.domain.errors import NotFound, OpenersError, Unavailable
from openers.domain.fields import Field
from openers.usecases.read_file import FileContent, content_of
from openers.usecases.world import World
from openers.wire import problems
from openers.wire.outcome import Fhir, Problem, outcome_of, write_outcome

_RANGE: Final = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})", re.ASCII)
_HEADERS: Final = {
    "accept-ranges": "bytes",
    "cache-control": "private, no-store",
    "content-security-policy": "default-src 'none'; sandbox",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class FileResponse(StreamingResponse):
    """Sends a file, and lets go of it, however far that has come when the caller goes away."""

    def __init__(self, content: FileContent, status: int, headers: Mapping[str, str], media_type: str) -> None:
        """`content` is closed with it."""
        super().__init__(content, status, headers, media_type)
        self.close = content.aclose

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self.close()


class FileDeps(msgspec.Struct, frozen=True):
    """What the endpoint works with."""

    world: WorldOf
    wall: Clock
    addresses: SignedAddresses
    failures: Failures = msgspec.field(default_factory=lambda: Failures(0, monotonic))


def file_routes(deps: FileDeps) -> list[Route]:
    """`/files/{signed}`."""

    async def _serve(request: Request) -> Response:
        return await _fetched(request, deps)

    return [Route(PATH + "{signed}", _serve, methods=["GET"])]


async def _fetched(request: Request, deps: FileDeps) -> Response:
    entry = AuditEntry(
        event_type=request.method,
        audit_type="API Retrieve Clinical Attachment",
        at=deps.wall.now(),
        operation=PATH,
        request_id=str(uuid4()),
    )
    world = deps.world(request.scope).for_call(entry)
    try:
        signed = deps.addresses.read(request.path_params["signed"])
        _note(entry, signed)
        return await _witnessed(await _reply(request, await _file(signed, world), world), world)
    except NotSigned:
        record = deps.failures.record
        return await _refused(world, problems.address_ended(Fhir.R4), lambda: record(world, address_of(request.scope)))
    except OpenersError as error:
        return await _refused(world, outcome_of(error, Fhir.R4))


async def _witnessed(reply: Response, world: World) -> Response:
    """The reply, its audit entry durable. Raises Unavailable."""
    world.entry.outcome = reply.status_code
    try:
        await world.store.witness(world.entry)
    except BaseException:
        if isinstance(reply, FileResponse):
            await reply.close()
        raise
    return reply


def _note(entry: AuditEntry, signed: SignedFile) -> None:
    """Whom the address was given to."""
    entry.user, entry.on_behalf_of = signed.user, signed.on_behalf_of
    entry.organisation, entry.business_function = signed.organisation, signed.function
    entry.application = signed.application


async def _file(signed: SignedFile, world: World) -> UploadedFile:
    """The file, if it still can be fetched. Raises NotFound, and a refusal of its state."""
    async with world.read() as tx:
        file = await tx.files.get(signed.file)
    if file is None:
        raise NotFound(Field.FILE, signed.file)
    world.entry.touched(ubrn=file.attached_to)
    file.check_available()
    return file


async def _reply(request: Request, file: UploadedFile, world: World) -> Response:
    etag = f'"{file.sha256}"'
    headers = {**_HEADERS, "content-disposition": disposition(file.name).decode(), "etag": etag}
    wanted = _range(request.headers, etag, file.size)
    start, end = wanted or (0, file.size)
    if start >= end:
        return Response(status_code=416, headers={**_HEADERS, "content-range": f"bytes */{file.size}"})
    headers["content-length"] = str(end - start)
    if wanted is not None:
        headers["content-range"] = f"bytes {start}-{end - 1}/{file.size}"
    status = 200 if wanted is None else 206
    if request.method == "HEAD":
        return Response(None, status, headers, file.media_type)
    return FileResponse(await content_of(file, world, start, end), status, headers, file.media_type)


def _range(headers: Headers, etag: str, size: int) -> tuple[int, int] | None:
    """The bytes that are asked for, from the first to before the last; `None` for all, empty where there are none.

    Several ranges at once are answered with the whole file, as RFC 9110 allows, and so is a range of another file.
    """
    matched = _RANGE.fullmatch(headers.get("range", ""))
    if matched is None or matched[0] == "bytes=-" or headers.get("if-range", etag) != etag:
        return None
    first, last = matched.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1, size) if last else size


async def _refused(world: World, problem: Problem, record: Callable[[], Awaitable[None]] | None = None) -> Response:
    entry = world.entry
    entry.outcome, entry.code = problem.status, problem.code
    try:
        await (world.store.witness(entry) if record is None else record())
    except Unavailable as error:
        problem = outcome_of(error, Fhir.R4)
    headers = {"cache-control": "no-store"}
    if problem.retry_after_s is not None:
        headers["retry-after"] = str(problem.retry_after_s)
    return Response(write_outcome(problem, Fhir.R4, world.clock.now()), problem.status, headers, FHIR_JSON)
