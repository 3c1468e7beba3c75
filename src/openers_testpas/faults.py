"""Faults that the Test PAS injects on request, to test how a service handles them."""

from __future__ import annotations

import random
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Final, cast

import anyio
import msgspec
from starlette.background import BackgroundTask
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from openers_testpas.replies import refusal

ABORT: Final = "openers_testpas.abort"
"""Name of the ASGI extension that closes a transport without a reply."""
CALL: Final = "call"
"""Key of the extension's function."""


class FaultKind(StrEnum):
    """The kinds of fault."""

    SLOW = "slow"
    HANG = "hang"
    ERROR = "error"
    REFUSE = "refuse"
    DROP = "drop"
    TWICE = "twice"


class Operation(StrEnum):
    """The requests that a fault can hit."""

    SLOTS = "slots"
    BOOK = "book"
    LOOK_UP = "look-up"
    CANCEL = "cancel"


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One fault to inject.

    It hits a `share` of the matching requests, at most `count` of them. `ms` is the delay of `slow`. With `after` the
    request is carried out, and then the reply is slow, never sent (`hang`), or an error. `drop` always comes after.
    """

    kind: FaultKind
    operations: tuple[Operation, ...] = (Operation.BOOK,)
    slot: str | None = None
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    count: Annotated[int, msgspec.Meta(ge=0)] | None = None
    ms: Annotated[int, msgspec.Meta(ge=0, le=3_600_000)] = 1000
    after: bool = False


class NoReply(Response):
    """Closes the connection without a reply."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Abort the transport and wait until it is closed."""
        abort = cast("Callable[[], None] | None", scope.get("extensions", {}).get(ABORT, {}).get(CALL))
        if abort is None:
            raise ConnectionAbortedError("an injected fault dropped the connection")
        abort()
        await _until_gone(receive)


class Hanging(Response):
    """Never replies; ends when the caller disconnects."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait until the caller has disconnected."""
        await _until_gone(receive)


class Faults:
    """The active faults; the first one that matches a request is injected."""

    def __init__(self, seed: int, faults: tuple[Fault, ...] = ()) -> None:
        """Store the faults; `seed` decides which requests a share hits."""
        self._random = random.Random(seed)  # noqa: S311 -- must be repeatable, protects nothing
        self._faults = list(faults)
        self.played: Final[dict[str, int]] = {}
        self.second_answers: Final[list[int]] = []

    @property
    def in_force(self) -> tuple[Fault, ...]:
        """Return the active faults with their remaining counts."""
        return tuple(self._faults)

    def replace(self, faults: tuple[Fault, ...]) -> None:
        """Replace the active faults by these."""
        self._faults = list(faults)

    async def play(self, operation: Operation, slot: str | None, work: Callable[[], Response]) -> Response:
        """Return the reply of `work`, or the effect of a fault that hits."""
        fault = self.draw(operation, slot)
        if fault is None:
            return work()
        if fault.kind is FaultKind.SLOW and not fault.after:
            await anyio.sleep(fault.ms / 1000)
        if fault.kind is FaultKind.REFUSE:
            return refusal(409, "conflict", "the slot is gone (an injected fault)")
        if not fault.after and fault.kind in {FaultKind.HANG, FaultKind.ERROR}:
            return Hanging() if fault.kind is FaultKind.HANG else _error()
        return await self._spoil(fault, work)

    async def _spoil(self, fault: Fault, work: Callable[[], Response]) -> Response:
        """Do the work, then apply the fault to its reply."""
        reply = work()
        match fault.kind:
            case FaultKind.SLOW if fault.after:
                await anyio.sleep(fault.ms / 1000)
            case FaultKind.HANG:
                return Hanging()
            case FaultKind.ERROR:
                return _error()
            case FaultKind.DROP:
                return NoReply()
            case FaultKind.TWICE:
                reply.background = BackgroundTask(self._again, work)
            case _:
                pass
        return reply

    async def _again(self, work: Callable[[], Response]) -> None:
        self.second_answers.append(work().status_code)

    def draw(self, operation: Operation, slot: str | None) -> Fault | None:
        """Return the fault that hits this request and count it; `None` if none does."""
        for number, fault in enumerate(self._faults):
            if operation not in fault.operations or fault.slot not in {None, slot} or fault.count == 0:
                continue
            if fault.share < 1 and self._random.random() >= fault.share:
                continue
            if fault.count is not None:
                self._faults[number] = msgspec.structs.replace(fault, count=fault.count - 1)
            self.played[fault.kind] = self.played.get(fault.kind, 0) + 1
            return fault
        return None


def _error() -> Response:
    return refusal(500, "exception", "an injected error")


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
