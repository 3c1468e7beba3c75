"""Read, put and end administered records.

`put_in` and `end_in` work in an act that the caller has opened, so that an import can change many records in one act.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

import msgspec

from openers.domain.administration.administrator import Administrator
from openers.domain.administration.rights import Method, Reach, Resource
from openers.domain.directory import Service
from openers.domain.identifiers import OdsCode
from openers.domain.patient import Patient
from openers.usecases.administration.kinds import KINDS, LONGEST_KEY, Kind
from openers.usecases.administration.refusals import (
    NoSuchRecord,
    NotAllowed,
    NotEndable,
    Outdated,
    Unfit,
    VersionNeeded,
    differences,
)
from openers.usecases.administration.repeats import Change, Once, first_result, keep_result
from openers.usecases.ports.registers import Window
from openers.usecases.ports.stored import Stored
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

ANY_VERSION: Final = -1
"""The caller replaces whatever version there is (`If-Match: *`)."""
NEW: Final = 0
"""The caller creates the record (`If-None-Match: *`)."""
MOST_ON_A_PAGE: Final = 250


class PutRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record to create or replace. `expected` is the version that it replaces; `None` if the caller names none."""

    resource: Resource
    value: Any
    expected: int | None = None


class EndRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record to end, on a day if it has one (today if none is given)."""

    resource: Resource
    key: str
    expected: int | None = None
    on: date | None = None


class How(msgspec.Struct, frozen=True, kw_only=True):
    """How a change is made. A `rehearsal` checks everything and changes nothing.

    `noted` is called with the result before the act commits, so that the audit entry can hold the outcome.
    """

    once: Once | None = None
    rehearsal: bool = False
    noted: Callable[[Change], None] = lambda _change: None


PLAINLY: Final = How()
"""Make the change. The same request, sent again, is another one."""


class Act(NamedTuple):
    """An act: its name in the audit, and its locks."""

    name: str
    locks: tuple[str, ...]


class _Rehearsed(Exception):
    """Ends the act of a rehearsal, so that nothing is stored."""

    def __init__(self, change: Change) -> None:
        super().__init__()
        self.change = change


async def read_record(resource: Resource, key: str, by: Administrator, world: World) -> Stored[Any]:
    """Return a record. Raises NotAllowed, NoSuchRecord."""
    kind = kind_of(resource, Method.READ, by)
    check_key(kind, key, by)
    world.entry.act = f"read {resource} {key}"
    async with world.read() as tx:
        found = await _visible(kind, key, by, tx)
    _note_shown([found], world)
    return found


async def list_records(resource: Resource, window: Window, by: Administrator, world: World) -> Sequence[Stored[Any]]:
    """Return part of a list, limited to the caller's organisation if that is all they may see. Raises NotAllowed."""
    kind = kind_of(resource, Method.READ, by)
    world.entry.act = f"list {resource}"
    own = own_window(window, resource, Method.READ, by)
    async with world.read() as tx:
        found = await kind.register(tx).page(own)
    _note_shown(found, world)
    return found


def _note_shown(found: Sequence[Stored[Any]], world: World) -> None:
    """Note the patients among the records in the audit entry."""
    world.entry.showed(each.value.nhs_number for each in found if isinstance(each.value, Patient))


def own_window(window: Window, resource: Resource, method: Method, by: Administrator) -> Window:
    """Return the part of a list, limited to the caller's organisation if they may reach no other. Raises NotAllowed."""
    if by.reach(resource, method) is not Reach.OWN or by.role is None:
        return window
    own = by.role.organisation
    if window.organisation not in (None, own):
        cure = f"ask for {own}, or leave the parameter out"
        raise NotAllowed(f"{by.caller} sees only the {resource} of {own}", "organisation", cure)
    return msgspec.structs.replace(window, organisation=own)


async def put_record(command: PutRecord, by: Administrator, world: World, how: How = PLAINLY) -> Change:
    """Create or replace a record. Raises AdministrationRefused, Outdated, RecordLocked, Unavailable."""
    kind = kind_of(command.resource, Method.PUT, by)
    key = kind.key(command.value)
    if how.once is not None:
        once = msgspec.structs.replace(how.once, sent=plain(command.value))
        how = msgspec.structs.replace(how, once=once)
    act = Act(f"put {command.resource} {key}", kind.locks(key, command.value))
    return await run_act(act, lambda tx: put_in(tx, command, by, world), how, world)


async def end_record(command: EndRecord, by: Administrator, world: World, how: How = PLAINLY) -> Change:
    """End a record. Raises AdministrationRefused, Outdated, RecordLocked, Unavailable."""
    kind = kind_of(command.resource, Method.END, by)
    check_key(kind, command.key, by)
    act = Act(f"end {command.resource} {command.key}", kind.locks(command.key))
    return await run_act(act, lambda tx: end_in(tx, command, by, world), how, world)


async def put_in(tx: Tx, command: PutRecord, by: Administrator, world: World) -> Change:
    """Create or replace a record in an act; an equal value writes nothing. Raises AdministrationRefused, Outdated."""
    kind = kind_of(command.resource, Method.PUT, by)
    key, register = kind.key(command.value), kind.register(tx)
    old = await register.get(key)
    value = await check_put(kind, command.value, old, by, tx)
    if old is not None and old.value == value:
        return _change(key, old.version, old.version, value)
    _check_version(command, old)
    if old is not None and command.expected != ANY_VERSION:
        _check_status(value, old.value)
    await kind.check(value, None if old is None else old.value, world, tx)
    new = await (register.add(value) if old is None else register.replace(old, value))
    await kind.affect(value, None if old is None else old.value, world, tx)
    return _change(key, new.version, 0 if old is None else old.version, value)


