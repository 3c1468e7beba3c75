"""Loads a pack into a world, through the same use case that anything else would use. Called by the command line."""

from __future__ import annotations

from openers.domain.codes import BookableType
from openers.usecases.link_pas import LinkPas, link_pas
from openers.usecases.load_directory import LoadDirectory, load_directory
from openers.usecases.world import World
from openers.worlds.packs import Pack, PackPas


async def load_pack(world: World, pack: Pack) -> None:
    """Put everything of `pack` into `world`; doing it again changes nothing.

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


async def _link(world: World, pack: Pack, pas: PackPas) -> None:
    """Link every directly bookable service to the pack's PAS, unless it is linked to one already."""
    for service in pack.services:
        if service.bookable is not BookableType.DIRECTLY_BOOKABLE:
            continue
        async with world.read() as tx:
            linked = await tx.links.get(service.id)
        if linked is None:
            await link_pas(LinkPas(service=service.id, url=pas.url, client_id=pas.client_id), world)
