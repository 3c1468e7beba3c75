"""Dated code sets in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select

from openers.domain.services.code_sets import CodeSet
from openers.store.engine import tables
from openers.store.engine.statements import Statement
from openers.store.registers.table import SqlRegister

_ALL: Final = Statement(select(tables.code_sets.c.body).order_by(tables.code_sets.c.starts))
_EDITION: Final = Statement(select(func.coalesce(func.sum(tables.code_sets.c.version), 0)))


class SqlCodeSets(SqlRegister[CodeSet]):
    """The register of code sets."""

    __slots__ = ()

    async def active(self) -> Sequence[CodeSet]:
        """Return all sets that have not ended, in the order of their days."""
        sets = [self._of.decoder.decode(row[0]) for row in await self._connection.rows(_ALL, {})]
        return [each for each in sets if each.active]

    async def edition(self) -> int:
        """Return the sum of all versions: no set is ever removed, so it rises with each change."""
        row = await self._connection.row(_EDITION, {})
        return 0 if row is None else int(row[0])
