"""Run asynchronous calls for programs that are not asynchronous."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class Runner:
    """An event loop in a thread. Several threads may use it."""

    def __init__(self) -> None:
        """Start the thread."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="openers-client", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` in the loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def each(self, found: AsyncIterator[T]) -> Iterator[T]:
        """Yield the results one by one."""
        while (one := self.run(_next(found))) is not None:
            yield one[0]

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _next(found: AsyncIterator[T]) -> tuple[T] | None:
    try:
        return (await anext(found),)
    except StopAsyncIteration:
        return None
