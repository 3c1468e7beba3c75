"""Threads in which the blob stores wait for a disk, apart from those in which others wait for theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

T = TypeVar("T")
AT_ONCE: Final = 16
"""How many wait at once; what is synced together costs the disk hardly more than one."""


class Threads:
    """Runs blocking work."""

    def __init__(self) -> None:
        """No thread runs before it is needed."""
        self._pool = ThreadPoolExecutor(AT_ONCE, "blobs")

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns. A caller that is cancelled waits for work that has begun: it uses a file of theirs."""
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future])
            raise

    def close(self) -> None:
        """Let the threads end when they have done what they were given."""
        self._pool.shutdown(wait=False)
