"""Applications that fetch worklists: one service in each call, and a limited number of calls each day (rules 2.2)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from openers.domain.credentials import AccessMode, Application
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.principal import BusinessFunction
from tests.kit.referrals.cast import Cast
from tests.kit.referrals.rig import SERVICE, Json, code
from tests.kit.referrals.words import BY_TELEPHONE, TRIAGE
from tests.kit.referrals.worklists import (
    ISSUES,
    REVIEW,
    asking,
    at_location,
    fetched,
    members,
    of_clinician,
    of_service,
)
from tests.kit.run.moments import now
from tests.kit.service.arrangements import Moved, at_time, put
from tests.kit.service.running import Running, running
from tests.kit.store.outside import fetch

pytestmark = pytest.mark.anyio

NAME = "demo-provider-app"


async def statuses(run: Running, service: str, *worklists: str, filters: tuple[Json, ...] = ()) -> list[int]:
    """Return the statuses that the application gets, call by call."""
    client = await run.as_application(NAME)
    return [
        (await client.post(**asking(worklist, of_service(service), *filters))).status_code for worklist in worklists
    ]


async def calls(cast: Cast) -> int:
    """Return the number of all counted calls."""
    ((counted,),) = await fetch(cast.rig.run.service.settings.database_url, "SELECT sum(calls) FROM worklist_calls")
    return int(counted or 0)


async def test_it_names_a_service_of_its_own_organisation(own: Cast) -> None:
    """A call without a service of the application's organisation is refused and not counted."""
    for filters, expected in (
        ((), (422, "MISSING_VALUE")),
        (of_clinician("555032006106"), (422, "MISSING_VALUE")),
        ((of_service(BY_TELEPHONE),), (422, "NO_RELATIONSHIP")),
        ((of_service("99999"),), (422, "REFERENCE_NOT_FOUND")),
    ):
        for _ in range(3):
            assert code(await own.application.post(**asking(REVIEW, *filters))) == expected
    assert await calls(own) == 0


async def test_it_sees_what_the_service_holds(own: Cast) -> None:
    """The list contains all workgroups of the service; further filters narrow it."""
    triage, booked = await own.awaiting_triage(), await own.booked()
    assert members(await fetched(own.application, REVIEW, of_service(TRIAGE))) == [triage["id"]]
    assert members(await fetched(own.application, REVIEW, of_service(SERVICE), at_location("RCD"))) == [booked["id"]]
    assert members(await fetched(own.application, REVIEW, of_service(SERVICE), at_location("R69"))) == []


async def test_two_calls_for_a_service_and_day(own: Cast) -> None:
    """Both lists share the limit of two calls.

    Another service and another day have separate limits, and users have no limit.
    """
    assert await statuses(own.rig.run, TRIAGE, REVIEW, ISSUES, REVIEW, ISSUES) == [200, 200, 429, 429]
    reply = await own.application.post(**asking(REVIEW, of_service(TRIAGE)))
    assert code(reply) == (429, "TOO_MANY_REQUESTS")
    assert "2 times today" in reply.text
    midnight = now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    left_s = (midnight - now()).total_seconds()
    assert abs(int(reply.headers["retry-after"]) - left_s) < 300
    assert await statuses(own.rig.run, SERVICE, REVIEW, REVIEW, REVIEW) == [200, 200, 429]
    assert {(await own.consultant.post(**asking(REVIEW, of_service(TRIAGE)))).status_code for _ in range(4)} == {200}
    tomorrow = at_time(own.rig.run, wall=Moved(own.rig.world.wall, timedelta(days=1)))
    assert await statuses(tomorrow, TRIAGE, REVIEW, REVIEW, REVIEW) == [200, 200, 429]


async def test_moving_the_clock_of_a_test_lifts_no_limit(own: Cast) -> None:
    """The limit uses the day of the wall clock."""
    assert await statuses(own.rig.run, TRIAGE, REVIEW, REVIEW) == [200, 200]
    later = at_time(own.rig.run, clock=Moved(own.rig.world.clock, timedelta(days=2)))
    assert await statuses(later, TRIAGE, REVIEW) == [429]


async def test_the_limit_is_of_each_application(own: Cast) -> None:
    """Each application has its own limit."""
    other = Application(
        client_id="another-app",
        name="Another",
        mode=AccessMode.APPLICATION_RESTRICTED,
        asid="1",
        organisation=OdsCode("RCD"),
        function=BusinessFunction.PROVIDER_AUTHORISED_APPLICATION,
        user=UserId("555900000198"),
    )
    await put(own.rig.run, other)
    assert await statuses(own.rig.run, TRIAGE, REVIEW, REVIEW, REVIEW) == [200, 200, 429]
    client = await own.rig.run.as_application("another-app")
    assert (await client.post(**asking(REVIEW, of_service(TRIAGE)))).status_code == 200


async def test_calls_at_once_are_counted_one_by_one(own: Cast) -> None:
    """Of five concurrent calls, two succeed."""
    client = own.application
    replies = await asyncio.gather(*(client.post(**asking(REVIEW, of_service(TRIAGE))) for _ in range(5)))
    assert sorted(each.status_code for each in replies) == [200, 200, 429, 429, 429]
    assert await calls(own) == 2


async def test_a_restart_forgets_nothing(own: Cast) -> None:
    """The calls are counted in the database."""
    assert await statuses(own.rig.run, TRIAGE, REVIEW, REVIEW) == [200, 200]
    async with running(own.rig.run.service.settings) as again:
        assert await statuses(again, TRIAGE, REVIEW) == [429]
