"""The primary of two PostgreSQL servers is killed under load and its standby promoted: nothing acknowledged is lost.

`OPENERS_FAILOVER_ROUNDS` sets the number of rounds (`make failover`: 50). After each round the killed server follows
the other one, so both are killed in turn.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert

from openers.cli.backup import postgres_tools
from openers.domain.errors import OutcomeUnknown
from openers.store.opening import migrate
from openers.store.postgres import Patience, open_postgres
from openers_web.database import Database
from tests.crash.audit import check_audit
from tests.crash.load import Load, created, differences
from tests.kit.pas.small_pas import SmallPas, small_pas
from tests.kit.referrals.rig import RULES
from tests.kit.referrals.scene import SERVICE, add_slots, prepared, served
from tests.kit.run.command import openers
from tests.kit.run.waiting import HANGS_AFTER_S, until_it
from tests.kit.service.live import Live
from tests.kit.service.running import GP
from tests.kit.store.nodes import DATABASE, Node, nodes, programs, together
from tests.kit.store.outside import fetch
from tests.kit.store.records import KEY, add_referral, referral

pytestmark = pytest.mark.anyio
ROUNDS = int(os.environ.get("OPENERS_FAILOVER_ROUNDS", "1"))
SLOTS_A_ROUND = 20
ACKNOWLEDGED_A_ROUND = 40
LONGEST_OUTAGE_S = 30.0
CLAIMS_ENDED = timedelta(minutes=6)
Json = dict[str, Any]


@pytest.fixture
async def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[list[Node]]:
    """Run a primary with an empty database, and a standby without which nothing is acknowledged."""
    monkeypatch.chdir(tmp_path)  # for what belongs to the store, which is named after its database
    with nodes() as (primary, standby):
        primary.create()
        primary.start()
        await primary.until_ready()
        await primary.query(f"CREATE DATABASE {DATABASE}")
        standby.copy(primary, "--write-recovery-conf")
        standby.start()
        await primary.require_standby()
        yield [primary, standby]


async def test_nothing_acknowledged_is_lost_with_the_primary(
    pair: list[Node], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The service goes on by itself on the promoted standby: stored data, bookings and audit agree with its replies."""
    url = together(pair)
    migrated, loaded = (
        openers(*words.split(), **_settings(url, tmp_path)) for words in ("db migrate", "world load demo")
    )
    assert (migrated.returncode, loaded.returncode) == (0, 0), migrated.stderr + loaded.stderr
    with small_pas() as pas:
        add_slots(pas, ROUNDS * SLOTS_A_ROUND)
        settings = await prepared(url, tmp_path, pas)
        before = await created(url)
        with served(settings) as services:
            load = Load(services, await asyncio.to_thread(_free_slots, services[0], ROUNDS * SLOTS_A_ROUND))
            outages = await _fail_over(load, pair)
            await asyncio.to_thread(_advance, services[0])
            await until_it(lambda: _is_settled(url), "bookings are left half-made")
            for service in services:
                service.stop()
            logs = "".join(service.log() for service in services)
            check_audit(services[1], settings)
        told = f"{ROUNDS} rounds, {dict(load.statuses)}, longest outage {max(outages):.1f} s, {len(load.booked)} booked"
        record_property("told", told)
        assert set(load.statuses) <= {200, 201, 409, 422, 423, 503}, told
        assert differences(load, before, await created(url)) == [], told
        assert await _misbooked(load, pas, url) == [], told
    assert "unexpected failure" not in logs, logs
    assert max(outages) < LONGEST_OUTAGE_S, told


async def test_an_act_that_no_standby_confirmed_is_not_acknowledged(pair: list[Node]) -> None:
    """A primary that lost the waiting connection shows the act, but its standby may lack it: the outcome is unknown."""
    primary, standby = pair
    await migrate(primary.url())
    store = await open_postgres(primary.url(), KEY, 4, Patience(outcome_s=1.0))
    with standby.frozen():
        act = asyncio.create_task(add_referral(store, referral(1)))
        await until_it(lambda: _ended(primary), "no act waits for the standby")
        with pytest.raises(OutcomeUnknown):
            await act
        assert await fetch(primary.url(), "SELECT count(*) FROM referrals") == [(1,)]
    await add_referral(store, referral(2))
    await store.close()


