"""All connections to PostgreSQL are terminated repeatedly under load: replies and stored data agree.

`OPENERS_LOSS_ROUNDS` sets the number of rounds; 100 rounds take a minute or two.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest

from openers.store.audit.chain import lines_of
from openers.store.audit.reading import read_chain
from openers.store.audit.verify import verify
from tests.kit.service.live import Live, live, settings_env
from tests.kit.service.requests import create_referral
from tests.kit.service.running import FHIR, GP
from tests.kit.store.outside import fetch
from tests.kit.store.stores import PostgresServer

pytestmark = pytest.mark.anyio
ROUNDS = int(os.environ.get("OPENERS_LOSS_ROUNDS", "5"))
CALLERS = 24
ANSWERS_A_ROUND = 60
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
UNKNOWN = "It is unknown whether"


class Load:
    """Callers that create referrals and read reference data until they are stopped."""

    def __init__(self, service: Live) -> None:
        """Log in."""
        person = service.as_person(GP)
        self._headers, self._base = dict(person.headers), f"{service.base_url}/referrals/FHIR"
        self.outcomes: dict[str, tuple[int, str]] = {}
        """Status and text of each creation, by request id."""
        self.statuses: Counter[int] = Counter()
        self._answered = asyncio.Condition()
        self._stops = False

    async def run(self, database: str, maintenance: str) -> None:
        """Run the callers while all connections are terminated `ROUNDS` times."""
        async with aiohttp.ClientSession(headers=self._headers) as session, asyncio.TaskGroup() as callers:
            for number in range(CALLERS):
                callers.create_task(self._call(session, reads=number % 3 == 0))
            killer = await asyncpg.connect(maintenance)
            try:
                for _ in range(ROUNDS):
                    await self._more(ANSWERS_A_ROUND)
                    await killer.fetch(END_ALL, database)
                await self._more(ANSWERS_A_ROUND)
            finally:
                self._stops = True
                await killer.close()

    async def _more(self, count: int) -> None:
        """Wait for `count` more replies."""
        until = self.statuses.total() + count
        async with self._answered, asyncio.timeout(60):
            await self._answered.wait_for(lambda: self.statuses.total() >= until)

    async def _call(self, session: aiohttp.ClientSession, *, reads: bool) -> None:
        request = create_referral()
        while not self._stops:
            if reads:
                call = session.get(f"{self._base}/STU3/CodeSystem/SPECIALTY")
            else:
                call = session.post(self._base + request["url"], json=request["json"], headers={"Content-Type": FHIR})
            async with call as reply:
                text = await reply.text()
            if not reads:
                self.outcomes[reply.headers["x-request-id"]] = (reply.status, text)
            async with self._answered:
                self.statuses[reply.status] += 1
                self._answered.notify_all()


@pytest.fixture
def url(postgres_server: PostgresServer, postgres_template: str) -> str:
    """Create a database with the demo world."""
    return postgres_server.create(postgres_template)


async def test_what_is_acknowledged_is_stored_and_what_is_refused_is_not(
    postgres_server: PostgresServer, url: str, keys: Path, record_property: Callable[[str, object], None]
) -> None:
    """Each reply is 200, 201 or 503, and every acknowledged referral is stored.

    A stored but unacknowledged referral was reported as unknown.
    """
    before = len(await _created(url))
    with live(settings_env(url, keys)) as service:
        load = Load(service)
        await load.run(urlsplit(url).path.lstrip("/"), postgres_server.url("postgres"))
        service.stop()
        log = service.log()
    stored = await _created(url)
    assert await fetch(url, "SELECT count(*) FROM referrals") == [(len(stored),)]
    acknowledged = {each for each, (status, _) in load.outcomes.items() if status == 201}
    unknown = {each for each, (_, text) in load.outcomes.items() if UNKNOWN in text}
    counts = f"{len(acknowledged)} acknowledged, {len(unknown)} unknown, {len(stored) - before} stored"
    told = f"{dict(load.statuses)}: {counts}"
    record_property("told", told)
    assert set(load.statuses) <= {200, 201, 503}, told
    assert acknowledged <= stored, told
    assert stored - acknowledged <= unknown, told
    assert "unexpected failure" not in log, log
    assert "ASGI" not in log, log
    assert verify(*await read_chain(url), (keys / "audit.key").read_bytes()) == []


async def _created(url: str) -> set[str]:
    """Return the request ids of all audit entries for new referrals."""
    blocks = await fetch(url, "SELECT entries FROM audit_blocks")
    texts = [line[17:] for (entries,) in blocks for line in lines_of(bytes(entries))]
    texts += [bytes(entry) for (entry,) in await fetch(url, "SELECT entry FROM audit_pending")]
    entries = [json.loads(text) for text in texts]
    return {
        each["request_id"] for each in entries if (each.get("act"), each.get("outcome")) == ("create referral", 201)
    }
