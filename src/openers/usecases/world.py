"""A world: all that one e-Referral Service remembers and depends on, in one frozen value.

Production has one; tests and forks have many. The edge resolves it once a request and binds the call's audit entry
to it (`for_call`); nothing else holds a store or a clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import msgspec

from openers.domain.audit import AuditEntry
from openers.domain.clock import Clock
from openers.domain.ids import Ids
from openers.domain.listings import Listings
from openers.domain.search import Listing
from openers.domain.slots import Polling
from openers.usecases.ports.access_codes import CodeSeal
from openers.usecases.ports.booking import Pas
from openers.usecases.ports.events import EventFeed, WebhookSender
from openers.usecases.ports.files import Blobs, Scanner
from openers.usecases.ports.paper import Typesetter
from openers.usecases.ports.transaction import PatientSource, ReferenceData, Store, Tx


class ListingsShelf:
    """Keeps the directory's index beside the store and replaces it whole when the directory has changed."""

    def __init__(self, reference: ReferenceData) -> None:
        """`reference` locates the services' postcodes."""
        self._reference = reference
        self._current: Listings | None = None
        self._generation = 0

    async def at(self, tx: Tx, generation: int) -> Listings:
        """The index of the directory as `tx` sees it, in a store of this generation."""
        version = await tx.directory.version()
        if self._current is None or self._current.version != version or self._generation != generation:
            self._generation = generation
            locate = self._reference.locate
            services = await tx.directory.published()
            self._current = Listings(version, (Listing.of(each, locate(each.postcode)) for each in services))
        return self._current


class World(msgspec.Struct, frozen=True, kw_only=True):
    """One world, bound to one call.

    `clock` is the time of all that a referral says and can be moved in tests; `wall` is the time of tokens, limits
    and signed addresses and can't. `ids` are seeded in test worlds and are never used for secrets. `polling` says how
    often the slots behind `pas` are asked for.
    """

    name: str
    store: Store
    clock: Clock
    wall: Clock
    ids: Ids
    patients: PatientSource
    pas: Pas
    blobs: Blobs
    scanner: Scanner
    reference: ReferenceData
    listings: ListingsShelf
    typesetter: Typesetter
    seal: CodeSeal
    feed: EventFeed
    sender: WebhookSender
    entry: AuditEntry
    polling: Polling = Polling()

    def for_call(self, entry: AuditEntry) -> World:
        """The same world for the call that `entry` records."""
        return msgspec.structs.replace(self, entry=entry)

    def begin(self, act: str, lock: Sequence[str] = ()) -> AbstractAsyncContextManager[Tx]:
        """The only way to write: a transaction that commits with the call's audit entry, or changes nothing.

        `act` names what is done, for the audit; `lock` the keys of the records that are changed (creations lock
        nothing). The body awaits `tx` and nothing else. Raises RecordLocked, Unavailable.
        """
        self.entry.act = act
        return self.store.begin(self.entry, tuple(sorted(lock)))

    def read(self) -> AbstractAsyncContextManager[Tx]:
        """A view of the present state, for reading alone."""
        return self.store.read()
