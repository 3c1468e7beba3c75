"""The Test PAS gets an access token from the real service over HTTP, like any application."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import pytest

from openers.worlds.packs import keys as published_keys
from openers_testpas.hospital.clock import wall
from openers_testpas.options import Options
from openers_testpas.outbound.service import Http, Tokens, Unreachable, read_client_key
from tests.kit.service.live import live, settings_env
from tests.kit.service.running import copied

pytestmark = pytest.mark.anyio


async def test_a_token_is_granted_to_who_holds_the_key_and_to_nobody_else(
    sqlite_template: Path, tmp_path: Path, keys: Path
) -> None:
    with as_file(files(published_keys) / "demo-provider-app.json") as path:
        key, stranger = (read_client_key(name, path) for name in ("demo-provider-app", "demo-referrer-app"))
    with live(settings_env(copied(sqlite_template, tmp_path), keys)) as service:
        async with Http() as http:
            tokens = Tokens(http, Options(service=service.base_url), key, wall)
            token = await tokens.get()
            assert await tokens.get() == token
            tokens.forget()
            assert await tokens.get() != token
            with pytest.raises(Unreachable, match="returned 40"):
                await Tokens(http, Options(service=service.base_url), stranger, wall).get()
            assert (await http.get(f"{service.base_url}/oauth2/jwks")).startswith(b"{")
