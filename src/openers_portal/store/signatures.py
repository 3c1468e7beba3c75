"""Signatures of documents in the store. The first signature of a version stays; nothing replaces it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from openers_portal.rules.documents import Signature
from openers_portal.store.tables import SIGNATURES
from openers_web.database import Database


class AlreadySigned(Exception):
    """The partner has signed this version."""


class Signatures:
    """The signatures in the store."""

    def __init__(self, database: Database) -> None:
        """Use a migrated database."""
        self._database = database

    async def add(self, partner: str, signature: Signature) -> None:
        """Store a signature. Raises AlreadySigned."""
        values = {"partner": partner, "document": signature.document, "version": signature.version}
        query = insert(SIGNATURES).values(**values, body=msgspec.json.encode(signature))
        try:
            await self._database.run(lambda db: db.execute(query))
        except IntegrityError:
            raise AlreadySigned from None

    async def of_partner(self, partner: str) -> Sequence[Signature]:
        """Return the signatures of a partner, the oldest first."""
        query = select(SIGNATURES.c.body).where(SIGNATURES.c.partner == partner)
        rows = await self._database.run(lambda db: db.execute(query).scalars().all())
        return sorted((msgspec.json.decode(each, type=Signature) for each in rows), key=lambda each: each.at)