async def test_databases_of_applications_and_dumps_follow_the_primary(
    pair: list[Node], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database of portal or Quick Connect, and `pg_dump`, find the primary by the same address."""
    primary, standby = pair
    url, tables = together(pair).replace("postgres@", "postgres:secret@"), MetaData()
    Table("items", tables, Column("id", Integer, primary_key=True))
    database = Database(url, tables)
    await database.create()
    primary.kill()
    await standby.promote()
    await database.run(lambda db: db.execute(insert(tables.tables["items"]).values(id=1)))
    await database.close()
    assert await fetch(url, "SELECT id FROM items") == [(1,)]
    monkeypatch.setenv("PATH", f"{programs()}:{os.environ['PATH']}")
    postgres_tools.dump(url, tmp_path / "dump")
    assert b"items" in (tmp_path / "dump").read_bytes()


async def _ended(primary: Node) -> bool:
    """Terminate the connections that wait for the standby; return whether there were any."""
    return bool(
        await primary.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
    )


async def _fail_over(load: Load, pair: list[Node]) -> list[float]:
    """Kill the primary in each round; return the seconds until the next acknowledgement."""
    outages: list[float] = []
    primary, standby = pair
    async with load.running():
        for _ in range(ROUNDS):
            await load.more(ACKNOWLEDGED_A_ROUND, 201)
            killed_at = monotonic()
            primary.kill()
            await standby.promote()
            await load.more(1, 201)
            outages.append(monotonic() - killed_at)
            await load.more(ACKNOWLEDGED_A_ROUND, 201)
            await standby.query("CHECKPOINT")  # or the control file still tells the former timeline
            await asyncio.to_thread(primary.rewind, standby)
            primary.start()
            await standby.require_standby()
            primary, standby = standby, primary
        await load.more(ACKNOWLEDGED_A_ROUND, 201)
    return outages


def _settings(url: str, folder: Path) -> dict[str, str]:
    return {"OPENERS_DATABASE_URL": url, "OPENERS_AUDIT_KEY_FILE": str(folder / "audit.key")}


def _free_slots(service: Live, count: int) -> list[Json]:
    """Return the first free slots (A015)."""
    client: httpx.Client = service.as_person(GP)
    query = {
        "schedule.actor:HealthcareService": SERVICE,
        "appointmentType": "URGENT",
        "status": "free",
        "_count": "100",
    }
    found: list[Json] = []
    while len(found) < count:
        reply = client.get("/STU3/Slot", params={**query, "page": str(len(found) // 100 + 1)}, headers=RULES)
        found += [each["resource"] for each in reply.json()["entry"] if each["search"]["mode"] == "match"]
    return found[:count]


def _advance(service: Live) -> None:
    """Advance the clock until claims of interrupted bookings have ended, and run the work that is due then."""
    stretch = {"seconds": CLAIMS_ENDED.total_seconds()}
    httpx.post(f"{service.base_url}/_test/clock/advance", json=stretch, timeout=HANGS_AFTER_S).raise_for_status()


async def _is_settled(url: str) -> bool:
    """Return whether each interrupted booking was completed or undone."""
    [(claims,)] = await fetch(url, "SELECT count(*) FROM claims")
    return claims == 0


async def _misbooked(load: Load, pas: SmallPas, url: str) -> list[str]:
    """Return the slots that were booked twice, and the acknowledged bookings that are lost."""
    at_pas = Counter(each["slot"][0]["reference"] for each in pas.appointments.values() if each["status"] == "booked")
    here = {str(row[0]) for row in await fetch(url, "SELECT slot FROM referrals WHERE slot IS NOT NULL")}
    wrong = [f"{slot} is booked {count} times at the PAS" for slot, count in at_pas.items() if count > 1]
    wrong += [f"{slot} was given to {len(given)} callers" for slot, given in load.booked.items() if len(given) > 1]
    return wrong + [f"the booking of {slot} is lost" for slot in load.booked if slot not in here]
