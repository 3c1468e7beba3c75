"""Load organisations, people, services, applications and patients into a world in one transaction.

For worlds that are loaded as a whole: test worlds and imported directories. `worlds.running.loader` calls this.
"""

from __future__ import annotations

import msgspec

from openers.domain.credentials import Application
from openers.domain.directory import Organisation, Service, Site, User
from openers.domain.endpoints.endpoint import Endpoint
from openers.domain.patient import Patient
from openers.usecases.ports.transaction import Directory, Tx
from openers.usecases.world import World


class LoadDirectory(msgspec.Struct, frozen=True, kw_only=True):
    """The records to load. They replace records with the same keys; all others stay."""

    organisations: tuple[Organisation, ...] = ()
    sites: tuple[Site, ...] = ()
    users: tuple[User, ...] = ()
    services: tuple[Service, ...] = ()
    applications: tuple[Application, ...] = ()
    patients: tuple[Patient, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()


async def load_directory(command: LoadDirectory, world: World) -> None:
    """Load everything or nothing. An equal existing record is not written, so its version stays."""
    async with world.begin("load directory") as tx:
        await _put_organisations(command, tx.directory)
        await _put_services(command, tx.directory)
        await _put_people(command, tx)
        await _put_endpoints(command, tx)


async def _put_endpoints(command: LoadDirectory, tx: Tx) -> None:
    for endpoint in command.endpoints:
        stored = await tx.registers.endpoints.get(endpoint.asid)
        if stored is None:
            await tx.registers.endpoints.add(endpoint)
        elif stored.value != endpoint:
            await tx.registers.endpoints.replace(stored, endpoint)


async def _put_organisations(command: LoadDirectory, directory: Directory) -> None:
    for organisation in command.organisations:
        if await directory.organisation(organisation.ods) != organisation:
            await directory.put_organisation(organisation)
    for site in command.sites:
        await directory.put_site(site)
    for application in command.applications:
        if await directory.application(application.client_id) != application:
            await directory.put_application(application)


async def _put_services(command: LoadDirectory, directory: Directory) -> None:
    for service in command.services:
        stored = await directory.service(service.id)
        if stored is None or stored.value != service:
            await directory.put_service(service)


async def _put_people(command: LoadDirectory, tx: Tx) -> None:
    for user in command.users:
        if await tx.directory.user(user.id) != user:
            await tx.directory.put_user(user)
    for patient in command.patients:
        if await tx.patients.get(patient.nhs_number) != patient:
            await tx.patients.put(patient)
