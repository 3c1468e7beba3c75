"""A small PAS whose gates pause requests, before they are carried out or before the reply is sent."""

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
    """The place of a gate."""

    BEFORE_THE_DEED = "before the deed"
    BEFORE_THE_REPLY = "before the reply"


class Gate:
    """Pauses one request, and reports that it has arrived and that it is done."""

    def __init__(self, where: Where) -> None:
        """Create a closed gate."""
        self._where = where
        self._reached, self._done = Event(), Event()
        self._lock, self._is_open = Lock(), False
        self._let_go: Callable[[], object] | None = None

    def wait_for_somebody(self) -> None:
        """Return when a request has reached the gate."""
        assert self._reached.wait(HANGS_AFTER_S), "nobody came"

    def open(self) -> None:
        """Release the request, and return when it has been carried out."""
        with self._lock:
            self._is_open, let_go = True, self._let_go
        if let_go is not None:
            let_go()
        if self._reached.is_set():
            assert self._done.wait(HANGS_AFTER_S), "nothing was done"

    async def passed(self, deed: Awaitable[Response]) -> Response:
        """Return the reply to the request that is paused here."""
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
        """Wait without a thread, because there are fewer threads than gates and a blocked thread cannot be released."""
        loop, opened = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            self._let_go = partial(loop.call_soon_threadsafe, opened.set)
            if self._is_open:
                opened.set()
        self._reached.set()
        await opened.wait()


class GatedPas(SmallPas):
    """A small PAS with gates, each for the first booking of a slot or first cancellation of an appointment."""

    def __init__(self) -> None:
        """Create a PAS without gates."""
        super().__init__()
        self._gates: dict[str, Gate] = {}

    def gate(self, of: str, where: Where) -> Gate:
        """Add a closed gate for a slot or an appointment, by the PAS's own id."""
        self._gates[of] = Gate(where)
        return self._gates[of]

    async def book(self, request: Request) -> Response:
        """Book an appointment (conditional create), through the gate of its slot."""
        slot = json.loads(await request.body())["slot"][0]["reference"].removeprefix("Slot/")
        return await self._through(slot, super().book(request))

    async def cancel(self, request: Request) -> Response:
        """Cancel an appointment, through its gate."""
        await request.body()  # read while the caller is still connected
        return await self._through(request.path_params["key"], super().cancel(request))

    async def _through(self, key: str, deed: Awaitable[Response]) -> Response:
        gate = self._gates.pop(key, None)
        return await (deed if gate is None else gate.passed(deed))
