"""Fetch a worklist (A008). Rows that the caller has cached in the current version are not read again.

Patients whose records cannot be used are left out silently. No reply may mention such a record, and a single one must
not make a list unusable. Source: rules chapters 1.3, 2.2 and 4 (A008).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

import msgspec

from openers.domain.appointment import CancellationReason
from openers.domain.errors import DailyLimitReached, Field, MissingValue, TooManyItems
from openers.domain.identifiers import ServiceId
from openers.domain.lifecycle import ReferralState
from openers.domain.principal import Party, Principal
from openers.domain.referral import Referral
from openers.domain.referral_worklists import CALLS_A_DAY, LARGEST, Worklist
from openers.domain.worklists import WorklistFilter
from openers.usecases.ports.transaction import Stored, Tx
from openers.usecases.ports.worklists import Listed
from openers.usecases.worklists.worklist_filters import check_filter
from openers.usecases.world import World

SHORTEST_ROW = 512
"""Lower bound of a row's size in bytes; it limits how much of an oversized list is read."""
MOST = LARGEST // SHORTEST_ROW
"""Maximum number of entries that are read."""
SECONDS_A_DAY = 86_400
ACT = "fetch worklist"
"""The act that the audit records for a counted call."""
GIVEN_REASONS = frozenset(
    {
        ReferralState.REJECTED,
        ReferralState.CANCELLED_REFERRAL,
        ReferralState.APPT_CANCELLED_BY_PATIENT,
        ReferralState.APPT_CANCELLED_BY_PROVIDER,
    }
)
"""States whose reason a referrer's list shows (rules 11.2 row 19; TRIAGE_RESPONSE has none that a list could show)."""


class FetchWorklist(msgspec.Struct, frozen=True, kw_only=True):
    """The list, the caller, and the filter for its entries."""

    by: Principal
    worklist: Worklist
    wanted: WorklistFilter = WorklistFilter()


class ListedReferral(msgspec.Struct, frozen=True):
    """A referral as a list shows it, with its reason and the reason's current display text."""

    referral: Stored[Referral]
    reason: CancellationReason | None

    @property
    def key(self) -> str:
        """The UBRN."""
        return self.referral.key

    @property
    def version(self) -> int:
        """The version of the referral, which is also the row's."""
        return self.referral.version


class Fetched(msgspec.Struct, frozen=True):
    """The entries in order, and the rows that the caller had not cached, by UBRN."""

    members: Sequence[Listed]
    rows: dict[str, ListedReferral]


async def fetch_worklist(
    query: FetchWorklist, not_at_hand: Callable[[Sequence[Listed]], Sequence[Listed]], world: World
) -> Fetched:
    """Return the list. `not_at_hand` returns the entries whose rows must be read.

    Raises a `FieldRefused`, NoRelationship, DailyLimitReached.
    """
    async with _transaction(query, world) as tx:
        members = await _members(query, world, tx)
        if len(members) == MOST:
            raise too_long(query.worklist)
        hidden = await world.patients.unusable(frozenset(each.patient for each in members), tx)
        shown = [each for each in members if each.patient not in hidden] if hidden else members
        fresh = await tx.referrals.several([each.key for each in not_at_hand(shown)])
    return Fetched(shown, {each.key: ListedReferral(each, _reason(each.value, world)) for each in fresh})


def too_long(worklist: Worklist) -> TooManyItems:
    """Return the refusal of a list that is larger than the maximum."""
    way_out = "filter it by service, specialty, location or clinician"
    hint = way_out if worklist.party is Party.PROVIDER else "deal with some of its requests first"
    return TooManyItems(Field.LIST_TYPE, worklist, f"is longer than {LARGEST // 2**20} MB: {hint}")


def _transaction(query: FetchWorklist, world: World) -> AbstractAsyncContextManager[Tx]:
    """Return a transaction: calls of applications are counted, so they write; those of people only read."""
    return world.begin(ACT) if query.by.is_application else world.read()


async def _members(query: FetchWorklist, world: World, tx: Tx) -> Sequence[Listed]:
    if query.worklist.party is Party.REFERRER:
        return await tx.worklists.of_referrer(query.worklist, query.by, MOST)
    service = query.wanted.service
    world.entry.services = () if service is None else (service,)
    if service is None and query.by.is_application:
        raise MissingValue(Field.SERVICE, hint="an application must name one service")
    await check_filter(query.wanted, query.by, world, tx)
    if service is not None and query.by.is_application:
        await _count_call(query.by, service, world, tx)
    return await tx.worklists.of_provider(query.worklist, query.by, query.wanted, MOST)


async def _count_call(by: Principal, service: ServiceId, world: World, tx: Tx) -> None:
    """Count the call. Days follow the wall clock, so moving a test's clock does not lift the limit."""
    now = world.wall.now()
    if await tx.worklists.count_call(by.application, service, now.date()) > CALLS_A_DAY:
        left_s = SECONDS_A_DAY - int((now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds())
        hint = f"was requested {CALLS_A_DAY} times today, which is the limit: retry after midnight (UTC)"
        raise DailyLimitReached(Field.SERVICE, service, hint, left_s)


def _reason(referral: Referral, world: World) -> CancellationReason | None:
    """Return the reason of the cancellation, with its display text."""
    reason = referral.state_reason if referral.state in GIVEN_REASONS else None
    if not isinstance(reason, CancellationReason) or reason.display is not None:
        return reason if isinstance(reason, CancellationReason) else None
    concept = world.reference.code_system(reason.system).concepts.get(reason.code)
    return msgspec.structs.replace(reason, display=concept.display if concept else reason.code)
