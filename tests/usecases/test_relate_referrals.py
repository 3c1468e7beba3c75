"""Related referrals, on both databases: A005 shows a recorded relation, and an invalid relation is refused."""

from __future__ import annotations

from typing import Final

import pytest

from openers.domain.errors import InappropriateValue, InvalidState, NotFound
from openers.domain.identifiers import Ubrn
from openers.usecases.referring.relate_referrals import relate_referrals
from tests.kit.service.arrangements import created
from tests.kit.service.requests import NHS_NUMBER, Json, create_referral, identifier
from tests.kit.service.running import GP, Running, entry
from tests.kit.store.outside import fetch

pytestmark = pytest.mark.anyio
ELSE: Final = "9995655292"


async def read(run: Running, ubrn: str) -> Json:
    """Read the referral (A005)."""
    gp = await run.as_person(GP)
    return dict((await gp.get(f"/STU3/ReferralRequest/{ubrn}")).json())


async def related(run: Running, one: str, other: str) -> None:
    """Relate two referrals."""
    await relate_referrals(Ubrn(one), Ubrn(other), run.service.world.for_call(entry()))


async def test_each_referral_refers_to_the_other(on_both: Running) -> None:
    """Both referrals get a new version and an event, and refer to each other in `supportingInfo`."""
    one, other = await created(on_both), await created(on_both)
    before = await read(on_both, one)
    assert before["supportingInfo"] == []
    await related(on_both, one, other)
    for ubrn, beside in ((one, other), (other, one)):
        shown = await read(on_both, ubrn)
        assert shown["supportingInfo"] == [{"reference": f"ReferralRequest/{beside}"}]
        assert int(shown["meta"]["versionId"]) == int(before["meta"]["versionId"]) + 1
    rows = await fetch(on_both.service.settings.database_url, "SELECT body FROM events ORDER BY number")
    acts = [row[0].decode().partition('"act":"')[2].partition('"')[0] for row in rows]
    assert acts[-2:] == ["relate to another referral"] * 2


async def test_a_referral_has_several_related_ones_in_order(on_both: Running) -> None:
    """Related referrals are shown in the order in which they were related."""
    one, second, third = [await created(on_both) for _ in range(3)]
    await related(on_both, one, third)
    await related(on_both, one, second)
    shown = (await read(on_both, one))["supportingInfo"]
    assert [each["reference"] for each in shown] == [f"ReferralRequest/{third}", f"ReferralRequest/{second}"]


async def test_what_does_not_fit_is_refused_and_changes_nothing(on_both: Running) -> None:
    """A referral cannot be related to itself, twice, to another patient's referral or to an unknown UBRN."""
    one, other = await created(on_both), await created(on_both)
    gp = await on_both.as_person(GP)
    of_others = (await gp.post(**create_referral(identifier("patient", NHS_NUMBER, ELSE)))).json()["id"]
    await related(on_both, one, other)
    before = await read(on_both, one)
    refusals = [
        (one, one, InappropriateValue),
        (one, other, InvalidState),
        (other, one, InvalidState),
        (one, of_others, InappropriateValue),
        (one, "999999999999", NotFound),
    ]
    for first, second, error in refusals:
        with pytest.raises(error):
            await related(on_both, first, second)
    assert await read(on_both, one) == before
