"""Kept worlds: each has its own database, runner of due work and clock, and survives a restart.

Test environments are kept worlds. Their list is beside main's database, and so is their state; keys and the contents of
files are those of the service. Test mode opens them at start, and again within a second of their creation by another
process of the service.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import shutil
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
import structlog

from openers.bootstrap import due_runner, open_world, start_regular_work
from openers.domain.errors import OpenersError
from openers.reference.packaged import PackagedReference
from openers.settings import Settings, SettingsError
from openers.telemetry.metrics import Metrics
from openers.usecases.dated_reference import follow_code_sets, shipped_of
from openers.usecases.listings_cache import ListingsCache
from openers.worlds.packs import Pack, PackError, keep_loaded
from openers.worlds.refusals import Taken
from openers.worlds.running.ids import IdsState
from openers.worlds.running.loader import has_content, linked_at, populate
from openers.worlds.running.registry import SharedParts, Worlds
from openers.worlds.running.running_world import RunningWorld, WorldState, address_of_world, held_world
from openers.worlds.running.snapshots import Snapshots

FOLDER: Final = "kept"
LIST: Final = "worlds.json"
MOST_KEPT: Final = 32
LONGEST_DATABASE: Final = 63
"""Maximum length of the name of a PostgreSQL database."""
_log = structlog.get_logger()


class Place(msgspec.Struct, frozen=True):
    """A kept world: its name, its database, and the address of its PAS; without one it simulates its PAS."""

    name: str
    database_url: str
    pas_url: str = ""


class KeptWorlds:
    """Opens, creates, saves and deletes the kept worlds of a service."""

    def __init__(self, worlds: Worlds, parts: SharedParts, metrics: Metrics, folder: Path) -> None:
        """Store the registry and the parts of all worlds; states are below `folder`, which need not exist yet."""
        self._worlds, self._parts, self._metrics = worlds, parts, metrics
        self._settings = parts.settings
        self._folder = folder / FOLDER
        self._places: dict[str, Place] = {}
        self._saved: dict[str, WorldState] = {}
        self._read_at = 0
        self._turn = asyncio.Lock()
        save_main = worlds.saved
        worlds.saved = lambda held: self._save(held) if held.name in worlds.kept else save_main(held)

    async def open_all(self) -> None:
        """Open the worlds of the list, and those of the settings. Raises Unavailable, SettingsError, PackError."""
        await self._open_listed()
        for name in self._settings.kept_worlds:
            if name not in self._worlds.kept:
                await self.make(Place(name, self.database_of(name)), None)

    async def make(self, place: Place, pack: Pack | None) -> RunningWorld:
        """Create a kept world with a pack; without one it begins as main's pack did.

        Raises BadCall, Taken, Unavailable, SettingsError, PackError.
        """
        self._worlds.check_free(place.name)
        if len(self._worlds.kept) >= MOST_KEPT:
            raise Taken(f"There are {MOST_KEPT} kept worlds already: delete one first")
        async with self._alone():
            if place.database_url.startswith("sqlite:"):  # what a process left that ended while it created the world
                await asyncio.to_thread(shutil.rmtree, self._folder / place.name, ignore_errors=True)
            held = await self._opened(place, pack or self._worlds.main.content)
            places = {each.name: each for each in self._listed()} | {place.name: place}
            self._write_list(places.values())
        return held

    async def drop(self, name: str) -> None:
        """Delete a kept world with its database. Raises Taken."""
        held = self._worlds.kept[name]
        if held.in_use or held.turn.locked():
            raise Taken(f"World {name} is in use: it cannot be deleted")
        place = self._places[name]
        async with self._alone(), held.alone():
            del self._worlds.kept[name]
            self._write_list(each for each in self._listed() if each.name != name)
            await self._close(held)
            await self._worlds.forget_copy(name)
            await self._remove(place)

    async def upkeep(self) -> None:
        """Save changed states, seal audits, and follow the list if another process has changed it."""
        for held in list(self._worlds.kept.values()):
            try:
                await held.world.store.upkeep()
                await follow_code_sets(held.world.reference, held.world.store)
            except OpenersError as error:
                _log.warning("a kept world is not available", world=held.name, reason=type(error).__name__)
            if _lasting(held.kept) != self._saved.get(held.name):
                self._save(held)
        if self._changed_at() != self._read_at:
            try:
                await self._open_listed()
            except (OpenersError, SettingsError, PackError, OSError) as error:
                _log.warning("a kept world cannot be opened", reason=str(error))

    async def close(self) -> None:
        """Save and close all kept worlds."""
        while self._worlds.kept:
            _, held = self._worlds.kept.popitem()
            self._save(held)
            await self._close(held)

    def database_of(self, name: str) -> str:
        """Return the address of the database of a new kept world: beside main's. Raises SettingsError."""
        url = self._settings.database_url
        if self._settings.sqlite_path is not None:
            return f"sqlite:///{self._folder / name / 'openers.db'}"
        parts = urlsplit(url)
        own = f"{parts.path.lstrip('/')}-{name}"
        if len(own) > LONGEST_DATABASE:
            raise SettingsError((f"The database name {own} is too long: choose a shorter name for the world",))
        return f"{parts.scheme}://{parts.netloc}/{own}{'?' if parts.query else ''}{parts.query}"

    async def _open_listed(self) -> None:
        """Open the worlds of the list that are not open, and close those that are no longer in it."""
        async with self._alone():
            self._read_at, listed = self._changed_at(), {each.name: each for each in self._listed()}
            for name, place in listed.items():
                if name not in self._worlds.kept:
                    await self._opened(place, self._worlds.main.content)
            for name in [name for name in self._worlds.kept if name not in listed]:
                await self._close(self._worlds.kept.pop(name))

    async def _opened(self, place: Place, pack: Pack | None) -> RunningWorld:
        """Open a world; if its database is empty, load the pack."""
        settings = await self._settings_of(place)
        snapshots = self._snapshots(place.name)
        known = snapshots.main() or WorldState(pack="", ids=IdsState(0), pas_url=place.pas_url)
        main = self._worlds.main.world
        world = await open_world(settings, self._metrics)
        await world.blobs.close()
        world = msgspec.structs.replace(
            world,
            name=f"{place.name}.{secrets.token_hex(8)}",  # caches never mix it with an earlier world of this name
            blobs=main.blobs,
            reference=main.reference,
            listings=ListingsCache(main.reference),
        )
        try:
            held = held_world(world, msgspec.structs.replace(known, ids=IdsState(secrets.randbits(63))), place.name)
            await self._prepare(held, pack, settings, place)
        except BaseException:
            await world.store.close()
            raise
        held.world = self._parts.adapted(held.world, place.name)
        held.runner = due_runner(held.world, self._metrics)
        self._worlds.kept[place.name], self._places[place.name] = held, place
        self._save(held)
        return held

    async def _prepare(self, held: RunningWorld, pack: Pack | None, settings: Settings, place: Place) -> None:
        """Load the pack into an empty world, and schedule regular work. Raises Unavailable, PackError."""
        if not place.pas_url:
            await held.pas.stand_alone()
        if pack is not None and not await has_content(held.world):
            read = keep_loaded(pack, self._worlds.snapshots.loaded, self._worlds.held_packs)
            held.become(await populate(held, linked_at(place.pas_url, read), settings))
            held.ids.state = IdsState(secrets.randbits(63))  # no two environments give out the same ids
        shipped = shipped_of(held.world.reference)
        if held.content is not None and isinstance(shipped, PackagedReference):
            shipped.learn(held.content.clinical_terms)
        await start_regular_work(held.world)

    async def _settings_of(self, place: Place) -> Settings:
        """Return the settings of a world, whose database exists afterwards. Keys and files are the service's."""
        if place.database_url.startswith("postgresql:"):
            from openers.store.postgres_copies import create_database  # its driver is slow to import

            await create_database(place.database_url)
        return msgspec.structs.replace(
            self._settings,
            database_url=place.database_url,
            base_url=address_of_world(self._worlds.main.world, place.name),
            world=place.name,
        )

    async def _remove(self, place: Place) -> None:
        """Remove database and state of a world."""
        if place.database_url.startswith("postgresql:"):
            from openers.store.postgres_copies import remove_database  # as above

            await remove_database(place.database_url)
        await asyncio.to_thread(shutil.rmtree, self._folder / place.name, ignore_errors=True)

    async def _close(self, held: RunningWorld) -> None:
        if held.runner is not None:
            await held.runner.stop()
        await held.world.pas.close()
        await held.world.store.close()
        self._saved.pop(held.name, None)
        self._places.pop(held.name, None)

    def _save(self, held: RunningWorld) -> None:
        self._saved[held.name] = _lasting(held.kept)
        self._snapshots(held.name).put_main(held.kept)

    def _snapshots(self, name: str) -> Snapshots:
        return Snapshots(self._folder / name)

    def _listed(self) -> list[Place]:
        try:
            return msgspec.json.decode((self._folder / LIST).read_bytes(), type=list[Place])
        except FileNotFoundError:
            return []

    def _write_list(self, places: Iterable[Place]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._folder / f"{LIST}.part"
        unfinished.write_bytes(msgspec.json.encode(list(places)))
        unfinished.replace(self._folder / LIST)
        self._read_at = self._changed_at()

    def _changed_at(self) -> int:
        try:
            return (self._folder / LIST).stat().st_mtime_ns
        except OSError:
            return 0

    @asynccontextmanager
    async def _alone(self) -> AsyncGenerator[None]:
        """Let no other task and no other process of the service open or delete a kept world in the block."""
        self._folder.mkdir(parents=True, exist_ok=True)
        async with self._turn:
            lock = os.open(self._folder / "lock", os.O_CREAT | os.O_WRONLY, 0o600)
            try:
                await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
                yield
            finally:
                os.close(lock)


def _lasting(kept: WorldState) -> WorldState:
    """Return the state without the ids, whose series begins anew at each start."""
    return msgspec.structs.replace(kept, ids=IdsState(0))
