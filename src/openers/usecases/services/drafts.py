"""Drafts of services: the number is given at the first save, and a draft is beside the live service.

Saving needs a name that no other service has, and a site of the organisation. Source: rules part 3, chapters A.3, A.5.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from openers.domain.administration.administrator import Administrator
from openers.domain.administration.rights import Method, Reach, Resource
from openers.domain.identifiers import OdsCode, ServiceId
from openers.domain.services.draft import ServiceDraft, draft_of, name_key
from openers.domain.services.publishing import Finding, PublishCheck
from openers.usecases.administration.records import ANY_VERSION, PLAINLY, Act, How, own_window, plain, run_act
from openers.usecases.administration.refusals import (
    NoSuchRecord,
    NotAllowed,
    NotEndable,
    Outdated,
    Unfit,
    VersionNeeded,
    differences,
)
from openers.usecases.administration.repeats import Change, Outcome
from openers.usecases.ports.registers import Window
from openers.usecases.ports.stored import Stored
from openers.usecases.ports.transaction import Tx
from openers.usecases.services.checking import check_draft
from openers.usecases.world import World

_AT_SAVE = frozenset({PublishCheck.NAME, PublishCheck.LOCATION})
"""The checks that a draft passes at each save."""


class Defined(msgspec.Struct, frozen=True):
    """A draft as it is stored, or as it follows from the live service: then its version is 0."""

    draft: ServiceDraft
    version: int
    stored: Stored[ServiceDraft] | None = None


async def create_draft(draft: ServiceDraft, by: Administrator, world: World, how: How = PLAINLY) -> Change:
    """Save a new draft, which gets its number. Raises NotAllowed, Unfit, RecordLocked, Unavailable."""
    check_definer(by, draft.organisation)
    act = Act("create service", ("service number", _name_lock(draft.name)))
    return await run_act(act, lambda tx: _add(tx, draft, world), how, world)


async def copy_service(source: ServiceId, name: str, by: Administrator, world: World, how: How = PLAINLY) -> Change:
    """Save a copy of a service, or of its draft, as a new draft with another name.

    Raises NotAllowed, NoSuchRecord, Unfit, RecordLocked, Unavailable.
    """

    async def _copy(tx: Tx) -> Change:
        found = await find_draft(source, by, tx)
        return await _add(tx, msgspec.structs.replace(found.draft, name=name), world)

    return await run_act(Act(f"copy service {source}", ("service number", _name_lock(name))), _copy, how, world)


async def read_draft(service: ServiceId, by: Administrator, world: World) -> Defined:
    """Return the draft of a service, or what its live values would be as a draft. Raises NotAllowed, NoSuchRecord."""
    world.entry.act = f"read draft of service {service}"
    async with world.read() as tx:
        return await find_draft(service, by, tx)


async def list_drafts(window: Window, by: Administrator, world: World) -> Sequence[Stored[ServiceDraft]]:
    """Return part of the list of drafts, limited to what the caller may define. Raises NotAllowed."""
    world.entry.act = "list drafts of services"
    if by.reach(Resource.SERVICES, Method.PUT) is Reach.NONE:
        check_definer(by, None)
    own = own_window(window, Resource.SERVICES, Method.PUT, by)
    async with world.read() as tx:
        return await tx.registers.drafts.page(own)


async def check_service(service: ServiceId, by: Administrator, world: World) -> list[Finding]:
    """Return what keeps the draft of a service from being published, and the warnings. Raises NoSuchRecord."""
    world.entry.act = f"check service {service}"
    async with world.read() as tx:
        return await check_draft((await find_draft(service, by, tx)).draft, world, tx)


async def put_draft(
    draft: ServiceDraft, expected: int | None, by: Administrator, world: World, how: How = PLAINLY
) -> Change:
    """Replace the draft of a service, on top of its present live version. An equal value writes nothing.

    Raises NotAllowed, NoSuchRecord, Unfit, Outdated, VersionNeeded, RecordLocked, Unavailable.
    """

    async def _put(tx: Tx) -> Change:
        found = await find_draft(draft.id, by, tx)
        check_definer(by, draft.organisation)
        live = await tx.directory.service(draft.id)
        new = msgspec.structs.replace(draft, base=0 if live is None else live.version)
        if new == found.draft:
            return change_of(draft.id, found.version, found.version, new)
        check_expected(expected, found, new)
        await _check_kept(new, found.draft, world, tx)
        kept = (
            await tx.registers.drafts.add(new)
            if found.stored is None
            else await tx.registers.drafts.replace(found.stored, new)
        )
        world.entry.services = (draft.id,)
        return change_of(draft.id, kept.version, found.version, new)

    act = Act(f"put draft of service {draft.id}", (f"services/{draft.id}", _name_lock(draft.name)))
    return await run_act(act, _put, how, world)


async def discard_draft(service: ServiceId, by: Administrator, world: World, how: How = PLAINLY) -> Change:
    """Discard a draft: one that was never published vanishes, another one becomes equal to the live service.

    Raises NotAllowed, NoSuchRecord, NotEndable, RecordLocked, Unavailable.
    """

    async def _discard(tx: Tx) -> Change:
        found = await find_draft(service, by, tx)
        live = await tx.directory.service(service)
        if found.stored is None:
            return change_of(service, found.version, found.version, found.draft)
        if live is not None:
            same = draft_of(live.value, live.version)
            kept = await tx.registers.drafts.replace(found.stored, same)
            return change_of(service, kept.version, found.version, same)
        if await tx.links.get(service) is not None:
            raise NotEndable("the draft is linked to a PAS", "path", "publish it, and unpublish it")
        await tx.registers.drafts.remove(service)
        removed = change_of(service, found.version, found.version, found.draft)
        return msgspec.structs.replace(removed, stated=Outcome.REMOVED)

    return await run_act(Act(f"discard draft of service {service}", (f"services/{service}",)), _discard, how, world)


async def find_draft(service: ServiceId, by: Administrator, tx: Tx) -> Defined:
    """Return the draft of a service that the caller may define. Raises NotAllowed, NoSuchRecord."""
    stored = await tx.registers.drafts.get(service)
    if stored is not None:
        found = Defined(stored.value, stored.version, stored)
    else:
        live = await tx.directory.service(service)
        found = None if live is None else Defined(draft_of(live.value, live.version), 0)
    if by.reach(Resource.SERVICES, Method.PUT) is Reach.NONE:
        check_definer(by, None)
    if found is None or not by.may(Resource.SERVICES, Method.PUT, frozenset({found.draft.organisation})):
        cure = "look for its number in the lists of services and drafts"
        raise NoSuchRecord(f"there is no service {service} that {by.caller} may define", "path", cure)
    return found


def check_definer(by: Administrator, organisation: OdsCode | None) -> None:
    """Raise NotAllowed unless the caller may define services of the organisation."""
    owners = frozenset[OdsCode]() if organisation is None else frozenset({organisation})
    if not by.may(Resource.SERVICES, Method.PUT, owners):
        cure = "let a SERVICE_DEFINER of the organisation define the service"
        raise NotAllowed(f"{by.caller} may not define services of {organisation or 'any organisation'}", "path", cure)


def check_expected(expected: int | None, found: Defined, new: ServiceDraft) -> None:
    """Raise Outdated, VersionNeeded unless the caller knows the version of the draft that is replaced."""
    if expected == ANY_VERSION or (expected is None and found.version == 0):
        return
    if expected is None:
        cure = f'read the draft, then send its version: If-Match: "{found.version}"'
        raise VersionNeeded(f"the draft exists in version {found.version}", "If-Match", cure)
    if expected != found.version:
        raise Outdated(found.version, differences(plain(new), plain(found.draft)))


def change_of(service: ServiceId, version: int, was: int, value: msgspec.Struct) -> Change:
    """Return the result of a change."""
    return Change(key=service, version=version, was=was, value=plain(value))


async def _add(tx: Tx, draft: ServiceDraft, world: World) -> Change:
    """Give a new draft its number and store it. Raises Unfit."""
    new = msgspec.structs.replace(draft, id=await tx.registers.services.next_id(), base=0)
    await _check_saved(new, world, tx)
    kept = await tx.registers.drafts.add(new)
    world.entry.services = (new.id,)
    return change_of(new.id, kept.version, 0, new)


async def _check_kept(new: ServiceDraft, old: ServiceDraft, world: World, tx: Tx) -> None:
    """Raise Unfit if a saved draft breaks a rule, or changes what a published service keeps."""
    await _check_saved(new, world, tx)
    if new.organisation != old.organisation:
        raise Unfit("a service keeps its organisation", "/organisation", "copy it, or create another service")
    if new.base and new.workgroup != old.workgroup:
        cure = "create another service: the workgroup decides who sees the referrals that this one has"
        raise Unfit("a published service keeps its workgroup", "/workgroup", cure)


async def _check_saved(draft: ServiceDraft, world: World, tx: Tx) -> None:
    for each in await check_draft(draft, world, tx):
        if each.check in _AT_SAVE:
            raise Unfit(each.cause, each.place, each.cure)


def _name_lock(name: str) -> str:
    return f"service name/{name_key(name)}"
