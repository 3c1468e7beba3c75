"""The versions of a live service, and what differs between two of them or the draft. Source: rules part 3, A.11."""

from __future__ import annotations

from typing import Final

from openers.domain.administration.administrator import Administrator
from openers.domain.directory import Service
from openers.domain.identifiers import ServiceId
from openers.domain.services.draft import ServiceDraft, draft_of
from openers.usecases.administration.records import plain
from openers.usecases.administration.refusals import Difference, NoSuchRecord, differences
from openers.usecases.ports.transaction import Tx
from openers.usecases.services.drafts import find_draft
from openers.usecases.world import World

DRAFT: Final = 0
"""Stands for the draft where a version is named."""


async def last_version(service: ServiceId, by: Administrator, world: World) -> int:
    """Return the version of a live service; 0 if it was never published. Raises NotAllowed, NoSuchRecord."""
    world.entry.act = f"list versions of service {service}"
    async with world.read() as tx:
        await find_draft(service, by, tx)
        live = await tx.directory.service(service)
    return 0 if live is None else live.version


async def read_version(service: ServiceId, version: int, by: Administrator, world: World) -> Service:
    """Return a live service as it was in a version. Raises NotAllowed, NoSuchRecord."""
    world.entry.act = f"read version {version} of service {service}"
    async with world.read() as tx:
        await find_draft(service, by, tx)
        return await _version(service, version, tx)


async def difference(service: ServiceId, between: tuple[int, int], by: Administrator, world: World) -> list[Difference]:
    """Return what differs between two versions, `sent` in the first and `stored` in the second one.

    Raises NotAllowed, NoSuchRecord.
    """
    world.entry.act = f"compare versions of service {service}"
    async with world.read() as tx:
        found = await find_draft(service, by, tx)
        one, two = [await _as_draft(found.draft, version, tx) for version in between]
    return differences(plain(one), plain(two))


async def _as_draft(draft: ServiceDraft, version: int, tx: Tx) -> ServiceDraft:
    if version == DRAFT:
        return draft
    return draft_of(await _version(draft.id, version, tx), draft.base)


async def _version(service: ServiceId, version: int, tx: Tx) -> Service:
    live = await tx.directory.service(service)
    if live is not None and live.version == version:
        return live.value
    past = await tx.registers.services.past(service, version)
    if past is None:
        raise NoSuchRecord(f"service {service} has no version {version}", "path", "look at the list of its versions")
    return past
