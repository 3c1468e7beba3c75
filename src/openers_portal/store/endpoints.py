"""Endpoints in the store. Each query for one names its partner and its product too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from openers_portal.rules.endpoints import Endpoint
from openers_portal.store.tables import ENDPOINTS
from openers_web.database import Database

MOST_AT_ONCE: Final = 200
"""Endpoints that are read at one time."""
REPLIES_WITHIN: Final = timedelta(minutes=2)
"""After this time no reply of an environment comes any more."""


class HostTaken(Exception):
    """The environment has an endpoint with this host name already."""


class Endpoints:
    """The endpoints in the store."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Use a migrated database."""
        self._database, self._clock = database, clock

    async def add(self, partner: str, product: str, endpoint: Endpoint) -> None:
        """Store a new endpoint. Raises HostTaken."""
        values = {
            "asid": endpoint.asid,
            "host": f"{endpoint.environment} {endpoint.fqdn}",
            "partner": partner,
            "product": product,
            "body": msgspec.json.encode(endpoint),
        }
        try:
            await self._database.run(lambda db: db.execute(insert(ENDPOINTS).values(**values)))
        except IntegrityError:
            raise HostTaken from None

    async def of_product(self, partner: str, product: str) -> Sequence[Endpoint]:
        """Return the endpoints of a product."""
        query = select(ENDPOINTS.c.body).where(ENDPOINTS.c.partner == partner, ENDPOINTS.c.product == product)
        rows = await self._database.run(lambda db: db.execute(query.order_by(ENDPOINTS.c.asid)).scalars().all())
        return [msgspec.json.decode(each, type=Endpoint) for each in rows]

    async def of_partner(self, partner: str) -> Sequence[Endpoint]:
        """Return the endpoints of a partner."""
        query = select(ENDPOINTS.c.body).where(ENDPOINTS.c.partner == partner).order_by(ENDPOINTS.c.asid)
        rows = await self._database.run(lambda db: db.execute(query).scalars().all())
        return [msgspec.json.decode(each, type=Endpoint) for each in rows]

    async def one(self, partner: str, product: str, asid: str) -> Endpoint | None:
        """Return one endpoint of a product."""
        return next((each for each in await self.of_product(partner, product) if each.asid == asid), None)

    async def ending(self) -> AsyncIterator[tuple[str, str, Endpoint]]:
        """Yield each endpoint whose last certificate ends soon, after its partner and its product."""
        now = self._clock()
        async for partner, product, found in self._all():
            ends = found.ends()
            if ends is not None and found.ends_soon(now) and ends > now:
                yield partner, product, found

    async def unsettled(self) -> AsyncIterator[Endpoint]:
        """Yield each endpoint for which a certificate was asked for long ago, without a known reply."""
        before = self._clock() - REPLIES_WITHIN
        async for _, _, found in self._all():
            if found.asked is not None and found.asked < before:
                yield found

    async def _all(self) -> AsyncIterator[tuple[str, str, Endpoint]]:
        """Yield each endpoint after its partner and its product."""
        columns = ENDPOINTS.c
        query = select(columns.asid, columns.partner, columns.product, columns.body).order_by(columns.asid)
        last: str | None = ""
        while last is not None:
            part = query.where(columns.asid > last).limit(MOST_AT_ONCE)
            rows = await self._database.run(lambda db, part=part: db.execute(part).all())
            last = rows[-1][0] if rows else None
            for _, partner, product, body in rows:
                yield partner, product, msgspec.json.decode(body, type=Endpoint)

    async def change(self, asid: str, change: Callable[[Endpoint], Endpoint]) -> Endpoint:
        """Replace an endpoint by what `change` makes of it; concurrent changes wait. Raises LookupError."""
        query = select(ENDPOINTS.c.body).where(ENDPOINTS.c.asid == asid).with_for_update()

        def work(db: Connection) -> Endpoint:
            body = db.execute(query).scalar()
            if body is None:
                raise LookupError(asid)
            changed = change(msgspec.json.decode(body, type=Endpoint))
            stored = update(ENDPOINTS).where(ENDPOINTS.c.asid == asid)
            db.execute(stored.values(body=msgspec.json.encode(changed)))
            return changed

        return await self._database.run(work)
