"""The container image: built from the Containerfile, it runs as a user without rights on a read-only root."""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Generator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml

from openers.cli.demo import PAS_ABOVE, PORTAL_ABOVE, QUICK_CONNECT_ABOVE
from openers_client import log_in
from tests.deploy.forward import tcp_to
from tests.deploy.images import USER, Builder, Image
from tests.kit.run.built import Packages
from tests.kit.run.project import ROOT
from tests.kit.service.live import client_of, free_port, free_port_with
from tests.kit.store.stores import PostgresServer

pytestmark = [
    pytest.mark.needs("buildah", "debootstrap"),
    pytest.mark.skipif(os.geteuid() != 0, reason="images are built as root"),
]
STORES: Final = Path(__file__).with_name("stores")
COMPOSE: Final[dict[str, Any]] = cast("dict[str, Any]", yaml.safe_load((ROOT / "compose.yaml").read_text()))
UBRN: Final = "000000000003"
"""A referral in the stored database of the previous release, of its demo world's referring clinician."""
CLINICIAN: Final = "555073103100"
ROLE: Final = {"NHSD-End-User-Organisation-ODS": "D82106", "NHSD-eRS-Business-Function": "REFERRING_CLINICIAN"}


@pytest.fixture(scope="module")
def image(built: Packages, tmp_path_factory: pytest.TempPathFactory) -> Generator[Image]:
    """Build the image."""
    builder = Builder(tmp_path_factory.mktemp("image"))
    builder.make_base()
    yield builder.build(built.wheel)
    builder.remove()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Create an empty volume as Docker does: of the image's user."""
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    os.chown(made, USER, USER)
    return made


def _settings(port: int) -> dict[str, str]:
    return {"OPENERS_PORT": str(port), "OPENERS_BASE_URL": f"http://127.0.0.1:{port}"}


def _call(port: int, path: str) -> httpx.Response:
    """Call an operation as the demo world's clinician."""
    base = f"http://127.0.0.1:{port}"
    token = log_in(base, CLINICIAN, client_of("demo-user-app")).access_token
    return httpx.get(f"{base}/referrals/FHIR{path}", headers={"Authorization": f"Bearer {token}", **ROLE})


def test_the_image_says_how_it_runs(image: Image) -> None:
    config = image.config
    assert config["User"] == f"{USER}:{USER}"
    assert set(config["ExposedPorts"]) == {f"{port}/tcp" for port in (8000, 8002, 8003, 8004)}
    assert list(config["Volumes"]) == [config["WorkingDir"]]
    assert config["Labels"]["org.opencontainers.image.licenses"] == "MIT"
    for name in ("THIRD-PARTY-NOTICES", "openers.cdx.json"):
        assert (image.root / "opt/openers" / name).read_bytes()


def test_the_demo_runs_on_a_read_only_root(image: Image, data: Path) -> None:
    """It serves calls, the documentation and the commands of its page; everything that it writes is in its volume."""
    port = free_port_with(PAS_ABOVE, QUICK_CONNECT_ABOVE, PORTAL_ABOVE)
    settings = _settings(port)
    assert image.run(["openers", "--version"], data).stdout == f"openers {version('openers')}\n"
    assert image.run(["openers", "health"], data, **settings).returncode == 1
    with image.started(image.config["Cmd"], data, **settings):
        assert _call(port, "/STU3/CodeSystem/PRIORITY").status_code == 200
        assert httpx.get(f"http://127.0.0.1:{port}/docs/").status_code == 200
        for above in (QUICK_CONNECT_ABOVE, PORTAL_ABOVE):
            assert httpx.get(f"http://127.0.0.1:{port + above}/health").status_code == 200
        told = image.run(["openers", "health"], data, **settings)
        assert re.fullmatch(r"(pass|warn): database pass, .*\n", told.stdout), told
        page = (ROOT / "docs/how-to/run-the-container.md").read_text()
        for commands in re.findall(r"(?ms)^```sh run\n(.*?)^```", page):
            (address,) = set(re.findall(r"http://127\.0\.0\.1:8000\S*", commands))
            assert httpx.get(address.replace(":8000", f":{port}")).status_code == 200
    for folder in ("/opt/openers", "/etc", "/"):
        assert "Read-only" in image.run(["touch", f"{folder}/x"], data).stderr
    assert {path.stat().st_uid for path in data.rglob("*")} == {USER}
    assert (data / "var/openers.db").exists()


def test_a_store_of_the_previous_release_opens(image: Image, data: Path) -> None:
    """It is migrated, its audit is whole, and a referral in it is read."""
    with tarfile.open(STORES / "0.1.0.tar.xz") as file:
        file.extractall(data, filter="data")
    for path in (data / "var", *(data / "var").rglob("*")):
        os.chown(path, USER, USER)
    port = free_port()
    with image.started(["serve"], data, **_settings(port)):
        reply = _call(port, f"/STU3/ReferralRequest/{UBRN}")
        assert (reply.status_code, reply.json()["id"]) == (200, UBRN)
    told = image.run(["openers", "audit", "verify"], data)
    assert told.returncode == 0, told.stderr


def test_the_services_of_compose_run_on_postgresql(image: Image, data: Path, postgres_server: PostgresServer) -> None:
    """The commands and settings of `compose.yaml` load a world and serve it with workers; only the address differs."""
    own = urlsplit(postgres_server.create())
    (folder,) = parse_qs(own.query)["host"]
    with tcp_to(f"{folder}/.s.PGSQL.5432") as at:
        url = f"postgresql://postgres@127.0.0.1:{at}{own.path}"
        for name in ("load", "openers"):
            _run_of_compose(image, COMPOSE["services"][name], data, url)


def _run_of_compose(image: Image, service: dict[str, Any], data: Path, url: str) -> None:
    """Run a service of `compose.yaml`: to its end, or until it has answered a call if it publishes a port."""
    assert (service["read_only"], service["tmpfs"], service["cap_drop"]) == (True, ["/tmp"], ["ALL"])
    assert service["volumes"] == [f"openers:{image.config['WorkingDir']}"]
    given: dict[str, str] = service["environment"]
    assert given["OPENERS_DATABASE_URL"].startswith("postgresql://openers:")
    port = free_port()
    settings = given | _settings(port) | {"OPENERS_DATABASE_URL": url}
    if "ports" not in service:
        done = image.run([*image.config["Entrypoint"], *service["command"]], data, **settings)
        assert done.returncode == 0, done.stderr
        return
    with image.started(service["command"], data, **settings):
        assert _call(port, "/STU3/CodeSystem/PRIORITY").status_code == 200


def test_compose_waits_for_what_a_service_needs() -> None:
    services = COMPOSE["services"]
    assert services["openers"]["depends_on"] == {"load": {"condition": "service_completed_successfully"}}
    assert services["load"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert services["openers"]["build"]["dockerfile"] == "Containerfile"
    assert set(COMPOSE["volumes"]) == {"openers", "postgres"}
