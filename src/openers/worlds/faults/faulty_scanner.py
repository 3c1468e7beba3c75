"""A virus scanner with injected delays: the `Scanner` port around another one. For test mode only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from openers.domain.attachments import UploadedFile
from openers.usecases.ports.files import Scanner, Verdict
from openers.worlds.faults.board import Faults, Place


class FaultyScanner:
    """Another scanner, and the faults of a world."""

    def __init__(self, scanner: Scanner, faults: Faults) -> None:
        """Store the scanner, which is called after any delay."""
        self._scanner, self._faults = scanner, faults

    async def scan(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """Scan the file, late if a fault hits. Raises Unavailable."""
        fault = self._faults.strike(Place.SCANNER, "")
        if fault is not None:
            await asyncio.sleep(fault.waits_s)
        return await self._scanner.scan(file, chunks)

    async def check(self) -> None:
        """Raise Unavailable if the scanner cannot scan now. Faults do not affect this check."""
        await self._scanner.check()
