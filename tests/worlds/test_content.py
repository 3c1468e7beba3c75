"""File content, shared by worlds: it is stored as long as a world or a snapshot refers to it."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

import pytest

from openers.worlds.mode import worlds_directory
from tests.kit.service.running import copied
from tests.kit.service.worlds import Rig, rig

pytestmark = pytest.mark.anyio
HEADERS = {"Content-Type": "text/plain", "NHSD-eRS-File-Name": "letter.txt"}
LETTER = b"Dear colleague"


async def _upload(here: Rig, world: str = "main") -> str:
    """Upload a file, and return its address."""
    reply = await here.fhir("POST", "/STU3/Binary", world, content=LETTER, headers=HEADERS)
    assert reply.status_code == 201, reply.text
    await here.control("POST", "/clock/advance", world=world)
    return f"/STU3/{reply.headers['location']}"


async def _read(here: Rig, address: str, world: str = "main") -> bytes | None:
    here.tokens.clear()
    reply = await here.fhir("GET", address, world)
    return reply.content if reply.status_code == 200 else None


def _kept(here: Rig) -> set[str]:
    """Return the names of all stored content."""
    directory = Path(here.service.settings.blob_url.removeprefix("file:"))
    return {path.name for path in directory.rglob("*") if path.is_file() and path.parent.name != "drafts"}


async def test_it_goes_with_the_fork_that_alone_names_it(here: Rig) -> None:
    address = await _upload(here)
    await here.control("POST", "/worlds", {"name": "a"})
    await _upload(here, "a")
    assert len(_kept(here)) == 2
    await here.control("DELETE", "/worlds/a")
    assert len(_kept(here)) == 1
    assert await _read(here, address) == LETTER


async def test_a_purge_in_one_world_leaves_it_to_the_others(here: Rig) -> None:
    """The last world that refers to the content removes it."""
    address = await _upload(here)
    await here.control("POST", "/worlds", {"name": "a"})
    await here.control("POST", "/clock/advance", {"days": 30})
    assert await _read(here, address) is None
    assert await _read(here, address, "a") == LETTER
    await here.control("POST", "/clock/advance", {"days": 30}, "a")
    assert await _read(here, address, "a") is None
    await here.control("POST", "/worlds", {"name": "b"}, expect=201)
    await here.control("DELETE", "/worlds/a")
    assert _kept(here) == set()


@pytest.mark.parametrize("way", ["reset", "load"])
async def test_it_goes_when_a_world_is_put_back(on_each: Rig, way: str) -> None:
    """A reset or a load removes all content to which no snapshot refers."""
    await on_each.control("POST", "/worlds/main/load", {"pack": "demo"})
    on_each.tokens.clear()
    kept = await _upload(on_each)
    await on_each.control("POST", "/worlds/main/snapshot", {"name": "s"})
    await _upload(on_each)
    assert len(_kept(on_each)) == 2
    await on_each.control("POST", f"/worlds/main/{way}", {"pack": "demo"} if way == "load" else None)
    assert len(_kept(on_each)) == 1
    await on_each.control("POST", "/worlds/main/restore", {"name": "s"})
    assert await _read(on_each, kept) == LETTER
    await on_each.control("POST", "/worlds/main/load", {"pack": "demo"})
    await on_each.control("DELETE", "/snapshots/s")
    assert _kept(on_each) == set()


async def test_a_snapshot_in_place_of_another_names_what_it_holds(on_each: Rig) -> None:
    await on_each.control("POST", "/worlds/main/load", {"pack": "demo"})
    await _upload(on_each)
    await on_each.control("POST", "/worlds/main/snapshot", {"name": "s"})
    await on_each.control("POST", "/worlds/main/reset")
    assert len(_kept(on_each)) == 1
    await on_each.control("POST", "/worlds/main/snapshot", {"name": "s"})
    assert _kept(on_each) == set()


async def test_nothing_stays_of_a_frozen_world(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    async with rig(copied(sqlite_template, tmp_path), keys, frozen=True) as frozen:
        for _ in range(2):
            reply = await frozen.fhir("POST", "/STU3/Binary", content=LETTER, headers=HEADERS)
            assert reply.status_code == 201
        assert _kept(frozen) == set()


async def test_what_a_killed_process_left_is_swept(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    """The next start removes files of forks, and the next sweep removes content; content of a snapshot stays."""
    url = copied(sqlite_template, tmp_path)
    async with rig(url, keys) as first:
        address = await _upload(first)
        await first.control("POST", "/worlds/main/snapshot", {"name": "s"})
        [kept] = _kept(first)
        blobs = Path(first.service.settings.blob_url.removeprefix("file:"))
        passing = worlds_directory(first.service.settings) / "passing"
    stray = blobs / "ab" / f"{'ab' * 32}.{uuid4().hex}"
    for path in (stray, blobs / kept[:2] / kept):
        path.touch()
        os.utime(path, (1, 1))
    passing.mkdir(exist_ok=True)
    (passing / "fork-7.db").touch()
    async with rig(url, keys) as second:
        assert list(passing.iterdir()) == []
        await second.control("POST", "/clock/advance", {"days": 30})
        assert await _read(second, address) is None, "purged"
        assert _kept(second) == {kept}
        await second.control("POST", "/worlds/main/restore", {"name": "s"})
        assert await _read(second, address) == LETTER


@pytest.mark.parametrize("demo_url", ["postgresql"], indirect=True)
async def test_processes_on_one_database_share_no_folder_of_forks(demo_url: str, keys: Path) -> None:
    """Workers that start at once would remove each other's folder, which they do not need."""
    async with rig(demo_url, keys) as here:
        assert not (worlds_directory(here.service.settings) / "passing").exists()


@pytest.mark.parametrize("demo_url", ["postgresql"], indirect=True)
async def test_a_database_of_a_pack_goes_with_the_service(demo_url: str, keys: Path) -> None:
    from tests.kit.store.outside import fetch

    name = demo_url.partition("?")[0].rpartition("/")[2]
    copies = f"SELECT datname FROM pg_database WHERE datname LIKE '{name}/%'"
    async with rig(demo_url, keys) as made:
        await made.control("POST", "/worlds/main/load", {"pack": "demo"})
        assert len(await fetch(demo_url, copies)) == 1
    assert await fetch(demo_url, copies) == []
