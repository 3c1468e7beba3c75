"""The scanner: it checks a file for threats, and whether its content has the declared type.

ClamAV finds threats through its daemon (`Clamd`). In test mode `ScriptedThreats` recognises the EICAR test string and
some file names. Source: rules chapter 6.
"""

from __future__ import annotations

import asyncio
import socket
from base64 import b85decode
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from openers.domain.attachments import UploadedFile
from openers.domain.errors import Unavailable
from openers.files.sniffing import Ends, Passing, is_what_it_says
from openers.usecases.ports.files import Verdict

PART: Final = "virus scanner"
SCANNED_WITHIN_S: Final = 240.0
"""Maximum seconds of one scan: less than a runner's claim on an item."""
_COMMAND: Final = b"zINSTREAM\0"
_ARE_YOU_THERE: Final = b"zPING\0"
_HERE: Final = b"PONG"
_LONGEST_ANSWER: Final = 4096
_TOO_LARGE: Final = "INSTREAM size limit exceeded"
_NOT_LOOKED_INTO: Final = ("Heuristics.Limits.Exceeded", "Heuristics.Encrypted")
"""Names of ClamAV's findings if it has not read all of a file, where it is configured to report that."""
THREAT_NAME: Final = "openers-threat"
INVALID_NAME: Final = "openers-invalid"
PENDING_NAME: Final = "openers-pending"
EICAR: Final = b85decode("ST#=}P$fV?P+K%yP+C|uG$>GBDK|qyDK~v2MM*<JQY}+dK~6+LQba95PE<)&Nm5l)EmTEQR4qnHOhq9iNGnJx")
"""The EICAR test string, encoded so that virus scanners ignore this file."""
_EICAR_FORMS: Final = tuple(EICAR.decode().encode(form) for form in ("ascii", "utf-16-le", "utf-16-be"))
"""The test string in the encodings of text files."""


class Threats(Protocol):
    """Searches a file for threats; CLEAN means that the whole file was read. Raises Unavailable."""

    async def look(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """Return CLEAN, THREAT, or INVALID for an unreadable file."""
        ...

    async def check(self) -> None:
        """Raise Unavailable if it cannot search now."""
        ...


class ContentScanner:
    """The `Scanner` port: search for threats, then check the type of the content."""

    def __init__(self, threats: Threats) -> None:
        """Store the search for threats."""
        self._threats = threats

    async def scan(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """Return the verdict on a file. Raises Unavailable."""
        with Passing(file.media_type) as passing:
            verdict = await self._threats.look(file, passing.watch(chunks))
            if verdict is Verdict.CLEAN and not await _is_what_it_says(file.media_type, passing.ends):
                return Verdict.INVALID
            return verdict

    async def check(self) -> None:
        """Raise Unavailable if threats cannot be searched for now."""
        await self._threats.check()


async def _is_what_it_says(media_type: str, ends: Ends) -> bool:
    """Return whether the content has its declared type; a check of a whole file runs in a thread."""
    if ends.whole is None:
        return is_what_it_says(media_type, ends)
    return await asyncio.to_thread(is_what_it_says, media_type, ends)


class Clamd:
    """Threats found by ClamAV: its daemon receives the file as a stream (INSTREAM)."""

    def __init__(self, url: str, within_s: float = SCANNED_WITHIN_S) -> None:
        """Store the daemon's address (`unix:/path/of/socket` or `tcp://host:port`) and the timeout of a scan."""
        self._url, self._within_s = url, within_s

    async def look(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """Return the daemon's verdict; a file that it cannot read is INVALID."""
        try:
            async with asyncio.timeout(self._within_s):
                with await self._connected() as peer:
                    await _send(peer, chunks)
                    return _verdict(await _answer(peer))
        except (OSError, TimeoutError) as error:
            raise Unavailable(PART) from error

    async def check(self) -> None:
        """Raise Unavailable unless the daemon replies."""
        try:
            with await self._connected() as peer:
                await asyncio.get_running_loop().sock_sendall(peer, _ARE_YOU_THERE)
                if await _answer(peer) != _HERE:
                    raise Unavailable(PART)
        except OSError as error:
            raise Unavailable(PART) from error

    async def _connected(self) -> socket.socket:
        """Connect to the first address that accepts. Raises OSError."""
        if self._url.startswith("unix:"):
            return await _connected(socket.AF_UNIX, self._url.removeprefix("unix:"))
        parts = urlsplit(self._url)
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
        refused = OSError(f"{self._url} has no address")
        for family, _, _, _, address in found:
            try:
                return await _connected(family, address)
            except OSError as error:
                refused = error
        raise refused


async def _connected(family: int, address: Any) -> socket.socket:
    """Connect a socket. A stream would drop the reply as soon as sending fails."""
    peer = socket.socket(family, socket.SOCK_STREAM)
    try:
        peer.setblocking(False)
        await asyncio.get_running_loop().sock_connect(peer, address)
    except BaseException:
        peer.close()
        raise
    return peer


async def _send(peer: socket.socket, chunks: AsyncIterator[bytes]) -> None:
    """Send the file in chunks, each after its length, then an empty one; stop if the daemon stops reading."""
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError):  # the daemon has stopped reading, after its reply
        await loop.sock_sendall(peer, _COMMAND)
        async for chunk in chunks:
            await loop.sock_sendall(peer, len(chunk).to_bytes(4, "big") + chunk)
        await loop.sock_sendall(peer, bytes(4))


async def _answer(peer: socket.socket) -> bytes:
    """Return the daemon's reply up to its end mark. Raises Unavailable."""
    loop = asyncio.get_running_loop()
    said = b""
    while b"\0" not in said:
        heard = await loop.sock_recv(peer, _LONGEST_ANSWER)
        said += heard
        if not heard or len(said) > _LONGEST_ANSWER:
            raise Unavailable(PART)
    return said.partition(b"\0")[0]


def _verdict(answer: bytes) -> Verdict:
    """Return the verdict in a reply. Raises Unavailable for an unknown reply."""
    text = answer.decode("utf-8", "replace").strip()
    if text == "stream: OK":
        return Verdict.CLEAN
    if text.startswith(_TOO_LARGE):
        return Verdict.INVALID
    name = text.removeprefix("stream: ").removesuffix(" FOUND")
    if text != f"stream: {name} FOUND":
        raise Unavailable(PART)
    return Verdict.INVALID if name.startswith(_NOT_LOOKED_INTO) else Verdict.THREAT


class ScriptedThreats:
    """Threats for tests: the EICAR string (in ASCII or UTF-16), and file names that begin with a certain text."""

    async def look(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """Return the verdict for the content or the name; `openers-pending...` always stays unscanned."""
        found, kept = False, b""
        async for chunk in chunks:
            searched = kept + chunk
            found = found or any(form in searched for form in _EICAR_FORMS)
            kept = searched[-max(map(len, _EICAR_FORMS)) :]
        if file.name.startswith(PENDING_NAME):
            raise Unavailable(PART)
        if found or file.name.startswith(THREAT_NAME):
            return Verdict.THREAT
        return Verdict.INVALID if file.name.startswith(INVALID_NAME) else Verdict.CLEAN

    async def check(self) -> None:
        """Do nothing: it is always available."""
