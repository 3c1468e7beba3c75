"""One log-in opens all applications of the demo world, each a process of its own, and one log-out ends them all."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from openers import server
from tests.kit.run.waiting import until
from tests.kit.service.demo import demo_in
from tests.kit.service.live import free_port
from tests.kit.web.walker import Walker

USER: Final = "555073103100"
WITHIN_S: Final = 5
"""The time within which every application knows of a log-out."""


def test_one_log_in_opens_all_and_one_log_out_ends_all(tmp_path: Path) -> None:
    """Quick Connect and the portal end their sessions when the service tells them, whichever of them begins."""
    ports = {name: free_port() for name in ("quickconnect", "portal")}
    words = [each for name, port in ports.items() for each in (f"--{name}-port", str(port))]
    quick_connect, portal = (f"http://127.0.0.1:{port}" for port in ports.values())
    with demo_in(tmp_path, words=words):
        person = Walker(quick_connect)
        for first, other in ((quick_connect, portal), (portal, quick_connect)):
            _enter(person, first)
            person.log_in(USER)
            for each in (first, other):
                _enter(person, each)
                assert "Log out" in person.buttons, "the other application asks for a log-in again"
            _enter(person, other)
            person.send("Log out")
            until(lambda at=first: _asks_who_it_is(person, at), f"{first} has not ended its session")
            assert _asks_who_it_is(person, other)
        person.close()
    assert server.DUE_EVERY_S < WITHIN_S  # a message is due at once, and goes out with the next due work


def _enter(person: Walker, address: str) -> None:
    """Begin a log-in, which needs no choice of a person after the first one, and come back to the first page."""
    person.go(f"{address}/log-in?return_to=/")


def _asks_who_it_is(person: Walker, address: str) -> bool:
    """Return whether the first page shows nobody, and a log-in shows the page of the service."""
    person.go(address)
    if "Log out" in person.buttons or "not logged in any more" in person.text:
        return False  # the second: the service knows of the log-out, and the application does not yet
    _enter(person, address)
    return "Log in" in person.buttons
