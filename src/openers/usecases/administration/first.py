"""Register the first administrator of an empty database. A second one is refused: the first registers all others."""

from __future__ import annotations

from openers.domain.credentials import AccessMode, Application
from openers.usecases.world import World


class AdministratorExists(ValueError):
    """An application that administers is registered already."""


async def register_first_administrator(client_id: str, keys: dict[str, list[dict[str, str]]], world: World) -> None:
    """Register an application that acts for itself and administers, with its public keys. Raises AdministratorExists.

    Raises RecordLocked, Unavailable too.
    """
    application = Application(
        client_id=client_id,
        name="Administration",
        mode=AccessMode.APPLICATION_RESTRICTED,
        asid=None,
        keys=keys,
        administers=True,
    )
    async with world.begin(f"register first administrator {client_id}", lock=("first administrator",)) as tx:
        known = await tx.directory.applications()
        present = [each.client_id for each in known if each.administers and each.active]
        if present:
            raise AdministratorExists(f"{present[0]} administers this service already: let it register others")
        if client_id in {each.client_id for each in known}:
            raise AdministratorExists(f"the application {client_id} is registered already: choose another client id")
        await tx.registers.applications.add(application)
