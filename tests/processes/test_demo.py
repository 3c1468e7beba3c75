"""`openers demo`: every address follows host, port and base URL, and a port in use is reported before the start."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest

from openers.listening import CannotListen, Wanted, listen
from tests.kit.run.command import openers, settings_in
from tests.kit.service.demo import PAS_ABOVE, demo_in, wait_for_polls
from tests.kit.service.live import free_port, free_port_with


@pytest.mark.needs("bash")
def test_everything_follows_the_port_and_the_base_address(tmp_path: Path) -> None:
    """Banner and issuer follow the base URL and the port.

    The Test PAS accepts the service's calls after each start.
    """
    with demo_in(tmp_path, words=["--base-url", "http://ers.example/"]) as demo:
        wait_for_polls(demo)
        said = (tmp_path / "openers.db.log").read_text()
        assert "http://ers.example/referrals/FHIR/STU3" in said
        assert demo.pas_url in said
        told = httpx.get(f"{demo.base_url}/.well-known/openid-configuration").json()
        assert told["issuer"] == "http://ers.example"
        assert demo.health["status"] == "pass"
        first = demo.health["slots"]
    with demo_in(tmp_path) as again:
        assert again.base_url != demo.base_url
        while set(first.values()) & set(again.health["slots"].values()):
            wait_for_polls(again)
        assert again.base_url in (tmp_path / "openers.db.log").read_text()
        assert httpx.get(f"{again.base_url}/.well-known/openid-configuration").json()["issuer"] == again.base_url
        assert len(again.run(".venv/bin/openers token user 555073103100").strip()) > 20
    made = sorted(path.name for path in (tmp_path / "var").iterdir() if not path.name.startswith("openers.db"))
    assert made == []


@pytest.mark.parametrize("taken", [{"service"}, {"pas"}, {"service", "pas"}])
def test_a_port_in_use_is_told_before_anything_is_printed_or_made(tmp_path: Path, taken: set[str]) -> None:
    """All ports in use are reported at once, each with its cure."""
    port = free_port_with(PAS_ABOVE)
    ports = {"service": port, "pas": port + PAS_ABOVE}
    held = [socket.create_server(("127.0.0.1", ports[who])) for who in taken]
    done = openers("demo", "--port", str(port), **settings_in(tmp_path))
    for each in held:
        each.close()
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", len(taken)), done.stderr
    for who, option in (("service", "OPENERS_PORT"), ("pas", "--pas-port")):
        assert (f"port {ports[who]}: the port is in use" in done.stderr) is (who in taken)
        assert (option in done.stderr) is (who in taken)
    assert list(tmp_path.iterdir()) == []


def test_serve_tells_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = openers("serve", "--port", str(port), **settings_in(tmp_path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"port {port}: the port is in use; stop the program that uses it, or choose another" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "said"),
    [("nobody.invalid", "cannot resolve that name"), ("192.0.2.1", "does not have that address")],
)
def test_an_address_that_is_not_of_this_machine_is_told(host: str, said: str) -> None:
    with pytest.raises(CannotListen, match=said):
        listen(Wanted("the service", host, free_port(), "--port"))


def test_nobody_takes_a_port_that_is_held() -> None:
    """The port is held from the check on, so two services that start at once cannot both continue."""
    at = Wanted("the service", "localhost", free_port(), "--port")
    held = listen(at)
    assert held
    with pytest.raises(CannotListen, match="in use"):
        listen(at)
    for each in held:
        each.close()


def test_the_demo_is_not_for_production(tmp_path: Path) -> None:
    """`openers demo` refuses production mode, where the database must not hold the demo world."""
    given = {"OPENERS_MODE": "production", "OPENERS_BASE_URL": "https://e.example", "OPENERS_CLAMD_URL": "unix:/x"}
    done = openers("demo", "--world", "troubles", **settings_in(tmp_path, **given))
    assert (done.returncode, done.stdout) == (2, "")
    assert "use openers serve" in done.stderr
    assert list(tmp_path.iterdir()) == []
