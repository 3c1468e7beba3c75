"""Response targets: the time at which a response is due, its display on the worklist, and its event. See ADR 0036."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openers.domain.events import Event
from openers.domain.working_hours import CLOSES, LONDON, OPENS, add_working_hours
from openers.usecases.advice.converse import OVERDUE, note_overdue
from openers.usecases.due import run_due
from openers.usecases.jobs import JOBS
from openers.usecases.ports.transaction import DueItem
from openers.usecases.world import World
from tests.kit.referrals.talk import ADVICE, REQUIRE, WITH_TARGET, Talk, gathered
from tests.kit.service.arrangements import Stopped, at_time, instant
from tests.kit.service.requests import Json

pytestmark = pytest.mark.anyio
TARGET = "urn:openers:extension:ResponseTarget-1"
WEDNESDAY = datetime(2030, 1, 16, 10, 30, tzinfo=UTC)
"""A day in winter, when London time equals UTC."""


NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def day(text: str) -> datetime:
    """Return a time in London."""
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2030-01-16T10:30", 2, "2030-01-16T12:30"),
        ("2030-01-16T10:30", 16, "2030-01-18T10:30"),
        ("2030-01-18T16:00", 2, "2030-01-21T10:00"),  # over a weekend
        ("2030-01-19T12:00", 1, "2030-01-21T10:00"),  # asked on a Saturday
        ("2030-01-16T06:00", 1, "2030-01-16T10:00"),  # before opening time
        ("2030-01-16T19:00", 1, "2030-01-17T10:00"),  # after closing time
        ("2030-01-16T09:00", 8, "2030-01-16T17:00"),  # until closing time
        ("2030-03-29T16:00", 2, "2030-04-01T10:00"),  # the clocks change in between
    ],
)
def test_working_hours(start: str, hours: int, due: str) -> None:
    assert add_working_hours(day(start).astimezone(UTC), hours) == day(due)


@given(
    st.integers(0, 60 * 24 * 365 * 6).map(
        lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.integers(1, 200),
    st.integers(1, 200),
)
def test_working_hours_add_up(start: datetime, some: int, more: int) -> None:
    """The due time is within working hours, and hours added in two steps give the same result."""
    end = add_working_hours(start, some + more)
    local = end.astimezone(LONDON)
    assert local.weekday() < 5
    assert OPENS < local.time() <= CLOSES
    assert add_working_hours(add_working_hours(start, some), more) == end


def target_of(listed: Json, advice: Json) -> tuple[str, bool] | None:
    """Return the due time of a response on the worklist, and whether it is overdue."""
    (entry,) = (each for each in listed["entry"] if each["item"]["reference"].endswith(advice["id"]))
    for extension in entry["item"].get("extension", []):
        if extension["url"] == TARGET:
            due, overdue = extension["extension"]
            return due["valueDateTime"], overdue["valueBoolean"]
    return None


async def events_of(talk: Talk, advice: Json) -> list[Event]:
    """Return the events of a request for advice."""
    async with talk.run.service.world.read() as tx:
        return [each for each in await tx.events.since(0) if each.key == advice["id"]]


async def at(talk: Talk, moment: datetime) -> Talk:
    """Return all users at the same service at another time."""
    return await gathered(at_time(talk.run, clock=Stopped(moment)))


async def run_jobs(talk: Talk) -> None:
    """Run the due jobs that note overdue responses, and skip all other work."""
    service, problems = talk.run.service, list[Exception]()
    jobs = {kind: note_overdue if kind == OVERDUE else _leave for kind in JOBS}
    await run_due(service.world, jobs, lambda _, error: problems.append(error) if error else None)
    assert problems == []


async def _leave(item: DueItem, world: World) -> None:
    """Do nothing."""


async def test_a_response_falls_due_and_is_overdue(both: Talk) -> None:
    """After the due time the worklist marks the request as overdue, and the service records exactly one event."""
    talk = await at(both, WEDNESDAY)
    advice = await talk.ask(service=WITH_TARGET)
    due = WEDNESDAY + timedelta(days=2)
    assert target_of(await talk.listed(), advice) == (instant(due), False)
    assert [(each.act, each.due) for each in await events_of(talk, advice)] == [("ask for advice", due)]
    assert target_of(await (await at(both, due)).listed(), advice) == (instant(due), False)
    late = await at(both, due + timedelta(minutes=1))
    assert target_of(await late.listed(), advice) == (instant(due), True)
    for _ in range(2):
        await run_jobs(late)
    assert [each.act for each in await events_of(late, advice)] == ["ask for advice", OVERDUE]
    assert (await late.read(advice))["meta"]["versionId"] == advice["meta"]["versionId"]


async def test_a_service_without_a_target_is_never_late(talk: Talk) -> None:
    advice = await (await at(talk, WEDNESDAY)).ask(service=ADVICE)
    later = await at(talk, WEDNESDAY + timedelta(days=90))
    assert target_of(await later.listed(), advice) is None


async def test_a_response_stops_the_clock_and_a_reply_starts_it_anew(talk: Talk) -> None:
    """A response ends the target, and the next reply starts a new one. A reply to an open question changes nothing."""
    early = await at(talk, WEDNESDAY)
    advice = await early.ask(service=WITH_TARGET)
    first_due = instant(WEDNESDAY + timedelta(days=2))
    an_hour_later = await at(talk, WEDNESDAY + timedelta(hours=1))
    advice = await early.done(await an_hour_later.reply(advice))
    assert target_of(await early.listed(), advice) == (first_due, False)
    advice = await early.done(await an_hour_later.respond(advice, outcome=REQUIRE))
    assert target_of(await early.listed(), advice) is None
    next_day = await at(talk, WEDNESDAY + timedelta(days=1))
    advice = await early.done(await next_day.reply(advice))
    assert target_of(await early.listed(), advice) == (instant(WEDNESDAY + timedelta(days=5)), False)
    weekend = await at(talk, WEDNESDAY + timedelta(days=3))
    await run_jobs(weekend)
    assert OVERDUE not in [each.act for each in await events_of(weekend, advice)]
