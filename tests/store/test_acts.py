"""Single and concurrent acts on both databases: all or nothing, only once, and without lost updates."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from openers.domain.credentials import CredentialKind, Session
from openers.domain.directory import Assurance
from openers.domain.errors import Unavailable, VersionConflict
from openers.domain.identifiers import Ubrn, UserId
from openers.domain.referral import Referral
from openers.store.opening import open_store
from openers.usecases.ports.transaction import Store, Stored
from tests.kit.store.outside import fetch
from tests.kit.store.records import (
    KEY,
    NOON,
    add_referral,
    caller,
    claim,
    entry,
    fails_after_writing,
    found,
    referral,
)

pytestmark = pytest.mark.anyio
CODE = CredentialKind.AUTHORISATION_CODE


async def sealed(store: Store, url: str) -> bytes:
    """Seal all audit entries, and return them."""
    await store.upkeep()
    return b"".join(bytes(row[0]) for row in await fetch(url, "SELECT entries FROM audit_blocks ORDER BY seq"))


async def test_an_act_that_fails_leaves_nothing(store: Store, empty_url: str) -> None:
    """A failed act leaves no record, due work or audit entry, and the store still works."""
    with pytest.raises(LookupError):
        async with store.begin(entry("failing")) as tx:
            await fails_after_writing(tx, referral(1))
    async with store.read() as tx:
        assert not await tx.due.planned("remind", Ubrn.of(1))
    assert await found(store, Ubrn.of(1)) is None
    await add_referral(store, referral(1))
    audit = await sealed(store, empty_url)
    assert (b"failing" in audit, audit.count(b'"add"')) == (False, 1)


async def test_an_entry_that_cannot_be_written_is_refused_by_an_error_of_the_domain(
    store: Store, empty_url: str
) -> None:
    """An entry with a lone surrogate is refused; the entries beside it are written."""
    written = [store.witness(entry(about)) for about in ("one", "bad \ud800", "two")]
    ended = await asyncio.gather(*written, return_exceptions=True)
    assert [type(each) for each in ended] == [type(None), Unavailable, type(None)]
    audit = await sealed(store, empty_url)
    assert (b'"one"' in audit, b'"two"' in audit, b"bad" in audit) == (True, True, False)


async def test_an_act_that_fails_does_not_touch_those_beside_it(store: Store, empty_url: str) -> None:
    """Of acts that start together, each succeeds or fails on its own."""

    async def failing(number: int) -> None:
        async with store.begin(entry("failing")) as tx:
            await fails_after_writing(tx, referral(number))

    acts = [failing(each) if each % 3 == 0 else add_referral(store, referral(each)) for each in range(1, 13)]
    ended = await asyncio.gather(*acts, return_exceptions=True)
    assert [isinstance(each, LookupError) for each in ended] == [each % 3 == 0 for each in range(1, 13)]
    kept = [await found(store, Ubrn.of(each)) is not None for each in range(1, 13)]
    assert kept == [each % 3 != 0 for each in range(1, 13)]
    assert (await sealed(store, empty_url)).count(b"\n") == 8


async def test_of_two_changes_to_one_version_one_is_made(store: Store) -> None:
    """Only one of several changes to one version succeeds; the others get a version conflict."""
    old = await add_referral(store, referral(1))

    async def change(days: int) -> Stored[Referral]:
        async with store.begin(entry(), (old.key,)) as tx:
            current = await tx.referrals.get(Ubrn.of(1), caller(), version=old.version)
            return await tx.referrals.put(current, referral(1, reminder_days=days))

    ended = await asyncio.gather(change(1), change(2), change(3), return_exceptions=True)
    assert sorted(type(each).__name__ for each in ended) == ["Stored", "VersionConflict", "VersionConflict"]


async def test_two_changes_without_a_lock_clash_too(store: Store) -> None:
    """Without a lock, the stored version decides: one change succeeds, and the other gets a version conflict."""
    old = await add_referral(store, referral(1))

    async def change(days: int) -> None:
        async with store.begin(entry()) as tx:
            await tx.referrals.put(old, referral(1, reminder_days=days))

    ended = await asyncio.gather(change(1), change(2), return_exceptions=True)
    assert [each for each in ended if each is not None and not isinstance(each, VersionConflict)] == []
    assert ended.count(None) == 1


async def test_ubrns_are_unique_among_acts_started_together(store: Store) -> None:
    """Concurrent creations never get the same UBRN."""

    async def draw() -> list[Ubrn]:
        async with store.begin(entry()) as tx:
            return [await tx.referrals.next_ubrn() for _ in range(5)]

    drawn = [ubrn for each in await asyncio.gather(*(draw() for _ in range(20))) for ubrn in each]
    assert len(set(drawn)) == 100


async def test_a_code_is_taken_by_one_of_many(store: Store) -> None:
    """Of concurrent callers, only one takes an authorisation code."""
    session = Session(id="s", user=UserId("555000000001"), assurance=Assurance(), began=NOON, ends=NOON)
    async with store.begin(entry()) as tx:
        await tx.credentials.add(CODE, "code", session, NOON)

    async def take() -> Session | None:
        async with store.begin(entry()) as tx:
            return await tx.credentials.take(CODE, "code", Session)

    taken = await asyncio.gather(*(take() for _ in range(6)))
    assert sorted(each is not None for each in taken) == [False] * 5 + [True]


async def test_an_assertion_id_is_added_by_one_of_many(store: Store) -> None:
    """Of concurrent callers, only one adds an assertion id, so an assertion is valid once."""

    async def add() -> bool:
        async with store.begin(entry()) as tx:
            return await tx.credentials.add(CredentialKind.ASSERTION_ID, "jti", None, NOON)

    assert sorted(await asyncio.gather(*(add() for _ in range(6)))) == [False] * 5 + [True]


async def test_four_claimers_never_get_the_same_item(store: Store) -> None:
    """Concurrent claimers together get each item once."""
    async with store.begin(entry()) as tx:
        for number in range(60):
            await tx.due.add("remind", f"{number}", NOON)

    async def drain() -> list[str]:
        mine: list[str] = []
        while items := await claim(store, NOON, most=4):
            mine += [each.key for each in items]
        return mine

    given = Counter(key for mine in await asyncio.gather(*(drain() for _ in range(4))) for key in mine)
    async with store.read() as tx:
        assert not await tx.due.waiting(NOON)
    assert given == Counter(f"{number}" for number in range(60))


async def test_a_waiting_caller_that_goes_away_breaks_nothing(store: Store, empty_url: str) -> None:
    """If a caller is cancelled during the group's commit, the others get their results.

    Every stored act has its audit entry.
    """
    going = [asyncio.create_task(add_referral(store, referral(each))) for each in (1, 2)]
    staying = [asyncio.create_task(add_referral(store, referral(each))) for each in (3, 4)]
    reading = asyncio.create_task(store.witness(entry("leaves")))
    await asyncio.sleep(0)
    for task in (*going, reading):
        task.cancel()
    await asyncio.gather(*staying)
    await asyncio.wait([*going, reading])
    assert [task.cancelled() for task in (*going, *staying, reading)] == [True, True, False, False, True]
    await store.witness(entry("after"))
    kept = [await found(store, Ubrn.of(each)) is not None for each in (1, 2, 3, 4)]
    assert kept[2:] == [True, True]
    assert (await sealed(store, empty_url)).count(b'"add"') == sum(kept)


async def test_entries_of_reads_and_refusals_are_there_when_their_callers_go_on(store: Store, empty_url: str) -> None:
    """Concurrent entries are each stored exactly once."""
    await asyncio.gather(*(store.witness(entry(f"read {number:03}")) for number in range(100)))
    audit = await sealed(store, empty_url)
    assert [audit.count(b'"read %03d"' % number) for number in range(100)] == [1] * 100


async def test_what_was_committed_is_there_after_a_restart(store: Store, empty_url: str) -> None:
    """Value, version and audit chain survive a restart."""
    stored = await add_referral(store, referral(1))
    await store.close()
    again = await open_store(empty_url, KEY)
    try:
        read = await found(again, Ubrn.of(1))
        assert read is not None
        assert (read.body, read.version) == (stored.body, stored.version)
        await again.witness(entry("later"))
        assert b"later" in await sealed(again, empty_url)
    finally:
        await again.close()
