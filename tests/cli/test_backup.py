"""`openers backup`: a store that is written to is copied, and restored elsewhere with nothing lost."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.cli.kept import environ_of, settings_in
from tests.kit.files.samples import LETTER, Sample, maintain, upload
from tests.kit.run.command import PROGRAM, openers
from tests.kit.service.demo import demo_of
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, running
from tests.kit.store.outside import fetch
from tests.kit.store.stores import PostgresServer

ODD = Sample("odd.txt", "text/plain", b"SQLite format 3\0 is how a database begins")
"""A content that only looks like a database."""
UBRNS = "SELECT ubrn FROM referrals"
Damage = Callable[[Path, Path], object]


@pytest.fixture
def empty_beside(demo_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty database of the same kind as `demo_url`."""
    if demo_url.startswith("sqlite:"):
        return f"sqlite:///{tmp_path / 'restored.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create()


@pytest.mark.anyio
async def test_a_store_is_backed_up_while_it_is_written_to(
    demo_url: str, empty_beside: str, tmp_path: Path, keys: Path
) -> None:
    """What was acknowledged before the backup is restored, with its files, and the audit has the heads of then."""
    before = tmp_path / "store"
    shutil.copytree(keys, before, ignore=shutil.ignore_patterns("blobs"))
    settings = settings_in(demo_url, before)
    data, secret = tmp_path / "data", tmp_path / "secret"
    acknowledged, ended = list[str](), asyncio.Event()
    async with running(settings) as run:
        gp = await run.as_person(GP)
        referral = (await gp.post(**create_referral())).json()
        attached = await gp.post(
            **maintain(referral["id"], referral["meta"]["versionId"], await upload(gp, ubrn=referral["id"]))
        )
        assert attached.is_success, attached.text
        await upload(gp, ODD)
        acknowledged += [(await gp.post(**create_referral())).json()["id"] for _ in range(3)]

        async def _write() -> None:
            while not ended.is_set():
                acknowledged.append((await gp.post(**create_referral())).json()["id"])

        writing = asyncio.create_task(_write())
        words = ("backup", "create", str(data), "--keys", str(secret), "--json")
        until = len(acknowledged)
        made = await asyncio.to_thread(openers, *words, **environ_of(settings))
        ended.set()
        await writing
    assert made.returncode == 0, made.stderr
    after = settings_in(empty_beside, tmp_path / "elsewhere")
    restored = openers("backup", "restore", str(data), "--keys", str(secret), **environ_of(after))
    assert restored.returncode == 0, restored.stderr
    assert restored.stdout.startswith("restored the store of ")
    found = {str(row[0]) for row in await fetch(after.database_url, UBRNS)}
    assert {referral["id"], *acknowledged[:until]} <= found
    contents = [path.read_bytes() for path in (tmp_path / "elsewhere/contents").rglob("*") if path.is_file()]
    assert sorted(contents) == sorted([LETTER.content, ODD.content])
    heads = [word for head in json.loads(made.stdout)["heads"] for word in ("--head", head)]
    verified = openers("audit", "verify", *heads, **environ_of(after))
    assert verified.returncode == 0, verified.stderr
    async with running(after) as run:
        read = await (await run.as_person(GP)).get(f"/STU3/ReferralRequest/{referral['id']}")
        assert read.json()["meta"]["versionId"] == attached.json()["meta"]["versionId"]
    again = openers("backup", "restore", str(data), "--keys", str(secret), **environ_of(after))
    assert again.returncode == 1
    assert "restore where no store is" in again.stderr


@pytest.fixture
def backup(sqlite_template: Path, keys: Path, tmp_path: Path) -> tuple[Path, Path, Mapping[str, str]]:
    """Return the folders of a backup of the demo world, and the environment of an empty place."""
    source, data, secret = tmp_path / "store.db", tmp_path / "data", tmp_path / "secret"
    shutil.copy(sqlite_template, source)
    settings = settings_in(f"sqlite:///{source}", keys)
    made = openers("backup", "create", str(data), "--keys", str(secret), **environ_of(settings))
    assert made.returncode == 0, made.stderr
    return data, secret, environ_of(settings_in(f"sqlite:///{tmp_path / 'new/openers.db'}", tmp_path / "new"))


def _altered(data: Path, _: Path) -> None:
    with (data / "database.sqlite").open("r+b") as file:
        file.seek(5000)
        file.write(b"?")


def _outside(data: Path, _: Path) -> None:
    manifest = json.loads((data / "manifest.json").read_bytes())
    manifest["files"][0]["path"] = "../other"
    (data / "manifest.json").write_text(json.dumps(manifest))


REFUSED: tuple[tuple[Damage, str], ...] = (
    (_altered, "database.sqlite was changed since the backup"),
    (_outside, "../other of the manifest is outside the backup"),
    (lambda data, _: (data / "manifest.json").unlink(), "manifest.json is missing"),
    (lambda data, _: (data / "manifest.json").write_text("{"), "manifest.json cannot be read"),
    (lambda _, secret: (secret / "audit_key_file").unlink(), "audit_key_file is missing"),
)


