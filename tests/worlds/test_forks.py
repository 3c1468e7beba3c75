"""Forks: separate worlds, selected by a header. Benchmarks measure their cost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from openers.key_files import read_or_make_key
from openers.store.audit.reading import read_chain
from openers.store.audit.verify import verify
from openers.store.sqlite import SqliteStore
from openers.worlds.running import registry
from openers.worlds.running.running_world import RunningWorld
from tests.kit.service.worlds import Rig

pytestmark = pytest.mark.anyio
TENANT = "X-OpenERS-Tenant"


async def test_a_tenant_gets_a_world_of_its_own(here: Rig) -> None:
    """A fork starts as a copy of main, and changes in one world are not visible in the other."""
    first = (await here.refer()).json()["id"]
    assert (await here.read(first, "alice")).status_code == 200
    second = (await here.refer(world="alice")).json()["id"]
    third = (await here.refer()).json()["id"]
    assert first != second == third, "numbers go on from where the fork was made"
    assert await here.acts() == ["create", "create"]
    assert await here.acts("alice") == ["create", "create"]
    await here.control("POST", "/clock/advance", {"days": 30}, "alice")
    assert (await here.acts("alice"))[2:] == ["remind patient"] * 2
    assert await here.acts() == ["create", "create"]
    assert (await here.control("GET", "/clock"))["ahead_s"] == 0


async def test_two_hundred_tests_at_once_do_not_meet(here: Rig) -> None:
    """Each test sees only its own referral under the same number; main sees none."""
    await here.control("PUT", "/clock", {"running": False})
    names = [f"test-{number}" for number in range(200)]

    async def _one(name: str, number: int) -> tuple[Any, ...]:
        days = number % 5 + 1
        reminder = {"name": "firstReminderLetterFollowUpDays", "valueUnsignedInt": days}
        ubrn = (await here.refer(reminder, world=name)).json()["id"]
        ran = (await here.control("POST", "/clock/advance", {"days": days}, name))["ran"]
        reminded = [done["key"] for done in ran if done["kind"] == "remind patient"]
        return ubrn, reminded, await here.acts(name), (await here.read(ubrn, name)).json()["id"]

    seen = await asyncio.gather(*(_one(name, number) for number, name in enumerate(names)))
    expected = ("000000000001", ["000000000001"], ["create", "remind patient"], "000000000001")
    assert list(seen) == [expected] * 200
    assert await here.acts() == []
    assert len((await here.control("GET", "/worlds"))["worlds"]) == 201


async def test_a_token_of_main_opens_forks_that_were_made_later(here: Rig) -> None:
    """A session of a fork is valid only in that fork."""
    early = (await here.as_())["Authorization"]
    path = "/referrals/FHIR/STU3/CodeSystem/PRIORITY"
    roles = {name: value for name, value in (await here.as_()).items() if name.startswith("NHSD")}
    for world in ("a", "b"):
        await here.fork_if_new(world)
    assert (await here.http.get(path, headers={TENANT: "a", "Authorization": early, **roles})).status_code == 200
    own = (await here.control("POST", "/sessions", {"user": "555073103100"}, "a"))["access_token"]
    for world, status in (("a", 200), ("main", 401), ("b", 401)):
        headers = {TENANT: world, "Authorization": f"Bearer {own}", **roles}
        assert (await here.http.get(path, headers=headers)).status_code == status
    await here.control("DELETE", "/sessions", world="a")
    assert (await here.http.get(path, headers={TENANT: "a", "Authorization": early, **roles})).status_code == 401
    assert (await here.http.get(path, headers={"Authorization": early, **roles})).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/referrals/_ping", "/_test/clock", "/_test/", "/referrals/FHIR/STU3/CodeSystem/PRIORITY", "/oauth2/token"]
)
async def test_no_request_makes_a_world_that_it_names(here: Rig, method: str, path: str) -> None:
    """An unknown name gets 404 with the known names; only `POST /_test/worlds` creates a world."""
    await here.control("POST", "/worlds", {"name": "morning"})
    reply = await here.http.request(method, path, headers={TENANT: "mornign"})
    assert reply.status_code == 404
    assert method == "HEAD" or "there are: main, morning" in reply.json()["error"]
    assert [each.name for each in here.service.worlds.all] == ["main", "morning"]


async def test_a_refused_token_request_makes_no_world(here: Rig) -> None:
    """A refused token request with the header creates no world."""
    headers = {TENANT: "a"}
    await here.fork_if_new("a")
    form = {
        "grant_type": "client_credentials",
        "client_id": "demo-user-app",
        "client_secret": "published-secret-of-demo-user-app",
    }
    refused = await here.http.post("/oauth2/token", data=form, headers=headers)
    assert refused.status_code == 400
    assert len((await here.control("GET", "/worlds"))["worlds"]) == 2


async def test_forks_are_named_read_and_dropped(here: Rig) -> None:
    made = await here.control("POST", "/worlds", {"name": "a", "seed": 7})
    assert (made["name"], made["seed"]) == ("a", 7)
    assert (await here.control("GET", "/worlds/a"))["pack"] == "demo"
    assert "already" in (await here.control("POST", "/worlds", {"name": "a"}, expect=409))["error"]
    await here.refer(world="a")
    made = await here.control("POST", "/worlds", {"name": "b", "from": "a"})
    assert await here.acts("b") == ["create"]
    assert await here.control("DELETE", "/worlds/a") == {"dropped": "a"}
    assert await here.acts("b") == ["create"], "a fork of it lives on"
    assert "no world a" in (await here.control("GET", "/worlds/a", expect=404))["error"]
    assert "main" in (await here.control("DELETE", "/worlds/main", expect=409))["error"]


@pytest.mark.parametrize("name", ["-a", "a/b", "a b", "ä", "x" * 65, "."])
async def test_names_are_plain(here: Rig, name: str) -> None:
    reply = await here.http.get("/referrals/_ping", headers={TENANT: name.encode()})  # pyright: ignore[reportArgumentType] -- bytes are fine
    assert reply.status_code == 400
    assert "letters, digits" in reply.json()["error"]
    await here.control("POST", "/worlds", {"name": name}, expect=400)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "a", "from": "main", "snapshot": "s"},
        {"name": "a", "seed": -1},
        {"name": "a", "seed": 2**60},
        {"name": "a", "origin": "main"},
        {"name": 1},
    ],
)
async def test_bad_bodies_make_no_fork(here: Rig, body: dict[str, Any]) -> None:
    assert (await here.control("POST", "/worlds", body, expect=400))["error"]
    assert len((await here.control("GET", "/worlds"))["worlds"]) == 1


async def test_unknown_sources_are_named(here: Rig) -> None:
    for source in ({"from": "nowhere"}, {"snapshot": "nothing"}, {"pack": "none"}, {"snapshot": "main"}):
        told = await here.control("POST", "/worlds", {"name": "a", **source}, expect=404)
        assert next(iter(source.values())) in told["error"]
    assert len((await here.control("GET", "/worlds"))["worlds"]) == 1


async def test_a_fork_in_use_is_not_dropped(here: Rig) -> None:
    await here.fork_if_new("a")
    held = here.service.worlds.of_tenant("a")
    held.in_use += 1
    assert "in use" in (await here.control("DELETE", "/worlds/a", expect=409))["error"]
    held.in_use -= 1
    await here.control("DELETE", "/worlds/a")


async def test_what_nobody_uses_is_dropped_and_says_so(here: Rig) -> None:
    """A request to a dropped fork gets 410, so that nobody mistakes a new world for it."""
    await here.refer(world="a")
    await here.refer(world="b")
    _age(here.service.worlds.named("a"))
    await here.service.runner().look()
    assert [each.name for each in here.service.worlds.all] == ["main", "b"]
    gone = await here.http.get("/referrals/_ping", headers={TENANT: "a"})
    assert (gone.status_code, "fork it again" in gone.json()["error"]) == (410, True)
    await here.control("POST", "/worlds", {"name": "a"})
    assert (await here.http.get("/referrals/_ping", headers={TENANT: "a"})).status_code == 200


def _age(held: RunningWorld) -> None:
    held.last_used_s -= registry.IDLE_S + 1


async def test_copies_go_with_the_last_that_began_as_them(here: Rig) -> None:
    """Forks of an unchanged world share a copy."""
    for name in ("a", "b"):
        await here.control("POST", "/worlds", {"name": name})
    origins = {each["origin"] for each in (await here.control("GET", "/worlds"))["worlds"][1:]}
    assert len(origins) == 1
    await here.refer()
    made = await here.control("POST", "/worlds", {"name": "c"})
    assert made["origin"] not in origins
    directory = _file(here.service.worlds.named("c")).parent
    assert len(_copies(directory)) == 2
    for name in ("a", "b"):
        await here.control("DELETE", f"/worlds/{name}")
    assert _copies(directory) == [f"{made['origin']}.db"]
    await here.control("DELETE", "/worlds/c")
    assert [path.name for path in directory.glob("fork-*")] == []


def _copies(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.glob("fork.*"))


def _file(held: RunningWorld) -> Path:
    assert isinstance(held.world.store, SqliteStore)
    return held.world.store.path


async def test_each_has_an_audit_chain_of_its_own_that_holds(here: Rig) -> None:
    await here.refer()
    await here.refer(world="a")
    key = read_or_make_key(here.service.settings.audit_key_file, strict=False)
    for held in here.service.worlds.all:
        assert list(verify(*await read_chain(f"sqlite:///{_file(held)}"), key, [])) == []


@pytest.mark.parametrize("demo_url", ["postgresql"], indirect=True)
async def test_postgresql_has_one_world(on_each: Rig) -> None:
    assert (await on_each.http.get("/referrals/_ping", headers={TENANT: "a"})).status_code == 404
    reply = await on_each.http.post("/_test/worlds", json={"name": "a"})
    assert reply.status_code == 400
    assert "On PostgreSQL a process has one world" in reply.json()["error"]
    assert (await on_each.http.get("/referrals/_ping", headers={TENANT: "main"})).status_code == 200
