"""Put many records in one act, for an import. A record that is refused does not stop the others.

Each value that the service holds already is left alone: values are compared, not their stored texts, since these have
no fixed order. So an import that is repeated, or goes on after it was stopped, changes only what differs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, cast

from openers.domain.administration.administrator import Administrator
from openers.domain.administration.rights import Method, Resource
from openers.usecases.administration.kinds import Kind
from openers.usecases.administration.records import check_owned, kind_of
from openers.usecases.administration.refusals import AdministrationRefused, Unfit
from openers.usecases.ports.stored import Stored
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

MOST_AT_ONCE: Final = 250
"""Records in one act. On SQLite an act of services takes less than 100 ms, in which no other call is served."""

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
    resource: Resource, values: Sequence[tuple[int, Any]], by: Administrator, world: World, *, rehearsal: bool = False
) -> PutAll:
    """Create or replace records, whatever their versions; each comes with its place in the request.

    Raises NotAllowed, RecordLocked, Unavailable.
    """
    kind = kind_of(resource, Method.PUT, by)
    act = f"put {len(values)} {resource}"
    found = PutAll((), (), 0, ())
    try:
        async with world.begin(act, lock=_locks(kind, values)) as tx:
            found = await _put_in(_Remembering.of(tx), kind, values, (by, world))
            world.entry.records = (*found.created, *found.replaced)
            if rehearsal:
                raise _Rehearsed
    except _Rehearsed:
        world.entry.act, world.entry.records = f"rehearse {act}", ()
    return found


def _locks(kind: Kind, values: Sequence[tuple[int, Any]]) -> tuple[str, ...]:
    """Return the locks beyond those of the records, which the register holds itself."""
    return tuple(sorted({lock for _, value in values for lock in kind.locks(kind.key(value))[1:]}))


async def _put_in(tx: Tx, kind: Kind, values: Sequence[tuple[int, Any]], caller: tuple[Administrator, World]) -> PutAll:
    by, world = caller
    register = kind.register(tx)
    stored = {each.key: each for each in await register.held([kind.key(value) for _, value in values])}
    await _look_up(tx, kind.resource, [value for _, value in values])
    changes: dict[str, Change] = {}
    refused: list[Refusal] = []
    for index, value in values:
        key = kind.key(value)
        try:
            if key in changes:
                raise Unfit(f"{key} is in this request twice", "", "leave one of them out")
            if await _is_changed(value, stored.get(key), tx, (kind, by, world)):
                changes[key] = (stored.get(key), value)
        except AdministrationRefused as error:
            refused.append(Refusal(index, error))
    await register.write(list(changes.values()))
    for old, value in changes.values():
        await kind.affect(value, None if old is None else old.value, world, tx)
    created = [key for key, (old, _) in changes.items() if old is None]
    replaced = [key for key, (old, _) in changes.items() if old is not None]
    return PutAll(created, replaced, len(values) - len(changes) - len(refused), refused)


async def _is_changed(value: Any, old: Stored[Any] | None, tx: Tx, how: tuple[Kind, Administrator, World]) -> bool:
    """Return whether a value, which may be put, differs from the stored one. Raises AdministrationRefused."""
    kind, by, world = how
    key = kind.key(value)
    if old is not None:
        check_owned(kind, Method.PUT, by, await kind.owners(old.value, tx), key)
        if old.value == value:
            return False
    await kind.check(value, None if old is None else old.value, world, tx)
    check_owned(kind, Method.PUT, by, await kind.owners(value, tx), key)
    return True


class _Remembering:
    """A transaction in which each record of the directory is read once.

    Only records of other kinds than the one that is put may be read through it, since they do not change in the act.
    """

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self.directory = _Directory(tx)

    @classmethod
    def of(cls, tx: Tx) -> Tx:
        """Return such a transaction over another one; all else passes through."""
        return cast("Tx", cls(tx))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)


class _Directory:
    """The directory of such a transaction."""

    def __init__(self, tx: Tx) -> None:
        self._directory = tx.directory
        self._known: dict[tuple[str, str], Any] = {}

    def remember(self, method: str, keys: Iterable[str], found: Iterable[tuple[str, Any]]) -> None:
        """Remember what a method returns for each of `keys`: what was found, or nothing."""
        self._known |= {(method, key): None for key in keys}
        self._known |= {(method, key): value for key, value in found}

    def __getattr__(self, name: str) -> Any:
        read: Callable[[str], Awaitable[Any]] = getattr(self._directory, name)

        async def _read(key: str) -> Any:
            if (name, key) not in self._known:
                self._known[name, key] = await read(key)
            return self._known[name, key]

        return _read if name in _SINGLE else read


_SINGLE: Final = frozenset({"organisation", "site", "user", "service", "application"})
"""The methods of the directory that read one record."""


def _of_site(value: Any) -> dict[str, set[str]]:
    return {"organisation": {value.organisation}}


def _of_person(value: Any) -> dict[str, set[str]]:
    return {"organisation": {role.organisation for role in value.roles}}


def _of_service(value: Any) -> dict[str, set[str]]:
    named = {value.organisation, *value.commissioning.organisations}
    return {"organisation": named, "site": {value.site}, "user": set(value.clinicians)}


def _of_patient(value: Any) -> dict[str, set[str]]:
    return {"organisation": set() if value.practice is None else {value.practice}}


_REFERS: Final[dict[Resource, Callable[[Any], dict[str, set[str]]]]] = {
    Resource.SITES: _of_site,
    Resource.PEOPLE: _of_person,
    Resource.SERVICES: _of_service,
    Resource.PATIENTS: _of_patient,
}
"""The records to which many others refer, by the method of the directory that reads them."""


async def _look_up(tx: Tx, resource: Resource, values: Sequence[Any]) -> None:
    """Read at once what the checks of these values will ask for."""
    wanted: dict[str, set[str]] = {}
    for value in values:
        for method, keys in _REFERS.get(resource, lambda _: {})(value).items():
            wanted.setdefault(method, set()).update(keys)
    registers = {"organisation": tx.registers.organisations, "site": tx.registers.sites, "user": tx.registers.people}
    for method, keys in wanted.items():
        found = await registers[method].several(sorted(keys)) if keys else ()
        cast("_Directory", tx.directory).remember(method, keys, [(each.key, each.value) for each in found])
