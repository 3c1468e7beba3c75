"""A service in test mode: the service of `bootstrap`, with worlds that can be changed, forked and restored.

It finds the world of each request by its address (`/w/{name}/…`) or by header `X-OpenERS-Tenant`; otherwise it is main.
With `--open` it admits requests without a token. With `--frozen` it runs each request on a fork, which is then
discarded. The server and the pytest plugin call it.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from openers.api.admin.handlers import PREFIX as ADMINISTRATION
from openers.api.edge import PREFIX
from openers.api.gateway import Gateway
from openers.api.http.request import Request, Scope, WorldOf
from openers.api.legacy.assembly import is_legacy
from openers.api.observer import Observer
from openers.bootstrap import Service, due_runner, note_job, open_world, service_of, start_regular_work
from openers.domain.codes import ClinicalTerm
from openers.key_files import read_or_make_key
from openers.places import base_of
from openers.settings import Settings
from openers.telemetry.metrics import Metrics
from openers.usecases.world import World
from openers.worlds.facilities import TestFacilities
from openers.worlds.http.card_routes import card_routes
from openers.worlds.http.clock_routes import ClockControl
from openers.worlds.http.collection_routes import collection_routes
from openers.worlds.http.control import CONTROL, READING, Offered, refuse, routes_of
from openers.worlds.http.home_page import home_page_route
from openers.worlds.http.session_routes import session_routes
from openers.worlds.http.world_page import page_routes
from openers.worlds.http.world_routes import world_routes
from openers.worlds.naming import named_by
from openers.worlds.packs import PackError, pack_names, read_pack
from openers.worlds.recording.world_resolver import WorldResolver
from openers.worlds.refusals import CantBeMade, Refusal, WorldIsFrozen
from openers.worlds.running.advance import Way, advance
from openers.worlds.running.anonymous_log_in import AnonymousLogIn
from openers.worlds.running.content import SharedBlobs
from openers.worlds.running.copies import Copies, DatabaseCopies, FileCopies
from openers.worlds.running.due_runner import WorldsRunner
from openers.worlds.running.ids import IdsState
from openers.worlds.running.kept import KeptWorlds
from openers.worlds.running.registry import SharedParts, Worlds
from openers.worlds.running.running_world import HELD, RunningWorld, WorldState, held_world
from openers.worlds.running.scenes import Scenes
from openers.worlds.running.snapshots import Snapshots

WORLD: Final = "openers.world"
PAS: Final = "/pas/"
_FROZEN: Final = (
    "The service is frozen, and this call would last: sessions of the API of 2018 and changes of the administration "
    "outlive their call. Start a service without --frozen."
)
PASSING: Final = "passing"
"""Directory of files that end with the process: forks, and copies that they were made from."""


def _would_last(scope: Scope) -> bool:
    """Return whether a call keeps something that a fork for one call cannot hold."""
    path = scope["path"]
    return is_legacy(path) or (path.startswith(f"{ADMINISTRATION}/") and scope["method"] not in READING)


class TestService:
    """The service and its worlds; it finds the world of each request."""

    __test__ = False

    def __init__(self, inner: Service, worlds: Worlds, kept: KeptWorlds, passing: Path) -> None:
        """Store the service; the directory `passing` is deleted with it."""
        self.inner, self.worlds, self.kept, self._passing = inner, worlds, kept, passing
        self._door = AnonymousLogIn()
        self._scenes = Scenes(worlds, inner.edge.routes, self._in_world)
        self.settings, self.world, self.metrics = inner.settings, inner.world, inner.metrics

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Serve one HTTP request in its world."""
        try:
            held, scope = named_by(scope, self.worlds)
            held.in_use += 1
        except Refusal as refusal:
            return await self._refuse(refusal, scope, receive, send)
        try:
            await self._serve({**scope, "root_path": held.world.root}, held, receive, send)
        except PackError as error:  # a scene of its pack cannot be made
            await self._refuse(CantBeMade(str(error)), scope, receive, send)
        finally:
            held.in_use -= 1

    async def _refuse(self, refusal: Refusal, scope: Scope, receive: Any, send: Any) -> None:
        await self.inner.edge.loop.run(CONTROL, Request(scope, ""), (receive, send), refuse(refusal))

    async def _serve(self, scope: Scope, held: RunningWorld, receive: Any, send: Any) -> None:
        is_fhir = scope["path"].startswith(PREFIX)
        if self.settings.open and is_fhir:
            scope = await self._door.let_in(scope, held)
        if self.settings.frozen and _would_last(scope):
            await self._refuse(WorldIsFrozen(_FROZEN), scope, receive, send)
        elif self.settings.frozen and (is_fhir or scope["path"].startswith(PAS)):
            await self._scenes.play(scope, held, receive, send)
        else:
            await self._in_world(scope, held.world, held, receive, send)

    async def _in_world(self, scope: Scope, world: World, held: RunningWorld, receive: Any, send: Any) -> None:
        await self.inner({**scope, WORLD: world, HELD: held}, receive, send)

    def runner(self) -> WorldsRunner:
        """Return the runner of due work in main and kept worlds."""
        main = self.worlds.main
        return WorldsRunner(due_runner(main.world, self.metrics), self.worlds, frozen=self.settings.frozen)

    async def upkeep(self) -> None:
        """Run the regular work of each second other than due work. Raises Unavailable."""
        await self.inner.upkeep()
        await self.kept.upkeep()

    async def close(self) -> None:
        """Delete all forks, close kept worlds, and close everything outside the store of main."""
        await self.inner.settle_exchanges()
        await self.worlds.close()
        await self.kept.close()
        await self.inner.close()
        shutil.rmtree(self._passing, ignore_errors=True)


