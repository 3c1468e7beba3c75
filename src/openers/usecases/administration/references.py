"""The records to which records refer: counted before an act, and read at once in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, cast

from openers.domain.administration.rights import Resource
from openers.domain.booking import PasLink
from openers.domain.directory import Organisation, Service, Site, User
from openers.domain.endpoints.endpoint import Endpoint
from openers.domain.patient import Patient
from openers.domain.services.access import CommissioningRule
from openers.usecases.ports.registers import Register
from openers.usecases.ports.stored import Stored
from openers.usecases.ports.transaction import Tx

MOST_NAMES: Final = 5_000
"""References of all records in one act. On SQLite no other call is served while they are looked up."""

_Names = dict[str, set[str]]
"""Keys by the register in which they are looked up."""


def names_of(resource: Resource, value: Any) -> _Names:
    """Return the records to which a record refers."""
    return _NAMES[resource](value) if resource in _NAMES else {}


def number_of_names(resource: Resource, values: Iterable[Any]) -> int:
    """Return how many references these records have together."""
    return sum(len(keys) for value in values for keys in names_of(resource, value).values())


async def look_up(tx: Tx, resource: Resource, values: Iterable[Any]) -> Tx:
    """Return a transaction in which the records to which these values refer have been read, each once.

    Use it while none of those records changes.
    """
    remembering = _Remembering(tx)
    wanted: _Names = {}
    for value in values:
        for register, keys in names_of(resource, value).items():
            wanted.setdefault(register, set()).update(keys)
    for register, keys in wanted.items():
        await remembering.read(register, sorted(keys))
    return cast("Tx", remembering)


def _set(key: str | None) -> set[str]:
    return set() if key is None else {key}


def _of_organisation(value: Organisation) -> _Names:
    return {"organisations": _set(value.commissioner)}


def _of_its_organisation(value: Site | Endpoint) -> _Names:
    return {"organisations": {value.organisation}}


def _of_person(value: User) -> _Names:
    return {"organisations": {role.organisation for role in value.roles}}


def _of_service(value: Service) -> _Names:
    named = set[str]({value.organisation, *value.commissioning.organisations})
    found: _Names = {"organisations": named, "sites": {value.site}, "people": set(value.clinicians)}
    if value.restriction is not None:
        found["organisations"] |= value.restriction.organisations
        found["people"] |= value.restriction.referrers
        found["services"] = set(value.restriction.services)
    return found


def _of_rule(value: CommissioningRule) -> _Names:
    return {"organisations": {value.commissioner}, "services": {value.service}}


def _of_link(value: PasLink) -> _Names:
    return {"services": {value.service}, "applications": {value.client_id}}


def _of_patient(value: Patient) -> _Names:
    return {"organisations": _set(value.practice)}


_NAMES: Final[dict[Resource, Callable[[Any], _Names]]] = {
    Resource.ORGANISATIONS: _of_organisation,
    Resource.SITES: _of_its_organisation,
    Resource.PEOPLE: _of_person,
    Resource.SERVICES: _of_service,
    Resource.COMMISSIONING_RULES: _of_rule,
    Resource.PAS_LINKS: _of_link,
    Resource.ENDPOINTS: _of_its_organisation,
    Resource.PATIENTS: _of_patient,
}
_SINGLE: Final = {
    "organisation": "organisations",
    "site": "sites",
    "user": "people",
    "service": "services",
    "application": "applications",
}
"""The methods of the directory that read one record, with its register."""


class _Remembering:
    """A transaction that reads each record of these registers once. All else passes through."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._known: dict[tuple[str, str], Stored[Any] | None] = {}
        self.directory = _Directory(self)
        self.registers = _Registers(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    @property
    def inner(self) -> Tx:
        """Return the transaction that reads."""
        return self._tx

    async def read(self, register: str, keys: Sequence[str]) -> list[Stored[Any]]:
        """Return the existing records among `keys`."""
        unknown = [key for key in keys if (register, key) not in self._known]
        if unknown:
            read: Register[Any] = getattr(self._tx.registers, register)
            self._known |= {(register, key): None for key in unknown}
            self._known |= {(register, each.key): each for each in await read.several(unknown)}
        return [found for key in keys if (found := self._known[register, key]) is not None]


class _Directory:
    """The directory of such a transaction."""

    def __init__(self, memory: _Remembering) -> None:
        self._memory = memory

    def __getattr__(self, name: str) -> Any:
        register = _SINGLE.get(name)
        if register is None:
            return getattr(self._memory.inner.directory, name)

        async def _read(key: str) -> Any:
            found = await self._memory.read(register, [key])
            if not found:
                return None
            return found[0] if register == "services" else found[0].value

        return _read


class _Registers:
    """The registers of such a transaction: `several` of them is remembered."""

    def __init__(self, memory: _Remembering) -> None:
        self._memory = memory

    def __getattr__(self, name: str) -> Any:
        register = getattr(self._memory.inner.registers, name)
        return _Several(register, name, self._memory) if name in _SINGLE.values() else register


class _Several:
    """A register whose method `several` is remembered."""

    def __init__(self, register: Register[Any], name: str, memory: _Remembering) -> None:
        self._register, self._name, self._memory = register, name, memory

    async def several(self, keys: Sequence[str]) -> Sequence[Stored[Any]]:
        """Return the existing records among `keys`."""
        return await self._memory.read(self._name, keys)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._register, name)
