"""Put the parts of a log-in together from a few settings."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import anyio
import msgspec

from openers_web.csrf import FormTokens
from openers_web.database import Database
from openers_web.log_in.gate import Gate
from openers_web.log_in.provider import Client, Provider
from openers_web.log_in.relying_party import RelyingParty
from openers_web.log_in.routes import CALLBACK
from openers_web.sealing import Sealer
from openers_web.sessions import TABLES, Clock, SessionStore

PURGE_EVERY_S: Final = 3600


class LogInSettings(msgspec.Struct, frozen=True):
    """What an application must know for its log-in.

    `name` is part of the cookies' names, so it has only letters. `keys` have 32 bytes each; the first one seals.
    """

    name: str
    base_url: str
    client: Client
    store_url: str
    keys: Sequence[bytes]


class LogInParts(msgspec.Struct, frozen=True):
    """The parts. An application uses the gate, and the store's database only to close it."""

    gate: Gate
    store: SessionStore
    provider: Provider
    database: Database

    async def open(self) -> None:
        """Create the tables of the store."""
        await self.database.create()

    async def purge_hourly(self) -> None:
        """Delete what has ended, now and then each hour, for ever. Run it in a task of the application's lifespan."""
        while True:
            await self.store.purge()
            await anyio.sleep(PURGE_EVERY_S)

    async def close(self) -> None:
        """Close connections."""
        await self.provider.close()
        await self.database.close()


def assemble(settings: LogInSettings, clock: Clock = time.time) -> LogInParts:
    """Return the parts of a log-in. Raises ValueError for a key or store address that cannot be used."""
    sealer = Sealer(settings.keys)
    database = Database(settings.store_url, TABLES)
    store = SessionStore(database, sealer, clock)
    provider = Provider(settings.client, clock)
    party = RelyingParty(provider, store, f"{settings.base_url.rstrip('/')}{CALLBACK}", clock)
    gate = Gate(settings.name, settings.base_url, party, store, FormTokens(sealer.derived("forms")))
    return LogInParts(gate, store, provider, database)
