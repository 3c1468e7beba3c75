"""The client works with a world by the address of that world."""

from __future__ import annotations

import pytest

from openers.testing import WorldOfTest
from openers_client import ErsClient, LogInFailed, Role, SlotQuery
from tests.client.people import BOOKABLE, GP, USER_APP, application, new_referral

pytestmark = pytest.mark.anyio


async def test_a_world_needs_only_its_address(world: WorldOfTest) -> None:
    """The client sends no header that names the world, and knows no other issuer."""
    async with ErsClient(f"{world.base_url}/w/{world.name}") as client:
        gp = client.caller(await client.log_in_as(USER_APP, GP), Role("D82106", "REFERRING_CLINICIAN"))
        referral = await gp.create_referral(new_referral())
        assert [row.ubrn for row in await gp.worklist("AWAITING_BOOKING")] == [referral.ubrn]
        assert (await anext(gp.slots(SlotQuery(service=BOOKABLE)))).start
        ops = client.administration(await client.application_session(application("demo-ops")))
        assert (await ops.organisations.read("D82106")).value.kind == "GP_PRACTICE"
    async with ErsClient(world.base_url) as client:
        gp = client.caller(await client.log_in_as(USER_APP, GP), Role("D82106", "REFERRING_CLINICIAN"))
        assert await gp.worklist("AWAITING_BOOKING") == (), "the referral is only in its world"


async def test_a_world_that_does_not_exist_is_an_error(world: WorldOfTest) -> None:
    async with ErsClient(f"{world.base_url}/w/nowhere") as client:
        with pytest.raises(LogInFailed):
            await client.log_in_as(USER_APP, GP)
