"""`openers health` says whether the service can serve, by text, JSON and exit status."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.kit.run.command import openers
from tests.kit.service.live import free_port


@contextmanager
def _replies(status: int, body: str) -> Generator[int]:
    """Serve one fixed health page; provide its port."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/referrals/_status"
            self.send_response(status if found else 404)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "state", "code"), [(200, "pass", 0), (200, "warn", 0), (503, "fail", 1)], ids=["pass", "warn", "fail"]
)
def test_the_exit_status_follows_the_health(status: int, state: str, code: int) -> None:
    """A warning is no failure, because a container that is restarted for it would not get better."""
    body = {"status": state, "checks": {"database": state, "disk": "pass"}}
    with _replies(status, json.dumps(body)) as port:
        of_settings = openers("health", OPENERS_PORT=str(port), OPENERS_BASE_URL="https://ers.invalid")
        as_json = openers("health", "--json", "--base-url", f"http://127.0.0.1:{port}/")
    assert (of_settings.returncode, of_settings.stdout) == (code, f"{state}: database {state}, disk pass\n")
    assert (as_json.returncode, json.loads(as_json.stdout)) == (code, body)


def test_a_service_that_does_not_respond_is_a_failure() -> None:
    port = free_port()
    done = openers("health", OPENERS_PORT=str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"openers: no service responds at 127.0.0.1:{port}\n"


def test_a_page_of_something_else_is_a_failure() -> None:
    with _replies(404, "<html>") as port:
        done = openers("health", OPENERS_PORT=str(port))
    assert (done.returncode, done.stdout) == (1, "404: \n")
