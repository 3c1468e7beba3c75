"""Membership of each list, typed from the rules: a referral in each state, for both sides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.kit.referrals.cast import STATES, Cast
from tests.kit.referrals.rig import SERVICE, Json
from tests.kit.referrals.words import ADVICE, AT_ONCE, LETTER, NO_LETTER, TRIAGE, cancelling, said
from tests.kit.referrals.worklists import (
    AWAITING,
    ISSUES,
    LETTERS,
    OF_PROVIDER,
    OF_REFERRER,
    REJECTED,
    RETURNED,
    REVIEW,
    fetched,
    members,
)
from tests.kit.service.requests import create_referral, criteria, shortlist

pytestmark = pytest.mark.anyio

ON: dict[str, tuple[str | None, str | None]] = {
    "not booked": (None, AWAITING),
    "awaiting triage": (REVIEW, AWAITING),
    "deferred": (ISSUES, AWAITING),
    "deferred with letter": (ISSUES, AWAITING),
    "booked": (REVIEW, None),
    "booked by telephone": (REVIEW, None),
    "triaged": (None, AWAITING),
    "returned": (None, REJECTED),
    "rejected": (None, REJECTED),
    "cancelled by the patient": (None, AWAITING),
    "cancelled by the provider": (None, AWAITING),
    "missed": (None, RETURNED),
    "assessed": (None, RETURNED),
    "cancelled": (None, None),
}
"""The provider's and the referrer's list for each state of a referral without an intended letter.

In the cancelled state, the referrer has cancelled.
"""


async def lists_of(client: httpx.AsyncClient, worklists: tuple[str, ...], referral: Json) -> list[str]:
    """Return the lists on which the client sees the referral."""
    return [each for each in worklists if referral["id"] in members(await fetched(client, each))]


def test_every_state_is_in_the_table() -> None:
    """The table has exactly the states that tests can create."""
    assert ON.keys() == STATES.keys()


@pytest.mark.parametrize("name", STATES)
async def test_a_state_is_on_the_lists_that_the_rules_say(cast: Cast, name: str) -> None:
    """Each state is on the lists of the rules, for both sides."""
    _, make = STATES[name]
    referral = await make(cast)
    provider, referrer = ON[name]
    assert await lists_of(cast.provider(referral), OF_PROVIDER, referral) == ([provider] if provider else [])
    expected = [referrer] if referrer else []
    if name == "assessed":  # the only one with an intended letter
        expected = [*expected, LETTERS]
    assert await lists_of(cast.gp, OF_REFERRER, referral) == expected


@pytest.mark.parametrize("name", ["booked", "deferred", "awaiting triage"])
async def test_what_is_cancelled_by_others_comes_back_to_its_referrer(cast: Cast, name: str) -> None:
    """A referral that its provider cancels is on the referrer's list of returned referrals, and on no provider list."""
    referral = await STATES[name][1](cast)
    reason = cancelling("PATIENT_DIED")
    reply = await cast.do("A036", referral, reason, said("cancellationComments", "moved"), by=cast.provider(referral))
    assert reply.status_code == 200, reply.text
    assert await lists_of(cast.gp, OF_REFERRER, referral) == [RETURNED]
    assert await lists_of(cast.provider(referral), OF_PROVIDER, referral) == []


async def test_a_letter_is_outstanding_until_it_comes(cast: Cast) -> None:
    """The letter is outstanding in any state in which it could still be sent."""
    made = [await cast.refer(intention=LETTER), await cast.booked(LETTER), await cast.refer(SERVICE, intention=LETTER)]
    reply = await cast.rig.defer(made[2], "BOOKING_ATTEMPT_PROBLEM")
    assert reply.status_code == 201
    for referral in made:
        now = await cast.rig.read(referral)
        assert LETTERS in await lists_of(cast.gp, OF_REFERRER, now)
        await cast.with_letter(now)
        assert LETTERS not in await lists_of(cast.gp, OF_REFERRER, now)
    gone = await cast.refer(intention=LETTER)
    await cast.done("A036", gone)
    assert LETTERS not in await lists_of(cast.gp, OF_REFERRER, gone)


async def test_a_letter_that_is_given_up_is_not_outstanding(cast: Cast) -> None:
    """A031 may change the intention, both ways."""
    referral = await cast.refer(intention=LETTER)
    given_up = await cast.done("A031", referral, shortlist(SERVICE), NO_LETTER, AT_ONCE)
    assert LETTERS not in await lists_of(cast.gp, OF_REFERRER, referral)
    await cast.done("A031", given_up, shortlist(SERVICE), LETTER, AT_ONCE)
    assert LETTERS in await lists_of(cast.gp, OF_REFERRER, referral)


async def reviewed(cast: Cast) -> Json:
    """Create a booked referral that has been accepted (A013)."""
    return await cast.done("A013", await cast.booked())


async def returned(cast: Cast) -> Json:
    """Create a triage request that was returned with advice (A028)."""
    return await cast.done("A028", await cast.awaiting_triage(), *ADVICE)


@pytest.mark.parametrize("review", [reviewed, returned])
async def test_what_is_reviewed_leaves_the_list(cast: Cast, review: Callable[[Cast], Awaitable[Json]]) -> None:
    """An accepted or returned referral needs no further review."""
    referral = await review(cast)
    assert await lists_of(cast.consultant, OF_PROVIDER, referral) == []


async def test_what_changes_after_a_review_is_to_be_reviewed_again(cast: Cast) -> None:
    """A letter after A013 puts the referral back on the list for review."""
    referral = await cast.with_letter(await reviewed(cast))
    assert await lists_of(cast.consultant, OF_PROVIDER, referral) == [REVIEW]


async def test_a_list_is_in_the_order_of_priority_then_of_waiting(cast: Cast) -> None:
    """Two-week waits come first, then urgent, then routine; within each, the longest waiting come first."""
    made = [
        (urgency, (await cast.refer(TRIAGE, urgency=urgency))["id"])
        for urgency in ("ROUTINE", "TWO_WEEK_WAIT", "URGENT", "ROUTINE", "URGENT", "TWO_WEEK_WAIT")
    ]
    expected = [ubrn for wanted in ("TWO_WEEK_WAIT", "URGENT", "ROUTINE") for each, ubrn in made if each == wanted]
    for _ in range(2):
        listed = members(await fetched(cast.gp, AWAITING))
        assert [each for each in listed if each in expected] == expected


async def test_an_earlier_pathway_waits_longer(own: Cast) -> None:
    """The pathway start counts, not the creation of the referral; a new priority changes the position."""
    early, late = "2026-01-31T09:30:00.000Z", "2026-03-31T09:30:00.000Z"
    begun: dict[str | None, Json] = {}
    for start in (late, early, None):
        more = () if start is None else ({"name": "eReferralPathwayStart", "valueInstant": start},)
        created = await own.gp.post(**create_referral(NO_LETTER, *more, services=[SERVICE]))
        assert created.status_code == 201, created.text
        begun[start] = created.json()
    order = [begun[early]["id"], begun[late]["id"], begun[None]["id"]]
    assert members(await fetched(own.gp, AWAITING)) == order
    sooner = shortlist(SERVICE, of=criteria(priority="TWO_WEEK_WAIT"))
    await own.done("A031", begun[None], sooner, NO_LETTER, AT_ONCE)
    assert members(await fetched(own.gp, AWAITING)) == [order[2], *order[:2]]
