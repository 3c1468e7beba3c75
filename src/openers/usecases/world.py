"""A world: the state of one e-Referral Service and everything it depends on, in one frozen value.

Production has one; tests and forks have many. For each request the edge finds the world and binds the call's audit
entry to it (`for_call`). No other object holds a store or a clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from urllib.parse import urlsplit

import msgspec

from openers.domain.audit import AuditEntry
from openers.domain.clock import Clock
from openers.domain.ids import Ids
from openers.domain.slots import Polling
from openers.usecases.listings_cache import ListingsCache
from openers.usecases.ports.access_codes import CodeSeal
from openers.usecases.ports.booking import Pas
from openers.usecases.ports.events import EventFeed, WebhookSender
from openers.usecases.ports.files import Blobs, Scanner
from openers.usecases.ports.log_outs import LogOutSender
from openers.usecases.ports.neighbours import Mirroring, OrganisationSource
from openers.usecases.ports.paper import Typesetter
from openers.usecases.ports.transaction import PatientSource, ReferenceData, Store, Tx


class World(msgspec.Struct, frozen=True, kw_only=True):
    """One world, bound to one call.

    `name` is unique, also in the future, so that caches use it. `base_url` is its one public address, without a slash
    at its end: the issuer of its tokens and the beginning of its links, whichever way a request has named the world.
    `clock` gives the time of referrals and can be moved in tests. `wall` gives the time of tokens, limits and signed
    addresses, and cannot. `ids` are seeded in test worlds and never used for secrets. `polling` gives the interval and
    the horizon for polling slots from `pas`. With `mirroring`, patients come from PDS, and the store mirrors them.
    With `ods`, organisations can be refreshed from ODS.
    """

    name: str
    base_url: str
    store: Store
    clock: Clock
    wall: Clock
    ids: Ids
    patients: PatientSource
    pas: Pas
    blobs: Blobs
    scanner: Scanner
    reference: ReferenceData
    listings: ListingsCache
    typesetter: Typesetter
    seal: CodeSeal
    feed: EventFeed
    sender: WebhookSender
    log_outs: LogOutSender
    entry: AuditEntry
    polling: Polling = Polling()
    mirroring: Mirroring | None = None
    ods: OrganisationSource | None = None

    @property
    def fhir_base_url(self) -> str:
        """Return the base address of the FHIR versions (`/STU3`, `/R4`), without a slash at its end."""
        return f"{self.base_url}/referrals/FHIR"

    @property
    def public_name(self) -> str:
        """Return the name without the part after a dot that makes the name of a fork or a kept world unique."""
        return self.name.partition(".")[0]

    @property
    def root(self) -> str:
        """Return the path of its address: empty, or like `/w/name`."""
        return urlsplit(self.base_url).path

    def for_call(self, entry: AuditEntry) -> World:
        """Return the same world for the call that `entry` records."""
        return msgspec.structs.replace(self, entry=entry)

    def begin(self, act: str, lock: Sequence[str] = ()) -> AbstractAsyncContextManager[Tx]:
        """Return a transaction that commits with the call's audit entry, or changes nothing; every write uses it.

        `act` is the name of the act in the audit entry. `lock` holds the keys of the records that change; creations
        lock nothing. The body awaits only `tx`. Raises RecordLocked, Unavailable.
        """
        self.entry.act = act
        return self.store.begin(self.entry, tuple(sorted(lock)))

    def read(self) -> AbstractAsyncContextManager[Tx]:
        """Return a view of the current state that only reads."""
        return self.store.read()
