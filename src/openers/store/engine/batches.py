"""Writing together what arrives together: whoever comes first writes for all that wait, the next one for the rest.

No task runs on the side: each batch is written by one of those whose entries are in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from openers.domain.errors import Unavailable

_Waiting = tuple[bytes, "asyncio.Future[bool]"]
"""An entry, and its turn: True once it is durable, False to lead the next batch."""


class Batches:
    """Entries that are written a batch at a time."""

    def __init__(self, write: Callable[[Sequence[bytes]], Awaitable[None]]) -> None:
        """`write` makes a batch durable, or raises."""
        self._write = write
        self._waiting: list[_Waiting] = []
        self._led = False

    async def add(self, entry: bytes) -> None:
        """Return when `entry` is durable. Raises what `write` raises, and Unavailable if its writer was cancelled."""
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, turn))
        if not self._led or not await self._durable(turn):
            await self._lead()

    async def finish(self) -> None:
        """Write what was left by callers that were cancelled, when nobody calls any more."""
        if self._waiting and not self._led:
            await self._lead()

    async def _durable(self, turn: asyncio.Future[bool]) -> bool:
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and not turn.result():
                self._pass_on()  # the lead was handed over at the very moment of the cancellation
            raise

    async def _lead(self) -> None:
        """Write all that waits, the caller's entry among it, and hand the lead on."""
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
        """Have the first that waits lead the next batch."""
        for _, turn in self._waiting:
            if not turn.done():
                turn.set_result(False)
                return
        self._led = False


def _tell(batch: Sequence[_Waiting], failure: BaseException | None) -> None:
    """Tell those whose entries were written how it went; the leader knows already."""
    for _, turn in batch:
        if turn.done():
            continue
        if failure is None:
            turn.set_result(True)
        else:
            turn.set_exception(failure if isinstance(failure, Exception) else Unavailable("database"))
            turn.exception()  # nobody may be waiting, and that is no error
