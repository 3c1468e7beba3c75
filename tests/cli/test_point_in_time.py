"""A drill: a PostgreSQL server that archives its log is lost, and restored to a moment, with the files beside it."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from httpx import AsyncClient

from openers.settings import Settings
from tests.cli.kept import environ_of, settings_in
from tests.kit.files.samples import LETTER, maintain, upload
from tests.kit.run.command import openers
from tests.kit.run.waiting import until_it
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, running
from tests.kit.store.nodes import DATABASE, Node, nodes
from tests.kit.store.outside import fetch

pytestmark = pytest.mark.anyio
ARCHIVED = "SELECT last_archived_wal >= '{}' FROM pg_stat_archiver WHERE last_archived_wal ~ '^[0-9A-F]{{24}}$'"


async def test_a_store_is_restored_to_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Acknowledged referrals before the moment are there, those after it are not, and the audit tells which."""
    data, secret = tmp_path / "data", tmp_path / "secret"
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(here)  # what belongs to the store is named after its database, which has the same name later
    with nodes() as (lost, restored):
        archive = lost.folder.with_name("archive")
        await _archiving(lost, archive)
        settings = settings_in(lost.url(), here)
        loaded = await asyncio.to_thread(openers, "world", "load", "demo", **environ_of(settings))
        assert loaded.returncode == 0, loaded.stderr
        async with running(settings) as run:
            gp = await run.as_person(GP)
            attached = await _with_letter(gp)
            await asyncio.to_thread(restored.copy, lost)
            words = ("backup", "create", str(data), "--keys", str(secret), "--without-database", "--json")
            made = await asyncio.to_thread(openers, *words, **environ_of(settings))
            assert made.returncode == 0, made.stderr
            before = {attached, *[await _refer(gp) for _ in range(3)]}
            await run.service.world.store.upkeep()
            head = list(await run.service.world.store.heads())
            [(moment,)] = await lost.query("SELECT clock_timestamp()::text")
            after = {await _refer(gp) for _ in range(3)}
            await run.service.world.store.upkeep()
            later = list(await run.service.world.store.heads())
            await _archived(lost)
        lost.kill()
        shutil.rmtree(lost.folder)
        await _recovered(restored, archive, str(moment))
        monkeypatch.chdir(elsewhere)
        settings = settings_in(restored.url(), elsewhere)
        done = openers("backup", "restore", str(data), "--keys", str(secret), **environ_of(settings))
        assert done.returncode == 0, done.stderr
        found = {str(row[0]) for row in await fetch(restored.url(), "SELECT ubrn FROM referrals")}
        assert before <= found
        assert not after & found
        assert _verified([*json.loads(made.stdout)["heads"], *head], settings) == 0
        assert _verified(later, settings) == 1, "acts after the moment are missing"
        contents = [path.read_bytes() for path in (elsewhere / "contents").rglob("*") if path.is_file()]
        assert contents == [LETTER.content]
        async with running(settings) as run:
            gp = await run.as_person(GP)
            assert (await gp.get(f"/STU3/ReferralRequest/{attached}")).status_code == 200
            assert await _refer(gp) not in before


async def _archiving(node: Node, archive: Path) -> None:
    """Start an empty server that copies each segment of its log to `archive`."""
    node.create()
    _give(archive, node)
    node.start(archive_mode="on", archive_command=f"test ! -f {archive}/%f && cp %p {archive}/%f")
    await node.until_ready()
    await node.query(f"CREATE DATABASE {DATABASE}")


def _give(folder: Path, node: Node) -> None:
    """Make a folder that the user of the server owns."""
    folder.mkdir()
    shutil.chown(folder, node.folder.owner())


async def _archived(node: Node) -> None:
    """Return when the archive has the log up to now."""
    [(segment,)] = await node.query("SELECT pg_walfile_name(pg_switch_wal())")

    async def _is_there() -> bool:
        return await node.query(ARCHIVED.format(segment)) == [(True,)]

    await until_it(_is_there, f"{segment} is not archived:\n{node.log()}")


async def _recovered(node: Node, archive: Path, moment: str) -> None:
    """Start a base backup, and return when it has become a server as of `moment`."""
    (node.folder / "recovery.signal").touch()
    node.start(restore_command=f"cp {archive}/%f %p", recovery_target_time=moment, recovery_target_action="promote")
    await node.until_ready()

    async def _is_primary() -> bool:
        return await node.query("SELECT pg_is_in_recovery()") == [(False,)]

    await until_it(_is_primary, f"no end of the recovery:\n{node.log()}")


async def _with_letter(gp: AsyncClient) -> str:
    """Create a referral with a letter; return its UBRN."""
    made = (await gp.post(**create_referral())).json()
    letter = await upload(gp, ubrn=made["id"])
    attached = await gp.post(**maintain(made["id"], made["meta"]["versionId"], letter))
    assert attached.is_success, attached.text
    return str(made["id"])


async def _refer(gp: AsyncClient) -> str:
    made = await gp.post(**create_referral())
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def _verified(heads: list[str], settings: Settings) -> int:
    words = [word for head in heads for word in ("--head", head)]
    return openers("audit", "verify", *words, **environ_of(settings)).returncode
