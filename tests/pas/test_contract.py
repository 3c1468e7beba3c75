"""The connector and each available PAS keep to the contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import perf_counter
from uuid import uuid4

import pytest

from openers.domain.booking import PasBooking
from openers.domain.codes import Priority
from openers.domain.errors import PasRefused, PasSilent
from openers.domain.identifiers import NhsNumber, Ubrn, UserId
from openers.pas import connector as module
from openers.pas.connector import PasConnector
from tests.kit.run.moments import now
from tests.pas.systems import CLINICIAN, OTHER_SERVICE, SOON_S, Pas, connector

pytestmark = pytest.mark.anyio

START = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=7)
END = START + timedelta(days=30)
BEFORE = START - timedelta(days=30)
REASON = "NOT_SPECIFIED"


def booking(slot: str, start: datetime = START, key: str = "") -> PasBooking:
    return PasBooking(
        key=key or str(uuid4()),
        ubrn=Ubrn("000049973082"),
        patient=NhsNumber("9912003888"),
        pas_slot=slot,
        start=start,
        end=start + timedelta(minutes=20),
        created=datetime.now(UTC),
    )


async def free(calls: PasConnector, pas: Pas) -> list[str]:
    return [slot.pas_id for slot in await calls.slots(pas.link, BEFORE, END, None)]


async def test_a_slot_reads_as_it_was_made(calls: PasConnector, pas: Pas) -> None:
    key = pas.add_slot(START)
    (slot,) = await calls.slots(pas.link, BEFORE, END, None)
    assert (slot.pas_id, slot.start, slot.end) == (key, START, START + timedelta(minutes=20))
    assert (slot.priorities, slot.clinician) == ({Priority.ROUTINE, Priority.URGENT}, UserId(CLINICIAN))
    assert slot.free
    assert slot.usrn


async def test_only_slots_of_the_service_and_the_time_asked_for_come(calls: PasConnector, pas: Pas) -> None:
    inside = pas.add_slot(START)
    pas.add_slot(START + timedelta(hours=1), OTHER_SERVICE)
    pas.add_slot(END)
    assert await free(calls, pas) == [inside]


async def test_all_pages_are_read(calls: PasConnector, pas: Pas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLOTS_A_PAGE", 2)
    made = [pas.add_slot(START + timedelta(hours=hour)) for hour in range(5)]
    assert await free(calls, pas) == made


async def test_what_changed_comes_whatever_its_state(calls: PasConnector, pas: Pas) -> None:
    taken, _ = pas.add_slot(START), pas.add_slot(START + timedelta(hours=1))
    await calls.book(pas.link, booking(taken))
    changed = await calls.slots(pas.link, BEFORE, END, now() - timedelta(hours=1))
    assert {(slot.pas_id, slot.free) for slot in changed} >= {(taken, False)}
    assert await calls.slots(pas.link, BEFORE, END, now() + timedelta(hours=1)) == ()


async def test_a_booking_takes_its_slot(calls: PasConnector, pas: Pas) -> None:
    slot = pas.add_slot(START)
    wanted = booking(slot)
    made = await calls.book(pas.link, wanted)
    assert (made.key, made.status, made.pas_slot) == (wanted.key, "booked", slot)
    assert await free(calls, pas) == []


async def test_a_repeat_gives_the_first_booking(calls: PasConnector, pas: Pas) -> None:
    wanted = booking(pas.add_slot(START))
    assert await calls.book(pas.link, wanted) == await calls.book(pas.link, wanted)


async def test_a_repeat_after_the_cancellation_books_nothing(calls: PasConnector, pas: Pas) -> None:
    slot = pas.add_slot(START)
    wanted = booking(slot)
    await calls.cancel(pas.link, (await calls.book(pas.link, wanted)).id, REASON)
    with pytest.raises(PasRefused):
        await calls.book(pas.link, wanted)
    assert await free(calls, pas) == [slot]


async def test_a_slot_that_is_taken_is_refused_as_gone(calls: PasConnector, pas: Pas) -> None:
    slot = pas.add_slot(START)
    await calls.book(pas.link, booking(slot))
    with pytest.raises(PasRefused) as refused:
        await calls.book(pas.link, booking(slot))
    assert refused.value.gone


async def test_a_slot_that_never_was_is_refused_as_gone(calls: PasConnector, pas: Pas) -> None:
    with pytest.raises(PasRefused) as refused:
        await calls.book(pas.link, booking("nowhere"))
    assert refused.value.gone


async def test_a_booking_that_contradicts_the_slot_is_refused(calls: PasConnector, pas: Pas) -> None:
    with pytest.raises(PasRefused) as refused:
        await calls.book(pas.link, booking(pas.add_slot(START), START + timedelta(minutes=5)))
    assert (refused.value.gone, refused.value.reason) == (False, "it returned 422")


async def test_an_error_is_a_refusal(calls: PasConnector, pas: Pas) -> None:
    wanted = booking(pas.add_slot(START))
    pas.play("error")
    with pytest.raises(PasRefused):
        await calls.book(pas.link, wanted)
    with pytest.raises(PasRefused):
        await calls.slots(pas.link, BEFORE, END, None)
    with pytest.raises(PasSilent):
        await calls.look_up(pas.link, wanted.key)
    pas.play("")
    assert await calls.look_up(pas.link, wanted.key) is None


async def test_no_answer_is_silence_after_the_time_out(pas: Pas) -> None:
    wanted = booking(pas.add_slot(START))
    pas.play("hang")
    hasty, began = connector(pas.issuer, SOON_S), perf_counter()
    with pytest.raises(PasSilent) as silent:
        await hasty.book(pas.link, wanted)
    assert perf_counter() - began >= SOON_S
    assert silent.value.sent
    await hasty.close()


async def test_a_booking_whose_answer_is_lost_is_found(calls: PasConnector, pas: Pas) -> None:
    slot = pas.add_slot(START)
    wanted = booking(slot)
    pas.play("drop")
    with pytest.raises(PasSilent) as silent:
        await calls.book(pas.link, wanted)
    assert silent.value.sent
    pas.play("")
    found = await calls.look_up(pas.link, wanted.key)
    assert found is not None
    assert (found.key, found.status, found.pas_slot) == (wanted.key, "booked", slot)
    assert await calls.book(pas.link, wanted) == found


async def test_a_key_that_never_booked_is_not_found(calls: PasConnector, pas: Pas) -> None:
    assert await calls.look_up(pas.link, str(uuid4())) is None


async def test_a_cancellation_frees_the_slot_and_can_be_repeated(calls: PasConnector, pas: Pas) -> None:
    slot = pas.add_slot(START)
    wanted = booking(slot)
    made = await calls.book(pas.link, wanted)
    for _ in range(2):
        await calls.cancel(pas.link, made.id, REASON)
        assert await free(calls, pas) == [slot]
    found = await calls.look_up(pas.link, wanted.key)
    assert found is not None
    assert (found.id, found.status, found.reason) == (made.id, "cancelled", REASON)


async def test_a_late_repeat_of_a_cancellation_leaves_the_next_booking_alone(calls: PasConnector, pas: Pas) -> None:
    slot = pas.add_slot(START)
    first = await calls.book(pas.link, booking(slot))
    await calls.cancel(pas.link, first.id, None)
    second = await calls.book(pas.link, booking(slot))
    await calls.cancel(pas.link, first.id, None)
    assert await free(calls, pas) == []
    assert second.id != first.id


async def test_what_is_over_can_t_be_cancelled(calls: PasConnector, pas: Pas) -> None:
    made = await calls.book(pas.link, booking(pas.add_slot(START)))
    pas.arrive(made.id)
    with pytest.raises(PasRefused) as refused:
        await calls.cancel(pas.link, made.id, REASON)
    assert refused.value.gone


async def test_an_appointment_that_never_was_can_t_be_cancelled(calls: PasConnector, pas: Pas) -> None:
    with pytest.raises(PasRefused) as refused:
        await calls.cancel(pas.link, "nowhere", REASON)
    assert refused.value.gone


async def test_a_stranger_is_turned_away(pas: Pas) -> None:
    stranger = connector("https://stranger.example")
    try:
        with pytest.raises(PasRefused) as refused:
            await stranger.slots(pas.link, BEFORE, END, None)
    finally:
        await stranger.close()
    assert refused.value.reason == "it returned 401"
