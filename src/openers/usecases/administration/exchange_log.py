"""Export the exchange log to an application that administers for itself."""

from __future__ import annotations

from collections.abc import Sequence

from openers.domain.administration.administrator import Administrator
from openers.domain.exchanges.exchange import ExchangeBatch
from openers.usecases.administration.refusals import LogIsOff, NotAllowed
from openers.usecases.world import World


async def export_exchanges(
    after: int, by: Administrator, world: World, most_bytes: int, *, is_on: bool
) -> Sequence[ExchangeBatch]:
    """Return the next batches of the log. Raises NotAllowed for persons, LogIsOff."""
    if by.role is not None:
        cure = "use the token of an application that administers for itself, without a person"
        raise NotAllowed("persons may not read the exchange log", "Authorization", cure)
    if not is_on:
        cure = "set OPENERS_EXCHANGE_LOG=true and start the service again, without --frozen"
        raise LogIsOff("the service does not log exchanges", "path", cure)
    async with world.read() as tx:
        return await tx.exchanges.after(after, world.wall.now(), most_bytes)
