"""Publish drafts, unpublish services, and end them on a day. Only publishing and ending raise the version.

Source: rules part 3, chapters A.5 and A.9.
"""

from __future__ import annotations

from datetime import date

import msgspec

from openers.domain.administration.administrator import Administrator
from openers.domain.directory import Service, ServiceStatus, Site
from openers.domain.identifiers import ServiceId
from openers.domain.services.draft import draft_of, service_of
from openers.usecases.administration.checks import authorised_workgroups
from openers.usecases.administration.effects import follow_live
from openers.usecases.administration.records import PLAINLY, Act, How, plain, run_act
from openers.usecases.administration.refusals import NoSuchRecord, NotPublishable, Outdated, Unfit, differences
from openers.usecases.administration.repeats import Change, Outcome
from openers.usecases.booking.poll_slots import POLL
from openers.usecases.ports.stored import Stored
from openers.usecases.ports.transaction import Tx
from openers.usecases.services.checking import check_draft, is_linked
from openers.usecases.services.drafts import Defined, change_of, check_expected, find_draft
from openers.usecases.world import World


async def publish_service(
    service: ServiceId, expected: int | None, by: Administrator, world: World, how: How = PLAINLY
) -> Change:
    """Make the draft of a service the live one, if it passes the checks; `expected` is the version of the draft.

    Raises NotAllowed, NoSuchRecord, NotPublishable, Outdated, RecordLocked, Unavailable.
    """

    async def _publish(tx: Tx) -> Change:
        found = await find_draft(service, by, tx)
        if expected is not None:
            check_expected(expected, found, found.draft)
        live = await tx.directory.service(service)
        _check_base(found, live)
        errors = await check_draft(found.draft, world, tx)
        if errors and not errors[0].is_warning:
            raise NotPublishable(errors)
        new = await _published(found, tx)
        if live is not None and live.value == new:
            return change_of(service, live.version, live.version, new)
        register = tx.registers.services
        kept = await (register.add(new) if live is None else register.replace(live, new))
        if found.stored is not None:
            await tx.registers.drafts.replace(found.stored, draft_of(new, kept.version))
        await _poll_soon(service, world, tx)
        return change_of(service, kept.version, 0 if live is None else live.version, new)

    world.entry.services = (service,)
    return await run_act(Act(f"publish service {service}", _locks(service)), _publish, how, world)


async def unpublish_service(service: ServiceId, by: Administrator, world: World, how: How = PLAINLY) -> Change:
    """Hide a service from searches. Its referrals, its draft and its version stay.

    Raises NotAllowed, NoSuchRecord, RecordLocked, Unavailable.
    """

    async def _unpublish(tx: Tx) -> Change:
        live = await _live(service, by, tx)
        hidden = msgspec.structs.replace(live.value, status=ServiceStatus.WITHDRAWN)
        change = change_of(service, live.version, live.version, hidden)
        if hidden == live.value:
            return change
        await tx.registers.services.amend(live, hidden)
        return msgspec.structs.replace(change, stated=Outcome.REPLACED)

    world.entry.services = (service,)
    return await run_act(Act(f"unpublish service {service}", _locks(service)), _unpublish, how, world)


async def end_service(service: ServiceId, last: date, by: Administrator, world: World, how: How = PLAINLY) -> Change:
    """Let a service be found until a day, which is its last one.

    Raises NotAllowed, NoSuchRecord, Unfit, RecordLocked, Unavailable.
    """

    async def _end(tx: Tx) -> Change:
        live = await _live(service, by, tx)
        if last < max(world.clock.now().date(), live.value.opens_on or last):
            raise Unfit("the last day has passed, or is before the first one", "/on", "name today or a later day")
        ended = msgspec.structs.replace(live.value, closes_on=last)
        if ended == live.value:
            return change_of(service, live.version, live.version, ended)
        kept = await tx.registers.services.replace(live, ended)
        await follow_live(tx, ended, live.value)
        return change_of(service, kept.version, live.version, ended)

    world.entry.services = (service,)
    return await run_act(Act(f"end service {service}", _locks(service)), _end, how, world)


def _check_base(found: Defined, live: Stored[Service] | None) -> None:
    """Raise Outdated if the live service has changed since the draft was saved."""
    version = 0 if live is None else live.version
    if found.draft.base != version:
        present = None if live is None else plain(draft_of(live.value, version))
        raise Outdated(version, differences(plain(found.draft), present))


async def _published(found: Defined, tx: Tx) -> Service:
    """Return the service that a checked draft publishes."""
    site = await tx.directory.site(found.draft.site)
    if not isinstance(site, Site):
        raise RuntimeError("sites are never removed")
    linked = await is_linked(found.draft.id, tx)
    authorised = await authorised_workgroups(found.draft.restriction, tx)
    return service_of(found.draft, site, linked=linked, authorised=authorised)


async def _live(service: ServiceId, by: Administrator, tx: Tx) -> Stored[Service]:
    """Return a live service that the caller may define. Raises NotAllowed, NoSuchRecord."""
    await find_draft(service, by, tx)
    live = await tx.directory.service(service)
    if live is None:
        raise NoSuchRecord(f"service {service} was never published", "path", "publish it first")
    return live


async def _poll_soon(service: ServiceId, world: World, tx: Tx) -> None:
    """Poll all slots of a linked service: its range may be another one now."""
    if await is_linked(service, tx):
        await tx.links.forget_polled(service)
        await tx.due.add(POLL, service, world.clock.now())


def _locks(service: ServiceId) -> tuple[str, ...]:
    return (f"services/{service}", f"polling/{service}")
