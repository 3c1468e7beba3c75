"""All connections to PostgreSQL are terminated repeatedly under load: replies and stored data agree.

`OPENERS_LOSS_ROUNDS` sets the number of rounds; 100 rounds take a minute or two.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from openers.store.audit.reading import read_chain
from openers.store.audit.verify import verify
from tests.crash.load import Load, created, differences
from tests.kit.service.live import live, settings_env
from tests.kit.store.outside import fetch
from tests.kit.store.stores import PostgresServer

pytestmark = pytest.mark.anyio
ROUNDS = int(os.environ.get("OPENERS_LOSS_ROUNDS", "5"))
ANSWERS_A_ROUND = 60
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"


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
    before = await created(url)
    with live(settings_env(url, keys)) as service:
        load = Load([service])
        killer = await asyncpg.connect(postgres_server.url("postgres"))
        async with load.running():
            for _ in range(ROUNDS):
                await load.more(ANSWERS_A_ROUND)
                await killer.fetch(END_ALL, urlsplit(url).path.lstrip("/"))
            await load.more(ANSWERS_A_ROUND)
        await killer.close()
        service.stop()
        log = service.log()
    stored = await created(url)
    told = f"{dict(load.statuses)}: {len(stored) - len(before)} stored"
    record_property("told", told)
    assert await fetch(url, "SELECT count(*) FROM referrals") == [(len(stored),)]
    assert set(load.statuses) <= {200, 201, 503}, told
    assert differences(load, before, stored) == [], told
    assert "unexpected failure" not in log, log
    assert "ASGI" not in log, log
    assert verify(*await read_chain(url), (keys / "audit.key").read_bytes()) == []
