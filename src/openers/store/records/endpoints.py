"""Registered endpoints in SQL, with a table of their certificates for look-ups."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, select

from openers.domain.endpoints.endpoint import Endpoint
from openers.store.engine.statements import Connection, Statement, decoder, encode, upsert
from openers.store.engine.tables import endpoint_certificates, endpoints

_GET: Final = Statement(select(endpoints.c.body).where(endpoints.c.asid == bindparam("of_asid")))
_OF_CERTIFICATE: Final = Statement(
    select(endpoints.c.body)
    .join(endpoint_certificates, endpoint_certificates.c.asid == endpoints.c.asid)
    .where(endpoint_certificates.c.fingerprint == bindparam("of_fingerprint"))
)
_VERSION: Final = Statement(select(endpoints.c.version).where(endpoints.c.asid == bindparam("of_asid")))
_PUT: Final = upsert(endpoints)
_DROP: Final = Statement(delete(endpoint_certificates).where(endpoint_certificates.c.asid == bindparam("of_asid")))
_ADD: Final = upsert(endpoint_certificates)
_decoder: Final = decoder(Endpoint)


class SqlEndpoints:
    """The `Endpoints` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that reads and writes."""
        self._connection = connection

    async def get(self, asid: str) -> Endpoint | None:
        """Return the endpoint with this ASID."""
        row = await self._connection.row(_GET, {"of_asid": asid})
        return None if row is None else _decoder.decode(row[0])

    async def of_certificate(self, fingerprint: str) -> Endpoint | None:
        """Return the endpoint with which a certificate is registered."""
        row = await self._connection.row(_OF_CERTIFICATE, {"of_fingerprint": fingerprint})
        return None if row is None else _decoder.decode(row[0])

    async def put(self, endpoint: Endpoint) -> None:
        """Add or replace an endpoint with its certificates; raise its version."""
        asid = endpoint.asid
        before = await self._connection.row(_VERSION, {"of_asid": asid})
        row = {"organisation": endpoint.organisation, "version": 1 if before is None else int(before[0]) + 1}
        await self._connection.run(_PUT, {"asid": asid, "body": encode(endpoint), **row})
        await self._connection.run(_DROP, {"of_asid": asid})
        for each in endpoint.certificates:
            await self._connection.run(_ADD, {"fingerprint": each.fingerprint, "asid": asid})
