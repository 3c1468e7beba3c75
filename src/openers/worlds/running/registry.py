"""All worlds of a process in test mode: the main one, its forks, and snapshots of any of them.

A fork begins as its source is at that moment, log-ins included. Sources that have not changed since share one copy, so
that two hundred forks cost two hundred files and no more. Called by test mode and the control plane.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final, NamedTuple

import msgspec

from openers.domain.codes import ClinicalTerm
from openers.identity.access import AccessCache
from openers.reference.packaged import PackagedReference
from openers.settings import Settings
from openers.usecases.world import World
from openers.worlds.packs import Pack, knows_pack, pack_names, read_pack, stamp_of
from openers.worlds.refusals import BadCall, GoneIdle, Taken, Unknown
from openers.worlds.running.content import NamedContent, SharedBlobs
from openers.worlds.running.copies import Copies
from openers.worlds.running.held import MAIN, Held, Origin, forked
from openers.worlds.running.loader import linked_at, populate
from openers.worlds.running.origins import Origins
from openers.worlds.running.snapshots import Snapshots

IDLE_S: Final = 1800.0
"""A fork that was not used for so long, in seconds, is dropped."""
MOST_FORKS: Final = 2000
MOST_GONE: Final = 10_000
"""Names of forks that are remembered to have been dropped."""
BEFORE: Final = "before."
"""How names of copies begin of what a world held before a pack is loaded, in case that fails."""
MOST_PACKS: Final = 16
"""Copies of packs, each with a seed, that are kept for the next load, besides those that worlds began as."""
FORKED: Final = "fork."
"""How names of copies begin that were made to be forked from."""
PACK: Final = "pack."
SCENE: Final = "scene."
MADE: Final = (FORKED, PACK, SCENE)
"""How names of copies begin that go when nothing wants them any more."""


class Around(NamedTuple):
    """What all worlds of a service share: settings, content of files.

    `adapted` is what is put around the adapters of each, by its label.
    """

    settings: Settings
    blobs: SharedBlobs
    adapted: Callable[[World, str], World]


class Worlds:
    """The worlds by name. Not for several event loops."""

    def __init__(self, main: Held, copies: Copies, snapshots: Snapshots, service: Around) -> None:
        """`main` is where requests without a tenant go."""
        self.main, self.snapshots = main, snapshots
        self.settings, blobs, self._adapted = service
        self.access: AccessCache | None = None
        self._copies = copies
        self._content = NamedContent(blobs, lambda: [held.world.store for held in self.all], lambda: snapshots.content)
        self._forks: dict[str, Held] = {}
        self._gone: dict[str, None] = {}
        self._used: Counter[str] = Counter()
        self._packs = Origins(MOST_PACKS, self._tidy)
        self._scenes: Origins | None = None
        self._latest: dict[str, tuple[object, str]] = {}
        self._number = 0

    @property
    def all(self) -> Sequence[Held]:
        """Main, and the forks in order of birth."""
        return [self.main, *self._forks.values()]

    def named(self, name: str) -> Held:
        """The world of this name. Raises Unknown, GoneIdle."""
        held = self.main if name == MAIN else self._forks.get(name)
        if held is not None:
            held.last_used_s = monotonic()
            return held
        if name in self._gone:
            raise GoneIdle(f"World {name} was dropped, as nobody used it for {IDLE_S / 60:.0f} minutes: fork it again")
        known = ", ".join(each.name for each in self.all)
        raise Unknown(f"There is no world {name}; there are: {known[:500]}. POST /_test/worlds forks another")

    def of_tenant(self, name: str) -> Held:
        """The world that a request names; no request makes one. Raises BadCall, GoneIdle, Unknown."""
        if name in (MAIN, self.main.label):
            return self.main
        check_name(name)
        return self.named(name)

    async def fork(self, name: str, source: Held | str, seed: int | None = None) -> Held:
        """A new world like `source`: a world as it is now, or a snapshot. Raises Taken, Unknown, NoForks, BadCall."""
        check_name(name)
        if name in (MAIN, self.main.label) or name in self._forks:
            raise Taken(f"There is a world {name} already: drop it first, or choose another name")
        await self.drop_idle()
        if len(self._forks) >= MOST_FORKS:
            raise Taken(f"There are {MOST_FORKS} forks already: drop some first")
        origin = await self._origin_of(source)
        if seed is not None:
            ids = msgspec.structs.replace(origin.kept.ids, seed=seed)
            origin = Origin(origin.copy, msgspec.structs.replace(origin.kept, ids=ids))
        held = await self._open(name, origin)
        self._forks[name] = held
        self._gone.pop(name, None)
        return held

    @asynccontextmanager
    async def thrown_away(self, source: Held, origin: Origin | None = None) -> AsyncGenerator[Held]:
        """A fork of `source` as it is now, or of `origin`, that ends with the block. Raises NoForks."""
        held = await self._open(source.name, origin or await self._origin_of(source))
        try:
            yield held
        finally:
            await self._close(held)

    @property
    def copies_of_packs(self) -> int:
        """How many copies of packs are kept for the next load."""
        return len(self._packs)

    @property
    def held_packs(self) -> frozenset[str]:
        """References to the packs that worlds hold, or may come back to."""
        origins = {held.origin.kept.pack for held in self.all if held.origin is not None}
        snapshots = {self.snapshots.get(name).pack for name in self.snapshots.names}
        return frozenset(origins | snapshots | {held.pack for held in self.all})

    def origins_of_scenes(self, most: int) -> Origins:
        """Return where copies of scenes are kept, at most `most` besides those in use."""
        self._scenes = Origins(most, self._tidy)
        return self._scenes

    async def made(self, pack: Pack) -> Origin:
        """Make the copy of a scene: a world that holds `pack` and nothing else. Raises NoForks, Unavailable."""
        self._number += 1
        copy = f"{SCENE}{self._number}"
        maker = await self._open(copy, await self._origin_of(self.main))
        try:
            await self._copies.clear(maker.world.store)
            kept = await populate(maker, pack, self.settings)
            await self._keep(maker, copy)
        finally:
            await self._close(maker)
        return Origin(copy, kept)

    async def drop(self, name: str) -> None:
        """Drop a fork. Raises Unknown, Taken (it is in use, or main)."""
        held = self.named(name)
        if held is self.main or held.in_use or held.turn.locked():
            raise Taken(f"World {name} is {'main' if held is self.main else 'in use'}: it can't be dropped")
        del self._forks[name]
        _, latest = self._latest.pop(name, (None, ""))
        await self._close(held)
        await self._tidy(latest)

    async def drop_idle(self) -> None:
        """Drop forks that nobody has used for long."""
        for held in list(self._forks.values()):
            is_left = self._forks.get(held.name) is held and not held.in_use and not held.turn.locked()
            if is_left and monotonic() - held.last_used_s > IDLE_S:
                self._gone[held.name] = None
                if len(self._gone) > MOST_GONE:
                    del self._gone[next(iter(self._gone))]
                await self.drop(held.name)

    async def load(self, held: Held, pack: str, seed: int = 0) -> None:
        """Replace all that a world holds by a pack. Raises Unknown, PackError, Unavailable."""
        if not knows_pack(pack):
            raise Unknown(f"There is no pack {pack}; there are: {', '.join(pack_names())}")
        async with self._replacing(held):
            stamp = stamp_of(pack)
            key = (pack, seed, stamp)
            origin = self._packs.get(key)
            if origin is None:
                origin = await self._loaded(held, read_pack(pack), seed)
                origin = await self._packs.put(key, msgspec.structs.replace(origin, stamp=stamp))
            await self._become(held, origin)

    async def reset(self, held: Held) -> None:
        """Put a world back to what it began as; a pack whose files have changed is read again.

        Raises BadCall, Unknown, PackError, Unavailable.
        """
        if held.origin is None:
            if not knows_pack(held.pack):
                raise BadCall(f"It is not known how world {held.name} began: load a pack or restore a snapshot")
            await self.load(held, held.pack)
            return
        began = held.origin.kept
        if held.origin.stamp not in (None, stamp_of(began.pack)):
            await self.load(held, began.pack, began.ids.seed)
            return
        async with self._replacing(held):
            await self._become(held, held.origin)

    async def snapshot(self, held: Held, name: str) -> None:
        """Keep what a world is now under a name, in place of an earlier snapshot. Raises BadCall, Unavailable."""
        check_name(name)
        if name == MAIN:
            raise BadCall(f"A snapshot can't be called {MAIN}, as the world is: choose another name")
        async with held.alone():
            await self._copies.keep(held.world.store, name)
            before = self.snapshots.get(name).content if name in self.snapshots.names else ()
            content = tuple(await self._content.of(held.world.store))
            self.snapshots.put(name, msgspec.structs.replace(held.kept, content=content))
            await self._content.forget(before)

    async def restore(self, held: Held, name: str) -> None:
        """Put a world back to a snapshot. Raises Unknown, Unavailable."""
        async with self._replacing(held):
            await self._become(held, Origin(name, self.snapshots.get(name)))

    async def forget_snapshot(self, name: str) -> None:
        """Drop a snapshot. Raises Unknown, Taken (a world began as it)."""
        kept = self.snapshots.get(name)
        if any(held.origin is not None and held.origin.copy == name for held in self.all):
            raise Taken(f"A world began as snapshot {name} and may be reset to it: drop that world first")
        self.snapshots.drop(name)
        await self._copies.drop(name)
        await self._content.forget(kept.content)

    async def close(self) -> None:
        """Drop all forks, and what was kept of packs."""
        while self._forks:
            _, held = self._forks.popitem()
            await self._close(held)
        for copy in self._packs.clear():
            await self._drop(copy)

    @asynccontextmanager
    async def _replacing(self, held: Held) -> AsyncGenerator[None]:
        """Have a world to oneself, to put something else into it; content that it alone had named goes."""
        async with held.alone():
            before = await self._content.of(held.world.store)
            yield
            await self._content.forget(before)

    async def _loaded(self, held: Held, pack: Pack, seed: int) -> Origin:
        """A copy of a world that holds a pack and nothing else, made by means of `held`."""
        self._number += 1
        copy, saved, before = f"{PACK}{self._number}", f"{BEFORE}{self._number}", held.kept
        await self._keep(held, saved)
        try:
            await self._copies.clear(held.world.store)
            kept = await populate(held, linked_at(before.pas_url, pack), self.settings, seed)
            await self._keep(held, copy)
        except BaseException:
            await self._copies.put_back(held.world.store, saved)
            held.become(before)
            raise
        finally:
            await self._drop(saved)
        return Origin(copy, kept)

    async def _become(self, held: Held, origin: Origin) -> None:
        self._used[origin.copy] += 1  # from now on, or another load could make room by dropping the copy meanwhile
        try:
            terms = _terms_of(origin.kept.pack)  # refused before anything changes
            await self._copies.put_back(held.world.store, origin.copy)
        except BaseException:
            await self._let_go(origin)
            raise
        held.become(origin.kept)
        if isinstance(held.world.reference, PackagedReference):
            held.world.reference.learn(terms)
        await self._let_go(held.origin)
        held.origin = origin
        if self.access is not None:
            self.access.clear()
        self.save_main()

    def save_main(self) -> None:
        """Keep what main is besides its database for the next process."""
        self.snapshots.put_main(self.main.kept)

    async def _open(self, name: str, origin: Origin) -> Held:
        store = await self._copies.fork(origin.copy)
        self._number += 1
        try:
            held = forked(self.main, store, origin.kept, (name, f"{name}.{self._number}"))
        except BaseException:  # such as a pack that cannot be read any more
            await self._copies.discard(store)
            raise
        held.world = self._adapted(held.world, self.main.label if name == MAIN else name)
        held.origin = origin
        self._used[origin.copy] += 1
        return held

    async def _close(self, held: Held) -> None:
        content = await self._content.of(held.world.store)
        await self._copies.discard(held.world.store)
        await self._let_go(held.origin)
        await self._content.forget(content)

    async def _keep(self, held: Held, copy: str) -> None:
        """Copy what a world holds now under a name that people don't use."""
        await self._copies.keep(held.world.store, copy)
        await self._content.copied(copy, held.world.store)

    async def _drop(self, copy: str) -> None:
        """Remove such a copy."""
        await self._copies.drop(copy)
        await self._content.dropped(copy)

    async def _let_go(self, origin: Origin | None) -> None:
        """Remove the copy that a world began as, if it was made for that alone and nobody else began as it."""
        if origin is None:
            return
        self._used[origin.copy] -= 1
        await self._tidy(origin.copy)

    async def _tidy(self, copy: str) -> None:
        if self._used[copy] <= 0:
            del self._used[copy]
        is_wanted = copy in self._used or any(copy == latest for _, latest in self._latest.values())
        is_wanted = is_wanted or any(each is not None and each.has_copy(copy) for each in (self._packs, self._scenes))
        if copy.startswith(MADE) and not is_wanted:
            await self._drop(copy)

    async def _origin_of(self, source: Held | str) -> Origin:
        """A copy of a world as it is now, or a snapshot. Raises Unknown, Unavailable."""
        if isinstance(source, str):
            return Origin(source, self.snapshots.get(source))
        state = (source.world.store.generation, *await source.world.store.heads())
        known = self._latest.get(source.name)
        if known is None or known[0] != state:
            self._number += 1
            copy = f"{FORKED}{self._number}"
            await self._keep(source, copy)
            self._latest[source.name] = ((source.world.store.generation, *await source.world.store.heads()), copy)
            if known is not None:
                await self._tidy(known[1])
        return Origin(self._latest[source.name][1], source.kept)


def _terms_of(reference: str) -> tuple[ClinicalTerm, ...]:
    """The clinical terms of a pack; none if it is not there any more. Raises PackError."""
    return read_pack(reference).clinical_terms if knows_pack(reference) else ()


def check_name(name: str) -> None:
    """Raise BadCall unless worlds and snapshots may have this name."""
    if not (
        name.isascii()
        and 0 < len(name) <= 64
        and name[0].isalnum()
        and name.replace("-", "").replace("_", "").isalnum()
    ):
        raise BadCall(f"{name[:80]!r} is no name for a world: use up to 64 letters, digits, - and _")
