"""Registered webhooks in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, delete, select, update

from openers.domain.webhooks import Webhook
from openers.store.engine.statements import Connection, Statement, decoder, encode
from openers.store.engine.tables import webhooks
from openers.store.registers.registers import SqlRegisters

_GET: Final = Statement(select(webhooks.c.body).where(webhooks.c.id == bindparam("of_id")))
_ALL: Final = Statement(select(webhooks.c.body).order_by(webhooks.c.id))
_PUT: Final = Statement(update(webhooks).where(webhooks.c.id == bindparam("of_id")).values(body=bindparam("body")))
_REMOVE: Final = Statement(delete(webhooks).where(webhooks.c.id == bindparam("of_id")))
_decoder: Final = decoder(Webhook)


class SqlWebhooks:
    """The `Webhooks` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that reads and writes."""
        self._connection = connection

    async def get(self, webhook: str) -> Webhook | None:
        """Return the webhook with this id."""
        row = await self._connection.row(_GET, {"of_id": webhook})
        return None if row is None else _decoder.decode(row[0])

    async def all(self) -> Sequence[Webhook]:
        """Return all webhooks, by id."""
        return [_decoder.decode(row[0]) for row in await self._connection.rows(_ALL, {})]

    async def put(self, webhook: Webhook) -> None:
        """Add a webhook, or replace it within its version: its progress is no change of the registration."""
        if not await self._connection.run(_PUT, {"of_id": webhook.id, "body": encode(webhook)}):
            await SqlRegisters(self._connection).webhooks.add(webhook)

    async def remove(self, webhook: str) -> bool:
        """Remove a webhook; return whether it existed."""
        return await self._connection.run(_REMOVE, {"of_id": webhook}) == 1