async def check_put(kind: Kind, value: Any, old: Stored[Any] | None, by: Administrator, tx: Tx) -> Any:
    """Return a value with what the service fills in, if the caller may put it in the place of the old one.

    Raises NotAllowed. Call it before any other check, so that no refusal tells of records of others.
    """
    key = kind.key(value)
    if old is not None:
        check_owned(kind, Method.PUT, by, await kind.owners(old.value, tx), key)
    check_owned(kind, Method.PUT, by, await kind.owners(value, tx), key)
    return await kind.filled(value, tx)


async def end_in(tx: Tx, command: EndRecord, by: Administrator, world: World) -> Change:
    """End a record in an act; one that has ended stays as it is. Raises AdministrationRefused, Outdated."""
    kind = kind_of(command.resource, Method.END, by)
    if kind.ended is None:
        raise NotEndable(f"{command.resource} do not end", "method", "replace the record instead")
    old = await _visible(kind, command.key, by, tx)
    check_owned(kind, Method.END, by, await kind.owners(old.value, tx), command.key)
    ended = kind.ended(old.value, command.on or world.clock.now().date())
    if ended == old.value:
        return _change(command.key, old.version, old.version, old.value)
    _check_version(PutRecord(resource=command.resource, value=ended, expected=command.expected), old)
    new = await kind.register(tx).replace(old, ended)
    await kind.affect(ended, old.value, world, tx)
    return _change(command.key, new.version, old.version, ended)


async def run_act(act: Act, work: Callable[[Tx], Awaitable[Change]], how: How, world: World) -> Change:
    """Run `work` as one act, or return the result of the first request with the same idempotency key."""
    now = world.wall.now()
    once = () if how.once is None else (f"idempotency/{how.once.key}",)
    try:
        async with world.begin(act.name, lock=(*act.locks, *once)) as tx:
            change = await first_result(how.once, tx, now)
            if change is None:
                change = await work(tx)
                if how.rehearsal:
                    raise _Rehearsed(change)
                await keep_result(how.once, change, tx, now)
            how.noted(change)
    except _Rehearsed as rehearsed:
        world.entry.act = f"rehearse {act.name}"
        return rehearsed.change
    return change


def kind_of(resource: Resource, method: Method, by: Administrator) -> Kind:
    """Return the kind of record. Raises NotAllowed if the caller may not do this with any record of it."""
    if by.reach(resource, method) is Reach.NONE:
        cure = "ask an administrator, or use an application or a role with this right"
        raise NotAllowed(f"{by.caller} may not {method} {resource}", "Authorization", cure)
    return KINDS[resource]


async def _visible(kind: Kind, key: str, by: Administrator, tx: Tx) -> Stored[Any]:
    found = await kind.register(tx).get(key)
    if found is None or not by.may(kind.resource, Method.READ, await kind.owners(found.value, tx)):
        raise _no_such(kind, key, by)
    return found


def check_key(kind: Kind, key: str, by: Administrator) -> None:
    """Raise NoSuchRecord if no record can have this key, before it is used in the name of an act."""
    if not kind.is_key(key):
        raise _no_such(kind, key[:LONGEST_KEY], by)


def _no_such(kind: Kind, key: str, by: Administrator) -> NoSuchRecord:
    cause = f"there is no record {key} among the {kind.resource} that {by.caller} may see"
    return NoSuchRecord(cause, "path", f"look for its key in the list of {kind.resource}")


def check_owned(kind: Kind, method: Method, by: Administrator, owners: frozenset[OdsCode], key: str) -> None:
    """Raise NotAllowed unless the caller may do this with a record of these owners."""
    if not by.may(kind.resource, method, owners):
        cure = "ask an administrator of that organisation"
        raise NotAllowed(f"{key} belongs to another organisation", "path", cure)


def _check_version(command: PutRecord, old: Stored[Any] | None) -> None:
    """Raise Outdated, VersionNeeded unless the caller knows the version that is replaced."""
    present = 0 if old is None else old.version
    if command.expected == ANY_VERSION and old is not None:
        return
    if command.expected is None and old is not None:
        cure = f'read it, then send its version: If-Match: "{present}"'
        raise VersionNeeded(f"the record exists in version {present}", "If-Match", cure)
    if command.expected is not None and command.expected != present:
        raise Outdated(present, () if old is None else differences(plain(command.value), plain(old.value)))


def _check_status(new: Any, old: Any) -> None:
    """Raise Unfit if a service that was unpublished would be published again.

    Unpublishing keeps the version, so its number does not tell that the caller has seen it.
    """
    if isinstance(new, Service) and new.is_published and not old.is_published:
        cure = "publish its draft, or send If-Match: * to publish it again as it is in the body"
        raise Unfit(f"service {new.id} is not published any more", "/status", cure)


def plain(value: Any) -> Any:
    """Return a record as plain JSON: texts, numbers, lists in a fixed order, and objects."""
    return msgspec.to_builtins(value, enc_hook=str, order="deterministic")


def _change(key: str, version: int, was: int, value: Any) -> Change:
    return Change(key=key, version=version, was=was, value=plain(value))
