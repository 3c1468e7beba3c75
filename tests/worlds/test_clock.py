"""The clock of a world: read, set, stopped, started and advanced; tokens use the real time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from openers.usecases.booking.poll_slots import POLL
from openers.usecases.referring.remind_patient import REMIND
from tests.kit.run.moments import now
from tests.kit.service.worlds import Rig

pytestmark = pytest.mark.anyio
DAYS = {"name": "firstReminderLetterFollowUpDays", "valueUnsignedInt": 7}
NOON = "2027-03-01T12:00:00Z"


def _instant(told: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(told["now"])


async def test_it_begins_with_the_real_time(here: Rig) -> None:
    told = await here.control("GET", "/clock")
    assert abs(_instant(told) - now()) < timedelta(minutes=5)
    assert (told["world"], told["running"], told["ahead_s"]) == ("main", True, 0)


async def test_what_it_is_set_to_is_when_things_happen(here: Rig) -> None:
    await here.control("PUT", "/clock", {"now": NOON, "running": False})
    assert (await here.refer()).status_code == 201
    [event] = (await here.control("GET", "/events"))["events"]
    assert event["at"] == NOON
    refusal = await here.refer(without=["shortlist"])
    assert refusal.status_code == 422
    again = await here.control("GET", "/clock")
    assert (_instant(again), again["running"]) == (datetime(2027, 3, 1, 12, tzinfo=UTC), False)


async def test_it_stands_and_runs_on_from_where_it_stood(here: Rig) -> None:
    await here.control("PUT", "/clock", {"running": False})
    stood = [_instant(await here.control("GET", "/clock")) for _ in range(2)]
    assert stood[0] == stood[1]
    ran = _instant(await here.control("PUT", "/clock", {"now": NOON, "running": True}))
    later = _instant(await here.control("GET", "/clock"))
    assert datetime(2027, 3, 1, 12, tzinfo=UTC) <= ran <= later < datetime(2027, 3, 1, 12, 5, tzinfo=UTC)
    real = _instant(await here.control("PUT", "/clock", {"real": True}))
    assert abs(real - now()) < timedelta(minutes=5)


async def test_setting_it_runs_nothing(on_each: Rig) -> None:
    await on_each.refer()
    await on_each.control("PUT", "/clock", {"now": NOON})
    assert await on_each.acts() == ["create"]


async def test_a_reminder_is_sent_on_its_day(on_each: Rig) -> None:
    """The reminder of an unbooked referral is sent seven days after its creation, and not before."""
    await on_each.control("PUT", "/clock", {"running": False})
    began = _instant(await on_each.control("GET", "/clock"))
    await on_each.refer()
    await on_each.control("POST", "/clock/advance", {"days": 6, "hours": 23})
    assert await on_each.acts() == ["create"]
    told = await on_each.control("POST", "/clock/advance", {"days": 7})
    assert _instant(told) == began + timedelta(days=13, hours=23)
    [event] = (await on_each.control("GET", "/events?since=1"))["events"]
    assert (event["act"], datetime.fromisoformat(event["at"])) == (REMIND, began + timedelta(days=7))
    assert [done["kind"] for done in told["ran"]].count(REMIND) == 1


async def test_work_runs_in_the_order_of_its_instants(here: Rig) -> None:
    """Each item runs at its own instant; recurring work runs once, at the end."""
    await here.control("PUT", "/clock", {"running": False})
    began = _instant(await here.control("GET", "/clock"))
    for days in (9, 3, 6):
        await here.refer(*[{**DAYS, "valueUnsignedInt": days}])
    ran = (await here.control("POST", "/clock/advance", {"days": 14}))["ran"]
    reminders = [datetime.fromisoformat(done["at"]) for done in ran if done["kind"] == REMIND]
    assert reminders == [began + timedelta(days=days) for days in (3, 6, 9)]
    at = [datetime.fromisoformat(done["at"]) for done in ran]
    assert at == sorted(at)
    polled = [done["key"] for done in ran if done["kind"] == POLL]
    assert sorted(polled) == sorted(set(polled)) != []
    assert {done["at"] for done in ran if done["kind"] == POLL} == {ran[-1]["at"]}


async def test_slots_are_there_after_a_long_way(here: Rig) -> None:
    """After a long advance, the clinics still offer slots, but none in the past."""
    await here.control("POST", "/clock/advance", {"days": 100})
    now = _instant(await here.control("GET", "/clock"))
    query = {
        "schedule.actor:HealthcareService": "11006", "appointmentType": "ROUTINE", "status": "free", "_count": "9",
        "page": "1",
    }  # fmt: skip
    reply = await here.fhir("GET", "/STU3/Slot", params=query, headers={"NHSD-eRS-Comm-Rule-Org": "D82106"})
    starts = [each["resource"]["start"] for each in reply.json()["entry"] if each["resource"]["resourceType"] == "Slot"]
    assert len(starts) == 9
    assert all(now < datetime.fromisoformat(start) < now + timedelta(days=7) for start in starts)


async def test_slots_are_polled_again_when_the_clock_goes_back(on_each: Rig) -> None:
    """If the clock is set back, slots are polled again at once."""
    await on_each.control("POST", "/clock/advance", {"days": 100})
    await on_each.control("PUT", "/clock", {"real": True})
    ran = (await on_each.control("POST", "/clock/advance"))["ran"]
    assert [done["kind"] for done in ran].count(POLL) > 10
    assert not [done for done in ran if done.get("failed")]


async def test_tokens_go_by_the_real_time(here: Rig) -> None:
    """A user stays logged in after the world's clock advances by a year; only the sessions call logs the user out."""
    await here.as_()
    await here.control("POST", "/clock/advance", {"days": 366})
    assert (await here.fhir("GET", "/STU3/CodeSystem/PRIORITY")).status_code == 200
    assert await here.control("DELETE", "/sessions?user=555032006106") == {"ended": 0}
    assert (await here.fhir("GET", "/STU3/CodeSystem/PRIORITY")).status_code == 200
    assert await here.control("DELETE", "/sessions?user=555073103100") == {"ended": 1}
    assert (await here.fhir("GET", "/STU3/CodeSystem/PRIORITY")).status_code == 401


