"""The gateway: the exact reply of each rejection in both FHIR versions, and the order of the checks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import httpx
import pytest
from tests.kit.calls.violations import ALWAYS, PATHS, Sent, Violation, check, good
from tests.kit.service.arrangements import Stopwatch, gated
from tests.kit.service.running import GP, Running

from openers.api.rate_limit import RateLimit

pytestmark = pytest.mark.anyio


@dataclass
class Gate:
    """A service whose gateway has an organisation allow-list and a limit of one request a second."""

    run: Running
    limit: RateLimit
    watch: Stopwatch


@pytest.fixture(scope="module")
async def gate(shared: Running) -> Gate:
    watch = Stopwatch()
    limit = RateLimit(1, watch)
    return Gate(gated(shared, limit=limit, allowed=frozenset({"D82106", "RCD", "B86099"})), limit, watch)


async def answered(gate: Gate, sent: Sent) -> httpx.Response:
    """Send a request two seconds after the last one, or with the rate limit used up; return the reply."""
    gate.watch.seconds += 2
    token = sent.token
    if token is None:
        token = await gate.run.token(GP.user, sent.application, sent.assurance)
    if sent.exhausted:
        while gate.limit.admits(sent.application):
            pass
    client = gate.run.anonymous({"Authorization": token and f"Bearer {token}", **sent.headers})
    return await client.request(sent.method, sent.path or PATHS[sent.fhir], content=sent.content)


def cases() -> list[tuple[str, Violation]]:
    """Return every violation for each FHIR version to which it applies."""
    return [(fhir, each) for each in ALWAYS for fhir in each.only]


@pytest.mark.parametrize("fhir", ["STU3", "R4"])
async def test_what_is_right_passes(gate: Gate, fhir: str) -> None:
    assert (await answered(gate, good(fhir))).status_code == 200


@pytest.mark.parametrize(("fhir", "violation"), cases(), ids=lambda each: getattr(each, "name", each))
async def test_each_refusal(gate: Gate, fhir: str, violation: Violation) -> None:
    check(await answered(gate, violation.spoil(good(fhir))), violation, fhir)


def pairs() -> list[tuple[str, Violation, Violation]]:
    """Return the pairs of violations that one request can have, in the order of the checks."""
    return [
        (fhir, first, second)
        for fhir in ("STU3", "R4")
        for first, second in combinations([each for each in ALWAYS if fhir in each.only], 2)
        if not first.pairs_with_itself or first.pairs_with_itself != second.pairs_with_itself
    ]


@pytest.mark.parametrize("fhir", ["STU3", "R4"])
@pytest.mark.parametrize("first", ALWAYS, ids=lambda each: each.name)
async def test_of_two_violations_the_earlier_is_told(gate: Gate, fhir: str, first: Violation) -> None:
    for version, earlier, later in pairs():
        if (version, earlier) == (fhir, first):
            check(await answered(gate, earlier.spoil(later.spoil(good(fhir)))), earlier, fhir)


async def test_business_functions_need_no_organisation(gate: Gate) -> None:
    """Callers use A030 to find their organisations, so it needs no organisation header."""
    sent = Sent("R4", path="/R4/PractitionerRole", headers={})
    assert (await answered(gate, sent)).status_code == 200


async def test_the_allow_list_is_not_for_applications(gate: Gate) -> None:
    client = await gate.run.as_application("demo-referrer-app")
    assert (await client.get(PATHS["R4"])).status_code == 200
