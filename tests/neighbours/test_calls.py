"""Requests that wait for one another: while PDS is busy, and while a token is fetched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from joserfc.jwk import RSAKey

from openers.domain.errors import NeighbourSilent
from openers.domain.identifiers import NhsNumber
from openers.identity.assertions import ALGORITHM
from openers.identity.jose import sign
from openers.key_files import private_jwk, read_secret
from openers.neighbours.access_token import AccessTokens
from openers.neighbours.calls import Bounds, Neighbour
from openers.neighbours.limits import MOST_FAILURES, PAUSE_S
from openers.neighbours.pds import Pds
from openers.system import SystemClock
from openers.usecases.ports.neighbours import KnownPatient
from tests.kit.run.waiting import HANGS_AFTER_S
from tests.kit.service.requests import PATIENT
from tests.neighbours.mock import Mock
from tests.neighbours.test_limits import Seconds

pytestmark = pytest.mark.anyio

BASE: Final = "/personal-demographics/FHIR/R4"


class Asked:
    """A neighbour with a clock of the test, and the outcomes of its requests."""

    def __init__(self, per_second: float) -> None:
        """Begin with no request."""
        self.clock, self.outcomes = Seconds(), list[str]()
        self.neighbour = Neighbour("PDS", Bounds(HANGS_AFTER_S, per_second), self._note, self.clock)

    def _note(self, _name: str, outcome: str, _seconds: float) -> None:
        self.outcomes.append(outcome)

    def tokens(self, pds: Mock, key_file: Path) -> AccessTokens:
        """Return the tokens for a PDS."""
        key = read_secret(key_file, private_jwk, strict=False)
        signs = partial(sign, key=RSAKey.import_key(dict(key)), kid=key["kid"], algorithm=ALGORITHM)
        return AccessTokens(self.neighbour, f"{pds.url}/oauth2/token", "ers", signs, SystemClock())


@pytest.fixture
async def asked() -> AsyncGenerator[Asked]:
    """Return a neighbour that waits a second of its clock between two requests."""
    one = Asked(per_second=1.0)
    yield one
    await one.neighbour.close()


async def test_no_request_that_waited_is_sent_while_the_neighbour_is_busy(
    asked: Asked, pds: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first reply asks for a pause; the requests that took their places before it are not sent either."""
    sleep, woken = asyncio.sleep, asyncio.Event()

    async def _until_woken(seconds: float) -> None:
        await (woken.wait() if seconds else sleep(0))

    monkeypatch.setattr(asyncio, "sleep", _until_woken)
    pds.fault(times=1, status=429)
    address = f"{pds.url}{BASE}/Patient/{PATIENT}"
    first, *waiting = [asyncio.create_task(asked.neighbour.ask(address, {})) for _ in range(16)]
    with pytest.raises(NeighbourSilent):
        await first
    woken.set()
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(each) for each in ends} == {NeighbourSilent}
    assert asked.outcomes == ["reply", *["skipped"] * 15]
    asked.clock.now += PAUSE_S
    await asked.neighbour.ask(address, {})
    assert pds.requests(PATIENT) == 2


async def test_callers_at_the_same_time_share_one_request_for_a_token(asked: Asked, pds: Mock, pds_key: Path) -> None:
    """Its error is that of all of them; a caller that goes away takes nothing from the others."""
    tokens = asked.tokens(pds, pds_key)
    pds.fault(times=1, status=500)
    calls = [asyncio.create_task(tokens.token()) for _ in range(20)]
    await asyncio.sleep(0)
    calls.pop().cancel()
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(each) for each in ends} == {NeighbourSilent}
    asked.clock.now += 1
    assert len({await each for each in [asyncio.create_task(tokens.token()) for _ in range(20)]}) == 1
    assert pds.requests("oauth2") == 2


async def test_the_one_try_after_an_outage_reaches_the_patient(asked: Asked, pds: Mock, pds_key: Path) -> None:
    """Also if it needs a token first, or finds that PDS refuses the token that it has."""
    source = Pds(asked.neighbour, f"{pds.url}{BASE}", asked.tokens(pds, pds_key), SystemClock())
    for _ in range(2):
        pds.fault(times=MOST_FAILURES, status=500)
        for _ in range(MOST_FAILURES + 1):
            asked.clock.now += 1
            with pytest.raises(NeighbourSilent):
                await source.read(NhsNumber(PATIENT), "")
        assert asked.outcomes[-1] == "skipped"
        pds.end_tokens()
        asked.clock.now += PAUSE_S
        assert isinstance(await source.read(NhsNumber(PATIENT), ""), KnownPatient)
