"""Loads a pack into a world: its directory by the use case that anything else would use, its story by living it.

Called by the command line, the registry of worlds and tests.
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
from openers.usecases.ports.transaction import DueItem
from openers.usecases.world import World
from openers.worlds.packs import Pack, PackPas, read_pack
from openers.worlds.running.advance import Way, advance
from openers.worlds.running.clock import ClockState
from openers.worlds.running.held import Held, Kept
from openers.worlds.running.ids import IdsState
from openers.worlds.running.own_pas import OwnPas
from openers.worlds.running.story import Stage


async def load_pack(world: World, pack: Pack) -> None:
    """Put the directory, people and links of `pack` into `world`; doing it again changes nothing.

    What the world holds besides stays. `world` is bound to the audit entry of the call that asks for it.
    The pack's clinical terms are not stored: give them to the world's `PackagedReference`.
    """
    command = LoadDirectory(
        organisations=pack.organisations,
        sites=pack.sites,
        users=pack.users,
        services=pack.services,
        applications=pack.applications,
        patients=pack.patients,
    )
    await load_directory(command, world)
    if pack.pas is not None:
        await _link(world, pack, pack.pas)


async def populate(held: Held, pack: Pack, settings: Settings, seed: int = 0) -> Kept:
    """Put everything of `pack` into a world, living through its acts; what the world then is besides its database.

    The acts end now, or at the pack's own instant, at which the clock then stands. Meanwhile the world has a PAS of its
    own. Raises PackError, Unavailable.
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
        stage = Stage(service_of(settings, own, Metrics()), held.clock, pas, way._replace(regular_at=now))
        await stage.play(pack)
        await advance(own, held.clock, now, way)
    await load_directory(pack.afterwards, world)
    held.clock.state = ClockState(stands_at=pack.now)
    return Kept(
        pack=pack.reference or pack.name,
        ids=held.ids.state,
        clock=held.clock.state,
        bookings=pas.bookings,
        pas_url=held.pas_url if pack.pas is None else pack.pas.url,
    )


async def follow_pas(held: Held, pack: Pack) -> Kept:
    """Link the services whose PAS is that of `pack` to where it listens now; what the world then is.

    Services that somebody has linked to another PAS stay linked to it. Raises Unavailable.
    """
    pas = pack.pas
    if pas is None or pas.url == held.pas_url or pack.reference != held.pack:
        return held.kept
    own = read_pack(pack.reference).pas
    before = held.pas_url or (own.url if own is not None else "")
    world = held.world.for_call(system_entry("Link PAS", held.world.wall.now()))
    async with world.read() as tx:
        links = [link for link in await tx.links.all() if link.url == before]
    for link in links:
        await link_pas(LinkPas(service=link.service, url=pas.url, client_id=link.client_id), world)
    held.pas_url = pas.url
    return held.kept


def linked_at(url: str, pack: Pack) -> Pack:
    """The pack with its PAS at another address, if one is given and it has a PAS."""
    if not url or pack.pas is None:
        return pack
    return msgspec.structs.replace(pack, pas=msgspec.structs.replace(pack.pas, url=url))


def _told(_item: DueItem, _error: Exception | None) -> None:
    """Work that fails while a world is made is tried again there, as anywhere else."""


async def _link(world: World, pack: Pack, pas: PackPas) -> None:
    """Link every directly bookable service to the pack's PAS, unless it is linked to one already."""
    for service in pack.services:
        if service.bookable is not BookableType.DIRECTLY_BOOKABLE:
            continue
        async with world.read() as tx:
            linked = await tx.links.get(service.id)
        if linked is None:
            await link_pas(LinkPas(service=service.id, url=pas.url, client_id=pas.client_id), world)
