"""Caches the search index of the directory, and changes it by what has changed.

The first index is built at start, in parts. Later, each process reads the services that changed since its own version:
after its own changes, before each search, and once a second. A replaced store needs a new index.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from openers.domain.directory import Service
from openers.domain.identifiers import ServiceId
from openers.domain.listings import Listings
from openers.domain.search import Listing
from openers.domain.services.access import Rules
from openers.usecases.ports.transaction import ReferenceData, Tx

READ_AT_ONCE: Final = 200
"""Services that are read and indexed without a pause; it takes a few milliseconds."""


async def _no_pause() -> None:
    """Do not let other tasks run: an act on SQLite must not suspend."""


class ListingsCache:
    """The search index of one world."""

    def __init__(self, reference: ReferenceData) -> None:
        """Use `reference` to locate the services' postcodes."""
        self._reference = reference
        self._current: Listings | None = None
        self._generation = 0

    async def at(self, tx: Tx, generation: int) -> Listings:
        """Return the index of the directory as `tx` sees it, in a store of this generation."""
        return await self._brought_up(tx, generation, _no_pause)

    async def prepare(self, tx: Tx, generation: int) -> None:
        """Build the index, or change it by what has changed, with pauses for other tasks. `tx` only reads."""
        await self._brought_up(tx, generation, lambda: asyncio.sleep(0))

    async def follow(self, tx: Tx, generation: int) -> None:
        """Change the index by what has changed, with pauses for other tasks, if it exists. `tx` only reads."""
        if self._current is not None and self._generation == generation:
            await self._catch_up(self._current, tx, lambda: asyncio.sleep(0))

    async def _brought_up(self, tx: Tx, generation: int, pause: Callable[[], Awaitable[None]]) -> Listings:
        current = self._current
        if current is None or self._generation != generation:
            current = await self._built(tx, pause)
            self._current, self._generation = current, generation
        await self._catch_up(current, tx, pause)
        return current

    async def _built(self, tx: Tx, pause: Callable[[], Awaitable[None]]) -> Listings:
        """Return a new index. Changes during the build have a later version, so they are read once more."""
        built = Listings(await tx.directory.version())
        after = 0
        while services := await tx.directory.published(after, READ_AT_ONCE):
            rules = await tx.registers.rules.of_services([each.id for each in services])
            for service in services:
                built.change(service.id, self._listing(service, rules))
            after = int(services[-1].id)
            await pause()
        return built

    async def _catch_up(self, index: Listings, tx: Tx, pause: Callable[[], Awaitable[None]]) -> None:
        """Change the index by the services that changed after its version."""
        version = await tx.directory.version()
        while index.version < version:
            changes = await tx.directory.changed(index.version, READ_AT_ONCE)
            rules = await tx.registers.rules.of_services([each.id for _, each in changes])
            for changed, service in changes:
                if changed > index.version:  # otherwise another task has done it during the read
                    index.change(service.id, self._listing(service, rules) if service.is_published else None)
                    index.version = changed
            if len(changes) < READ_AT_ONCE:
                index.version = max(index.version, version)
            await pause()

    def _listing(self, service: Service, rules: dict[ServiceId, Rules]) -> Listing:
        return Listing.of(service, self._reference.locate(service.postcode), rules.get(service.id, ()))
