"""Production has no test mode: its addresses are unknown and its modules are not loaded."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from openers.bootstrap import open_service
from openers.server import application_of
from tests.kit.run.command import PROGRAM, environment, settings_in
from tests.kit.service.running import copied, settings_for
from tests.kit.service.worlds import rig

pytestmark = pytest.mark.anyio
PRODUCTION = {"mode": "production", "world": "live", "base_url": "https://e.example", "clamd_url": "tcp://127.0.0.1:1"}
LOADED = """
import asyncio, json, sys
from openers.cli import main
from openers.server import application_of
from openers.settings import read_settings

async def start():
    application = application_of(read_settings({}, json.loads(sys.argv[1])))
    await application.start()
    await application.stop()

asyncio.run(start())
print(json.dumps([name for name in sys.modules if name.startswith(("openers.worlds", "openers.testing"))]))
"""


async def test_every_path_of_test_mode_is_unknown(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    """Production returns 404 for every address of test mode with every method."""
    async with rig(copied(sqlite_template, tmp_path), keys) as made:
        routes = [each.path for each in made.service.inner.pages.routes]
    paths = [re.sub(r"{\w+}", "main", each) for each in routes if each.startswith("/_test")]
    assert len(paths) > 15
    service = await open_service(settings_for(f"sqlite:///{tmp_path / 'a.db'}", keys, **PRODUCTION))
    transport = httpx.ASGITransport(app=service)  # pyright: ignore[reportArgumentType] -- its scopes are dicts, too
    async with httpx.AsyncClient(transport=transport, base_url="https://e.example") as http:
        for path in paths:
            for method in ("GET", "POST", "PUT", "DELETE"):
                reply = await http.request(method, path, headers={"X-OpenERS-Tenant": "a"})
                assert reply.status_code == 404, (method, path)
    await service.close()
    await service.world.store.close()


@pytest.mark.parametrize("mode", ["production", "test"])
def test_only_test_mode_loads_its_modules(tmp_path: Path, mode: str) -> None:
    given = {
        **(PRODUCTION if mode == "production" else {"world": "demo"}),
        "mode": mode,
        "database_url": f"sqlite:///{tmp_path / 'a.db'}",
        "metrics_port": None,
    }
    done = subprocess.run(
        [sys.executable, "-c", LOADED, json.dumps(given)],
        env=environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert bool(loaded) is (mode == "test"), loaded


def test_the_switches_do_not_start_production(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, OPENERS_MODE="production", OPENERS_BASE_URL="https://e.example")
    for switch in ("--open", "--frozen"):
        done = subprocess.run(
            [PROGRAM, "serve", switch], env=environment(settings), capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert "is only for test mode" in done.stderr


def test_a_failed_start_of_test_mode_is_told(tmp_path: Path) -> None:
    assert application_of(settings_for(f"sqlite:///{tmp_path / 'a.db'}", tmp_path)) is not None
