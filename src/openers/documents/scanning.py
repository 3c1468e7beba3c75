"""The scanner: passes a file to whoever looks for threats, and looks itself whether it is what it says.

Threats are found by ClamAV through its daemon (`Clamd`), or in test mode by `ScriptedThreats`, which knows the EICAR
test string and some file names. Source: rules chapter 6.
"""

from __future__ import annotations

import asyncio
from base64 import b85decode
from collections.abc import AsyncIterator
from typing import Final, Protocol
from urllib.parse import urlsplit

from openers.documents.sniffing import Passing, is_what_it_says
from openers.domain.attachments import UploadedFile
from openers.domain.errors import Unavailable
from openers.usecases.file_ports import Verdict

PART: Final = "virus scanner"
SCANNED_WITHIN_S: Final = 240.0
"""How long one scan may take, in seconds: less than a runner has an item to itself."""
_TOO_LARGE: Final = "INSTREAM size limit exceeded"
_NOT_LOOKED_INTO: Final = ("Heuristics.Limits.Exceeded", "Heuristics.Encrypted")
"""What ClamAV names its findings when it has not looked at all of a file, where it is set up to say so."""
THREAT_NAME: Final = "openers-threat"
INVALID_NAME: Final = "openers-invalid"
PENDING_NAME: Final = "openers-pending"
EICAR: Final = b85decode("ST#=}P$fV?P+K%yP+C|uG$>GBDK|qyDK~v2MM*<JQY}+dK~6+LQba95PE<)&Nm5l)EmTEQR4qnHOhq9iNGnJx")
"""The test string of the European Institute for Computer Antivirus Research, spelt so that no scanner finds it here."""


class Threats(Protocol):
    """Looks for threats in a file, all of which it has read when it says CLEAN. Raises Unavailable."""

    async def look(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """CLEAN, THREAT, or INVALID for what can't be looked into."""
        ...


class ContentScanner:
    """The `Scanner` port: threats first, then whether the content is what it says."""

    def __init__(self, threats: Threats) -> None:
        """`threats` looks for threats."""
        self._threats = threats

    async def scan(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """What is in the file. Raises Unavailable."""
        passing = Passing(file.media_type)
        verdict = await self._threats.look(file, passing.watch(chunks))
        if verdict is Verdict.CLEAN and not is_what_it_says(file.media_type, passing.ends):
            return Verdict.INVALID
        return verdict


class Clamd:
    """Threats as ClamAV finds them: its daemon gets the file as a stream (INSTREAM)."""

    def __init__(self, url: str, within_s: float = SCANNED_WITHIN_S) -> None:
        """`url` is `unix:/path/of/socket` or `tcp://host:port`; a scan is given up after `within_s` seconds."""
        self._url, self._within_s = url, within_s

    async def look(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """What the daemon says; a file that it can't look into is INVALID."""
        try:
            async with asyncio.timeout(self._within_s):
                return _verdict(await self._answer(chunks))
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise Unavailable(PART) from error

    async def _answer(self, chunks: AsyncIterator[bytes]) -> bytes:
        """Send the file and read what is answered, which may come before the end: a daemon that has had enough."""
        reader, writer = await self._connect()
        answered = asyncio.Event()

        async def _read() -> bytes:
            try:
                return await reader.readuntil(b"\0")
            finally:
                answered.set()

        async def _send() -> None:
            try:
                await _stream(writer, chunks, answered)
            except ConnectionError:  # its answer may have come before
                return
            except BaseException:
                writer.close()  # or it would wait for the rest, and we for its answer
                raise

        try:
            answer, sent = await asyncio.gather(_read(), _send(), return_exceptions=True)
        finally:
            writer.close()
        if isinstance(sent, BaseException):
            raise sent
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._url.startswith("unix:"):
            return await asyncio.open_unix_connection(self._url.removeprefix("unix:"))
        parts = urlsplit(self._url)
        return await asyncio.open_connection(parts.hostname, parts.port)


async def _stream(writer: asyncio.StreamWriter, chunks: AsyncIterator[bytes], answered: asyncio.Event) -> None:
    """Send the file in pieces, each after its length, and an empty one; nothing more once there is an answer."""
    writer.write(b"zINSTREAM\0")
    async for chunk in chunks:
        if answered.is_set():
            return
        writer.write(len(chunk).to_bytes(4, "big") + chunk)
        await writer.drain()
    writer.write(bytes(4))
    await writer.drain()


def _verdict(answer: bytes) -> Verdict:
    """What the answer means. Raises Unavailable for anything that is not known to be a verdict."""
    text = answer.rstrip(b"\0").decode("utf-8", "replace").strip()
    if text == "stream: OK":
        return Verdict.CLEAN
    if text.startswith(_TOO_LARGE):
        return Verdict.INVALID
    name = text.removeprefix("stream: ").removesuffix(" FOUND")
    if text != f"stream: {name} FOUND":
        raise Unavailable(PART)
    return Verdict.INVALID if name.startswith(_NOT_LOOKED_INTO) else Verdict.THREAT


class ScriptedThreats:
    """Threats for tests: the EICAR string anywhere, and what the beginning of the file's name orders."""

    async def look(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """What the content or the name says; `openers-pending...` stays unscanned for as long as it is asked."""
        found, kept = False, b""
        async for chunk in chunks:
            searched = kept + chunk
            found = found or EICAR in searched
            kept = searched[-len(EICAR) :]
        if file.name.startswith(PENDING_NAME):
            raise Unavailable(PART)
        if found or file.name.startswith(THREAT_NAME):
            return Verdict.THREAT
        return Verdict.INVALID if file.name.startswith(INVALID_NAME) else Verdict.CLEAN
