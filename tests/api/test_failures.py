"""Callers with wrong credentials can try a few times and must then wait. Many rejections share one audit entry."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from hashlib import sha256
from pathlib import Path
from typing import Final

import httpx
import msgspec
import pytest
from tests.kit.service.running import GP, Running, copied, entry, running, settings_for
from tests.kit.store.outside import entries

from openers.api.failures import CLIENTS_OF_AN_ADDRESS, MOST_SOURCES, WINDOW_S, Failures, address_of
from openers.api.rate_limit import MOST_KEYS, RateLimit

pytestmark = pytest.mark.anyio
FEW: Final = 3
CLIENT: Final = "demo-user-app"
SECRET: Final = "right"
TOKEN: Final = "/oauth2/token"


class Watch:
    """A monotonic clock that tests move."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def limited(
    sqlite_template: Path, tmp_path: Path, keys: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Running]:
    """Run a service that allows three failures a minute. One of its applications has a secret."""
    monkeypatch.setattr("openers.bootstrap.monotonic", watch)
    settings = settings_for(copied(sqlite_template, tmp_path), keys, failures_per_minute=FEW)
    async with running(settings) as run:
        world = run.service.world.for_call(entry())
        async with world.begin("give it a secret") as tx:
            application = await tx.directory.application(CLIENT)
            assert application is not None
            digest = sha256(SECRET.encode()).hexdigest()
            await tx.directory.put_application(msgspec.structs.replace(application, secret_sha256=digest))
        yield run


def form(secret: str, client: str = CLIENT) -> dict[str, str]:
    """Return a token request with an invalid code, so that a correct secret leads to `invalid_grant`."""
    asked = {"grant_type": "authorization_code", "code": "a", "redirect_uri": "http://a"}
    return {**asked, "client_id": client, "client_secret": secret}


def told(reply: httpx.Response) -> tuple[int, str]:
    """Return the status and error code of a reply."""
    return reply.status_code, reply.json()["error"]


async def test_wrong_secrets_are_heard_a_few_times_and_then_wait(limited: Running, watch: Watch) -> None:
    pages = limited.pages()
    replies = [await pages.post(TOKEN, data=form("wrong")) for _ in range(FEW + 2)]
    assert [told(each) for each in replies] == [(401, "invalid_client")] * FEW + [(429, "too_many_requests")] * 2
    assert replies[-1].headers["Retry-After"] == "20"
    assert told(await pages.post(TOKEN, data=form(SECRET))) == (429, "too_many_requests")
    watch.at += 20
    assert told(await pages.post(TOKEN, data=form(SECRET))) == (400, "invalid_grant")


async def test_a_client_that_has_proved_itself_is_heard_beside_one_that_guesses(limited: Running) -> None:
    pages = limited.pages()
    assert told(await pages.post(TOKEN, data=form(SECRET))) == (400, "invalid_grant")
    for _ in range(FEW * 2):
        await pages.post(TOKEN, data=form("wrong"))
    assert told(await pages.post(TOKEN, data=form("wrong"))) == (429, "too_many_requests")
    assert told(await pages.post(TOKEN, data=form(SECRET))) == (400, "invalid_grant")


async def test_failures_of_many_clients_keep_no_right_one_out(limited: Running) -> None:
    pages = limited.pages()
    most = FEW * CLIENTS_OF_AN_ADDRESS
    replies = [await pages.post(TOKEN, data=form("wrong", f"client-{number}")) for number in range(most + 1)]
    assert [each.status_code for each in replies] == [401] * most + [429]
    assert told(await pages.post(TOKEN, data=form(SECRET))) == (400, "invalid_grant")


