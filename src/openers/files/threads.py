"""Threads in which the blob stores wait for a disk, separate from other threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

T = TypeVar("T")
AT_ONCE: Final = 16
"""Threads at the same time; concurrent syncs cost the disk hardly more than one."""


class Threads:
    """Runs blocking work."""

    def __init__(self) -> None:
        """Create the pool; threads start when needed."""
        self._pool = ThreadPoolExecutor(AT_ONCE, "blobs")

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` and return its result. A cancelled caller waits for running work, which uses the caller's file."""
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future])
            raise

    def close(self) -> None:
        """End the threads when their work is done."""
        self._pool.shutdown(wait=False)