@pytest.mark.parametrize(("damage", "problem"), REFUSED)
def test_a_damaged_backup_is_refused_and_nothing_is_written(
    damage: Damage, problem: str, backup: tuple[Path, Path, dict[str, str]], tmp_path: Path
) -> None:
    data, secret, environ = backup
    damage(data, secret)
    refused = openers("backup", "restore", str(data), "--keys", str(secret), **environ)
    assert refused.returncode == 1
    assert problem in refused.stderr
    assert not (tmp_path / "new").exists()


def test_keys_are_kept_apart_and_a_folder_is_used_once(backup: tuple[Path, Path, dict[str, str]], keys: Path) -> None:
    data, secret, environ = backup
    held = {path.read_bytes() for path in keys.iterdir() if path.is_file()}
    assert held <= {path.read_bytes() for path in secret.rglob("*") if path.is_file()}
    assert not held & {path.read_bytes() for path in data.rglob("*") if path.is_file()}
    assert all(path.stat().st_mode & 0o077 == 0 for folder in (data, secret) for path in (folder, *folder.rglob("*")))
    again = openers("backup", "create", str(data), "--keys", str(secret), **environ)
    assert again.returncode == 1
    assert "is not empty: name a new folder" in again.stderr


def test_a_whole_demo_is_backed_up_while_it_runs(tmp_path: Path) -> None:
    """Portal, Quick Connect and Test PAS are in the backup with their databases whole, and start from it."""
    (tmp_path / "first").mkdir()
    (tmp_path / "second/var").mkdir(parents=True)
    data, secret = str(tmp_path / "data"), str(tmp_path / "secret")
    with demo_of(PROGRAM, tmp_path / "first") as demo:
        token = openers("token", "user", GP.user, "--base-url", demo.base_url).stdout.strip()
        described = {"NHSD-eRS-File-Name": LETTER.name, "Content-Type": LETTER.media_type, **GP.headers}
        told = {"Authorization": f"Bearer {token}", **described}
        address = f"{demo.base_url}/referrals/FHIR/STU3/Binary"
        httpx.post(address, content=LETTER.content, headers=told).raise_for_status()
        made = openers(
            "backup", "create", data, "--keys", secret, OPENERS_DATABASE_URL=demo.environment["OPENERS_DATABASE_URL"]
        )
    assert made.returncode == 0, made.stderr
    databases = [path for path in Path(data).rglob("*") if path.is_file() and path.read_bytes()[:6] == b"SQLite"]
    assert {path.name for path in databases} == {"database.sqlite", "beside.testpas.db", "portal.db", "quickconnect.db"}
    for each in databases:
        with closing(sqlite3.connect(each)) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    url = f"sqlite:///{tmp_path}/second/var/openers.db"
    restored = openers("backup", "restore", data, "--keys", secret, OPENERS_DATABASE_URL=url)
    assert restored.returncode == 0, restored.stderr
    contents = [path.read_bytes() for path in (tmp_path / "second/var/openers.db.blobs").rglob("*") if path.is_file()]
    assert contents == [LETTER.content]
    with demo_of(PROGRAM, tmp_path / "second") as demo:
        assert "loaded" not in (tmp_path / "second/openers.db.log").read_text()


@pytest.mark.parametrize(
    ("data_in", "keys_in", "problem"),
    [
        ("store.db.copy", "secret", "would belong to the store"),
        ("data", "store.db.blobs/keys", "would belong to the store"),
        ("data", "data/keys", "must be apart"),
        ("both", "both", "must be apart"),
    ],
)
def test_a_backup_is_made_outside_the_store_and_its_keys_outside_the_data(
    data_in: str, keys_in: str, problem: str, sqlite_template: Path, tmp_path: Path
) -> None:
    """A folder named after the store would be copied into itself."""
    shutil.copy(sqlite_template, tmp_path / "store.db")
    shutil.copytree(sqlite_template.parent, tmp_path / "store.db.keys", ignore=shutil.ignore_patterns("*.db*"))
    (tmp_path / "store.db.blobs").mkdir()
    url = f"sqlite:///{tmp_path / 'store.db'}"
    words = (str(tmp_path / data_in), "--keys", str(tmp_path / keys_in))
    refused = openers("backup", "create", *words, OPENERS_DATABASE_URL=url)
    assert refused.returncode == 1
    assert problem in refused.stderr
    assert not list(tmp_path.rglob("manifest.json"))


def test_a_log_of_an_earlier_store_is_not_read_into_the_restored_one(
    backup: tuple[Path, Path, dict[str, str]], tmp_path: Path
) -> None:
    data, secret, environ = backup
    (tmp_path / "new").mkdir()
    (tmp_path / "new/openers.db-wal").write_bytes(b"left by a crash")
    refused = openers("backup", "restore", str(data), "--keys", str(secret), **environ)
    assert refused.returncode == 1
    assert "openers.db-wal exists already" in refused.stderr
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["openers.db-wal"]
