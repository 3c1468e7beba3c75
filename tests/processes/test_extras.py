"""A feature without its extra is reported at the start, with its cure; everything else works without the package."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from openers.domain.errors import Unavailable
from openers.paper.typesetter import TypstTypesetter
from openers.settings import SettingsError, read_settings
from openers.usecases.ports.paper import Document
from openers.worlds.entrance import open_service
from tests.kit.run.command import environment
from tests.kit.run.moments import now
from tests.kit.service.live import free_port

EXTRAS = ("asyncpg", "obstore", "typst", "jsonschema_rs", "python_multipart", "multipart")
WITHOUT = """
import asyncio, json, sys
for name in json.loads(sys.argv[2]):
    sys.modules[name] = None
import httpx
from openers.cli.main import app
from openers.server import application_of
from openers.settings import read_settings

async def serve():
    application = application_of(read_settings({}, json.loads(sys.argv[1])))
    await application.start()
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=application), base_url="https://e.example")
    paths = ("/", "/.well-known/openid-configuration", "/referrals/FHIR/STU3/metadata")
    statuses = [(await client.get(path)).status_code for path in paths]
    assert statuses == [200, 200, 200], statuses
    await client.aclose()
    await application.stop()

asyncio.run(serve())
"""


def test_production_on_sqlite_needs_no_extra(tmp_path: Path) -> None:
    given = {
        "mode": "production",
        "base_url": "https://e.example",
        "clamd_url": "unix:/run/clamd",
        "metrics_port": free_port(),
        "database_url": f"sqlite:///{tmp_path / 'a.db'}",
    }
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, json.dumps(given), json.dumps(EXTRAS)],
        env=environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "openers[documents]" in done.stdout


@pytest.mark.parametrize(
    ("package", "setting", "value", "extra"),
    [
        ("asyncpg", "OPENERS_DATABASE_URL", "postgresql://user:hidden@host/database", "openers[postgres]"),
        ("obstore", "OPENERS_BLOB_URL", "s3://bucket", "openers[s3]"),
    ],
)
def test_a_setting_that_needs_an_extra_names_it(
    monkeypatch: pytest.MonkeyPatch, package: str, setting: str, value: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SettingsError) as caught:
        read_settings({setting: value})
    (problem,) = caught.value.problems
    assert [setting in problem, extra in problem, "hidden" in problem] == [True, True, False]


@pytest.mark.anyio
async def test_test_mode_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    with pytest.raises(SettingsError, match=r"openers\[test-mode\]"):
        await open_service(read_settings({}))


COMMAND = """
import json, sys
for name in json.loads(sys.argv.pop()):
    sys.modules[name] = None
from openers.cli.main import app
app()
"""


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run an `openers` command without any extra."""
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *words, json.dumps(EXTRAS)],
        env=environment({"OPENERS_DATABASE_URL": f"sqlite:///{folder / 'a.db'}"}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_database_is_migrated_without_any_extra(tmp_path: Path) -> None:
    done = command(tmp_path, "db", "migrate")
    assert (done.returncode, done.stdout) == (0, "migrated\n"), done.stderr


@pytest.mark.parametrize("words", [("demo",), ("world", "load", "demo"), ("pas", "serve")], ids=" ".join)
def test_a_command_of_test_mode_names_its_extra(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = command(tmp_path, *words)
    assert (done.returncode, "install openers[test-mode]" in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.anyio
async def test_a_service_without_typst_prints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(Unavailable, match=r"openers\[documents\]"):
        await TypstTypesetter().pdf(Document(title="A letter"), now())