async def test_wrong_tokens_wait_and_right_ones_do_not(limited: Running) -> None:
    right, wrong = await limited.as_person(GP), limited.anonymous({"Authorization": "Bearer wrong"})
    most = FEW * CLIENTS_OF_AN_ADDRESS
    replies = [await wrong.get("/STU3/CodeSystem/PRIORITY") for _ in range(most + 1)]
    assert [each.status_code for each in replies] == [401] * most + [429]
    assert int(replies[-1].headers["Retry-After"]) == 2
    assert (await limited.pages().get("/oauth2/userinfo", headers={"Authorization": "Bearer wrong"})).status_code == 429
    assert (await right.get("/STU3/CodeSystem/PRIORITY")).status_code == 200


async def test_log_ins_with_made_up_handles_wait(limited: Running) -> None:
    pages = limited.pages()
    most = FEW * CLIENTS_OF_AN_ADDRESS
    replies = [await pages.post("/oauth2/authorize", data={"handle": "a"}) for _ in range(most + 1)]
    assert [each.status_code for each in replies] == [400] * most + [429]
    assert replies[-1].headers["Retry-After"] == "2"


@pytest.mark.parametrize("call", ["a wrong secret", "no token", "a wrong token", "a wrong signature"])
async def test_many_refusals_share_an_audit_entry(limited: Running, watch: Watch, call: str) -> None:
    async def refused() -> int:
        pages, edge = limited.pages(), limited.anonymous()
        match call:
            case "a wrong secret":
                return (await pages.post(TOKEN, data=form("wrong", "nobody"))).status_code
            case "no token":
                return (await edge.get("/STU3/CodeSystem/PRIORITY")).status_code
            case "a wrong token":
                told = {"Authorization": "Bearer wrong"}
                return (await edge.get("/STU3/CodeSystem/PRIORITY", headers=told)).status_code
            case _:
                return (await pages.get("/files/wrong")).status_code

    before = len(await entries(limited))
    statuses = [await refused() for _ in range(10)]
    single = len(await entries(limited)) - before
    assert single == sum(min(FEW, statuses.count(status)) for status in set(statuses))
    await limited.service.upkeep()
    assert len(await entries(limited)) == before + single
    watch.at += WINDOW_S
    await limited.service.upkeep()
    counted = (await entries(limited))[before + single :]
    assert sum(each["repeated"] for each in counted) == 10 - single
    assert {each["source"] for each in counted} == {"127.0.0.1"}
    await limited.service.upkeep()
    assert len(await entries(limited)) == before + single + len(counted)


async def test_counts_are_recorded_when_the_service_stops(limited: Running) -> None:
    for _ in range(FEW + 4):
        await limited.anonymous().get("/STU3/CodeSystem/PRIORITY")
    await limited.service.edge.gateway.failures.close()
    assert (await entries(limited))[-1]["repeated"] == 4


async def test_without_a_limit_each_refusal_has_its_entry(service: Running) -> None:
    before = len(await entries(service))
    for _ in range(50):
        assert (await service.anonymous().get("/STU3/CodeSystem/PRIORITY")).status_code == 401
    assert len(await entries(service)) == before + 50


async def test_sources_without_number_are_counted_together(service: Running) -> None:
    world = service.service.world.for_call(entry())
    world.entry.outcome = 401
    failures = Failures(0.5, Watch())
    for number in range(MOST_SOURCES + 500):
        await failures.record(world, str(number))
    before = len(await entries(service))
    await failures.close()
    assert len(await entries(service)) == before + MOST_SOURCES + 1


def test_buckets_are_bounded() -> None:
    limit = RateLimit(1, Watch())
    assert limit.admits("first")
    assert not limit.admits("first")
    for number in range(MOST_KEYS):
        limit.admits(str(number))
    assert limit.admits("first")


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("2001:db8:1:2:3:4:5:6", 5), "2001:db8:1:2::/64"),
        (("a" * 500, 5), "a" * 64),
        (None, ""),
    ],
)
def test_the_address_of_a_caller(client: tuple[str, int] | None, address: str) -> None:
    assert address_of({"client": client}) == address
