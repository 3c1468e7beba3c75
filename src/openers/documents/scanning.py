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
REPLY_WITHIN_S: Final = 120.0
THREAT_NAME: Final = "openers-threat"
INVALID_NAME: Final = "openers-invalid"
PENDING_NAME: Final = "openers-pending"
EICAR: Final = b85decode("ST#=}P$fV?P+K%yP+C|uG$>GBDK|qyDK~v2MM*<JQY}+dK~6+LQba95PE<)&Nm5l)EmTEQR4qnHOhq9iNGnJx")
"""The test string of the European Institute for Computer Antivirus Research, spelt so that no scanner finds it here."""


class Threats(Protocol):
    """Looks for threats in a file, which it reads to its end. Raises Unavailable."""

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
        passing = Passing()
        verdict = await self._threats.look(file, passing.watch(chunks))
        if verdict is Verdict.CLEAN and not is_what_it_says(file.media_type, passing.ends):
            return Verdict.INVALID
        return verdict


class Clamd:
    """Threats as ClamAV finds them: its daemon gets the file as a stream (INSTREAM)."""

    def __init__(self, url: str) -> None:
        """`url` is `unix:/path/of/socket` or `tcp://host:port`."""
        self._url = url

    async def look(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """What the daemon says; a file that is larger than it takes is INVALID."""
        try:
            reader, writer = await self._connect()
            try:
                return _verdict(await _answer(reader, writer, chunks))
            finally:
                writer.close()
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise Unavailable(PART) from error

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._url.startswith("unix:"):
            return await asyncio.open_unix_connection(self._url.removeprefix("unix:"))
        parts = urlsplit(self._url)
        return await asyncio.open_connection(parts.hostname, parts.port)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chunks: AsyncIterator[bytes]) -> bytes:
    """Send the file in pieces, each after its length; a daemon that has had enough says so before the end."""
    writer.write(b"zINSTREAM\0")
    try:
        async for chunk in chunks:
            writer.write(len(chunk).to_bytes(4, "big") + chunk)
            await writer.drain()
        writer.write(bytes(4))
        await writer.drain()
    except ConnectionError:
        async for _ in chunks:  # it has answered already; the file is read to its end all the same
            pass
    async with asyncio.timeout(REPLY_WITHIN_S):
        return await reader.readuntil(b"\0")


def _verdict(answer: bytes) -> Verdict:
    text = answer.rstrip(b"\0").decode("utf-8", "replace")
    if text.endswith("FOUND"):
        return Verdict.THREAT
    if text.endswith("OK"):
        return Verdict.CLEAN
    if "size limit exceeded" in text:
        return Verdict.INVALID
    raise Unavailable(PART)


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
