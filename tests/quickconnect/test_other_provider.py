"""The journeys of Quick Connect against an instance in production mode, whose people log in at another OpenID provider.

The provider is the service of the other tests. The instance is a process of its own, with its own records and a PAS,
and learns the roles of people from the provider.
"""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from openers.testing import TestedService
from tests.kit.run.command import environment, openers
from tests.kit.run.forked import start
from tests.kit.run.waiting import HANGS_AFTER_S, until
from tests.kit.service.live import Live, free_port, live
from tests.kit.web.walker import Walker
from tests.quickconnect.conftest import running
from tests.quickconnect.test_journeys import CONSULTANT, GP, NURSES, booked

RECORDS: Final[dict[str, list[dict[str, Any]]]] = {
    "organisations": [
        {"ods": "D82106", "name": "Moor Surgery", "kind": "GP_PRACTICE", "postcode": "LS1 4HT"},
        {"ods": "RCD", "name": "Moorland Hospitals", "kind": "PROVIDER", "postcode": "LS1 4AP"},
    ],
    "sites": [{"ods": "RCD01", "organisation": "RCD", "name": "Moorland General", "postcode": "LS1 4AP"}],
    "services": [
        {
            "id": NURSES,
            "name": "Heart clinic of Moorland",
            "organisation": "RCD",
            "site": "RCD01",
            "location_name": "North wing",
            "postcode": "LS1 4AP",
            "workgroup": "RCD/Cardiology",
            "clinic_types": "CARDIOLOGY/HEART_FAILURE",
            "flows": "APPOINTMENT_REQUEST",
            "bookable": "DIRECTLY_BOOKABLE",
            "letter_required": "false",
        }
    ],
    "patients": [
        {
            "nhs_number": "9912003888",
            "family_name": "Field",
            "given_name": "Iris",
            "born": "1962-03-14",
            "sex": "female",
            "postcode": "LS1 4HT",
            "practice": "D82106",
        }
    ],
}
Admin = Callable[..., str]


def admin_at(address: str, client_id: str, key: Path | None) -> Admin:
    """Return a function that runs `openers admin` against a service."""

    def _admin(*words: str) -> str:
        keys = () if key is None else ("--key", str(key))
        done = openers("admin", *words, "--base-url", address, "--client-id", client_id, *keys)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    return _admin


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a pair of keys for each application."""
    here = tmp_path_factory.mktemp("production")
    for name in ("ops", "at-provider", "pas", "pages"):
        done = openers("admin", "key", "new", str(here / f"{name}.jwk"))
        assert done.returncode == 0, done.stderr
    return here


@pytest.fixture(scope="module")
def production(tested: TestedService, folder: Path) -> Generator[Live]:
    """Run an instance in production mode, whose OpenID provider is the other service."""
    port = free_port()
    settings = {
        "OPENERS_MODE": "production",
        "OPENERS_PORT": str(port),
        "OPENERS_BASE_URL": f"http://127.0.0.1:{port}",
        "OPENERS_DATABASE_URL": f"sqlite:///{folder / 'openers.db'}",
        "OPENERS_OIDC_ISSUER": tested.base_url,
        "OPENERS_OIDC_CLIENT_ID": "ers-live",
        "OPENERS_OIDC_CLIENT_KEY_FILE": str(folder / "at-provider.jwk"),
        "OPENERS_ROLES_FROM": "claims",
        "OPENERS_CLAMD_URL": "tcp://127.0.0.1:9",
        "OPENERS_BLOB_URL": f"file:{folder / 'blobs'}",
        "OPENERS_METRICS_PORT": str(free_port()),
        "OPENERS_RATE_LIMIT_PER_SECOND": "100",
        **{f"OPENERS_{name}_KEY_FILE": str(folder / name) for name in ("AUDIT", "SIGNING", "FILES", "ACCESS_CODE")},
    }
    at_provider = admin_at(tested.base_url, "demo-ops", None)
    back = f"redirect_uris=http://127.0.0.1:{port}/oauth2/callback"
    keys = f"keys=@{folder / 'at-provider.jwk.public'}"
    at_provider("application", "put", "ers-live", "name=e-Referral Service", "mode=user-restricted", back, keys)
    for words in (("db", "migrate"), ("admin", "bootstrap", "--client-id", "ops", "--public-key")):
        more = [str(folder / "ops.jwk.public")] if words[0] == "admin" else []
        done = openers(*words, *more, **settings)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
    with live(settings, prefix=("env",)) as run:  # a new process: a fork has loaded test mode
        yield run


@pytest.fixture(scope="module")
def pages(production: Live, folder: Path) -> Generator[str]:
    """Register the records, link a PAS, and run Quick Connect; lend its address."""
    admin = admin_at(production.base_url, "ops", folder / "ops.jwk")
    for name, rows in RECORDS.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
    admin("import", *(str(folder / f"{name}.csv") for name in RECORDS))
    roles = ("roles=RCD:SERVICE_PROVIDER_CLINICIAN", "workgroups=RCD/Cardiology")
    admin("person", "put", CONSULTANT, "name=Dr Priya Castell", *roles)
    of_pas = (f"keys=@{folder / 'pas.jwk.public'}", "mode=application-restricted")
    admin("application", "put", "moorland-pas", "name=PAS of Moorland", *of_pas)
    with (
        _pas(production.base_url, folder) as pas,
        running(production.base_url, folder / "state", folder / "pages.jwk", test_mode=False) as address,
    ):
        admin("pas-link", "put", NURSES, f"url={pas}/fhir", "client_id=moorland-pas")
        admin("service", "poll", NURSES)
        of_pages = (f"redirect_uris={address}/callback", f"keys=@{folder / 'pages.jwk.public'}", "asid=200000000301")
        admin("application", "put", "quickconnect", "name=Quick Connect", "mode=user-restricted", *of_pages)
        yield address


@contextmanager
def _pas(service: str, folder: Path) -> Generator[str]:
    """Run a Test PAS for a service; lend its address."""
    port = free_port()
    words = ["pas", "serve", "--port", str(port), "--service", service, "--client-id", "moorland-pas"]
    words += ["--client-key", str(folder / "pas.jwk"), "--database", str(folder / "pas.db")]
    process = start(words, environment({}), folder / "pas.log")
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(address), lambda: (folder / "pas.log").read_text())
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(HANGS_AFTER_S)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/").status_code < 500
    except httpx.TransportError:
        return False


def test_a_patient_is_referred_booked_and_accepted(pages: str, production: Live) -> None:
    """A GP and a consultant who log in at the provider work in the roles that it states; nothing shows test mode."""
    gp, consultant = Walker(pages), Walker(pages)
    gp.log_in(GP)
    number = booked(gp)
    assert "Field, Iris" in gp.text
    assert "Synthetic data" not in gp.text
    consultant.log_in(CONSULTANT)
    consultant.go(f"{consultant.role}/worklists/to-review")
    assert "Field, Iris" in consultant.text, consultant.text
    consultant.go(f"{consultant.role}/referrals/{number}/review")
    consultant.send("Save the decision", decision="accept")
    assert f"Accepted: Field, Iris ({number[:4]} {number[4:8]} {number[8:]})." in consultant.text, consultant.text
    gp.go(f"{gp.role}/referrals/{number}")
    assert "Booked" in gp.text
    for each in (gp, consultant):
        each.close()
    assert production.is_running
