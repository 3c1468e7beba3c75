"""Load a pack into a world: its directory through the ordinary use case, its history by running its acts.

The command line, the registry of worlds and tests call it.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from openers.bootstrap import service_of
from openers.domain.codes import BookableType
from openers.settings import Settings
from openers.telemetry.metrics import Metrics
from openers.usecases.booking.link_pas import LinkPas, link_pas
from openers.usecases.directory.load_directory import LoadDirectory, load_directory
from openers.usecases.directory.load_records import load_records
from openers.usecases.due import system_entry
from openers.usecases.ports.registers import Window
from openers.usecases.ports.transaction import DueItem
from openers.usecases.world import World
from openers.worlds.packs import Pack, PackPas
from openers.worlds.running.advance import Way, advance
from openers.worlds.running.clock import ClockState
from openers.worlds.running.ids import IdsState
from openers.worlds.running.own_pas import OwnPas
from openers.worlds.running.pack_player import PackPlayer
from openers.worlds.running.running_world import RunningWorld, WorldState


async def load_pack(world: World, pack: Pack) -> None:
    """Store the directory, people and links of `pack` in `world`; repeating it changes nothing.

    Other data of the world stays. `world` is bound to the audit entry of the call. The pack's clinical terms are not
    stored: add them to the world's `PackagedReference`.
    """
    command = LoadDirectory(
        organisations=pack.organisations,
        sites=pack.sites,
        users=pack.users,
        services=pack.services,
        applications=pack.applications,
        patients=pack.patients,
        endpoints=pack.endpoints,
    )
    await load_directory(command, world)
    if pack.pas is not None:
        await _link(world, pack, pack.pas)


async def has_content(world: World) -> bool:
    """Return whether a pack was loaded: each has organisations, but not each has services. Raises Unavailable."""
    async with world.read() as tx:
        return bool(await tx.registers.organisations.page(Window(most=1)))


async def populate(held: RunningWorld, pack: Pack, settings: Settings, seed: int = 0) -> WorldState:
    """Store all of `pack` in a world and run its acts; return the world's state beside the database.

    The acts end now, or at the pack's own instant, at which the clock is then stopped. Meanwhile the world uses its own
    PAS. Raises PackError, Unavailable.
    """
    held.ids.state = IdsState(seed)
    held.clock.state = ClockState(stands_at=pack.now)
    now = held.clock.now()
    pas = OwnPas(held.world.store, pack.clinics)
    own = msgspec.structs.replace(held.world, pas=pas)
    world = own.for_call(system_entry(f"Load world {pack.name}", own.wall.now()))
    if pack.acts:
        held.clock.state = ClockState(stands_at=now - timedelta(days=max(act.days_ago for act in pack.acts)))
    await load_pack(world, pack)
    await load_records(pack.records, world)
    if pack.acts or not held.pas.is_linked:
        way = Way(_told)
        await advance(own, held.clock, held.clock.now(), way)
        stage = PackPlayer(service_of(settings, own, Metrics()), held.clock, pas, way._replace(regular_at=now))
        await stage.play(pack)
        await advance(own, held.clock, now, way)
    await load_directory(pack.afterwards, world)
    held.clock.state = ClockState(stands_at=pack.now)
    return WorldState(
        pack=pack.reference or pack.name,
        ids=held.ids.state,
        clock=held.clock.state,
        bookings=pas.bookings,
        pas_url=held.pas_url if pack.pas is None else pack.pas.url,
        read_as=pack.read_as,
    )


async def follow_pas(held: RunningWorld, pack: Pack) -> WorldState:
    """Link the services of the pack's PAS to its present address; return the world's state beside the database.

    Services that were linked to another PAS keep that link. Raises Unavailable.
    """
    pas = pack.pas
    if pas is None or pas.url == held.pas_url or pack.reference != held.pack:
        return held.kept
    own = None if held.content is None else held.content.pas
    before = held.pas_url or (own.url if own is not None else "")
    world = held.world.for_call(system_entry("Link PAS", held.world.wall.now()))
    async with world.read() as tx:
        links = [link for link in await tx.links.all() if link.url == before]
    for link in links:
        await link_pas(LinkPas(service=link.service, url=pas.url, client_id=link.client_id), world)
    held.pas_url = pas.url
    return held.kept


async def add_applications(held: RunningWorld, pack: Pack) -> None:
    """Register the applications of a world's own pack that its store lacks: an earlier release had fewer."""
    if pack.reference != held.pack:
        return
    async with held.world.read() as tx:
        missing = [each for each in pack.applications if await tx.directory.application(each.client_id) is None]
    if missing:
        world = held.world.for_call(system_entry("Register applications", held.world.wall.now()))
        await load_directory(LoadDirectory(applications=tuple(missing)), world)


def linked_at(url: str, pack: Pack) -> Pack:
    """Return the pack with its PAS at another address, if one is given and the pack has a PAS."""
    if not url or pack.pas is None:
        return pack
    return msgspec.structs.replace(pack, pas=msgspec.structs.replace(pack.pas, url=url))


def _told(_item: DueItem, _error: Exception | None) -> None:
    """Ignore the result: work that fails while a world is loaded is retried there as usual."""


async def _link(world: World, pack: Pack, pas: PackPas) -> None:
    """Link each directly bookable service to the pack's PAS, unless it is linked already."""
    for service in pack.services:
        if service.bookable is not BookableType.DIRECTLY_BOOKABLE:
            continue
        async with world.read() as tx:
            linked = await tx.links.get(service.id)
        if linked is None:
            await link_pas(LinkPas(service=service.id, url=pas.url, client_id=pas.client_id), world)
