"""Only the owner can open files that the service creates; production refuses to start if others can open one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from joserfc.jwk import ECKey, RSAKey

from openers.bootstrap import open_service
from openers.key_files import read_or_make_signing_key
from openers.settings import Settings, SettingsError
from tests.kit.service.demo import demo_in
from tests.kit.service.running import settings_for

pytestmark = pytest.mark.anyio
PRODUCTION: Final = {
    "mode": "production",
    "world": "live",
    "base_url": "https://e.example",
    "clamd_url": "unix:/run/clamd",
    "oidc_issuer": "https://login.example",
    "oidc_client_id": "ers",
}
OTHERS: Final = 0o077


def loose(folder: Path) -> set[str]:
    """Return the files and folders below `folder` that others than their owner can open."""
    found = {path for path in folder.rglob("*") if not path.is_symlink() and path.stat().st_mode & OTHERS}
    return {str(path.relative_to(folder)) for path in found}


@pytest.mark.needs("bash")
def test_all_that_a_demo_makes_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Database, log, keys, files, copies and the Test PAS's files are private under any umask."""
    before = os.umask(0o022)
    try:
        with demo_in(tmp_path) as demo:
            demo.run(".venv/bin/openers world snapshot morning")
            assert loose(tmp_path / "var") == set()
            made = {path.name for path in (tmp_path / "var").iterdir()}
    finally:
        os.umask(before)
    assert {"openers.db", "openers.db-wal", "openers.db.keys", "openers.db.testpas.db", "openers.db.worlds"} <= made


def production(folder: Path) -> Settings:
    """Return production settings for a SQLite file in `folder`, with private files."""
    client = folder / "client.json"
    client.write_text(json.dumps({"kid": "1", **RSAKey.generate_key(2048).as_dict(private=True)}))
    client.chmod(0o600)
    (folder / "a.db").touch(0o600)
    return settings_for(f"sqlite:///{folder / 'a.db'}", folder, **PRODUCTION, oidc_client_key_file=client)


FILES: Final[dict[str, Callable[[Settings], Path]]] = {
    "database": lambda settings: settings.sqlite_path or Path(),
    "log": lambda settings: Path(f"{settings.sqlite_path}-wal"),
    "shared memory": lambda settings: Path(f"{settings.sqlite_path}-shm"),
    "copies": lambda settings: Path(f"{settings.sqlite_path}.worlds"),
    "a backup": lambda settings: Path(f"{settings.sqlite_path}.backup"),
    "audit key": lambda settings: settings.audit_key_file,
    "signing key": lambda settings: settings.signing_key_file,
    "key of files": lambda settings: settings.files_key_file,
    "key of access codes": lambda settings: settings.access_code_key_file,
    "key at the OpenID provider": lambda settings: settings.oidc_client_key_file or Path(),
}


async def test_production_refuses_what_others_can_open(tmp_path: Path) -> None:
    """The refusal names the file and the command that makes it private; after that the service starts."""
    settings = production(tmp_path)
    first = await open_service(settings)
    await first.world.store.close()
    for what, path_of in FILES.items():
        path = path_of(settings)
        path.touch()
        for mode in (0o640, 0o604, 0o620):
            path.chmod(mode)
            with pytest.raises(SettingsError) as refused:
                await open_service(settings)
            assert f"run chmod go= {path}" in str(refused.value), what
        path.chmod(0o600)
    second = await open_service(settings)
    await second.world.store.close()


async def test_another_store_in_the_folder_is_no_concern(tmp_path: Path) -> None:
    settings = production(tmp_path)
    (tmp_path / "a.db2").touch(0o644)
    service = await open_service(settings)
    await service.world.store.close()


@pytest.mark.parametrize(
    "content", [b"", b"x", ECKey.generate_key("P-256", private=True).as_pem(private=True), b"\xff\xfe"]
)
def test_a_file_that_is_no_signing_key_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sign.pem"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"sign.pem .*restore the right file"):
        read_or_make_signing_key(path)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"kty":"RSA"}', b'{"kid":"1","kty":"oct","k":"YQ"}'])
async def test_a_file_that_is_no_key_for_the_openid_provider_is_told(tmp_path: Path, content: bytes) -> None:
    settings = production(tmp_path)
    assert settings.oidc_client_key_file is not None
    settings.oidc_client_key_file.write_bytes(content)
    with pytest.raises(SettingsError, match="restore the right file"):
        await open_service(settings)
