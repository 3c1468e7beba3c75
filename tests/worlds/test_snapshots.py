"""Snapshots, resets and loads: a restored world equals the earlier one in every respect."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from openers.cli.audit import verify_audit
from openers.worlds.packs import Pack, read_pack
from openers.worlds.running import registry
from tests.kit.service.running import Person
from tests.kit.service.worlds import Rig, rig
from tests.kit.store.outside import fetch

pytestmark = pytest.mark.anyio
NEW_GP = Person("555073103211", "B86011", "REFERRING_CLINICIAN")


async def test_a_snapshot_is_put_back(on_each: Rig) -> None:
    """A restore covers referrals, numbers, clock and tokens, and clears rendered responses."""
    await on_each.as_()
    await on_each.control("PUT", "/clock", {"running": False})
    await on_each.control("POST", "/worlds/main/snapshot", {"name": "before"})
    at = (await on_each.control("GET", "/clock"))["now"]
    first = await on_each.refer(services=["11001"])
    await on_each.control("POST", "/clock/advance", {"days": 3})
    on_each.tokens.clear()
    await on_each.as_(NEW_GP)
    assert (
        await on_each.read(
            first.json()["id"],
        )
    ).status_code == 200
    await on_each.control("POST", "/worlds/main/restore", {"name": "before"})
    assert (await on_each.control("GET", "/clock"))["now"] == at
    assert await on_each.acts() == []
    assert (await on_each.fhir("GET", "/STU3/CodeSystem/PRIORITY", who=NEW_GP)).status_code == 401, "logged in later"
    on_each.tokens.clear()
    assert (await on_each.read(first.json()["id"])).status_code == 404
    again = await on_each.refer(services=["11002"])
    assert again.json()["id"] == first.json()["id"]
    assert (await on_each.read(again.json()["id"])).json() != first.json()
    assert (await verify_audit(on_each.service.settings, [])).findings == []


async def test_a_snapshot_outlives_the_process(demo_url: str, keys: Path) -> None:
    async with rig(demo_url, keys) as first:
        ubrn = (await first.refer()).json()["id"]
        await first.control("POST", "/worlds/main/snapshot", {"name": "kept"})
    async with rig(demo_url, keys) as second:
        assert (await second.control("GET", "/worlds"))["snapshots"] == ["kept"]
        await second.refer()
        await second.control("POST", "/worlds/main/restore", {"name": "kept"})
        second.tokens.clear()
        assert await second.acts() == ["create"]
        assert (await second.read(ubrn)).status_code == 200
        await second.refer()
        await second.control("POST", "/worlds/main/reset")
        second.tokens.clear()
        assert await second.acts() == ["create"], "it began anew as the snapshot"


async def test_a_reset_puts_back_what_a_world_began_as(here: Rig) -> None:
    await here.refer()
    await here.refer(world="a")
    await here.control("POST", "/worlds/a/reset")
    assert await here.acts("a") == ["create"]
    await here.control("POST", "/worlds/main/reset")
    assert await here.acts() == [], "main began as its pack"
    assert await here.acts("a") == ["create"]


async def test_a_load_replaces_everything(on_each: Rig) -> None:
    """Services and patients of the old pack are removed; loading the same pack again makes the same world."""
    await on_each.refer()
    told = await on_each.control("POST", "/worlds/main/load", {"pack": "empty"})
    assert told["pack"] == "empty"
    url = on_each.service.settings.database_url
    counts = "SELECT (SELECT count(*) FROM services), (SELECT count(*) FROM referrals), (SELECT count(*) FROM users)"
    [(services, referrals, users)] = await fetch(url, counts)
    assert (services, referrals, users > 0) == (0, 0, True)
    on_each.tokens.clear()
    assert (await on_each.refer()).status_code == 422
    for _ in range(2):
        await on_each.control("POST", "/worlds/main/load", {"pack": "demo"})
        on_each.tokens.clear()
        assert (await on_each.refer()).json()["id"] == "000000000001"
    assert (await verify_audit(on_each.service.settings, [])).findings == []


async def test_unknown_names_change_nothing(on_each: Rig) -> None:
    await on_each.refer()
    await on_each.control("POST", "/worlds/main/load", {"pack": "none"}, expect=404)
    await on_each.control("POST", "/worlds/main/restore", {"name": "none"}, expect=404)
    await on_each.control("POST", "/worlds/main/snapshot", {"name": "a/b"}, expect=400)
    await on_each.control("POST", "/worlds/elsewhere/reset", expect=404)
    await on_each.control("DELETE", "/snapshots/none", expect=404)
    assert await on_each.acts() == ["create"]


async def test_a_snapshot_is_forgotten_unless_it_is_needed(on_each: Rig) -> None:
    await on_each.control("POST", "/worlds/main/snapshot", {"name": "s"})
    await on_each.control("POST", "/worlds/main/restore", {"name": "s"})
    assert "can be reset" in (await on_each.control("DELETE", "/snapshots/s", expect=409))["error"]
    await on_each.control("POST", "/worlds/main/reset")
    await on_each.control("POST", "/worlds/main/load", {"pack": "demo"})
    assert await on_each.control("DELETE", "/snapshots/s") == {"dropped": "s"}
    assert (await on_each.control("GET", "/worlds"))["snapshots"] == []
    await on_each.control("POST", "/worlds/main/restore", {"name": "s"}, expect=404)


async def test_a_later_snapshot_takes_the_place_of_an_earlier_one(on_each: Rig) -> None:
    await on_each.control("POST", "/worlds/main/snapshot", {"name": "s"})
    await on_each.refer()
    await on_each.control("POST", "/worlds/main/snapshot", {"name": "s"})
    await on_each.refer()
    await on_each.control("POST", "/worlds/main/restore", {"name": "s"})
    assert await on_each.acts() == ["create"]


async def test_a_pack_that_can_not_be_lived_through_leaves_the_world_as_it_was(
    on_each: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If an act of the pack is refused, the load fails and changes nothing."""
    troubles = read_pack("troubles")
    act = msgspec.structs.replace(troubles.acts[0], values={"patient": "9990000018", "services": ["11001"]})
    broken = msgspec.structs.replace(troubles, acts=(*troubles.acts[:3], act))

    def _read(_name: str) -> Pack:
        return broken

    monkeypatch.setattr(registry, "read_pack", _read)
    ubrn = (await on_each.refer()).json()["id"]
    told = await on_each.control("POST", "/worlds/main/load", {"pack": "troubles"}, expect=422)
    assert "PATIENT_ERROR" in told["error"]
    assert await on_each.acts() == ["create"]
    assert (await on_each.read(ubrn)).status_code == 200
    assert (await on_each.control("GET", "/worlds/main"))["pack"] == "demo"
