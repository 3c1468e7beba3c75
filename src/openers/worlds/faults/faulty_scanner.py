"""A scanner that takes its time when a fault is ordered: the `Scanner` port around another one. For test mode alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from openers.domain.attachments import UploadedFile
from openers.usecases.ports.files import Scanner, Verdict
from openers.worlds.faults.board import Faults, Place


class FaultyScanner:
    """Another scanner, and the faults of a world."""

    def __init__(self, scanner: Scanner, faults: Faults) -> None:
        """Asks `scanner`, sooner or later."""
        self._scanner, self._faults = scanner, faults

    async def scan(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """What is in the file, late where a fault strikes. Raises Unavailable."""
        fault = self._faults.strike(Place.SCANNER, "")
        if fault is not None:
            await asyncio.sleep(fault.waits_s)
        return await self._scanner.scan(file, chunks)

    async def check(self) -> None:
        """Raise Unavailable if it would not scan now. Faults only make it late."""
        await self._scanner.check()
