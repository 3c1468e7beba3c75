"""Webhooks: every event is sent in order and signed, repeated after a failure, and sent again from a number on."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from openers.bootstrap import Service, do_due_work
from openers.usecases.due import FIRST_RETRY
from openers.usecases.events.webhooks import MOST_WEBHOOKS
from tests.kit.run.listener import Listener, listening
from tests.kit.run.moments import now
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, Running, copied, open_test_service, running, settings_for
from tests.kit.store.outside import fetch

pytestmark = pytest.mark.anyio
Json = dict[str, Any]


@pytest.fixture
async def listener() -> AsyncGenerator[Listener]:
    """Run a listener on a free port."""
    async with listening() as heard:
        yield heard


class Later:
    """A clock that is ahead."""

    def __init__(self, service: Service, by: timedelta) -> None:
        """Be `by` ahead of the service's clock."""
        self._clock, self._by = service.world.clock, by

    def now(self) -> datetime:
        """Return the present instant plus the offset."""
        return self._clock.now() + self._by


async def run_due(run: Running, after: timedelta = timedelta()) -> None:
    """Run the work that is due once `after` has passed, as the due runner does.

    It runs twice, because the first run may plan more work.
    """
    world = msgspec.structs.replace(run.service.world, clock=Later(run.service, after))
    for _ in range(2):
        await do_due_work(msgspec.structs.replace(run.service, world=world))


async def register(run: Running, url: str, **more: object) -> Json:
    """Register a webhook."""
    reply = await run.pages().post("/_test/webhooks", json={"url": url, **more})
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


async def create(run: Running, count: int = 1) -> None:
    """Cause `count` events."""
    gp = await run.as_person(GP)
    for _ in range(count):
        assert (await gp.post(**create_referral())).status_code == 201


async def shown(run: Running, webhook: Json) -> Json:
    """Return the state of a webhook."""
    return dict((await run.pages().get(f"/_test/webhooks/{webhook['id']}")).json())


async def test_every_event_arrives_once_in_order_and_signed(probed_on_both: Running, listener: Listener) -> None:
    await create(probed_on_both)
    webhook, before = await register(probed_on_both, listener.url), int(now().timestamp())
    await create(probed_on_both, 3)
    await run_due(probed_on_both)
    await run_due(probed_on_both)
    first = (await probed_on_both.pages().get("/_test/events")).json()["events"][1:]
    assert [msgspec.json.decode(body) for _, body in listener.got] == first
    assert listener.numbers == [each["number"] for each in first]
    for headers, body in listener.got:
        message, timestamp = headers["webhook-id"], int(headers["webhook-timestamp"])
        assert message == f"{webhook['id']}-{headers['X-OpenERS-Event']}"
        assert 0 <= before <= timestamp <= now().timestamp()
        key = b64decode(webhook["secret"].removeprefix("whsec_"))
        signature = hmac.digest(key, f"{message}.{timestamp}.".encode() + body, "sha256")
        assert headers["webhook-signature"] == f"v1,{b64encode(signature).decode()}"
        older = hmac.new(webhook["secret"].encode(), body, hashlib.sha256).hexdigest()
        assert headers["X-OpenERS-Signature"] == f"sha256={older}"
        assert headers["X-OpenERS-Webhook"] == webhook["id"]
    assert (await shown(probed_on_both, webhook))["sent"] == first[-1]["number"]


async def test_the_secret_is_told_once(probed: Running, listener: Listener) -> None:
    webhook = await register(probed, listener.url)
    given = await register(probed, listener.url, secret="0123456789abcdef")
    assert given["secret"] == "0123456789abcdef"
    pages = probed.pages()
    for address in ("/_test/webhooks", f"/_test/webhooks/{webhook['id']}", f"/_test/webhooks/{given['id']}"):
        for accept in ("application/json", "text/html"):
            reply = await pages.get(address, headers={"Accept": accept})
            assert reply.status_code == 200
            assert webhook["secret"] not in reply.text
            assert given["secret"] not in reply.text


@pytest.mark.parametrize("answer", [500, 404, 302])
async def test_what_is_not_taken_comes_again_later_and_later(
    probed_on_both: Running, listener: Listener, answer: int
) -> None:
    webhook = await register(probed_on_both, listener.url)
    await create(probed_on_both, 2)
    listener.answers = [answer, answer]
    await run_due(probed_on_both)
    assert len(listener.got) == 1
    assert (await shown(probed_on_both, webhook))["problem"] == f"it returned {answer}"
    await run_due(probed_on_both, FIRST_RETRY + timedelta(seconds=1))
    assert len(listener.got) == 2
    await run_due(probed_on_both, FIRST_RETRY * 2)
    assert len(listener.got) == 2
    await run_due(probed_on_both, FIRST_RETRY * 4)
    assert len(set(listener.numbers[:3])) == 1
    assert len({headers["webhook-id"] for headers, _ in listener.got[:3]}) == 1
    assert listener.numbers[3] == listener.numbers[0] + 1
    assert len(listener.got) == 4
    assert (await shown(probed_on_both, webhook))["problem"] == ""


