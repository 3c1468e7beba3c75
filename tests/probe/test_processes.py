"""Test mode as a process: connections are dropped, and streams end with the service; production has no test mode."""

from __future__ import annotations

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from tests.kit.run.waiting import HANGS_AFTER_S
from tests.kit.service.live import live, settings_env
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, copied

STREAM = {"Accept": "text/event-stream"}
PRODUCTION = """
import asyncio, sys
import httpx
from openers.api.observer import UNOBSERVED
from openers.server import application_of
from openers.settings import read_settings
from openers.cli.main import app

async def main():
    settings = read_settings({}, {"mode": "production", "world": "live", "base_url": "https://referrals.example",
        "clamd_url": "unix:/run/clamd", "database_url": sys.argv[1]})
    application = application_of(settings)
    service = await application.start()
    assert service.edge.loop.observer is UNOBSERVED
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="https://referrals.example") as client:
        below = "/ /faults /requests /requests/1 /explain/1 /events /webhooks /webhooks/1/replay /probe.css"
        for path in ("", *below.split()):
            for method in ("GET", "POST", "PUT", "DELETE"):
                status = (await client.request(method, "/_test" + path)).status_code
                assert status == 404, (method, path, status)
        refused = await client.get("/referrals/FHIR/STU3/CodeSystem/PRIORITY")
        assert refused.status_code == 401 and "link" not in refused.headers
    await application.stop()

asyncio.run(main())
loaded = sorted(name for name in sys.modules if name.startswith("openers.worlds") or name == "jsonschema_rs")
assert loaded == [], loaded
"""


def test_a_dropped_connection_has_no_reply(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    with live(settings_env(copied(sqlite_template, tmp_path), keys)) as run:
        gp = run.as_person(GP)
        drop = {"faults": [{"kind": "drop", "count": 1}]}
        assert httpx.put(f"{run.base_url}/_test/faults", json=drop).status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            gp.get("/STU3/CodeSystem/PRIORITY")
        assert gp.get("/STU3/CodeSystem/PRIORITY").status_code == 200
        listed = httpx.get(f"{run.base_url}/_test/requests").json()["requests"]
        (dropped,) = [each for each in listed if each["fault"]]
        assert (dropped["status"], dropped["fault"]) == (0, "drop")
        explained = httpx.get(f"{run.base_url}/_test/explain/{dropped['number']}").json()["explanations"][0]
        assert {each["verdict"] for each in explained["steps"]} <= {"not known", "does not apply"}
        assert "unexpected failure" not in run.log()


def test_a_stream_ends_with_the_service(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    """The service does not wait for its readers to disconnect, and they see a normal end of the stream."""
    with live(settings_env(copied(sqlite_template, tmp_path), keys)) as run:
        with httpx.stream("GET", f"{run.base_url}/_test/events", headers=STREAM, timeout=HANGS_AFTER_S) as reply:
            lines = reply.iter_lines()
            assert next(lines) == "retry: 1000"
            assert run.stop() in {0, -15}
            assert [each for each in lines if each] == []
        assert "Traceback" not in run.log()
        assert "Cancel" not in run.log()


def test_a_webhook_is_told_by_the_service_itself(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    """The running service sends webhooks without a manual run of due work."""
    heard: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.headers["X-OpenERS-Event"])
            self.send_response(204)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Listener) as listener:
        listener.timeout = HANGS_AFTER_S
        with live(settings_env(copied(sqlite_template, tmp_path), keys)) as run:
            hook = {"url": f"http://127.0.0.1:{listener.server_port}/"}
            assert httpx.post(f"{run.base_url}/_test/webhooks", json=hook).status_code == 201
            assert run.as_person(GP).post(**create_referral()).status_code == 201
            listener.handle_request()
    assert heard == ["1"]


def test_production_has_none_of_it(tmp_path: Path) -> None:
    """In production every address below /_test is unknown, and no module of the test environment is loaded."""
    url = f"sqlite:///{tmp_path / 'openers.db'}"
    done = subprocess.run(
        [sys.executable, "-c", PRODUCTION, url], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
