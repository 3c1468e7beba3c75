"""`openers audit verify` detects every way to tamper with the audit in the database, and names it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from openers.cli.main import app
from openers.key_files import read_or_make_key
from openers.settings import SettingsError
from openers.store.audit.chain import Block, Sealer, head_mac, lines_of
from openers.store.audit.rows import head_row
from openers.store.opening import migrate
from tests.kit.run.command import openers, settings_in
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, running, settings_for
from tests.kit.store.outside import execute, fetch

Url = str
Tamper = Callable[[Url], Coroutine[Any, Any, None]]
CALLS = 8
UPSERT_HEAD = "UPDATE audit_heads SET seq = ?, mac = ?, head_mac = ? WHERE writer = ?"


async def blocks_of(url: Url) -> list[Block]:
    """Return the stored blocks."""
    rows = await fetch(url, "SELECT writer, seq, entries, mac FROM audit_blocks ORDER BY seq")
    return [Block(writer, seq, bytes(entries), bytes(mac)) for writer, seq, entries, mac in rows]


async def rewrite(url: Url, block: Block) -> None:
    """Replace the entries of a block."""
    await execute(url, "UPDATE audit_blocks SET entries = ? WHERE seq = ?", block.entries, block.seq)


def with_lines(block: Block, lines: list[bytes]) -> Block:
    """Return the block with these lines."""
    return block._replace(entries=b"".join(line + b"\n" for line in lines))


async def alter(url: Url) -> None:
    """Change the method in the last entry."""
    last = (await blocks_of(url))[-1]
    changed = last.entries.replace(b"GET", b"PUT")
    assert changed != last.entries
    await rewrite(url, last._replace(entries=changed))


async def remove_entry(url: Url) -> None:
    """Remove the first entry of a block that has several."""
    block = next(each for each in await blocks_of(url) if each.entries.count(b"\n") > 1)
    await rewrite(url, with_lines(block, list(lines_of(block.entries))[1:]))


async def swap_entries(url: Url) -> None:
    """Swap the first entries of the last two blocks."""
    one, two = (await blocks_of(url))[-2:]
    first, second = list(lines_of(one.entries)), list(lines_of(two.entries))
    first[0], second[0] = second[0], first[0]
    await rewrite(url, with_lines(one, first))
    await rewrite(url, with_lines(two, second))


async def remove_block(url: Url) -> None:
    """Remove the block before the last one."""
    await execute(url, "DELETE FROM audit_blocks WHERE seq = ?", (await blocks_of(url))[-2].seq)


async def cut_tail(url: Url) -> None:
    """Remove the last two blocks, but keep the head."""
    await execute(url, "DELETE FROM audit_blocks WHERE seq >= ?", (await blocks_of(url))[-2].seq)


async def cut_tail_with_head(url: Url) -> None:
    """Remove the last two blocks and set the head back to the block before.

    Its seal is stale, because the key is unknown.
    """
    await cut_tail(url)
    last = (await blocks_of(url))[-1]
    await execute(url, "UPDATE audit_heads SET seq = ?, mac = ?", last.seq, last.mac)


async def drop_head(url: Url) -> None:
    """Remove the head."""
    await execute(url, "DELETE FROM audit_heads")


async def remove_all(url: Url) -> None:
    """Remove the whole audit."""
    for table in ("audit_blocks", "audit_heads", "audit_pending"):
        await execute(url, f"DELETE FROM {table}")


TAMPERINGS: list[tuple[Tamper, str]] = [
    (alter, "was altered"),
    (remove_entry, "was removed"),
    (swap_entries, "stands entry 1 of block"),
    (remove_block, "were removed"),
    (cut_tail, "were cut off"),
    (cut_tail_with_head, "was not written with the key"),
    (drop_head, "No head is stored"),
    (remove_all, "The store holds records, but no audit"),
]


async def _use(url: Url, keys: Path) -> list[str]:
    """Write acts, reads and rejections to several blocks, some with several entries; return the heads."""
    async with running(settings_for(url, keys)) as run:
        await run.service.world.store.upkeep()
        gp = await run.as_person(GP)
        ubrn = (await gp.post(**create_referral())).json()["id"]
        for _ in range(CALLS):
            pair = (gp.get(f"/STU3/ReferralRequest/{ubrn}"), run.anonymous().get("/STU3/ReferralRequest/1"))
            assert [each.status_code for each in await asyncio.gather(*pair)] == [200, 401]
            await run.service.world.store.upkeep()
        return [*await run.service.world.store.heads()]


@pytest.fixture
def heads(demo_url: str, keys: Path) -> list[str]:
    """Return the audit heads of a database that has been used."""
    return asyncio.run(_use(demo_url, keys))


def verify(url: Url, keys: Path, *words: str) -> Result:
    """Run `openers audit verify`."""
    settings = {**settings_in(keys, url)}
    return CliRunner().invoke(app, ["audit", "verify", *words], env=settings)


def test_an_audit_that_is_whole_ends_with_status_0(demo_url: str, keys: Path, heads: list[str]) -> None:
    """The command runs in a separate process. The chain contains the head that the log reported."""
    done = openers("audit", "verify", "--head", heads[0], **settings_in(keys, demo_url))
    assert (done.returncode, done.stderr) == (0, "")
    blocks = asyncio.run(blocks_of(demo_url))
    entries = sum(each.entries.count(b"\n") for each in blocks)
    told = f"{entries} entries in {len(blocks)} blocks, 0 waiting to be sealed\nhead {heads[0]}\n"
    assert done.stdout == told


def test_an_empty_audit_of_an_unused_store_is_whole(empty_url: str, keys: Path) -> None:
    asyncio.run(migrate(empty_url))
    read_or_make_key(keys / "audit.key")
    result = verify(empty_url, keys)
    assert (result.exit_code, result.stdout) == (0, "0 entries in 0 blocks, 0 waiting to be sealed\n")


def test_a_store_does_not_open_with_another_audit_key(demo_url: str, keys: Path, tmp_path: Path) -> None:
    """The service does not start with a missing or a wrong audit key. It creates no new key and writes nothing."""

    async def start() -> None:
        async with running(settings_for(demo_url, keys, audit_key_file=tmp_path / "another.key")):
            pass

    asyncio.run(_use(demo_url, keys))
    before = asyncio.run(blocks_of(demo_url))
    with pytest.raises(SettingsError, match="is missing"):
        asyncio.run(start())
    assert not (tmp_path / "another.key").exists()
    (tmp_path / "another.key").write_bytes(bytes(32))
    with pytest.raises(SettingsError, match="is not the one that sealed"):
        asyncio.run(start())
    asyncio.run(drop_head(demo_url))
    with pytest.raises(SettingsError, match="blocks but no head"):
        asyncio.run(start())
    assert asyncio.run(blocks_of(demo_url)) == before


@pytest.mark.parametrize(("tamper", "told"), TAMPERINGS, ids=[tamper.__name__ for tamper, _ in TAMPERINGS])
def test_tampering_is_found_and_named(demo_url: str, keys: Path, heads: list[str], tamper: Tamper, told: str) -> None:
    """The message names the kind and the place of the change, and the exit status is 1."""
    assert verify(demo_url, keys, "--head", heads[0]).exit_code == 0
    asyncio.run(tamper(demo_url))
    result = verify(demo_url, keys)
    assert (result.exit_code, told in result.stderr) == (1, True), result.stderr


def test_a_chain_written_anew_with_the_key_is_found_by_a_logged_head_alone(
    demo_url: str, keys: Path, heads: list[str]
) -> None:
    """The new chain is consistent, but a head from the log is not in it."""
    asyncio.run(_write_anew(demo_url, (keys / "audit.key").read_bytes()))
    assert verify(demo_url, keys).exit_code == 0
    result = verify(demo_url, keys, "--head", heads[0])
    assert (result.exit_code, "is not the one that the head" in result.stderr) == (1, True)


def test_a_tail_cut_under_a_head_with_the_key_is_found_by_a_logged_head_alone(
    demo_url: str, keys: Path, heads: list[str]
) -> None:
    """The shorter chain is consistent, but a head from the log is not in it."""
    key = (keys / "audit.key").read_bytes()

    async def cut() -> None:
        await cut_tail(demo_url)
        row = head_row((await blocks_of(demo_url))[-1], key)
        await execute(demo_url, UPSERT_HEAD, row["seq"], row["mac"], row["head_mac"], row["writer"])

    asyncio.run(cut())
    assert verify(demo_url, keys).exit_code == 0
    result = verify(demo_url, keys, "--head", heads[0])
    assert (result.exit_code, "were cut off" in result.stderr) == (1, True)


async def _write_anew(url: Url, key: bytes) -> None:
    """Rewrite the whole chain without its rejections, sealed with the key."""
    old = await blocks_of(url)
    sealer = Sealer(key, old[0].writer)
    for block in old:
        entries = [line[17:] for line in lines_of(block.entries) if b'"outcome":401' not in line]
        new = sealer.seal(entries or [b"{}"])
        sealer.advance(new)
        await execute(url, "UPDATE audit_blocks SET entries = ?, mac = ? WHERE seq = ?", new.entries, new.mac, new.seq)
    head = sealer.head
    await execute(url, UPSERT_HEAD, head.seq, head.mac, head_mac(key, head), head.writer)


FAULTS: list[tuple[dict[str, str], tuple[str, ...], int, str]] = [
    ({"OPENERS_AUDIT_KEY_FILE": "/nowhere/audit.key"}, (), 2, "The audit key /nowhere/audit.key is missing"),
    ({"OPENERS_DATABASE_URL": "sqlite:////nowhere/openers.db"}, (), 1, "not available: database"),
    ({}, ("--head", "sqlite-12"), 1, "A head is writer:number:mac"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_keeps_it_from_verifying_is_told_in_one_line(
    sqlite_template: Path, keys: Path, fault: tuple[dict[str, str], tuple[str, ...], int, str]
) -> None:
    """The key, the database or a valid head is missing."""
    changes, words, status, told = fault
    settings = {**settings_in(keys, f"sqlite:///{sqlite_template}"), **changes}
    result = CliRunner().invoke(app, ["audit", "verify", *words], env=settings)
    assert (result.exit_code, result.stderr.count("\n")) == (status, 1)
    assert told in result.stderr
