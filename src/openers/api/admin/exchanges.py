"""Handle requests for the exchange log: whole batches of lines (NDJSON), with a cursor.

Only an application that administers for itself reads the log, since it shows who has called what.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from openers.api.admin.gate import administrator_of
from openers.api.admin.reading import parameters_of
from openers.api.exchanges.line import exported
from openers.api.exchanges.log import ExchangeLog
from openers.api.gateway import Gateway
from openers.api.http.media import accepts
from openers.api.http.reply import Header, Reply
from openers.api.http.request import Stop
from openers.api.interaction import ActiveCall
from openers.usecases.administration.exchange_log import export_exchanges
from openers.usecases.administration.refusals import Malformed
from openers.wire import problems

NDJSON: Final = "application/x-ndjson"
CURSOR: Final = "x-openers-cursor"
MOST_BYTES: Final = 2**20
"""Bytes of a page, above which no further batch is added."""
_LONGEST_CURSOR: Final = 18


class ExchangeHandlers(msgspec.Struct, frozen=True):
    """The handler of the exchange log; `log` is that of this process, if the service logs exchanges."""

    gateway: Gateway
    log: ExchangeLog | None

    async def export(self, call: ActiveCall) -> Reply:
        """Return the exchanges after the cursor, if there are any yet, and the cursor after them."""
        by = await administrator_of(call.request, self.gateway, call.world)
        if not accepts(call.request.header(b"accept"), NDJSON):
            raise Stop(problems.not_acceptable(NDJSON))
        after = _after(parameters_of(call.request, frozenset({"cursor"})).get("cursor"))
        if self.log is not None:
            await self.log.settle()  # so that a caller finds its latest calls
        found = await export_exchanges(after, by, call.world, MOST_BYTES, is_on=self.log is not None)
        last = found[-1].number if found else after
        headers: tuple[Header, ...] = ((CURSOR.encode(), str(last).encode()),)
        if not found:
            return Reply(204, b"", headers)
        lines = b"".join([await asyncio.to_thread(exported, batch.lines) for batch in found])
        return Reply(200, lines, ((b"content-type", NDJSON.encode()), *headers))


def _after(cursor: str | None) -> int:
    """Return the number of the last batch that the caller knows. Raises Malformed."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= _LONGEST_CURSOR):
        cure = "send X-OpenERS-Cursor of the previous page as it came, or none for the first page"
        raise Malformed("the cursor is not one of this log", "cursor", cure)
    return int(cursor)