async def open_test_service(settings: Settings, *, own_pas: bool = False) -> TestService:
    """Open the service that the settings describe, in test mode. Raises Unavailable, SettingsError.

    With `own_pas`, main calls no linked PAS but simulates it. A frozen service always does.
    """
    metrics, probing = Metrics(), TestFacilities(settings)
    snapshots = Snapshots(worlds_directory(settings))
    main, blobs = await open_main(settings, metrics, snapshots)
    main.world = probing.can_fail(main.world, main.label)
    passing = worlds_directory(settings) / PASSING
    around = SharedParts(settings, blobs, probing.can_fail)
    worlds = Worlds(main, _copies(settings, passing, metrics), snapshots, around)
    kept = KeptWorlds(worlds, around, metrics, worlds_directory(settings))
    finder = WorldResolver(_world_of(worlds), _label_of(worlds))

    def _observe(gateway: Gateway) -> Observer:
        return probing.observer(gateway, finder)

    inner = service_of(settings, main.world, metrics, finder.world, _observe)
    _offer_control(inner, (worlds, kept), probing.routes(finder, inner.edge.gateway))
    worlds.access = inner.access
    await start_regular_work(main.world)
    if settings.frozen and main.clock.is_running:
        main.clock.freeze()
    if settings.frozen or own_pas:
        await main.pas.stand_alone()
        note = note_job(metrics, main.world.wall)
        await advance(main.world, main.clock, main.clock.now(), Way(note))
    await kept.open_all()
    return TestService(inner, worlds, kept, passing)


def _offer_control(service: Service, held: tuple[Worlds, KeptWorlds], probed: Sequence[Offered]) -> None:
    """Add all addresses below `/_test` to the service."""
    worlds, kept = held
    clocks = ClockControl(worlds, service.metrics)
    offered = (
        *probed,
        *clocks.routes(),
        *world_routes(worlds, kept),
        *session_routes(service.access, needs_card=service.settings.require_tls),
        *collection_routes(),
        *card_routes(service.access),
        *page_routes((worlds, kept), clocks),
    )
    service.pages.routes.extend(routes_of(service.edge.loop, offered))
    service.pages.routes[:0] = routes_of(service.edge.loop, [home_page_route(service.settings, service.world)])


async def open_main(
    settings: Settings, metrics: Metrics, snapshots: Snapshots, terms: Iterable[ClinicalTerm] = ()
) -> tuple[RunningWorld, SharedBlobs]:
    """Open the world of the settings as the last process left it, with its clock and ids under control, and its files.

    `terms` are further clinical terms that it may contain. Its ids continue in a new series, since the last position of
    the previous process is unknown.
    """
    known = snapshots.main() or WorldState(pack=settings.world, ids=IdsState(0))
    content = known.content_of_pack
    own = () if content is None else content.clinical_terms
    world = await open_world(settings, metrics, [*all_terms(), *own, *terms])
    blobs = SharedBlobs(world.blobs)
    world = msgspec.structs.replace(world, blobs=blobs)
    return held_world(world, msgspec.structs.replace(known, ids=IdsState(secrets.randbits(63)))), blobs


def all_terms() -> Iterable[ClinicalTerm]:
    """Return the clinical terms of all packs, since a process may load any of them."""
    return [term for name in pack_names() for term in read_pack(name).clinical_terms]


def worlds_directory(settings: Settings) -> Path:
    """Return the snapshot directory: beside the database's file, or beside the keys under the database's name."""
    base = base_of(settings.database_url)
    directory = base.with_name(f"{base.name}.worlds")
    of_0_1 = settings.audit_key_file.parent.parent / directory.name  # version 0.1: database without a file
    return directory if settings.sqlite_path is not None or directory.exists() or not of_0_1.exists() else of_0_1


def _emptied(directory: Path) -> Path:
    """Return the directory after removing what an aborted process left. SQLite has no other process that uses it."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def _copies(settings: Settings, passing: Path, metrics: Metrics) -> Copies:
    if settings.sqlite_path is None:
        return DatabaseCopies(settings.database_url)
    audit_key = read_or_make_key(settings.audit_key_file, strict=False)
    return FileCopies(worlds_directory(settings), _emptied(passing), audit_key, metrics.group_committed)


def _world_of(worlds: Worlds) -> WorldOf:
    """Return a function that returns the world that test mode put into the scope."""

    def _find(scope: Mapping[str, Any]) -> World:
        world: World = scope.get(WORLD, worlds.main.world)
        return world

    return _find


def _label_of(worlds: Worlds) -> Callable[[Mapping[str, Any]], str]:
    """Return a function that returns the permanent name of a request's world."""

    def _find(scope: Mapping[str, Any]) -> str:
        held: RunningWorld = scope.get(HELD, worlds.main)
        return held.label

    return _find
