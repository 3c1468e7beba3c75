"""What the client repeats and what it does not, with the injected faults of test mode."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from openers.testing import WorldOfTest
from openers_client import (
    ErsClient,
    InvalidRequest,
    OutcomeUnknown,
    PasFailed,
    RetryPolicy,
    ServiceFailed,
    ServiceUnreachable,
    Session,
    SlotQuery,
    TooManyRequests,
    VersionConflict,
)
from openers_client.records.referral import Referral
from tests.client.conftest import Waits
from tests.client.people import BOOKABLE, Cast, new_referral

pytestmark = pytest.mark.anyio
Act = Callable[[Cast, Referral], Awaitable[object]]


async def read(people: Cast, referral: Referral) -> object:
    return await people.gp.read_referral(referral.ubrn)


async def listed(people: Cast, referral: Referral) -> object:
    return await people.gp.worklist("AWAITING_BOOKING")


async def create(people: Cast, referral: Referral) -> object:
    return await people.gp.create_referral(new_referral())


async def cancel(people: Cast, referral: Referral) -> object:
    return await people.gp.cancel_referral(referral, "INTEND_PRIVATE")


class Row(NamedTuple):
    """A fault that is injected, the act that meets it, the error if there is one, and the waits before repeats."""

    fault: dict[str, Any]
    act: Act
    error: type[Exception] | None
    waits: list[float]


ROWS = {
    "429 of a read": Row({"kind": "too-many-requests", "count": 2, "retry_after_s": 3}, read, None, [3, 3]),
    "429 of a change": Row({"kind": "too-many-requests", "count": 2, "retry_after_s": 3}, create, None, [3, 3]),
    "429 for ever": Row({"kind": "too-many-requests", "retry_after_s": 5}, create, TooManyRequests, [5, 5, 5]),
    "429 for an hour": Row({"kind": "too-many-requests", "retry_after_s": 3600}, read, TooManyRequests, []),
    "503 of a read": Row({"kind": "unavailable", "count": 1, "retry_after_s": 2}, read, None, [2]),
    "503 of a change": Row({"kind": "unavailable", "count": 1, "retry_after_s": 2}, cancel, None, [2]),
    "500 of a read": Row({"kind": "error", "count": 1}, read, ServiceFailed, []),
    "500 of a change": Row({"kind": "error", "count": 1}, create, ServiceFailed, []),
    "a lost read": Row({"kind": "drop", "count": 2}, read, None, [1]),  # aiohttp repeats a GET once by itself
    "a lost read by POST": Row({"kind": "drop", "count": 1}, listed, None, [1]),
    "reads lost for ever": Row({"kind": "drop"}, read, ServiceUnreachable, [1, 2, 4]),
    "a lost change": Row({"kind": "drop", "count": 1, "after": True}, create, OutcomeUnknown, []),
    "a lost act": Row({"kind": "drop", "count": 1, "after": True}, cancel, OutcomeUnknown, []),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
async def test_a_call_is_repeated_only_where_that_is_safe(
    row: Row, people: Cast, world: WorldOfTest, waits: Waits
) -> None:
    referral = await people.gp.create_referral(new_referral())
    before = len(world.events())
    world.control("PUT", "/faults", {"faults": [row.fault]})
    if row.error is None:
        await row.act(people, referral)
    else:
        with pytest.raises(row.error):
            await row.act(people, referral)
    assert waits.seconds == row.waits
    made = len(world.events()) - before
    assert made <= 1, "no change is made twice"
    assert made == (row.act in (create, cancel) and row.error in (None, OutcomeUnknown))


async def test_a_cancellation_by_put_whose_reply_is_lost_is_not_sent_again(people: Cast, world: WorldOfTest) -> None:
    referral = await people.gp.create_referral(new_referral())
    booked = await people.gp.book(referral, await anext(people.gp.slots(SlotQuery(service=BOOKABLE))))
    world.control("DELETE", "/requests")
    world.control("PUT", "/faults", {"faults": [{"kind": "drop", "operations": ["A034"], "count": 1, "after": True}]})
    with pytest.raises(OutcomeUnknown, match="read the record before you repeat"):
        await people.gp.cancel_appointment(booked, "PATIENT_ILL")
    assert len(world.control("GET", "/requests?operation=A034")["requests"]) == 1
    assert (await people.gp.read_appointment(booked.id)).status == "cancelled"


async def test_a_booking_that_only_the_provider_knows_of_is_not_made_twice(
    people: Cast, world: WorldOfTest, waits: Waits
) -> None:
    referral = await people.gp.create_referral(new_referral())
    slot = await anext(people.gp.slots(SlotQuery(service=BOOKABLE)))
    world.control("PUT", "/faults", {"faults": [{"kind": "pas-silent", "operations": ["book"], "after": True}]})

    async def the_service_finds_out(_: float) -> None:
        world.clock.advance(minutes=20)

    waits.then = the_service_finds_out
    appointment = await people.gp.book(referral, slot)
    assert (appointment.status, appointment.slot) == ("booked", slot.id)
    assert waits.seconds == [1]
    assert len(world.control("GET", "/requests?operation=A016")["requests"]) <= 2


async def test_a_booking_whose_outcome_stays_unknown_is_an_error(people: Cast, world: WorldOfTest) -> None:
    referral = await people.gp.create_referral(new_referral())
    slot = await anext(people.gp.slots(SlotQuery(service=BOOKABLE)))
    world.control("PUT", "/faults", {"faults": [{"kind": "pas-silent", "operations": ["book"]}]})
    with pytest.raises(PasFailed) as caught:
        await people.gp.book(referral, slot)
    assert (caught.value.status, caught.value.code) == (504, "PAS_NOT_RESPONDING")


async def test_a_booking_whose_reply_is_lost_is_found(people: Cast, world: WorldOfTest, waits: Waits) -> None:
    referral = await people.gp.create_referral(new_referral())
    slot = await anext(people.gp.slots(SlotQuery(service=BOOKABLE)))
    world.control("PUT", "/faults", {"faults": [{"kind": "drop", "operations": ["A016"], "count": 1, "after": True}]})
    assert (await people.gp.book(referral, slot)).slot == slot.id
    assert waits.seconds == []


async def test_a_booking_that_the_provider_refuses_is_not_repeated(
    people: Cast, world: WorldOfTest, waits: Waits
) -> None:
    referral = await people.gp.create_referral(new_referral())
    slot = await anext(people.gp.slots(SlotQuery(service=BOOKABLE)))
    world.control("PUT", "/faults", {"faults": [{"kind": "pas-refused", "operations": ["book"], "count": 1}]})
    with pytest.raises(PasFailed) as caught:
        await people.gp.book(referral, slot)
    assert (caught.value.status, waits.seconds) == (502, [])
    assert (await people.gp.read_referral(referral.ubrn)).state == "NOT_BOOKED"


async def test_an_error_names_code_place_and_explanation(people: Cast, world: WorldOfTest) -> None:
    gp = people.gp.correlated("my-call")
    with pytest.raises(InvalidRequest, match="Service Id") as caught:
        await gp.create_referral(new_referral("99999"))
    error = caught.value
    assert (error.status, error.code, error.correlation_id) == (422, "REFERENCE_NOT_FOUND", "my-call")
    assert error.place
    assert error.place in error.diagnostics
    assert error.explain_url
    assert error.explain_url.startswith(f"{world.base_url}/w/{world.name}/_test/explain/")
    referral = await gp.create_referral(new_referral())
    await gp.cancel_referral(referral, "INTEND_PRIVATE")
    with pytest.raises(VersionConflict):
        await gp.cancel_referral(referral, "INTEND_PRIVATE")


async def test_nobody_at_the_address_is_an_error(waits: Waits) -> None:
    async with ErsClient("http://127.0.0.1:1", retry=RetryPolicy(sleep=waits)) as client:
        with pytest.raises(ServiceUnreachable):
            await client.caller(Session.of_token("x")).my_roles()
    assert waits.seconds == [1, 2, 4]
