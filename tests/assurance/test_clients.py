"""Real clients against a running service: the careful one breaks nothing, the careless one exactly what it should."""

from __future__ import annotations

import pytest

from openers.testing import WorldOfTest
from tests.assurance.clients import careful, careless

TYPED: frozenset[str] = frozenset({"AUT-001", "AUT-002"})
"""Broken by each client of this test in its session of 2018, whose token is typed."""
CARELESS: frozenset[str] = TYPED | {
    "A003-02",  # the session stays open
    "ERR-005",  # the change is sent again without a read
    "ERR-012",  # booked again after 504 without a read
    "GTR-001",  # no code list was read
    "J-01",  # no search
    "J-02",  # a version that was never read
    "J-04",
    "J-06",  # repeated at once after 429
}
"""What the careless client breaks."""


def test_a_careful_client_breaks_nothing(world: WorldOfTest) -> None:
    """What it has called is kept, also after 504, 429 and with pages; only the typed token is a breach."""
    careful(world)
    rows = {row.id: row for row in world.assess()}
    assert {id: row.breaches for id, row in rows.items() if row.broken and id not in TYPED} == {}
    shown = ("GTR-001", "GTR-002", "SEC-001", "IO-06", "A001-01", "A002-01", "A003-02", "A004-01", "A005-01", "A005-02")
    journeys = ("J-01", "J-02", "J-04", "J-05", "J-06", "ERR-012")
    assert {id: rows[id].kept > 0 for id in (*shown, *journeys)} == dict.fromkeys((*shown, *journeys), True)
    world.assert_assured(accepted=TYPED)


def test_a_careless_client_gets_exactly_the_expected_breaches(world: WorldOfTest) -> None:
    """Each breach names a call, which the inspector explains; the assertion of the plugin names all of them."""
    careless(world)
    rows = {row.id: row for row in world.assess()}
    assert {id for id, row in rows.items() if row.broken} == CARELESS
    linked = [each for row in rows.values() for each in row.breaches if each.request_id]
    assert len(linked) >= len(CARELESS) - 1
    explained = world.control("GET", f"/explain/{rows['J-06'].breaches[0].request_id}")
    assert explained["explanations"]
    with pytest.raises(AssertionError, match=r"ERR-012.*\n.*read"):
        world.assert_assured(accepted=CARELESS - {"ERR-012"})
