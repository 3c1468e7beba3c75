"""A small PAS whose requests can be stopped: before it does what it is asked, or before its reply goes out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from enum import StrEnum
from functools import partial
from threading import Event, Lock

from starlette.requests import Request
from starlette.responses import Response

from tests.kit.pas.small_pas import SmallPas
from tests.kit.run.waiting import HANGS_AFTER_S


class Where(StrEnum):
    """Where a gate is."""

    BEFORE_THE_DEED = "before the deed"
    BEFORE_THE_REPLY = "before the reply"


class Gate:
    """Stops one request, and tells that it stands here and that it is done."""

    def __init__(self, where: Where) -> None:
        """A closed one."""
        self._where = where
        self._reached, self._done = Event(), Event()
        self._lock, self._is_open = Lock(), False
        self._let_go: Callable[[], object] | None = None

    def wait_for_somebody(self) -> None:
        """Return when a request stands here."""
        assert self._reached.wait(HANGS_AFTER_S), "nobody came"

    def open(self) -> None:
        """Let the request go on, and return when what it asked for is done."""
        with self._lock:
            self._is_open, let_go = True, self._let_go
        if let_go is not None:
            let_go()
        if self._reached.is_set():
            assert self._done.wait(HANGS_AFTER_S), "nothing was done"

    async def passed(self, deed: Awaitable[Response]) -> Response:
        """The reply to the request that stands here."""
        if self._where is Where.BEFORE_THE_DEED:
            await self._stand()
        try:
            reply = await deed
        finally:
            self._done.set()
        if self._where is Where.BEFORE_THE_REPLY:
            await self._stand()
        return reply

    async def _stand(self) -> None:
        """Wait without a thread: of these there are fewer than gates, and who waits for one can't be let go."""
        loop, opened = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            self._let_go = partial(loop.call_soon_threadsafe, opened.set)
            if self._is_open:
                opened.set()
        self._reached.set()
        await opened.wait()


class GatedPas(SmallPas):
    """A small PAS with gates, each for the first booking of a slot or the first cancellation of an appointment."""

    def __init__(self) -> None:
        """Without gates."""
        super().__init__()
        self._gates: dict[str, Gate] = {}

    def gate(self, of: str, where: Where) -> Gate:
        """A closed gate on the way to a slot or an appointment, known by the PAS's own id."""
        self._gates[of] = Gate(where)
        return self._gates[of]

    async def book(self, request: Request) -> Response:
        """Conditional create, through the gate of the slot."""
        slot = json.loads(await request.body())["slot"][0]["reference"].removeprefix("Slot/")
        return await self._through(slot, super().book(request))

    async def cancel(self, request: Request) -> Response:
        """Cancel, through the gate of the appointment."""
        await request.body()  # while whoever asks is still there
        return await self._through(request.path_params["key"], super().cancel(request))

    async def _through(self, key: str, deed: Awaitable[Response]) -> Response:
        gate = self._gates.pop(key, None)
        return await (deed if gate is None else gate.passed(deed))
