"""What a change of a record causes elsewhere, in the same act: ended log-ins, polls of a PAS, audit entries."""

from __future__ import annotations

from typing import Any

from openers.domain.booking import PasLink
from openers.domain.credentials import Application
from openers.domain.directory import Service, User
from openers.domain.patient import Patient
from openers.domain.principal import BusinessFunction
from openers.domain.services.access import CommissioningRule
from openers.domain.services.draft import draft_of
from openers.usecases.booking.poll_slots import POLL
from openers.usecases.ports.transaction import Tx
from openers.usecases.sessions.ending import end_application, end_person
from openers.usecases.world import World


async def nothing(_new: Any, _old: Any, _world: World, _tx: Tx) -> None:
    """Change nothing else."""


async def of_person(new: User, old: User | None, world: World, tx: Tx) -> None:
    """End the person's log-ins if they are no longer active or have lost a role."""
    if old is not None and old.active and (not new.active or _functions(old) - _functions(new)):
        await end_person(tx, new.id, world.wall.now())


async def of_application(new: Application, old: Application | None, _world: World, tx: Tx) -> None:
    """End the application's tokens if it is no longer active, or acts in another way."""
    if old is not None and old.active and (not new.active or _acts_as(old) != _acts_as(new)):
        await end_application(tx, new.client_id)


async def of_service(new: Service, old: Service | None, world: World, tx: Tx) -> None:
    """Name the service in the audit entry; let a draft without changes of its own follow."""
    world.entry.services = (new.id,)
    if old is not None:
        await follow_live(tx, new, old)


async def follow_live(tx: Tx, new: Service, old: Service) -> None:
    """Let the draft of a service that has replaced another value follow it, unless it has changes of its own."""
    draft = await tx.registers.drafts.get(new.id)
    if draft is not None and draft.value == draft_of(old, draft.value.base):
        await tx.registers.drafts.replace(draft, draft_of(new, draft.value.base + 1))


async def of_rule(new: CommissioningRule, _old: CommissioningRule | None, world: World, tx: Tx) -> None:
    """Let searches see the rule."""
    world.entry.services = (new.service,)
    await tx.registers.services.touch(new.service)


async def of_link(new: PasLink, _old: PasLink | None, world: World, tx: Tx) -> None:
    """Poll all slots of a new address; end the free slots of a link that has ended."""
    world.entry.services = (new.service,)
    await tx.links.forget_polled(new.service)
    if new.active:
        await tx.due.add(POLL, new.service, world.clock.now())
    else:
        await tx.slots.poll(new.service, (), world.clock.now(), whole=True)


async def of_patient(new: Patient, _old: Patient | None, world: World, _tx: Tx) -> None:
    """Name the patient in the audit entry."""
    world.entry.touched(patient=new.nhs_number)


def _functions(person: User) -> frozenset[tuple[str, BusinessFunction]]:
    return frozenset((role.organisation, function) for role in person.roles for function in role.functions)


def _acts_as(application: Application) -> tuple[object, ...]:
    return (
        application.mode,
        application.organisation,
        application.function,
        application.user,
        application.administers,
    )
