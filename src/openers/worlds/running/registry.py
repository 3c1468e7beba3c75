"""All worlds of a process in test mode: the main one, its forks, and snapshots of them.

A fork begins as a copy of its source, including its log-ins. Forks of an unchanged source share one copy, so 200 forks
cost only 200 files. Test mode and the control plane call it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final, NamedTuple

import msgspec

from openers.identity.access import AccessCache
from openers.reference.packaged import PackagedReference
from openers.settings import Settings
from openers.usecases.dated_reference import follow_code_sets, shipped_of
from openers.usecases.world import World
from openers.worlds.packs import Pack, keep_loaded, knows_pack, pack_names, read_pack, stamp_of
from openers.worlds.refusals import BadCall, GoneIdle, Taken, Unknown
from openers.worlds.running.baselines import Baselines
from openers.worlds.running.content import NamedContent, SharedBlobs
from openers.worlds.running.copies import Copies
from openers.worlds.running.loader import linked_at, populate
from openers.worlds.running.running_world import MAIN, Baseline, RunningWorld, forked
from openers.worlds.running.snapshots import Snapshots

IDLE_S: Final = 1800.0
"""Seconds after which an unused fork is deleted."""
MOST_FORKS: Final = 2000
MOST_GONE: Final = 10_000
"""Names of deleted idle forks that are remembered."""
BEFORE: Final = "before."
"""Prefix of copies of a world made before a pack is loaded, in case loading fails."""
MOST_PACKS: Final = 16
"""Maximum cached copies of packs, each with a seed, besides those that worlds began as."""
FORKED: Final = "fork."
"""Prefix of copies that forks are made from."""
PACK: Final = "pack."
SCENE: Final = "scene."
MADE: Final = (FORKED, PACK, SCENE)
"""Prefixes of copies that are removed when they are no longer used."""


class SharedParts(NamedTuple):
    """Shared parts of all worlds of a service: settings, content of files.

    `adapted` wraps the adapters of each world, by its label.
    """

    settings: Settings
    blobs: SharedBlobs
    adapted: Callable[[World, str], World]


class Worlds:
    """The worlds by name. Not for several event loops."""

    def __init__(self, main: RunningWorld, copies: Copies, snapshots: Snapshots, service: SharedParts) -> None:
        """Store `main`, the world for requests without a tenant, and the shared parts."""
        self.main, self.snapshots = main, snapshots
        self.settings, blobs, self._adapted = service
        self.access: AccessCache | None = None
        self._copies = copies
        self._content = NamedContent(blobs, lambda: [held.world.store for held in self.all], lambda: snapshots.content)
        self._forks: dict[str, RunningWorld] = {}
        self.kept: dict[str, RunningWorld] = {}
        """Kept worlds by name, which `KeptWorlds` opens and closes."""
        self.saved: Callable[[RunningWorld], None] = self._save_main
        """Stores the state of a world beside its database for the next process."""
        self._gone: dict[str, None] = {}
        self._used: Counter[str] = Counter()
        self._packs = Baselines(MOST_PACKS, self._tidy)
        self._scenes: Baselines | None = None
        self._latest: dict[str, tuple[object, str]] = {}
        self._number = 0

    @property
    def all(self) -> Sequence[RunningWorld]:
        """Return main, the kept worlds, and the forks in order of creation."""
        return [self.main, *self.kept.values(), *self._forks.values()]

    def named(self, name: str) -> RunningWorld:
        """Return the world of this name. Raises Unknown, GoneIdle."""
        held = self.main if name == MAIN else self.kept.get(name) or self._forks.get(name)
        if held is not None:
            held.last_used_s = monotonic()
            return held
        if name in self._gone:
            raise GoneIdle(f"World {name} was deleted after {IDLE_S / 60:.0f} minutes without use: fork it again")
        known = ", ".join(each.name for each in self.all)
        raise Unknown(f"There is no world {name}; there are: {known[:500]}. POST /_test/worlds creates another")

    def of_tenant(self, name: str) -> RunningWorld:
        """Return the world that a request names; requests never create one. Raises BadCall, GoneIdle, Unknown."""
        if name in (MAIN, self.main.label):
            return self.main
        check_name(name)
        return self.named(name)

    def addressed(self, name: str) -> RunningWorld:
        """Return the world that an address names, exactly. Raises GoneIdle, Unknown."""
        return self.main if name == self.main.label else self.named(name)

    async def fork(self, name: str, source: RunningWorld | str, seed: int | None = None) -> RunningWorld:
        """Fork `source`: a world as it is now, or a snapshot. Raises Taken, Unknown, NoForks, BadCall."""
        self.check_free(name)
        await self.drop_idle()
        if len(self._forks) >= MOST_FORKS:
            raise Taken(f"There are {MOST_FORKS} forks already: delete some first")
        origin = await self._origin_of(source)
        if seed is not None:
            ids = msgspec.structs.replace(origin.kept.ids, seed=seed)
            origin = Baseline(origin.copy, msgspec.structs.replace(origin.kept, ids=ids))
        held = await self._open(name, origin)
        self._forks[name] = held
        self._gone.pop(name, None)
        return held

    def check_free(self, name: str) -> None:
        """Raise BadCall or Taken unless a new world may have this name."""
        check_name(name)
        if name in (MAIN, self.main.label) or name in self._forks or name in self.kept:
            raise Taken(f"World {name} exists already: delete it first, or choose another name")

    @asynccontextmanager
    async def thrown_away(self, source: RunningWorld, origin: Baseline | None = None) -> AsyncGenerator[RunningWorld]:
        """Create a temporary fork of `source` as it is now, or of `origin`, for the block. Raises NoForks."""
        held = await self._open(source.name, origin or await self._origin_of(source))
        try:
            yield held
        finally:
            await self._close(held)

    @property
    def copies_of_packs(self) -> int:
        """Return the number of cached copies of packs."""
        return len(self._packs)

    @property
    def held_packs(self) -> frozenset[str]:
        """Return the references and stored values of the packs that worlds use or can return to."""
        states = [held.origin.kept for held in self.all if held.origin is not None]
        states += [self.snapshots.get(name) for name in self.snapshots.names]
        states += [held.kept for held in self.all]
        return frozenset(text for kept in states for text in (kept.pack, kept.read_as))

    def origins_of_scenes(self, most: int) -> Baselines:
        """Return the cache for copies of scenes, at most `most` besides those in use."""
        self._scenes = Baselines(most, self._tidy)
        return self._scenes

    async def made(self, pack: Pack) -> Baseline:
        """Create the copy of a scene: a world that contains only `pack`. Raises NoForks, Unavailable."""
        self._number += 1
        copy = f"{SCENE}{self._number}"
        maker = await self._open(copy, await self._origin_of(self.main))
        try:
            await self._copies.clear(maker.world.store)
            kept = await populate(maker, pack, self.settings)
            await self._keep(maker, copy)
        finally:
            await self._close(maker)
        return Baseline(copy, kept)

    async def drop(self, name: str) -> None:
        """Delete a fork. Raises Unknown, Taken (it is in use, or main)."""
        held = self.named(name)
        if held is self.main or held.in_use or held.turn.locked():
            raise Taken(f"World {name} is {'main' if held is self.main else 'in use'}: it cannot be deleted")
        del self._forks[name]
        await self._close(held)
        await self.forget_copy(name)

    async def forget_copy(self, name: str) -> None:
        """Remove the copy that the last fork of a deleted world began as, unless it is still used."""
        _, latest = self._latest.pop(name, (None, ""))
        await self._tidy(latest)

    async def drop_idle(self) -> None:
        """Delete forks that were idle for too long."""
        for held in list(self._forks.values()):
            is_left = self._forks.get(held.name) is held and not held.in_use and not held.turn.locked()
            if is_left and monotonic() - held.last_used_s > IDLE_S:
                self._gone[held.name] = None
                if len(self._gone) > MOST_GONE:
                    del self._gone[next(iter(self._gone))]
                await self.drop(held.name)

    async def load(self, held: RunningWorld, pack: str, seed: int = 0) -> None:
        """Replace the content of a world with a pack. Raises Unknown, PackError, Unavailable."""
        if not knows_pack(pack):
            raise Unknown(f"There is no pack {pack}; there are: {', '.join(pack_names())}")
        async with self._replacing(held):
            stamp = stamp_of(pack)
            key = (pack, seed, stamp)
            origin = self._packs.get(key)
            if origin is None:
                read = keep_loaded(read_pack(pack), self.snapshots.loaded, self.held_packs)
                origin = await self._loaded(held, read, seed)
                origin = await self._packs.put(key, msgspec.structs.replace(origin, stamp=stamp))
            await self._become(held, origin)

    async def reset(self, held: RunningWorld) -> None:
        """Reset a world to its initial state; a pack whose files have changed is read again.

        Raises BadCall, Unknown, PackError, Unavailable.
        """
        if held.origin is None:
            if not knows_pack(held.pack):
                raise BadCall(f"World {held.name} has no known initial state: load a pack or restore a snapshot")
            await self.load(held, held.pack)
            return
        began = held.origin.kept
        if held.origin.stamp not in (None, stamp_of(began.pack)):
            await self.load(held, began.pack, began.ids.seed)
            return
        async with self._replacing(held):
            await self._become(held, held.origin)

    async def snapshot(self, held: RunningWorld, name: str) -> None:
        """Save a world as a snapshot, replacing an earlier one of this name. Raises BadCall, Unavailable."""
        check_name(name)
        if name == MAIN:
            raise BadCall(f"A snapshot cannot have the name {MAIN} of the main world: choose another name")
        async with held.alone():
            await self._copies.keep(held.world.store, name)
            before = self.snapshots.get(name).content if name in self.snapshots.names else ()
            content = tuple(await self._content.of(held.world.store))
            self.snapshots.put(name, msgspec.structs.replace(held.kept, content=content))
            await self._content.forget(before)

    async def restore(self, held: RunningWorld, name: str) -> None:
        """Restore a world from a snapshot. Raises Unknown, Unavailable."""
        async with self._replacing(held):
            await self._become(held, Baseline(name, self.snapshots.get(name)))

    async def forget_snapshot(self, name: str) -> None:
        """Delete a snapshot. Raises Unknown, Taken (a world began as it)."""
        kept = self.snapshots.get(name)
        if any(held.origin is not None and held.origin.copy == name for held in self.all):
            raise Taken(f"A world began as snapshot {name} and can be reset to it: delete that world first")
        self.snapshots.drop(name)
        await self._copies.drop(name)
        await self._content.forget(kept.content)

    async def close(self) -> None:
        """Delete all forks and cached copies of packs."""
        while self._forks:
            _, held = self._forks.popitem()
            await self._close(held)
        for copy in self._packs.clear():
            await self._drop(copy)

    @asynccontextmanager
    async def _replacing(self, held: RunningWorld) -> AsyncGenerator[None]:
        """Lock a world while its data is replaced, then remove file contents that nothing refers to."""
        async with held.alone():
            before = await self._content.of(held.world.store)
            yield
            await self._content.forget(before)

    async def _loaded(self, held: RunningWorld, pack: Pack, seed: int) -> Baseline:
        """Create a copy of a world that contains only a pack, using `held` to build it."""
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
        return Baseline(copy, kept)

    async def _become(self, held: RunningWorld, origin: Baseline) -> None:
        self._used[origin.copy] += 1  # count it now, so that another load does not evict the copy meanwhile
        try:
            content = origin.kept.content_of_pack  # raises before anything changes
            await self._copies.put_back(held.world.store, origin.copy)
        except BaseException:
            await self._let_go(origin)
            raise
        held.become(origin.kept)
        if isinstance(shipped := shipped_of(held.world.reference), PackagedReference):
            shipped.learn(() if content is None else content.clinical_terms)
        await follow_code_sets(held.world.reference, held.world.store)
        await self._let_go(held.origin)
        held.origin = origin
        if self.access is not None:
            self.access.clear()
        self.saved(held)

    def _save_main(self, held: RunningWorld) -> None:
        if held is self.main:
            self.snapshots.put_main(held.kept)

    async def _open(self, name: str, origin: Baseline) -> RunningWorld:
        store = await self._copies.fork(origin.copy)
        self._number += 1
        try:
            held = forked(self.main, store, origin.kept, (name, f"{name}.{self._number}"))
        except BaseException:  # such as a pack that is no longer readable
            await self._copies.discard(store)
            raise
        held.world = self._adapted(held.world, self.main.label if name == MAIN else name)
        held.origin = origin
        await follow_code_sets(held.world.reference, held.world.store)
        self._used[origin.copy] += 1
        return held

    async def _close(self, held: RunningWorld) -> None:
        content = await self._content.of(held.world.store)
        await self._copies.discard(held.world.store)
        await self._let_go(held.origin)
        await self._content.forget(content)

    async def _keep(self, held: RunningWorld, copy: str) -> None:
        """Copy a world's present content under an internal name."""
        await self._copies.keep(held.world.store, copy)
        await self._content.copied(copy, held.world.store)

    async def _drop(self, copy: str) -> None:
        """Remove an internal copy."""
        await self._copies.drop(copy)
        await self._content.dropped(copy)

    async def _let_go(self, origin: Baseline | None) -> None:
        """Remove the copy that a world began as, if it is internal and no other world uses it."""
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

    async def _origin_of(self, source: RunningWorld | str) -> Baseline:
        """Return a copy of a world as it is now, or a snapshot. Raises Unknown, Unavailable."""
        if isinstance(source, str):
            return Baseline(source, self.snapshots.get(source))
        state = (source.world.store.generation, *await source.world.store.heads())
        known = self._latest.get(source.name)
        if known is None or known[0] != state:
            self._number += 1
            copy = f"{FORKED}{self._number}"
            await self._keep(source, copy)
            self._latest[source.name] = ((source.world.store.generation, *await source.world.store.heads()), copy)
            if known is not None:
                await self._tidy(known[1])
        return Baseline(self._latest[source.name][1], source.kept)


def check_name(name: str) -> None:
    """Raise BadCall unless this is a valid name of a world or snapshot."""
    if not (
        name.isascii()
        and 0 < len(name) <= 64
        and name[0].isalnum()
        and name.replace("-", "").replace("_", "").isalnum()
    ):
        raise BadCall(f"{name[:80]!r} is not a valid name: use up to 64 letters, digits, - and _")
