"""The scanner: passes a file to whoever looks for threats, and looks itself whether it is what it says.

Threats are found by ClamAV through its daemon (`Clamd`), or in test mode by `ScriptedThreats`, which knows the EICAR
test string and some file names. Source: rules chapter 6.
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
"""How long one scan may take, in seconds: less than a runner has an item to itself."""
_COMMAND: Final = b"zINSTREAM\0"
_ARE_YOU_THERE: Final = b"zPING\0"
_HERE: Final = b"PONG"
_LONGEST_ANSWER: Final = 4096
_TOO_LARGE: Final = "INSTREAM size limit exceeded"
_NOT_LOOKED_INTO: Final = ("Heuristics.Limits.Exceeded", "Heuristics.Encrypted")
"""What ClamAV names its findings when it has not looked at all of a file, where it is set up to say so."""
THREAT_NAME: Final = "openers-threat"
INVALID_NAME: Final = "openers-invalid"
PENDING_NAME: Final = "openers-pending"
EICAR: Final = b85decode("ST#=}P$fV?P+K%yP+C|uG$>GBDK|qyDK~v2MM*<JQY}+dK~6+LQba95PE<)&Nm5l)EmTEQR4qnHOhq9iNGnJx")
"""The test string of the European Institute for Computer Antivirus Research, spelt so that no scanner finds it here."""
_EICAR_FORMS: Final = tuple(EICAR.decode().encode(form) for form in ("ascii", "utf-16-le", "utf-16-be"))
"""The test string as a text file may hold it."""


class Threats(Protocol):
    """Looks for threats in a file, all of which it has read when it says CLEAN. Raises Unavailable."""

    async def look(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """CLEAN, THREAT, or INVALID for what can't be looked into."""
        ...

    async def check(self) -> None:
        """Raise Unavailable if it could not look now."""
        ...


class ContentScanner:
    """The `Scanner` port: threats first, then whether the content is what it says."""

    def __init__(self, threats: Threats) -> None:
        """`threats` looks for threats."""
        self._threats = threats

    async def scan(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """What is in the file. Raises Unavailable."""
        with Passing(file.media_type) as passing:
            verdict = await self._threats.look(file, passing.watch(chunks))
            if verdict is Verdict.CLEAN and not await _is_what_it_says(file.media_type, passing.ends):
                return Verdict.INVALID
            return verdict

    async def check(self) -> None:
        """Raise Unavailable if nobody would look for threats now."""
        await self._threats.check()


async def _is_what_it_says(media_type: str, ends: Ends) -> bool:
    """The same in a thread where all of a file is looked at, so that the event loop goes on."""
    if ends.whole is None:
        return is_what_it_says(media_type, ends)
    return await asyncio.to_thread(is_what_it_says, media_type, ends)


class Clamd:
    """Threats as ClamAV finds them: its daemon gets the file as a stream (INSTREAM)."""

    def __init__(self, url: str, within_s: float = SCANNED_WITHIN_S) -> None:
        """`url` is `unix:/path/of/socket` or `tcp://host:port`; a scan is given up after `within_s` seconds."""
        self._url, self._within_s = url, within_s

    async def look(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """What the daemon says; a file that it can't look into is INVALID."""
        try:
            async with asyncio.timeout(self._within_s):
                with await self._connected() as peer:
                    await _send(peer, chunks)
                    return _verdict(await _answer(peer))
        except (OSError, TimeoutError) as error:
            raise Unavailable(PART) from error

    async def check(self) -> None:
        """Raise Unavailable unless the daemon answers."""
        try:
            with await self._connected() as peer:
                await asyncio.get_running_loop().sock_sendall(peer, _ARE_YOU_THERE)
                if await _answer(peer) != _HERE:
                    raise Unavailable(PART)
        except OSError as error:
            raise Unavailable(PART) from error

    async def _connected(self) -> socket.socket:
        """A connection, to the first address that takes one. Raises OSError."""
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
    """A socket rather than a stream, which would drop what was answered as soon as sending fails."""
    peer = socket.socket(family, socket.SOCK_STREAM)
    try:
        peer.setblocking(False)
        await asyncio.get_running_loop().sock_connect(peer, address)
    except BaseException:
        peer.close()
        raise
    return peer


async def _send(peer: socket.socket, chunks: AsyncIterator[bytes]) -> None:
    """Send the file in pieces, each after its length, and an empty one; until the daemon takes no more."""
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError):  # it has had enough, and has said so before
        await loop.sock_sendall(peer, _COMMAND)
        async for chunk in chunks:
            await loop.sock_sendall(peer, len(chunk).to_bytes(4, "big") + chunk)
        await loop.sock_sendall(peer, bytes(4))


async def _answer(peer: socket.socket) -> bytes:
    """What the daemon says, up to its end mark. Raises Unavailable."""
    loop = asyncio.get_running_loop()
    said = b""
    while b"\0" not in said:
        heard = await loop.sock_recv(peer, _LONGEST_ANSWER)
        said += heard
        if not heard or len(said) > _LONGEST_ANSWER:
            raise Unavailable(PART)
    return said.partition(b"\0")[0]


def _verdict(answer: bytes) -> Verdict:
    """What the answer means. Raises Unavailable for anything that is not known to be a verdict."""
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
    """Threats for tests: the EICAR string (in ASCII or UTF-16), and what the beginning of the file's name orders."""

    async def look(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """What the content or the name says; `openers-pending...` stays unscanned for as long as it is asked."""
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
        """It is always there."""