async def test_the_next_process_finds_it_as_it_was(demo_url: str, keys: Any) -> None:
    from tests.kit.service.worlds import rig

    async with rig(demo_url, keys) as first:
        await first.control("PUT", "/clock", {"now": NOON, "running": False})
        await first.service.worlds.close()
    async with rig(demo_url, keys) as second:
        told = await second.control("GET", "/clock")
        assert (_instant(told), told["running"]) == (datetime(2027, 3, 1, 12, tzinfo=UTC), False)
        assert (await second.refer()).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/clock", {"now": "tomorrow"}),
        ("PUT", "/clock", {"now": "2027-03-01T12:00:00"}),
        ("PUT", "/clock", {"tomorrow": True}),
        ("PUT", "/clock", {"real": True, "now": NOON}),
        ("PUT", "/clock", []),
        ("POST", "/clock/advance", {"days": -1}),
        ("POST", "/clock/advance", {"days": 1e9}),
        ("POST", "/clock/advance", {"weeks": 1}),
        ("POST", "/clock/advance", {"days": "x"}),
        ("POST", "/clock/advance", {"to": "2020-01-01T00:00:00Z"}),
        ("POST", "/clock/advance", {"to": "9999-12-31T23:59:59-10:00"}),
        ("POST", "/clock/advance", {"to": "2027-03-01T12:00:00"}),
        ("POST", "/clock/advance", {"to": NOON, "days": 1}),
    ],
)
async def test_what_makes_no_sense_changes_nothing(here: Rig, method: str, path: str, body: Any) -> None:
    before = await here.control("PUT", "/clock", {"running": False})
    assert (await here.control(method, path, body, expect=400))["error"]
    assert await here.control("GET", "/clock") == before


async def test_there_is_an_end_of_time(here: Rig) -> None:
    await here.control("PUT", "/clock", {"now": "9999-12-01T00:00:00Z", "running": False})
    assert "9999" in (await here.control("POST", "/clock/advance", {"days": 60}, expect=400))["error"]


async def test_a_reminder_in_a_million_years_is_planned_by_nobody(here: Rig) -> None:
    assert (await here.refer({**DAYS, "valueUnsignedInt": 2_147_483_647})).status_code == 201
