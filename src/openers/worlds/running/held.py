"""One world of test mode with its movable parts, and what has to be kept beside its database to have it again."""

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
"""Name of the world that requests without a tenant go to."""
HELD = "openers.held"
"""Where test mode puts the world of a request in its scope."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a world is besides its database: its pack, its clock, its ids, and the bookings of its own PAS.

    `content`: of a snapshot, the keys of the content that its files name. `pas_url`: where its PAS listens, which need
    not be where its pack says.
    """

    pack: str
    ids: IdsState
    clock: ClockState = ClockState()
    bookings: tuple[PasAppointment, ...] = ()
    content: tuple[str, ...] = ()
    pas_url: str = ""


class Origin(msgspec.Struct, frozen=True):
    """What a world began as: the name of the copy of its database, and the rest.

    `stamp`: of a copy that holds a pack, what its files were when they were read.
    """

    copy: str
    kept: Kept
    stamp: Stamp | None = None


class Held:
    """A world and its movable parts. `turn` is held by whoever runs its due work or replaces its state."""

    def __init__(self, name: str, world: World, parts: tuple[WorldClock, SeededIds, OwnPas], pack: str) -> None:
        """`world` is made of the `parts`; use `held_world` and `forked`."""
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
        """The name by which its faults, calls and events are kept: it lasts, whatever its database goes through."""
        return self.world.name if self.name == MAIN else self.name

    @asynccontextmanager
    async def alone(self) -> AsyncGenerator[None]:
        """Have the world to oneself: its due work is broken off, and begins again after the block."""
        async with self.turn:
            if self.runner is not None:
                await self.runner.stop()
            yield

    @property
    def kept(self) -> Kept:
        """What it is now besides its database."""
        return Kept(
            pack=self.pack,
            ids=self.ids.state,
            clock=self.clock.state,
            bookings=self.pas.bookings,
            pas_url=self.pas_url,
        )

    def become(self, kept: Kept) -> None:
        """Be as `kept` says; its database has been replaced already."""
        self.clock.state, self.ids.state = kept.clock, kept.ids
        self.pack, self.pas_url = kept.pack, kept.pas_url
        self.pas.clinics = clinics_of(kept.pack)
        self.pas.remember(kept.bookings)


def held_world(world: World, kept: Kept) -> Held:
    """The world that bootstrap opened, with movable parts: its own PAS stands before the one that it is linked to."""
    clock, ids = WorldClock(world.wall, kept.clock), SeededIds(kept.ids)
    pas = OwnPas(world.store, clinics_of(kept.pack), world.pas)
    world = msgspec.structs.replace(world, clock=clock, ids=ids, pas=pas)
    held = Held(MAIN, world, (clock, ids, pas), kept.pack)
    held.become(kept)
    return held


def forked(source: Held, store: Store, kept: Kept, names: tuple[str, str]) -> Held:
    """A fork of `source` in `store`. `names` are the one that people use, and one that no other world ever had."""
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
    """The clinics of the pack with this name; none if there is no such pack, as in a world that was made by hand."""
    return read_pack(pack).clinics if knows_pack(pack) else ()
