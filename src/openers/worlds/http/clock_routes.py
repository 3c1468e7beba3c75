"""`/_test/clock`: read, set, freeze, start and advance the clock of a world."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final

import msgspec
from starlette.requests import Request

from openers.bootstrap import note_job
from openers.domain.clock import Instant, in_utc
from openers.telemetry.metrics import Metrics
from openers.usecases.due import system_entry
from openers.usecases.events.webhooks import plan_deliveries
from openers.worlds.http.control import Offered, held_of, read_json, route
from openers.worlds.refusals import BadCall
from openers.worlds.running.advance import Done, Way, advance, go_back
from openers.worlds.running.linked_pas import ClockReport, tell_linked
from openers.worlds.running.registry import Worlds
from openers.worlds.running.running_world import RunningWorld

MOST_DAYS: Final = 3660
Number = Annotated[float, msgspec.Meta(ge=0, le=MOST_DAYS * 86400)]


class NewTime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The time that the clock should show, and whether it should run. Absent fields stay unchanged."""

    now: Annotated[Instant, msgspec.Meta(tz=True)] | None = None
    running: bool | None = None
    real: bool = False


class Stretch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By how much time to advance, or the instant `to` which."""

    days: Number = 0
    hours: Number = 0
    minutes: Number = 0
    seconds: Number = 0
    to: Annotated[Instant, msgspec.Meta(tz=True)] | None = None

    def after(self, now: Instant) -> Instant:
        """Return the instant at which the advance ends. Raises BadCall."""
        by = timedelta(days=self.days, hours=self.hours, minutes=self.minutes, seconds=self.seconds)
        if self.to is None:
            return _later(now, by)
        if by:
            raise BadCall("to is the instant at which the clock arrives: send it without days, hours, minutes, seconds")
        if not timedelta(0) <= self.to - now <= timedelta(days=MOST_DAYS):
            raise BadCall(f"to: {self.to.isoformat()} must be from {now.isoformat()} on, within {MOST_DAYS} days")
        return in_utc(self.to)


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The clock of a world, the work that ran while it advanced, and which linked Test PASes adopted the time.

    `ahead_s` is how far a running clock is ahead of the real time, in seconds.
    """

    world: str
    now: Instant
    running: bool
    ahead_s: float | None
    ran: Sequence[Done] = ()
    told: Sequence[ClockReport] = ()


class ClockControl:
    """The operations on clocks, used by the routes and the page."""

    def __init__(self, worlds: Worlds, metrics: Metrics) -> None:
        """Store the worlds; work that runs while a clock advances is counted in `metrics`."""
        self._worlds, self._metrics = worlds, metrics

    def routes(self) -> list[Offered]:
        """Return the routes of the clock."""

        async def _read(request: Request) -> Shown:
            return shown(held_of(request))

        async def _set(request: Request) -> Shown:
            return await self.set(held_of(request), await read_json(request, NewTime))

        async def _advance(request: Request) -> Shown:
            return await self.advance(held_of(request), await read_json(request, Stretch))

        return [
            route("/_test/clock", {"GET": _read, "PUT": _set}),
            route("/_test/clock/advance", {"POST": _advance}),
        ]

    async def set(self, held: RunningWorld, wanted: NewTime) -> Shown:
        """Set the clock without running due work. Raises BadCall."""
        async with held.alone():
            before = held.clock.now()
            if wanted.real:
                if wanted.now is not None or wanted.running is not None:
                    raise BadCall("real returns the clock to the real time: send it without now and running")
                held.clock.to_real_time()
            if wanted.running is False:
                held.clock.freeze()
            if wanted.now is not None:
                held.clock.set(wanted.now)
            if wanted.running:
                held.clock.resume()
            if held.clock.now() < before:
                await go_back(held.world)
            return shown(held, told=await self._arrived(held))

    async def advance(self, held: RunningWorld, stretch: Stretch) -> Shown:
        """Advance the clock and run due work in order. Raises BadCall."""
        told: list[ClockReport] = []
        async with held.alone():
            until = stretch.after(held.clock.now())

            async def _arrive() -> None:
                told.extend(await self._arrived(held))

            note = note_job(self._metrics, held.world.wall)
            ran = await advance(held.world, held.clock, until, Way(note, _arrive))
        return shown(held, ran, told)

    async def _arrived(self, held: RunningWorld) -> Sequence[ClockReport]:
        """Notify linked Test PASes that the clock was moved, and save it for the next process."""
        self._worlds.saved(held)
        await plan_deliveries(held.world.for_call(system_entry("Plan due work", held.world.wall.now())))
        return await tell_linked(held.world, held.clock) if held.pas.is_linked else ()


def _later(now: Instant, by: timedelta) -> Instant:
    """Return the instant after a period. Raises BadCall."""
    try:
        return now + by
    except OverflowError as error:
        raise BadCall("The clock cannot go beyond the year 9999") from error


def shown(held: RunningWorld, ran: Sequence[Done] = (), told: Sequence[ClockReport] = ()) -> Shown:
    """Return the state of a world's clock."""
    clock = held.clock
    ahead_s = clock.state.ahead_s if clock.is_running else None
    return Shown(world=held.name, now=clock.now(), running=clock.is_running, ahead_s=ahead_s, ran=ran, told=told)