async def test_an_address_that_nobody_answers_at_is_tried_again(probed: Running) -> None:
    webhook = await register(probed, "http://127.0.0.1:9/none")
    await create(probed)
    await run_due(probed)
    assert (await shown(probed, webhook))["problem"].startswith("no reply: ")
    due = await fetch(probed.service.settings.database_url, "SELECT attempt FROM due WHERE kind = 'tell webhook'")
    assert due == [(1,)]


async def test_what_was_taken_before_a_failure_does_not_come_again(probed: Running, listener: Listener) -> None:
    await register(probed, listener.url)
    await create(probed, 3)
    listener.answers = [204, 503]
    await run_due(probed)
    await run_due(probed)
    assert listener.numbers[:2] == [1, 2]
    assert listener.numbers[2:] == [2, 3]


async def test_everything_is_sent_again_from_a_number_on(probed_on_both: Running, listener: Listener) -> None:
    webhook = await register(probed_on_both, listener.url, since=0)
    await create(probed_on_both, 3)
    await run_due(probed_on_both)
    before = list(listener.got)
    replayed = await probed_on_both.pages().post(f"/_test/webhooks/{webhook['id']}/replay", json={"from": 2})
    assert (replayed.status_code, replayed.json()["sent"]) == (200, 1)
    await run_due(probed_on_both)
    again = listener.got[len(before) :]
    assert [(headers["X-OpenERS-Event"], body) for headers, body in again] == [
        (headers["X-OpenERS-Event"], body) for headers, body in before[1:]
    ]


async def test_what_is_removed_is_told_nothing(probed: Running, listener: Listener) -> None:
    webhook = await register(probed, listener.url)
    await create(probed)
    address = f"/_test/webhooks/{webhook['id']}"
    assert (await probed.pages().delete(address)).status_code == 200
    await run_due(probed)
    assert listener.got == []
    url = probed.service.settings.database_url
    assert await fetch(url, "SELECT count(*) FROM due WHERE kind = 'tell webhook'") == [(0,)]
    for reply in (
        await probed.pages().get(address),
        await probed.pages().delete(address),
        await probed.pages().post(f"{address}/replay", json={"from": 1}),
    ):
        assert (reply.status_code, webhook["id"] in reply.json()["error"]) == (404, True)


async def test_registrations_and_what_is_still_to_be_sent_are_stored(
    sqlite_template: Path, tmp_path: Path, keys: Path, listener: Listener
) -> None:
    """After a restart the service sends the events that are still to be sent."""
    settings = settings_for(copied(sqlite_template, tmp_path), keys)
    async with running(settings, open_it=open_test_service) as run:
        await register(run, listener.url)
        await create(run, 2)
    assert listener.got == []
    async with running(settings, open_it=open_test_service) as run:
        await run_due(run)
    assert listener.numbers == [1, 2]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"url": "ftp://host/x"}, "ftp://host/x"),
        ({"url": "http://"}, "url"),
        ({"url": "http://[x"}, "url"),
        ({"url": "http://host/", "secret": "short"}, "secret"),
        ({"url": "http://host/", "secret": "whsec_" + "A" * 28}, "secret: after whsec_ it must have 24 to 64 bytes"),
        ({"url": "http://host/", "secret": "whsec_" + "A" * 33}, "secret: after whsec_ it must have 24 to 64 bytes"),
        ({"url": "http://host/", "secret": "whsec_" + "A" * 88}, "secret: after whsec_ it must have 24 to 64 bytes"),
        ({"url": "http://host/", "secret": "whsec_" + "_" * 32}, "secret: after whsec_ it must have 24 to 64 bytes"),
        ({"url": "http://host/", "since": -1}, "since"),
        ({"url": "http://host/", "since": 2**63}, "since"),
        ({"url": "http://host/" + "x" * 2000}, "url"),
        ({"url": "http://host/", "secret": "x" * 257}, "secret"),
        ({"url": "http://host/", "often": 1}, "often"),
        ({}, "url"),
    ],
)
async def test_what_can_t_be_registered_is_refused(probed: Running, body: Json, named: str) -> None:
    reply = await probed.pages().post("/_test/webhooks", json=body)
    assert (reply.status_code, named in reply.json()["error"]) == (400, True)
    assert (await probed.pages().get("/_test/webhooks")).json() == {"webhooks": []}


async def test_a_world_has_so_many_webhooks_and_no_more(probed: Running) -> None:
    pages = probed.pages()
    for _ in range(MOST_WEBHOOKS):
        assert (await pages.post("/_test/webhooks", json={"url": "http://host/"})).status_code == 201
    reply = await pages.post("/_test/webhooks", json={"url": "http://host/"})
    assert (reply.status_code, f"at most {MOST_WEBHOOKS}" in reply.json()["error"]) == (400, True)
