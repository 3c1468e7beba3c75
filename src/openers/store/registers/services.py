"""Services in SQL: live ones, drafts, and the rules of commissioners. Searches learn of each change by its number."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import BigInteger, bindparam, cast, func, select, update

from openers.domain.directory import Service
from openers.domain.errors import VersionConflict
from openers.domain.identifiers import OdsCode, ServiceId
from openers.domain.services.access import CommissioningRule, Rules
from openers.domain.services.draft import ServiceDraft, name_key
from openers.store.engine import tables
from openers.store.engine.statements import Statement, Value, encode, texts
from openers.store.registers.table import SqlRegister
from openers.usecases.ports.stored import Stored

DIRECTORY_VERSION: Final = "directory_version"
_RAISE_VERSION: Final = Statement(
    update(tables.counters)
    .where(tables.counters.c.name == bindparam("key"))
    .values(value=tables.counters.c.value + bindparam("by", type_=BigInteger))
    .returning(tables.counters.c.value)
)
_live: Final = tables.services.c
_TOUCH: Final = Statement(
    update(tables.services).where(_live.id == bindparam("of_id")).values(changed=bindparam("number"))
)
_NAMESAKES: Final = Statement(
    select(_live.id)
    .where(_live.name_key == bindparam("of_name"))
    .union(select(tables.service_drafts.c.id).where(tables.service_drafts.c.name_key == bindparam("of_name")))
)
_above: Final = tables.services.alias()
_taken: Final = select(_above.c.id).where(_above.c.id == bindparam("number")).exists()
_next: Final = tables.services.alias()
_FREE_NUMBER: Final = Statement(
    select(func.min(_live.id + 1)).where(
        _taken, _live.id >= bindparam("number"), ~select(_next.c.id).where(_next.c.id == _live.id + 1).exists()
    )
)
"""Selects the first number above a taken one that no service has; nothing if the number is free."""
_rule: Final = tables.commissioning_rules.c


def _rules_of(*, postgres: bool, withdrawn: bool) -> Any:
    keys = texts("keys", postgres=postgres).subquery()
    wanted = select(cast(keys.c.value, BigInteger))
    return (
        select(_rule.service, _rule.commissioner, _rule.starts)
        .where(_rule.service.in_(wanted), *(() if withdrawn else (_rule.active == 1,)))
        .order_by(_rule.service, _rule.commissioner)
    )


_RULES_OF: Final = {
    withdrawn: Statement(*(_rules_of(postgres=postgres, withdrawn=withdrawn) for postgres in (False, True)))
    for withdrawn in (False, True)
}
"""Selects the rules of services; with `True`, withdrawn ones too."""


class SqlServices(SqlRegister[Service]):
    """The register of services. Each change gets the next version of the directory."""

    __slots__ = ()

    async def amend(self, old: Stored[Service], new: Service) -> None:
        """Replace a value without raising its version; searches learn of it."""
        row = {"of_key": int(old.key), "was": old.version, "version": old.version, "body": encode(new)}
        [columns] = await self._columns([new])
        if not await self._connection.run(self._of.put, {**row, **columns}):
            raise VersionConflict(old.version, await self._version(old.key))

    async def touch(self, service: ServiceId) -> None:
        """Let searches read a service again, since what others say of it has changed."""
        await self._connection.run(_TOUCH, {"of_id": int(service), "number": await self._raised()})

    async def namesakes(self, name: str) -> frozenset[ServiceId]:
        """Return the services, live and drafts, that have a name, whatever its capital letters."""
        rows = await self._connection.rows(_NAMESAKES, {"of_name": name_key(name)})
        return frozenset(ServiceId.restored(str(row[0])) for row in rows)

    async def next_id(self) -> ServiceId:
        """Return a number that no service has."""
        number = await self._connection.next_number("service")
        row = await self._connection.row(_FREE_NUMBER, {"number": number})
        if row is not None and row[0] is not None and int(row[0]) != number:
            number = int(row[0])
            await self._connection.set_number("service", number)
        return ServiceId(str(number))

    async def _columns(self, values: Sequence[Service]) -> Sequence[Mapping[str, Value]]:
        first = await self._raised(len(values)) - len(values) + 1
        return [
            {**self._of.layout.columns_of(value), "changed": number, "name_key": name_key(value.name)}
            for number, value in enumerate(values, start=first)
        ]

    async def _raised(self, by: int = 1) -> int:
        """Return the version of the directory after this many changes."""
        raised = await self._connection.row(_RAISE_VERSION, {"key": DIRECTORY_VERSION, "by": by})
        return by - 1 if raised is None else int(raised[0])


class SqlDrafts(SqlRegister[ServiceDraft]):
    """The register of drafts of services."""

    __slots__ = ()

    async def _columns(self, values: Sequence[ServiceDraft]) -> Sequence[Mapping[str, Value]]:
        return [{**self._of.layout.columns_of(value), "name_key": name_key(value.name)} for value in values]


class SqlRules(SqlRegister[CommissioningRule]):
    """The register of commissioning rules."""

    __slots__ = ()

    async def of_services(self, services: Sequence[ServiceId], *, withdrawn: bool = False) -> dict[ServiceId, Rules]:
        """Return the rules by service: those that are not withdrawn, or all."""
        rows = await self._connection.rows(_RULES_OF[withdrawn], {"keys": json.dumps(list(services))})
        found: dict[ServiceId, Rules] = {}
        for service, commissioner, starts in rows:
            number = ServiceId.restored(str(service))
            rule = (OdsCode.restored(commissioner), date.fromisoformat(starts))
            found[number] = (*found.get(number, ()), rule)
        return found

    async def _columns(self, values: Sequence[CommissioningRule]) -> Sequence[Mapping[str, Value]]:
        return [{**self._of.layout.columns_of(value), "service": int(value.service)} for value in values]
