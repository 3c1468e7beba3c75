"""A service killed under load: every acknowledged referral is unchanged afterwards, and the audit verifies."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from threading import Condition, Thread

import httpx
import msgspec
import pytest

from openers.store.audit.chain import lines_of
from tests.crash.audit import check_audit
from tests.kit.documents.replies import in_common
from tests.kit.run.command import settings_in
from tests.kit.service.live import Live, free_port, live
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, copied
from tests.kit.store.outside import fetch

CLIENTS = 3
ENOUGH = 8
"""Number of referrals acknowledged before the service is killed."""
LONGEST_S = 30.0


class Load:
    """Clients that create referrals as fast as they can until the service is killed."""

    def __init__(self, service: Live) -> None:
        """Log in and start the clients."""
        person = service.as_person(GP)
        self._headers, self._base = dict(person.headers), str(person.base_url)
        self.acknowledged: dict[str, bytes] = {}
        self._changed = Condition()
        self._threads = [Thread(target=self._create, daemon=True) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _create(self) -> None:
        with httpx.Client(base_url=self._base, headers=self._headers) as client:
            try:
                while True:
                    reply = client.post(**create_referral())
                    if reply.status_code == 201:
                        with self._changed:
                            self.acknowledged[reply.json()["id"]] = reply.content
                            self._changed.notify_all()
            except httpx.TransportError:
                return

    def reaches(self, count: int, within_s: float) -> bool:
        """Wait until `count` referrals are acknowledged; return whether that happened in time."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.acknowledged) >= count, within_s)

    def end(self) -> dict[str, bytes]:
        """Wait until all clients have stopped; return the acknowledged referrals by UBRN."""
        for thread in self._threads:
            thread.join(LONGEST_S)
        return self.acknowledged


def kill_at_a_random_moment(service: Live, chance: random.Random) -> dict[str, bytes]:
    """Kill the service under load, and return the acknowledged referrals."""
    load = Load(service)
    assert load.reaches(ENOUGH, LONGEST_S), service.log()
    load.reaches(10**6, chance.random() / 4)
    service.kill()
    return load.end()


def check_all_there(service: Live, acknowledged: dict[str, bytes]) -> None:
    """Assert that each referral reads as created; a read shows one element less."""
    client = service.as_person(GP)
    for ubrn, body in acknowledged.items():
        reply = client.get(f"/STU3/ReferralRequest/{ubrn}")
        assert reply.status_code == 200
        assert reply.json() == in_common(msgspec.json.decode(body))


def created_in_audit(url: str) -> list[str]:
    """Return the UBRNs of all creations in the sealed audit."""
    rows = asyncio.run(fetch(url, "SELECT entries FROM audit_blocks ORDER BY seq"))
    lines = [line for row in rows for line in lines_of(bytes(row[0])) if b'"act":"create referral"' in line]
    return [line.partition(b'"ubrn":"')[2][:12].decode() for line in lines]


def survive(settings: dict[str, str], rounds: int, chance: random.Random) -> None:
    """Kill and restart the service `rounds` times, checking after each."""
    url = settings["OPENERS_DATABASE_URL"]
    settings = {**settings, "OPENERS_PORT": str(free_port())}  # replies contain the address
    acknowledged: dict[str, bytes] = {}
    last: dict[str, bytes] = {}
    for _ in range(rounds):
        with live(settings) as service:
            check_all_there(service, last)
            last = kill_at_a_random_moment(service, chance)
        assert not acknowledged.keys() & last.keys(), "a UBRN was given twice"
        acknowledged |= last
    with live(settings) as service:
        check_all_there(service, acknowledged)
        service.stop()
        check_audit(service, settings)
    created = created_in_audit(url)
    assert len(created) == len(set(created))
    assert acknowledged.keys() <= set(created)


def test_what_was_acknowledged_survives_a_kill_on_sqlite(
    sqlite_template: Path, tmp_path: Path, keys: Path, seed: int
) -> None:
    """Acknowledged referrals survive five kills in a row."""
    survive(settings_in(keys, copied(sqlite_template, tmp_path)), 5, random.Random(seed))


@pytest.mark.parametrize("demo_url", ["postgresql"], indirect=True)
def test_what_was_acknowledged_survives_a_kill_on_postgresql(demo_url: str, keys: Path, seed: int) -> None:
    """Acknowledged referrals survive two kills, and the next process seals the pending audit entries."""
    survive(settings_in(keys, demo_url), 2, random.Random(seed))


@pytest.fixture
def seed(record_property: Callable[[str, object], None]) -> int:
    """Draw a new seed for each run, and record it with the test's result."""
    drawn = random.SystemRandom().randrange(2**32)
    record_property("seed", drawn)
    return drawn
