"""Each worklist of A008 as a whole, in golden files; it uses a separate store, because a list shows all referrals."""

from __future__ import annotations

import httpx
import pytest

from tests.kit.documents.kept_replies import check_kept
from tests.kit.referrals.cast import Cast
from tests.kit.referrals.words import LETTER
from tests.kit.referrals.worklists import AWAITING, ISSUES, LETTERS, REJECTED, RETURNED, REVIEW, asking

pytestmark = pytest.mark.anyio


async def test_a_whole_list(own: Cast) -> None:
    """Rows are in order of urgency and waiting, with the same bytes on either database."""
    await check(own.consultant, "none", REVIEW)
    await own.awaiting_triage()
    reviewed = await own.done("A013", await own.booked())
    await own.with_letter(reviewed)
    await own.deferred()
    await own.rejected()
    await own.assessed()
    await own.refer(intention=LETTER, urgency="TWO_WEEK_WAIT")
    await check(own.consultant, "for_review", REVIEW)
    await check(own.consultant, "slot_issues", ISSUES)
    await check(own.gp, "rejected", REJECTED)
    await check(own.gp, "assessed", RETURNED)
    await check(own.gp, "awaiting_booking", AWAITING)
    await check(own.gp, "letters_outstanding", LETTERS)


async def check(client: httpx.AsyncClient, name: str, worklist: str) -> None:
    """Assert that the list equals its golden file."""
    asked = asking(worklist)
    asked["headers"] = {**asked["headers"], "X-Correlation-ID": "golden"}
    check_kept(f"a008/reply_{name}", await client.post(**asked))
