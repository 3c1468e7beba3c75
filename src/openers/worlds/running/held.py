"""One world of test mode with its adjustable parts, and the state beside its database that restores it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from time import monotonic

import msgspec

from openers.domain.booking import PasAppointment
from openers.usecases.due import DueRunner
from openers.usecases.events.feed import Feed
from openers.usecases.ports.transaction import Store
from openers.usecases.world import ListingsShelf, World
from openers.worlds.packs import Stamp, knows_pack, read_pack
from openers.worlds.packs.clinics import Clinic
from openers.worlds.running.clock import ClockState, WorldClock
from openers.worlds.running.ids import IdsState, SeededIds
from openers.worlds.running.own_pas import OwnPas

MAIN = "main"
"""Name of the world for requests without a tenant."""
HELD = "openers.held"
"""Key in the scope for the world of a request."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a world beside its database: its pack, clock, ids, and the bookings of its own PAS.

    `content`: of a snapshot, the content keys of its files. `pas_url`: the address of its PAS, which may differ from
    the one in its pack.
    """

    pack: str
    ids: IdsState
    clock: ClockState = ClockState()
    bookings: tuple[PasAppointment, ...] = ()
    content: tuple[str, ...] = ()
    pas_url: str = ""


class Origin(msgspec.Struct, frozen=True):
    """The initial state of a world: the name of the copy of its database, and the rest.

    `stamp`: of a copy that contains a pack, the stamp of the pack's files when they were read.
    """

    copy: str
    kept: Kept
    stamp: Stamp | None = None


class Held:
    """A world and its adjustable parts. The lock `turn` protects running its due work and replacing its state."""

    def __init__(self, name: str, world: World, parts: tuple[WorldClock, SeededIds, OwnPas], pack: str) -> None:
        """Store the world, which uses the `parts`; call `held_world` or `forked` instead."""
        self.name, self.world, self.pack = name, world, pack
        self.clock, self.ids, self.pas = parts
        self.origin: Origin | None = None
        self.pas_url = ""
        self.turn = asyncio.Lock()
        self.runner: DueRunner | None = None
        self.in_use = 0
        self.last_used_s = monotonic()

    @property
    def label(self) -> str:
        """Return the permanent name for its faults, calls and events, also after its database is replaced."""
        return self.world.name if self.name == MAIN else self.name

    @asynccontextmanager
    async def alone(self) -> AsyncGenerator[None]:
        """Lock the world: its due work is stopped, and starts again after the block."""
        async with self.turn:
            if self.runner is not None:
                await self.runner.stop()
            yield

    @property
    def kept(self) -> Kept:
        """Return its present state beside the database."""
        return Kept(
            pack=self.pack,
            ids=self.ids.state,
            clock=self.clock.state,
            bookings=self.pas.bookings,
            pas_url=self.pas_url,
        )

    def become(self, kept: Kept) -> None:
        """Restore the state `kept`; its database has been replaced already."""
        self.clock.state, self.ids.state = kept.clock, kept.ids
        self.pack, self.pas_url = kept.pack, kept.pas_url
        self.pas.clinics = clinics_of(kept.pack)
        self.pas.remember(kept.bookings)


def held_world(world: World, kept: Kept) -> Held:
    """Return the world that bootstrap opened with adjustable parts; its own PAS wraps the linked one."""
    clock, ids = WorldClock(world.wall, kept.clock), SeededIds(kept.ids)
    pas = OwnPas(world.store, clinics_of(kept.pack), world.pas)
    world = msgspec.structs.replace(world, clock=clock, ids=ids, pas=pas)
    held = Held(MAIN, world, (clock, ids, pas), kept.pack)
    held.become(kept)
    return held


def forked(source: Held, store: Store, kept: Kept, names: tuple[str, str]) -> Held:
    """Return a fork of `source` in `store`. `names` are its public name and one that is unique for ever."""
    name, unique = names
    clock, ids = WorldClock(source.world.wall, kept.clock), SeededIds(kept.ids)
    pas = OwnPas(store, clinics_of(kept.pack))
    world = msgspec.structs.replace(
        source.world,
        name=unique,
        store=store,
        clock=clock,
        ids=ids,
        pas=pas,
        listings=ListingsShelf(source.world.reference),
        feed=Feed(monotonic),
    )
    held = Held(name, world, (clock, ids, pas), kept.pack)
    held.become(kept)
    return held


def clinics_of(pack: str) -> Sequence[Clinic]:
    """Return the clinics of a pack; none if the pack does not exist, as in a world created without one."""
    return read_pack(pack).clinics if knows_pack(pack) else ()
