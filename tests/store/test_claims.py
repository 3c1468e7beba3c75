"""Claims in the store, on both databases: this release and earlier ones read each other's claims."""

from __future__ import annotations

import json

import pytest

from openers.domain.booking import BookingClaim, CancellationClaim
from openers.domain.identifiers import Ubrn
from openers.domain.lifecycle import Act
from openers.usecases.ports.transaction import Store
from tests.kit.store.outside import execute, fetch
from tests.kit.store.records import entry

pytestmark = pytest.mark.anyio
BY = (
    '{"user":"555000000001","organisation":"D82106","function":"REFERRING_CLINICIAN","application":"app",'
    '"session":"s","asid":"","on_behalf_of":null,"workgroups":[]}'
)
OF_CLAIMS = (
    f'"by":{BY},"service":"501","slot":"9001","appointment":"7","taken":"2031-02-03T04:05:06Z",'
    '"expires":"2031-02-03T04:05:06Z"'
)
EARLIER_CLAIMS = {
    "booking": (
        f'{{"ubrn":"000000000001","key":"k1","kind":"BOOK",{OF_CLAIMS},"booking":{{"key":"k1","ubrn":"000000000001",'
        '"patient":"9990000042","pas_slot":"p1","start":"2031-02-03T04:05:06Z","end":"2031-02-03T04:05:06Z",'
        '"created":"2031-02-03T04:05:06Z"},"pas_appointment":null,"clinician":null,"decision":null,'
        '"comment":"by the stairs"}'
    ),
    "cancellation": (
        f'{{"ubrn":"000000000001","key":"k1","kind":"CANCEL",{OF_CLAIMS},"booking":null,"pas_appointment":"pas-1",'
        '"clinician":null,"decision":{"act":"cancel the appointment"},"comment":null}'
    ),
}
"""Claims as earlier releases stored them, when one type had the fields of both kinds."""
LAY = "INSERT INTO claims (ubrn, key, slot, expires, body) VALUES (?, ?, ?, ?, ?)"


@pytest.mark.parametrize("kind", EARLIER_CLAIMS)
async def test_a_claim_of_an_earlier_release_is_read(store: Store, empty_url: str, kind: str) -> None:
    """A claim of an earlier release is read with its kind and the fields of that kind."""
    await execute(empty_url, LAY, "000000000001", "k1", 9001, 0, EARLIER_CLAIMS[kind].encode())
    async with store.read() as tx:
        claim = await tx.claims.get(Ubrn.of(1))
    match claim:
        case BookingClaim():
            assert (kind, claim.booking.pas_slot, claim.comment) == ("booking", "p1", "by the stairs")
        case CancellationClaim():
            assert (kind, claim.pas_appointment, claim.decision.act) == (
                "cancellation",
                "pas-1",
                Act.CANCEL_APPOINTMENT,
            )
        case None:
            pytest.fail("there is a claim")


@pytest.mark.parametrize("kind", EARLIER_CLAIMS)
async def test_a_claim_is_stored_so_that_an_earlier_release_reads_it(store: Store, empty_url: str, kind: str) -> None:
    """A stored claim names its kind as before, and reads as it was added."""
    await execute(empty_url, LAY, "000000000001", "k1", 9001, 0, EARLIER_CLAIMS[kind].encode())
    async with store.begin(entry(), ()) as tx:
        claim = await tx.claims.get(Ubrn.of(1))
        assert claim is not None
        assert await tx.claims.release(claim)
        assert await tx.claims.add(claim)
    async with store.read() as tx:
        assert await tx.claims.get(Ubrn.of(1)) == claim
    [(body,)] = await fetch(empty_url, "SELECT body FROM claims")
    earlier, now = json.loads(EARLIER_CLAIMS[kind]), json.loads(bytes(body))
    assert now == {name: earlier[name] for name in now}
    assert all(value is None for name, value in earlier.items() if name not in now)
