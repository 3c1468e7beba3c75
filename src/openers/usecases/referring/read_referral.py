"""Read a referral (A005). Only the latest version can be read. Source: rules chapters 3.4 and 4 (A005)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from openers.domain.errors import HistoryNotSupported
from openers.domain.identifiers import Ubrn
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.usecases.finding import check_not_sensitive
from openers.usecases.ports.stored import Requests, Stored
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

T = TypeVar("T")


class ReadReferral(msgspec.Struct, frozen=True):
    """The referral to read, and the caller; `version` if a specific version is requested."""

    ubrn: Ubrn
    by: Principal
    version: int | None = None


async def read_referral(query: ReadReferral, world: World) -> Stored[Referral]:
    """Return the referral. Raises NotFound, NoRelationship, InvalidRequestType, PatientError, HistoryNotSupported."""
    return await read_latest(query, lambda tx: tx.referrals, world)


async def read_latest(query: ReadReferral, of: Callable[[Tx], Requests[T]], world: World) -> Stored[T]:
    """Return a request of either kind. Raises as `read_referral`."""
    world.entry.touched(ubrn=query.ubrn)
    async with world.read() as tx:
        stored = await of(tx).get(query.ubrn, query.by)
        world.entry.touched(patient=stored.patient)
        await check_not_sensitive(stored.patient, world, tx)
    if query.version is not None and query.version != stored.version:
        raise HistoryNotSupported(query.version, stored.version)
    return stored
