"""Long worklists: more than 10 MB is refused, and a part can still be fetched (rules 4, A008)."""

from __future__ import annotations

import random
from collections.abc import Iterator

import msgspec
import pytest

from openers.domain.identifiers import NhsNumber, OdsCode, ServiceId
from openers.domain.lifecycle import ReferralState
from openers.domain.referral import Referral
from openers.domain.review import Review
from openers.usecases.worklists.fetch_worklist import SHORTEST_ROW
from tests.kit.referrals.cast import Cast
from tests.kit.referrals.rig import code
from tests.kit.referrals.words import LETTER
from tests.kit.referrals.worklists import (
    OF_PROVIDER,
    OF_REFERRER,
    REVIEW,
    asking,
    fetched,
    members,
    of_service,
)
from tests.kit.service.requests import PATIENT
from tests.kit.service.running import CONSULTANT, Running
from tests.kit.store.crowd import Place, made, settle

pytestmark = pytest.mark.anyio

MOST_BYTES = 10 * 1024 * 1024
FIRST = 900_000


def for_review(first: int, count: int, service: str) -> Iterator[Referral]:
    """Yield triage requests that a service of the consultant has to review."""
    chance = random.Random(1)
    at = Place(OdsCode("D82106"), "RCD/Cardiology", ServiceId(service))
    for number in range(first, first + count):
        referral = made(number, ReferralState.AWAITING_TRIAGE, chance, at)
        yield msgspec.structs.replace(referral, patient=NhsNumber(PATIENT), review=Review(pending=True))


async def test_a_list_of_more_than_10_mb_is_refused_and_a_part_of_it_is_not(service: Running) -> None:
    """The refusal suggests a filter, and a list just below the limit is sent whole."""
    consultant = await service.as_person(CONSULTANT)
    await settle(service.service.world.store, for_review(FIRST, 100, "11004"))
    few = await consultant.post(**asking(REVIEW))
    a_row = len(few.content) // 100
    fitting = MOST_BYTES // a_row - 150
    await settle(service.service.world.store, for_review(FIRST + 100, fitting - 100, "11001"))
    whole = await consultant.post(**asking(REVIEW))
    assert whole.status_code == 200
    assert MOST_BYTES * 0.9 < len(whole.content) <= MOST_BYTES
    assert len(members(whole.json())) == fitting
    await settle(service.service.world.store, for_review(FIRST + fitting, 1000, "11001"))
    reply = await consultant.post(**asking(REVIEW))
    assert code(reply) == (422, "TOO_MANY_ITEMS")
    assert "10 MB" in reply.text
    assert "filter it by service" in reply.text
    assert len(members(await fetched(consultant, REVIEW, of_service("11004")))) == 100


async def test_a_list_of_very_many_is_refused_without_reading_it_all(service: Running) -> None:
    """So many rows would exceed the limit even if each were as short as possible."""
    consultant = await service.as_person(CONSULTANT)
    await settle(service.service.world.store, for_review(FIRST, MOST_BYTES // SHORTEST_ROW, "11001"))
    assert code(await consultant.post(**asking(REVIEW))) == (422, "TOO_MANY_ITEMS")


async def test_no_row_is_shorter_than_is_reckoned_with(own: Cast) -> None:
    """The estimate of the shortest row holds for every list."""
    for make in (own.awaiting_triage, own.deferred, own.returned, own.missed):
        await make()
    await own.refer("11002", intention=LETTER)
    for client, worklists in ((own.consultant, OF_PROVIDER), (own.gp, OF_REFERRER)):
        for worklist in worklists:
            reply = await client.post(**asking(worklist))
            listed = members(reply.json())
            empty = await (own.gp_elsewhere if client is own.gp else own.consultant_elsewhere).post(**asking(worklist))
            assert listed
            assert len(reply.content) - len(empty.content) >= SHORTEST_ROW * len(listed)
