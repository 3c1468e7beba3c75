"""The service's keys: fetched on demand, cached, and fetched again for an unknown key id, but not too often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import msgspec
import pytest
from joserfc.jwk import RSAKey

from openers_testpas.auth import KeysUnknown, Refused, ServiceKeys
from openers_testpas.outbound.service import Unreachable
from openers_testpas.system import System
from tests.testpas.hospital import Hospital, options_for
from tests.testpas.referral_service import ReferralService
from tests.testpas.subject import problem

pytestmark = pytest.mark.anyio


class Publisher:
    """A key set that can change or be unreachable, and a clock that tests set."""

    def __init__(self) -> None:
        self.kids = ["one"]
        self.fetches = 0
        self.body: bytes | None = None
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self._key = RSAKey.generate_key(2048)

    async def fetch(self) -> bytes:
        self.fetches += 1
        await anyio.lowlevel.checkpoint()
        if not self.kids:
            raise Unreachable("away")
        keys = [{**self._key.as_dict(private=False), "kid": kid} for kid in self.kids]
        return self.body or msgspec.json.encode({"keys": [*keys, {"kty": "EC", "kid": "other"}]})

    def keys(self) -> ServiceKeys:
        return ServiceKeys(self.fetch, lambda: self.now)


async def test_keys_are_fetched_once_for_many_who_need_them() -> None:
    publisher = Publisher()
    keys = publisher.keys()
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(keys.named, "one")
    assert await keys.named("one") is not None
    assert publisher.fetches == 1


async def test_an_unknown_key_id_fetches_them_anew_but_not_too_often() -> None:
    publisher = Publisher()
    keys = publisher.keys()
    assert await keys.named("one") is not None
    publisher.kids = ["two"]
    assert await keys.named("two") is None
    assert publisher.fetches == 1
    publisher.now += timedelta(seconds=5)
    assert await keys.named("two") is not None
    assert await keys.named("one") is None
    assert publisher.fetches == 2


@pytest.mark.parametrize("body", [b"", b"[]", b'{"keys": [{"kty": "RSA", "kid": "x", "n": "?"}]}'])
async def test_a_key_set_that_is_none_lets_nobody_in(body: bytes) -> None:
    publisher = Publisher()
    publisher.body = body or b"{"
    with pytest.raises(KeysUnknown):
        await publisher.keys().named("one")


async def test_a_service_that_is_away_can_come_back() -> None:
    publisher = Publisher()
    publisher.kids = []
    keys = publisher.keys()
    with pytest.raises(KeysUnknown):
        await keys.named("one")
    publisher.kids = ["one"]
    assert await keys.named("one") is not None


async def test_without_the_keys_a_call_is_told_to_come_again(hospital: Hospital) -> None:
    await hospital.system.http.__aexit__(None, None, None)
    url = f"{hospital.subject.base}/Slot"
    reply = await hospital.http.get(url, headers=hospital.subject.signed())
    assert problem(reply) == (503, "transient")


async def test_a_replay_is_refused_after_a_restart_too(shared_service: ReferralService, tmp_path: Path) -> None:
    options = options_for(shared_service, tmp_path)
    authorization = f"Bearer {shared_service.token(options.fhir_url)}"
    for is_good in (True, False):
        system = System(options)
        async with system.http:
            if is_good:
                await system.doorkeeper.admit(authorization)
            else:
                with pytest.raises(Refused, match="before"):
                    await system.doorkeeper.admit(authorization)
        system.store.close()
