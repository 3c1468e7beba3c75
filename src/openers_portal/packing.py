"""Make test packs in their environments, and put them back: each record once, to the end, also after a stop."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any, Final

import msgspec

from openers_portal.environment import Environment, EnvironmentDown, EnvironmentRefuses
from openers_portal.rules.packs import Record, records
from openers_portal.store.packs import PackState, StoredPack
from openers_portal.store.portal_store import PortalStore

OUTDATED: Final = 412
CONFLICT: Final = 409
FINAL: Final = frozenset({400, 404, CONFLICT, OUTDATED, 413, 422})
"""Statuses after which the same request would be refused again; after any other one the pack waits."""


async def finish_packs(store: PortalStore, environments: Mapping[str, Environment]) -> None:
    """Make each waiting pack whose environment answers."""
    down = set[str]()
    for each in await store.packs.waiting():
        name = each.pack.environment
        if name in down or name not in environments:
            continue
        try:
            await finish_pack(each, store, environments[name])
        except EnvironmentDown:
            down.add(name)


async def finish_pack(stored: StoredPack, store: PortalStore, environment: Environment) -> str:
    """Make a waiting pack, or put back one that was made; return why it is refused. Raises EnvironmentDown."""
    pack, refusal = stored.pack, ""
    try:
        if pack.made:
            await _put_back(pack.seed, environment)
        else:
            for each in records(pack.seed):
                await _make(each, environment)
    except EnvironmentRefuses as error:
        if error.status not in FINAL:
            raise EnvironmentDown(f"{pack.environment} makes no pack now") from error
        refusal = ": ".join(each for each in (error.cause, error.cure) if each)
    ended = msgspec.structs.replace(pack, refusal=refusal, made=pack.made or not refusal)
    await store.packs.set(stored.id, PackState.REFUSED if refusal else PackState.MADE, ended)
    return refusal


async def _make(record: Record, environment: Environment) -> None:
    """Make a record that does not exist. One that is the same was made by an attempt that stopped."""
    try:
        await environment.create(record.resource, record.key, record.value)
    except EnvironmentRefuses as error:
        present = await environment.read(record.resource, record.key) if error.status == OUTDATED else None
        if present is None:
            raise
        if not _is_same(present.record, record.value):
            cause = f"{environment.settings.name} has another record with the key {record.key} ({record.resource})"
            raise EnvironmentRefuses(CONFLICT, cause, "Choose another seed number") from error


async def _put_back(seed: int, environment: Environment) -> None:
    """Replace each record that has changed."""
    for resource, group in groupby(records(seed), lambda each: each.resource):
        await environment.put_all(resource, [each.value for each in group])


def _is_same(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(present.get(name) == value for name, value in wanted.items())
