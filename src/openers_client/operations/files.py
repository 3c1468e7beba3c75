"""Files: upload, download, and the documents that the service prints. All are streamed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from openers_client.errors import NotLoggedIn, ServiceUnreachable, UnreadableReply
from openers_client.operations.base import Call, Operations, error_of, path
from openers_client.records.files import Download, UploadedFile
from openers_client.transport import Content, Request, headers_of, whole

if TYPE_CHECKING:
    import aiohttp

CHUNK: Final = 256 * 1024
"""Bytes that are in memory at one time."""
PDF: Final = "application/pdf"
OTHER: Final = "application/octet-stream"
MEDIA_TYPES: Final = {
    ".au": "audio/basic",
    ".dcm": "application/dicom",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".gif": "image/gif",
    ".jpe": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".mp3": "audio/mpeg",
    ".mpe": "video/mpeg",
    ".mpeg": "video/mpeg",
    ".mpg": "video/mpeg",
    ".pdf": PDF,
    ".png": "image/png",
    ".rtf": "text/rtf",
    ".rtx": "text/rtf",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".txt": "text/plain",
    ".xml": "text/xml",
}
"""The published media type of each file extension."""

Progress = Callable[[int, int | None], object]
"""Reports the bytes so far, and all bytes if their number is known."""
Target = Path | BinaryIO
"""Where a download goes: a path, which is written anew, or an open binary file."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file to upload. `ubrn` is the record for which it is meant, without which it cannot be attached to one.

    Without `media_type`, the name decides. `content` is a path, whose file is streamed, or bytes.
    """

    name: str
    content: Path | bytes
    media_type: str | None = None
    ubrn: str | None = None


class Files(Operations):
    """Operations on files. Each raises `ErsError`; those with a path raise OSError too."""

    async def upload(self, file: Upload, progress: Progress | None = None) -> UploadedFile:
        """Upload a file of up to 5 MB (A020)."""
        return await self._upload("A020", "/STU3/Binary", file, progress)

    async def upload_large(self, file: Upload, progress: Progress | None = None) -> UploadedFile:
        """Upload a large file (A039)."""
        return await self._upload("A039", "/R4/Binary", file, progress)

    async def download(self, file_id: str, into: Target, progress: Progress | None = None) -> Download:
        """Download a file of any size: get its address (A042), then read it there without the access token."""
        address = await self.file_address(file_id)
        headers = {"Accept": "*/*"}
        if address.startswith(f"{self._calling.base_url}/"):
            headers |= self._calling.headers
        request = Request("GET", address, headers, repeatable=True, follow=True)
        return await self._save(request, into, progress)

    async def file_address(self, file_id: str) -> str:
        """Return the signed address of a file (A042). Use it at once."""
        call = Call(number="A042", method="GET", path=path("/R4/Binary/{}", file_id), reads=True, accept="*/*")
        address = (await self._reply(call)).headers.get("location")
        if address is None:
            raise UnreadableReply("the reply of A042 has no Location")
        return address

    async def download_small(self, file_id: str, into: Target, progress: Progress | None = None) -> Download:
        """Download a file of up to 5 MB (A006, deprecated by the real service in favour of `download`)."""
        where = path("/STU3/Binary/{}", file_id)
        return await self._print(Call(number="A006", method="GET", path=where, accept="*/*"), into, progress)

    async def print_summary(self, ubrn: str, into: Target, progress: Progress | None = None) -> Download:
        """Print the clinical information of a referral as PDF (A007)."""
        where = path("/STU3/ReferralRequest/{}/$ers.generateCRI", ubrn)
        return await self._print(Call(number="A007", method="POST", path=where, accept=PDF), into, progress)

    async def print_letter(self, ubrn: str, into: Target, progress: Progress | None = None) -> Download:
        """Print the letter to the patient as PDF (A019)."""
        where = path("/STU3/ReferralRequest/{}/$ers.generatePatientLetter", ubrn)
        return await self._print(Call(number="A019", method="POST", path=where, accept=PDF), into, progress)

    async def print_conversation(self, ubrn: str, into: Target, progress: Progress | None = None) -> Download:
        """Print a request for advice with its conversation as PDF (A043)."""
        where = path("/STU3/CommunicationRequest/{}/$ers.generateCRI", ubrn)
        return await self._print(Call(number="A043", method="POST", path=where, accept=PDF), into, progress)

    async def _upload(self, number: str, where: str, file: Upload, progress: Progress | None) -> UploadedFile:
        size = len(file.content) if isinstance(file.content, bytes) else file.content.stat().st_size
        kind = file.media_type or MEDIA_TYPES.get(Path(file.name).suffix.lower(), OTHER)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(size),
            "NHSD-eRS-File-Name": file.name,
            **({} if file.ubrn is None else {"NHSD-eRS-Referral-ID": file.ubrn}),
        }
        content = _content(file.content, size, progress)
        reply = await self._reply(Call(number=number, method="POST", path=where, headers=headers, content=content))
        reference = reply.headers.get("location", "")
        if not reference:
            raise UnreadableReply(f"the reply of {number} has no Location")
        return UploadedFile(reference.rpartition("/")[2], reference)

    async def _print(self, call: Call, into: Target, progress: Progress | None) -> Download:
        for renewed in (False, True):
            request, token = await self._request(call)
            try:
                return await self._save(replace(request, repeatable=True), into, progress)
            except NotLoggedIn:
                if renewed or not await self._calling.session.renew(token):
                    raise
        raise AssertionError("the loop above has no end")

    async def _save(self, request: Request, into: Target, progress: Progress | None) -> Download:
        async def _read(response: aiohttp.ClientResponse) -> Download:
            if response.status >= 400:
                raise error_of(await whole(response), request)
            return await _written(response, into, progress)

        return await self._calling.transport.exchange(request, _read)


def _content(source: Path | bytes, size: int, progress: Progress | None) -> Content:
    """Return the content of a request that reads a file piece by piece and reports its progress."""

    async def _open() -> AsyncIterator[bytes]:
        sent = 0
        async for piece in _pieces(source):
            sent += len(piece)
            yield piece
            if progress is not None:
                progress(sent, size)

    return _open


async def _pieces(source: Path | bytes) -> AsyncIterator[bytes]:
    if isinstance(source, bytes):
        for start in range(0, len(source), CHUNK):
            yield source[start : start + CHUNK]
        return
    file = await asyncio.to_thread(source.open, "rb")
    try:
        while piece := await asyncio.to_thread(file.read, CHUNK):
            yield piece
    finally:
        file.close()


async def _written(response: aiohttp.ClientResponse, into: Target, progress: Progress | None) -> Download:
    """Write the body of a reply, piece by piece. A path whose file is incomplete is removed."""
    import aiohttp

    file = await asyncio.to_thread(into.open, "wb") if isinstance(into, Path) else into
    size, expected = 0, response.content_length
    try:
        async for piece in response.content.iter_chunked(CHUNK):
            await asyncio.to_thread(file.write, piece)
            size += len(piece)
            if progress is not None:
                progress(size, expected)
    except BaseException as error:
        if isinstance(into, Path):
            into.unlink(missing_ok=True)
        if isinstance(error, (aiohttp.ClientError, TimeoutError)):
            raise ServiceUnreachable(f"the download of {response.url} broke off after {size} bytes") from error
        raise
    finally:
        if isinstance(into, Path):
            file.close()
    headers = headers_of(response)
    return Download(_name(headers.get("content-disposition")), headers.get("content-type", ""), size)


def _name(disposition: str | None) -> str | None:
    """Return the file name in a `Content-Disposition` header, without any folder."""
    if disposition is None:
        return None
    message = Message()
    message["Content-Disposition"] = disposition
    found = message.get_filename()
    return None if found is None else found.replace("\\", "/").rpartition("/")[2]
