"""One world of test mode with its adjustable parts, and the state beside its database that restores it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import monotonic

import msgspec

from openers.domain.booking import PasAppointment
from openers.usecases.dated_reference import dated
from openers.usecases.due import DueRunner
from openers.usecases.events.feed import Feed
from openers.usecases.listings_cache import ListingsCache
from openers.usecases.ports.transaction import Store
from openers.usecases.world import World
from openers.worlds.packs import Pack, Stamp, loaded_pack
from openers.worlds.running.clock import ClockState, WorldClock
from openers.worlds.running.ids import IdsState, SeededIds
from openers.worlds.running.own_pas import OwnPas

MAIN = "main"
"""Name of the world for requests without a tenant."""
WORLDS = "/w/"
"""Beginning of the addresses of worlds other than main."""
HELD = "openers.held"
"""Key in the scope for the world of a request."""


class WorldState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a world beside its database: its pack, clock, ids, and the bookings of its own PAS.

    `content`: of a snapshot, the content keys of its files. `pas_url`: the address of its PAS, which may differ from
    the one in its pack. `read_as`: the file with the value of its pack, if that was read by path.
    """

    pack: str
    ids: IdsState
    clock: ClockState = ClockState()
    bookings: tuple[PasAppointment, ...] = ()
    content: tuple[str, ...] = ()
    pas_url: str = ""
    read_as: str = ""

    @property
    def content_of_pack(self) -> Pack | None:
        """Return its pack as it was read; `None` if it has none. Raises PackError."""
        return loaded_pack(self.pack, self.read_as)


class Baseline(msgspec.Struct, frozen=True):
    """The initial state of a world: the name of the copy of its database, and the rest.

    `stamp`: of a copy that contains a pack, the stamp of the pack's files when they were read.
    """

    copy: str
    kept: WorldState
    stamp: Stamp | None = None


class RunningWorld:
    """A world and its adjustable parts. The lock `turn` protects running its due work and replacing its state."""

    def __init__(self, name: str, world: World, parts: tuple[WorldClock, SeededIds, OwnPas], pack: str) -> None:
        """Store the world, which uses the `parts`; call `held_world` or `forked` instead."""
        self.name, self.world, self.pack = name, world, pack
        self.clock, self.ids, self.pas = parts
        self.origin: Baseline | None = None
        self.pas_url = self.read_as = ""
        self.content: Pack | None = None
        """The pack as it was read; later changes of its files do not affect the world."""
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
    def kept(self) -> WorldState:
        """Return its present state beside the database."""
        return WorldState(
            pack=self.pack,
            ids=self.ids.state,
            clock=self.clock.state,
            bookings=self.pas.bookings,
            pas_url=self.pas_url,
            read_as=self.read_as,
        )

    def become(self, kept: WorldState) -> None:
        """Restore the state `kept`; its database has been replaced already.

        Raises PackError before it changes anything.
        """
        content = kept.content_of_pack
        self.clock.state, self.ids.state = kept.clock, kept.ids
        self.pack, self.pas_url = kept.pack, kept.pas_url
        self.read_as, self.content = kept.read_as, content
        self.pas.clinics = () if content is None else content.clinics
        self.pas.remember(kept.bookings)


def held_world(world: World, kept: WorldState, name: str = MAIN) -> RunningWorld:
    """Return a world that bootstrap opened, with adjustable parts; its own PAS wraps the linked one."""
    clock, ids = WorldClock(world.wall, kept.clock), SeededIds(kept.ids)
    pas = OwnPas(world.store, (), world.pas)
    reference = dated(world.reference, clock)
    world = msgspec.structs.replace(world, clock=clock, ids=ids, pas=pas, reference=reference)
    held = RunningWorld(name, world, (clock, ids, pas), kept.pack)
    held.become(kept)
    return held


def address_of_world(main: World, name: str) -> str:
    """Return the address of the world of this name, in the service of `main`."""
    return main.base_url if name == MAIN else f"{main.base_url}{WORLDS}{name}"


def forked(source: RunningWorld, store: Store, kept: WorldState, names: tuple[str, str]) -> RunningWorld:
    """Return a fork of main, `source`, in `store`. `names` are its public name and one that is unique for ever."""
    name, unique = names
    clock, ids = WorldClock(source.world.wall, kept.clock), SeededIds(kept.ids)
    pas = OwnPas(store, ())
    world = msgspec.structs.replace(
        source.world,
        name=unique,
        base_url=address_of_world(source.world, name),
        store=store,
        clock=clock,
        ids=ids,
        pas=pas,
        reference=dated(source.world.reference, clock),
        listings=ListingsCache(source.world.reference),
        feed=Feed(monotonic),
    )
    held = RunningWorld(name, world, (clock, ids, pas), kept.pack)
    held.become(kept)
    return held
