"""Access codes in SQL. Callers pass them sealed."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, select

from openers.domain.identifiers import Ubrn
from openers.store.engine.statements import Connection, Statement, upsert
from openers.store.engine.tables import access_codes
from openers.usecases.ports.access_codes import KeptCode

_the_one: Final = access_codes.c.ubrn == bindparam("of_ubrn")
_GET: Final = Statement(select(access_codes.c.sealed, access_codes.c.failures).where(_the_one))
_PUT: Final = upsert(access_codes)
_DROP: Final = Statement(delete(access_codes).where(_the_one))


class SqlAccessCodes:
    """The `AccessCodes` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that reads and writes."""
        self._connection = connection

    async def get(self, ubrn: Ubrn) -> KeptCode | None:
        """Return the code of a referral, if it has one."""
        row = await self._connection.row(_GET, {"of_ubrn": ubrn})
        return None if row is None else KeptCode(*row)

    async def put(self, ubrn: Ubrn, kept: KeptCode) -> None:
        """Add or replace the code of a referral."""
        await self._connection.run(_PUT, {"ubrn": ubrn, "sealed": kept.sealed, "failures": kept.failures})

    async def drop(self, ubrn: Ubrn) -> None:
        """Delete the code of a referral, if it has one."""
        await self._connection.run(_DROP, {"of_ubrn": ubrn})
