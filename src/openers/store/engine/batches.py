"""Write concurrent entries in batches: the first caller writes all waiting entries, the next one the rest.

There is no background task: each batch is written by a caller whose entry is in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from openers.domain.errors import Unavailable

_Waiting = tuple[bytes, "asyncio.Future[bool]"]
"""An entry and its future: True when the entry is durable, False when its caller must write the next batch."""


class Batches:
    """Entries that are written in batches."""

    def __init__(self, write: Callable[[Sequence[bytes]], Awaitable[None]]) -> None:
        """Store `write`, which makes a batch durable or raises."""
        self._write = write
        self._waiting: list[_Waiting] = []
        self._led = False

    async def add(self, entry: bytes) -> None:
        """Write `entry` and return when it is durable. Raises what `write` raises, and Unavailable."""
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, turn))
        if not self._led or not await self._durable(turn):
            await self._lead()

    async def finish(self) -> None:
        """Write entries that cancelled callers left behind."""
        if self._waiting and not self._led:
            await self._lead()

    async def _durable(self, turn: asyncio.Future[bool]) -> bool:
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and not turn.result():
                self._pass_on()  # the lead was handed to this caller at the moment of its cancellation
            raise

    async def _lead(self) -> None:
        """Write all waiting entries, including the caller's, and hand the lead on."""
        self._led = True
        batch, self._waiting = self._waiting, []
        failure: BaseException | None = None
        try:
            await self._write([entry for entry, _ in batch])
        except BaseException as error:
            failure = error
            raise
        finally:
            _tell(batch, failure)
            self._pass_on()

    def _pass_on(self) -> None:
        """Let the first waiting caller lead the next batch."""
        for _, turn in self._waiting:
            if not turn.done():
                turn.set_result(False)
                return
        self._led = False


def _tell(batch: Sequence[_Waiting], failure: BaseException | None) -> None:
    """Report the result to the callers whose entries were written; the leader knows it already."""
    for _, turn in batch:
        if turn.done():
            continue
        if failure is None:
            turn.set_result(True)
        else:
            turn.set_exception(failure if isinstance(failure, Exception) else Unavailable("database"))
            turn.exception()  # mark as retrieved: a waiter may be gone, which is not an error
