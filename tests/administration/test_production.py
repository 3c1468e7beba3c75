"""From an empty database in production mode: the commands of the how-to, then the API with a signed JWT."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey
from typer.testing import CliRunner

from openers.cli.main import app
from openers.wire.admin.examples import COMMISSIONER, EXAMPLES
from openers_client.applications import ASSERTION_TYPE, client_assertion
from tests.kit.service.administration import ADMIN
from tests.kit.service.running import running, settings_for

pytestmark = pytest.mark.anyio


@pytest.fixture
def run(empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Return a function that runs `openers` in production mode on an empty database."""
    monkeypatch.chdir(tmp_path)
    settings = settings_for(empty_url, tmp_path / "keys")
    names = ("database_url", "audit_key_file", "signing_key_file", "files_key_file", "access_code_key_file", "blob_url")
    for name in names:
        monkeypatch.setenv(f"OPENERS_{name.upper()}", str(getattr(settings, name)))

    def _run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, list(arguments))
        logging.getLogger().handlers.clear()  # the command's log goes to its own output, which is closed now
        return done.exit_code, done.output

    return _run


async def _token(client: httpx.AsyncClient, base_url: str, key: dict[str, str]) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
    form["client_assertion"] = client_assertion(f"{base_url}/oauth2/token", "ops", key)
    return await client.post("/oauth2/token", data=form)


async def test_an_empty_service_is_administered(
    run: Callable[..., tuple[int, str]], empty_url: str, tmp_path: Path, keys: Path
) -> None:
    """Two commands make the first administrator; it registers everything else. A second one is refused."""
    status, said = await asyncio.to_thread(run, "admin", "key", "new", "ops.jwk")
    assert (status, said) == (0, "private key: ops.jwk\npublic key: ops.jwk.public\n")
    assert (tmp_path / "ops.jwk").stat().st_mode & 0o77 == 0
    assert (await asyncio.to_thread(run, "admin", "key", "new", "ops.jwk"))[0] == 1, "a key is never replaced"
    first = ("admin", "bootstrap", "--client-id", "ops", "--public-key")
    status, said = await asyncio.to_thread(run, *first, "ops.jwk")
    assert (status, "private key" in said) == (1, True)
    assert (await asyncio.to_thread(run, *first, "ops.jwk.public"))[0] == 0
    status, said = await asyncio.to_thread(run, *first[:3], "other", "--public-key", "ops.jwk.public")
    assert (status, "ops administers this service already" in said) == (1, True), said
    settings = settings_for(
        empty_url,
        tmp_path / "keys",
        mode="production",
        base_url="http://127.0.0.1:8000",
        clamd_url="tcp://127.0.0.1:9",
        rate_limit_per_second=50.0,
    )
    async with running(settings) as served:
        client = served.pages()
        key: dict[str, str] = json.loads((tmp_path / "ops.jwk").read_text())
        granted = await _token(client, served.service.settings.base_url, key)
        assert granted.status_code == 200, granted.text
        client.headers["Authorization"] = f"Bearer {granted.json()['access_token']}"
        await _registered(client, "organisations", COMMISSIONER)
        for resource, example in EXAMPLES.items():
            await _registered(client, resource, example)
        own = f"{ADMIN}/applications/ops"
        known: dict[str, Any] = (await client.get(own)).json()
        public = RSAKey.import_key(dict(key)).as_dict(private=False)
        assert known["keys"]["keys"] == [{name: public[name] for name in ("kty", "kid", "n", "e")}]
        ended = await client.delete(own, headers={"If-Match": "*"})
        assert ended.status_code == 200
        assert (await client.get(own)).status_code == 401
        refused = await _token(served.pages(), served.service.settings.base_url, key)
        assert refused.json()["error"] == "invalid_client"
    assert (await asyncio.to_thread(run, *first[:3], "ops2", "--public-key", "ops.jwk.public"))[0] == 0, (
        "without an active administrator the first step is open again"
    )


async def _registered(client: httpx.AsyncClient, resource: str, example: dict[str, Any]) -> None:
    address = f"{ADMIN}/{resource}"
    if resource == "webhooks":
        reply = await client.post(address, json=example)
    else:
        reply = await client.put(f"{address}/{next(iter(example.values()))}", json=example)
    assert reply.status_code == 201, (resource, reply.text)
