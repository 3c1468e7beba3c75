"""Use cases of access codes, on both databases: try, lock, replace and remove a code."""

from __future__ import annotations

import asyncio

import pytest

from openers.domain.access_code import MOST_FAILURES, AccessCode
from openers.domain.errors import NoAccessCode, ReferenceNotFound
from openers.domain.identifiers import Ubrn
from openers.usecases.referring.access_codes import (
    Trial,
    TryAccessCode,
    access_code_of,
    reset_access_code,
    revoke_access_code,
    try_access_code,
)
from tests.kit.service.arrangements import created
from tests.kit.service.running import Running, entry
from tests.kit.store.outside import fetch

pytestmark = pytest.mark.anyio
UNKNOWN = Ubrn.of(999_999_999)
WRONG = "CCCC CCCC"


async def code_of(run: Running, ubrn: Ubrn) -> AccessCode:
    async with run.service.world.read() as tx:
        return await access_code_of(ubrn, run.service.world, tx)


async def tried(run: Running, ubrn: Ubrn, typed: str) -> Trial:
    return await try_access_code(TryAccessCode(ubrn, typed), run.service.world.for_call(entry()))


async def test_a_referral_is_made_with_a_code_that_fits(on_both: Running) -> None:
    ubrn = Ubrn(await created(on_both))
    code = await code_of(on_both, ubrn)
    assert await tried(on_both, ubrn, code) is Trial.FITS
    assert await tried(on_both, ubrn, code.grouped().lower()) is Trial.FITS
    assert await tried(on_both, ubrn, WRONG) is Trial.WRONG


async def test_each_referral_has_a_code_of_its_own(on_both: Running) -> None:
    one, other = Ubrn(await created(on_both)), Ubrn(await created(on_both))
    assert await tried(on_both, one, await code_of(on_both, other)) is Trial.WRONG


async def test_the_code_itself_is_nowhere_in_the_database(on_both: Running) -> None:
    ubrn = Ubrn(await created(on_both))
    code = await code_of(on_both, ubrn)
    url = on_both.service.settings.database_url
    ((sealed,),) = await fetch(url, "SELECT sealed FROM access_codes WHERE ubrn = ?", ubrn)
    assert code.encode() not in bytes(sealed)
    ((body,),) = await fetch(url, "SELECT body FROM referrals WHERE ubrn = ?", ubrn)
    assert code.encode() not in bytes(body)


async def test_after_some_wrong_ones_even_the_right_code_opens_nothing(on_both: Running) -> None:
    """Each wrong code is counted durably, and a right one resets the count."""
    ubrn = Ubrn(await created(on_both))
    code = await code_of(on_both, ubrn)
    for _ in range(MOST_FAILURES - 1):
        assert await tried(on_both, ubrn, WRONG) is Trial.WRONG
    assert await tried(on_both, ubrn, code) is Trial.FITS
    for _ in range(MOST_FAILURES):
        assert await tried(on_both, ubrn, WRONG) is Trial.WRONG
    assert await tried(on_both, ubrn, WRONG) is Trial.LOCKED
    assert await tried(on_both, ubrn, code) is Trial.LOCKED
    url = on_both.service.settings.database_url
    assert await fetch(url, "SELECT failures FROM access_codes WHERE ubrn = ?", ubrn) == [(MOST_FAILURES,)]


async def test_many_at_once_have_no_more_attempts_than_one(on_both: Running) -> None:
    ubrn = Ubrn(await created(on_both))
    trials = await asyncio.gather(*(tried(on_both, ubrn, WRONG) for _ in range(4 * MOST_FAILURES)))
    assert trials.count(Trial.WRONG) == MOST_FAILURES
    assert trials.count(Trial.LOCKED) == 3 * MOST_FAILURES


async def test_a_code_made_anew_replaces_the_locked_one(on_both: Running) -> None:
    ubrn = Ubrn(await created(on_both))
    before = await code_of(on_both, ubrn)
    for _ in range(MOST_FAILURES):
        await tried(on_both, ubrn, WRONG)
    await reset_access_code(ubrn, on_both.service.world.for_call(entry()))
    after = await code_of(on_both, ubrn)
    assert after != before
    assert await tried(on_both, ubrn, before) is Trial.WRONG
    assert await tried(on_both, ubrn, after) is Trial.FITS


async def test_a_code_taken_away_is_none_until_it_is_made_anew(on_both: Running) -> None:
    ubrn = Ubrn(await created(on_both))
    code = await code_of(on_both, ubrn)
    await revoke_access_code(ubrn, on_both.service.world.for_call(entry()))
    assert await tried(on_both, ubrn, code) is Trial.NONE
    with pytest.raises(NoAccessCode):
        await code_of(on_both, ubrn)
    await reset_access_code(ubrn, on_both.service.world.for_call(entry()))
    assert await tried(on_both, ubrn, await code_of(on_both, ubrn)) is Trial.FITS


async def test_a_referral_that_is_not_there_has_none(on_both: Running) -> None:
    assert await tried(on_both, UNKNOWN, WRONG) is Trial.NONE
    for act in (reset_access_code, revoke_access_code):
        with pytest.raises(ReferenceNotFound):
            await act(UNKNOWN, on_both.service.world.for_call(entry()))
    assert await tried(on_both, UNKNOWN, WRONG) is Trial.NONE
