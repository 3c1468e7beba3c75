"""Put many records in one act, for an import. A record that is refused does not stop the others.

Each value that the service holds already is left alone: values are compared, not their stored texts, since these have
no fixed order. So an import that is repeated, or goes on after it was stopped, changes only what differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from openers.domain.administration.administrator import Administrator
from openers.domain.administration.rights import Method, Resource
from openers.usecases.administration.kinds import Kind
from openers.usecases.administration.records import check_put, kind_of
from openers.usecases.administration.references import MOST_NAMES, look_up, number_of_names
from openers.usecases.administration.refusals import AdministrationRefused, NotYet, Unfit
from openers.usecases.administration.stages import Placed, stages
from openers.usecases.ports.stored import Stored
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

MOST_AT_ONCE: Final = 250
"""Records in one act. On SQLite no other call is served meanwhile: 250 services take 30 ms, in 20 stages 0.1 s."""
MOST_STAGES: Final = 20
"""Stages in one act: each is looked up and written by itself, which takes about 4 ms."""

Change = tuple[Stored[Any] | None, Any]
"""The stored record, if any, and the value that replaces it."""


class Refusal(NamedTuple):
    """A record that was refused, by its place in the request."""

    at: int
    error: AdministrationRefused


class PutAll(NamedTuple):
    """What an act has put: keys of created and of replaced records, the number of equal ones, and the refusals."""

    created: Sequence[str]
    replaced: Sequence[str]
    unchanged: int
    refused: Sequence[Refusal]


class _Rehearsed(Exception):
    """Ends the act of a rehearsal, so that nothing is stored."""


async def put_all(
    resource: Resource, values: Sequence[Placed], by: Administrator, world: World, *, rehearsal: bool = False
) -> PutAll:
    """Create or replace records, of any versions; each comes with its place in the request.

    Raises NotAllowed, Unfit, RecordLocked, Unavailable.
    """
    kind = kind_of(resource, Method.PUT, by)
    names = number_of_names(resource, (value for _, value in values))
    if names > MOST_NAMES:
        cause = f"the records refer to {names} others, and at most {MOST_NAMES} can be looked up at once"
        raise Unfit(cause, "/records", "send fewer records at once")
    act = f"put {len(values)} {resource}"
    found = PutAll((), (), 0, ())
    try:
        async with world.begin(act, lock=_locks(kind, values)) as tx:
            found = await _put_in(tx, kind, values, (by, world))
            _name(world, (*found.created, *found.replaced))
            if rehearsal:
                raise _Rehearsed
    except _Rehearsed:
        world.entry.act = f"rehearse {act}"
        _name(world, ())
    return found


def _name(world: World, records: tuple[str, ...]) -> None:
    """Name the records in the audit entry by their keys only: a single service or patient would mislead."""
    world.entry.records, world.entry.services, world.entry.nhs_number = records, (), None


def _locks(kind: Kind, values: Sequence[Placed]) -> tuple[str, ...]:
    """Return the locks beyond those of the records, which the register holds itself."""
    return tuple(sorted({lock for _, value in values for lock in kind.locks(kind.key(value), value)[1:]}))


async def _put_in(tx: Tx, kind: Kind, values: Sequence[Placed], caller: tuple[Administrator, World]) -> PutAll:
    single, refused = _without_repetitions(kind, values)
    held = await kind.register(tx).held([kind.key(value) for _, value in single])
    stored = {each.key: each for each in held}
    changes: dict[str, Change] = {}
    left = dict(single)
    for stage in islice(stages(kind, single, stored), MOST_STAGES):
        known = await look_up(tx, kind.resource, [value for _, value in stage])
        changed: dict[str, Change] = {}
        for index, value in stage:
            del left[index]
            key = kind.key(value)
            try:
                change = await _changed(value, stored.get(key), known, (kind, *caller))
            except AdministrationRefused as error:
                refused.append(Refusal(index, error))
            else:
                changed |= {} if change is None else {key: change}
        await _write(tx, kind, list(changed.values()), caller[1])
        changes |= changed
    refused += [Refusal(index, _not_yet()) for index in left]
    created = [key for key, (old, _) in changes.items() if old is None]
    replaced = [key for key, (old, _) in changes.items() if old is not None]
    return PutAll(created, replaced, len(values) - len(changes) - len(refused), refused)


def _not_yet() -> NotYet:
    cause = f"it comes after more than {MOST_STAGES} others of this request, one after another"
    return NotYet(cause, "", "send it again in a request after this one")


def _without_repetitions(kind: Kind, values: Sequence[Placed]) -> tuple[list[Placed], list[Refusal]]:
    """Return the first record with each key, and the refusals of the others."""
    met, single, refused = set[str](), list[Placed](), list[Refusal]()
    for index, value in values:
        key = kind.key(value)
        if key in met:
            refused.append(Refusal(index, Unfit(f"{key} is in this request twice", "", "leave one of them out")))
        else:
            met.add(key)
            single.append((index, value))
    return single, refused


async def _changed(
    value: Any, old: Stored[Any] | None, tx: Tx, how: tuple[Kind, Administrator, World]
) -> Change | None:
    """Return the change by which a value is put; `None` if it is equal. Raises AdministrationRefused."""
    kind, by, world = how
    new = await check_put(kind, value, old, by, tx)
    if old is not None and old.value == new:
        return None
    await kind.check(new, None if old is None else old.value, world, tx)
    return old, new


async def _write(tx: Tx, kind: Kind, changes: Sequence[Change], world: World) -> None:
    """Store changed values, and do what they cause elsewhere."""
    if changes:
        await kind.register(tx).write(changes)
    for old, value in changes:
        await kind.affect(value, None if old is None else old.value, world, tx)
