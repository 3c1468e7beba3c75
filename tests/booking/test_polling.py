"""Polling of slots: changed and missing slots, full polls, and a PAS that is unavailable.

Source: rules chapter 7.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from openers.bootstrap import do_due_work
from openers.domain.errors import PasRefused, PasSilent
from openers.domain.identifiers import ServiceId
from openers.domain.slots import Polling
from openers.usecases.booking.link_pas import LinkPas, link_pas
from openers.usecases.booking.poll_slots import POLL, poll_now
from tests.kit.referrals.rig import NO_SLOTS, OTHER, SERVICE, Rig
from tests.kit.referrals.rows import rows, states
from tests.kit.run.moments import now
from tests.kit.store.outside import fetch

pytestmark = pytest.mark.anyio

LONG_AGO = "2020-01-01T00:00:00+00:00"


def key(number: int) -> str:
    """Return the PAS's id of a slot."""
    return f"{SERVICE}-any-{number}"


async def test_a_slot_vanishes_changes_and_returns(booking: Rig) -> None:
    """Each poll applies the changes in the PAS. A poll without changes changes nothing."""
    await booking.add_slots(3)
    ids = [each["id"] for each in await booking.free()]
    assert await booking.poll() == 0
    booking.pas.mark(key(0), "busy")
    booking.pas.slots[key(1)]["serviceType"] = booking.pas.slots[key(1)]["serviceType"][:1]
    booking.pas.mark(key(1), "free")
    assert await booking.poll() == 2
    assert [each["id"] for each in await booking.free()] == ids[2:]
    booking.pas.mark(key(0), "free")
    assert await booking.poll() == 1
    assert [each["id"] for each in await booking.free()] == [ids[0], ids[2]]
    booking.pas.mark(key(2), "entered-in-error")
    assert await booking.poll() == 1
    assert [each["id"] for each in await booking.free()] == ids[:1]


async def test_between_whole_polls_only_changes_are_asked_for(booking: Rig) -> None:
    """An old change is found only by a full poll, which follows a rejected booking and runs once a day."""
    await booking.add_slots(3)
    for number, status in ((0, "busy"), (1, "free")):
        booking.pas.mark(key(number), status)
        booking.pas.slots[key(number)]["meta"]["lastUpdated"] = LONG_AGO
    assert await booking.poll() == 0
    referral, slot = await booking.refer(), (await booking.free())[0]
    assert (await booking.book(referral, slot)).status_code == 502
    assert (await states(booking))[key(0)] == "GONE"
    booking.pas.slots[key(0)]["status"] = "free"
    assert await booking.poll() == 1
    assert len(await booking.free()) == 3
    del booking.pas.slots[key(2)]
    assert await booking.poll() == 0
    await booking.sweep(timedelta(hours=25))
    assert (await states(booking))[key(2)] == "GONE"


@pytest.mark.parametrize("fault", ["500", "hang", "garbage", "drop", "401"])
async def test_while_a_pas_is_away_its_slots_stay(booking: Rig, fault: str) -> None:
    """If a poll fails, the slots stay as they are, and the poll is scheduled again."""
    await booking.add_slots(2)
    before = await rows(booking, "slots", "polls")
    booking.pas.fault = fault
    with pytest.raises((PasSilent, PasRefused)):
        await booking.poll()
    failures = await booking.sweep()
    assert failures
    assert all(isinstance(each, PasSilent | PasRefused) for each in failures)
    assert await rows(booking, "slots", "polls") == before
    booking.pas.fault = ""
    assert len(await booking.free()) == 2
    due = await fetch(booking.run.service.settings.database_url, "SELECT key FROM due WHERE kind = ?", POLL)
    assert {each for (each,) in due} == {SERVICE, NO_SLOTS, OTHER}


async def test_what_is_booked_here_stays_booked(booking: Rig) -> None:
    """A slot that is booked here stays booked, whatever its status in the PAS."""
    await booking.add_slots(2)
    assert (await booking.book(await booking.refer(), (await booking.free())[0])).status_code == 201
    booking.pas.mark(key(0), "free")
    assert await booking.poll() == 0
    await booking.sweep(timedelta(hours=25))
    assert (await states(booking))[key(0)] == "BOOKED"


async def test_slots_beyond_the_horizon_are_not_asked_for(booking: Rig) -> None:
    await booking.add_slots(3)
    world = booking.world
    async with world.begin("poll anew") as tx:
        await tx.links.forget_polled(ServiceId(SERVICE))
    first = datetime.fromisoformat(booking.pas.slots[key(1)]["start"])
    horizon = first - now() - timedelta(minutes=30)
    assert await poll_now(ServiceId(SERVICE), msgspec.structs.replace(world, polling=Polling(horizon=horizon))) == 2
    assert [each["start"][:13] for each in await booking.free()] == [
        booking.pas.slots[key(0)]["start"].replace("+00:00", "")[:13]
    ]


async def test_a_service_that_is_linked_is_polled_by_itself(booking: Rig) -> None:
    """The first poll runs at once and in full, and others follow. Health page and metrics show the last poll."""
    run, pas = booking.run, booking.pas
    async with run.pages() as pages:
        before = (await pages.get("/referrals/_status")).json()
        assert before["slots"] == {OTHER: None, SERVICE: None, NO_SLOTS: None}
        pas.add_schedule("new", OTHER)
        start = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        end = (datetime.now(UTC) + timedelta(days=1, hours=1)).isoformat()
        pas.add_slot("new-1", "new", (start, end), "URGENT")
        pas.slots["new-1"]["meta"]["lastUpdated"] = LONG_AGO
        assert await do_due_work(run.service) >= 3
        assert (await states(booking, OTHER)) == {"new-1": "FREE"}
        after = (await pages.get("/referrals/_status")).json()
        assert (after["status"], after["slots"].keys()) == ("pass", {OTHER, SERVICE, NO_SLOTS})
        for moment in after["slots"].values():
            assert abs(datetime.fromisoformat(moment) - now()) < timedelta(minutes=5)
        assert pas.url not in str(after)
        assert f'openers_slots_polled_seconds{{service="{OTHER}"}}' in (await pages.get("/metrics")).text
    pas.slots["new-1"]["status"] = "busy"
    await link_pas(LinkPas(service=ServiceId(OTHER), url=pas.url, client_id="demo-pas"), booking.world)
    await do_due_work(run.service)
    assert (await states(booking, OTHER)) == {"new-1": "GONE"}
