"""Several worker processes serve like one: each option and each setting reaches all of them."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Final

import httpx
import msgspec
import pytest

from openers.settings import Settings, read_settings
from openers.workers import HandedOver, hand_over
from tests.kit.run.command import environment, openers
from tests.kit.service.certificates import Certificates
from tests.kit.service.live import free_port, live
from tests.kit.store.stores import PostgresServer
from tests.processes.started import settings_in_force, wait_for_workers

OIDC: Final = {
    "oidc_issuer": "https://login.example",
    "oidc_client_id": "ers",
    "oidc_client_key_file": "{folder}/client.json",
}
GIVEN: Final[dict[str, str]] = {
    "mode": "production",
    "database_url": "{database}",
    "base_url": "https://ers.example",
    "host": "127.0.0.2",
    "port": "{port}",
    "workers": "{workers}",
    "world": "hospital",
    "blob_url": "s3://letters/here",
    "blob_endpoint": "http://127.0.0.1:1",
    "drafts_directory": "{folder}/drafts",
    "ca_directory": "{folder}/ca",
    "clamd_url": "tcp://127.0.0.1:1",
    "unlinked_files_kept_h": "24",
    "file_address_life_s": "30",
    "audit_key_file": "{folder}/a.key",
    "signing_key_file": "{folder}/b.pem",
    "files_key_file": "{folder}/c.key",
    "access_code_key_file": "{folder}/d.key",
    **OIDC,
    "rate_limit_per_second": "7",
    "ods_allow_list": "R69,D82106",
    "search_limit": "20",
    "max_body_bytes": "65536",
    "body_timeout_s": "5",
    "idle_timeout_s": "15",
    "log_format": "json",
    "metrics_port": "{metrics}",
    "pds_url": "https://pds.example/FHIR/R4",
    "pds_token_url": "https://pds.example/oauth2/token",
    "pds_client_id": "key-of-pds",
    "pds_key_file": "{folder}/client.json",
    "pds_timeout_s": "4",
    "pds_per_second": "6",
    "pds_fresh_s": "200",
    "pds_stale_s": "40000",
    "pds_renewed_s": "50000",
    "ods_url": "https://ods.example/STU3",
    "pas_timeout_s": "11",
    "poll_every_s": "45",
    "open": "true",
    "frozen": "true",
    "poll_horizon_days": "14",
    "kept_exchanges": "9",
    "exchange_log": "false",
    "exchange_log_days": "30",
    "exchange_log_mib": "64",
    "header_timeout_s": "12",
    "max_connections": "77",
    "failures_per_minute": "55",
    "own_hosts": "ers.example,other.example",
    "tls_certificate": "{tls}/server.pem",
    "tls_key": "{tls}/server.key",
    "tls_client_ca": "{tls}/DEV1/trust.pem",
    "tls_client_crl": "{tls}/DEV1/crl.pem",
    "tls_port": "{tls_port}",
    "trusted_proxies": "10.0.0.1,10.1.0.0/16",
    "quick_connect_url": "http://127.0.0.1:2",
    "portal_url": "http://127.0.0.1:3",
    "test_pas_url": "http://127.0.0.1:4",
    "kept_worlds": "int1",
    "roles_from": "claims",
    "require_tls": "true",
    "session_idle_s": "600",
    "session_longest_s": "3600",
}
"""Every setting, with a value that is not its default. A new setting needs a row here."""
PRODUCTION_ONLY: Final = {"mode", "roles_from", "require_tls"}
TEST_ONLY: Final = {"open", "kept_worlds"}
ONE_PROCESS_ONLY: Final = {"frozen"}
"""Settings for SQLite, which has one process."""
Way = Callable[[dict[str, str]], tuple[dict[str, str], list[str]]]
"""How settings are passed: variables and command-line arguments."""
OPTIONS: Final = (
    *("mode", "database_url", "base_url", "host", "port", "workers", "world"),
    *("tls_certificate", "tls_key", "tls_client_ca", "tls_port"),
)
SWITCHES: Final = ("open",)


def given(folder: Path, database: str, workers: int, without: set[str]) -> dict[str, str]:
    """Return the settings of one start, by field name."""
    ports = {"port": free_port(), "metrics": free_port(), "tls_port": free_port()}
    values = {"folder": folder, "database": database, "workers": workers, "tls": tls_files(), **ports}
    (folder / "client.json").write_text(json.dumps({"kid": "1", **_rsa_key()}))
    (folder / "client.json").chmod(0o600)
    return {name: text.format(**values) for name, text in GIVEN.items() if name not in without}


@cache
def tls_files() -> Path:
    """Return a folder with authorities, and with the certificate of a server."""
    folder = Path(mkdtemp())
    atexit.register(rmtree, folder)
    made = Certificates(folder).issue("localhost")
    made.certificate.rename(folder / "server.pem")
    made.key.rename(folder / "server.key")
    return folder


def _rsa_key() -> dict[str, str]:
    from joserfc.jwk import RSAKey

    return {name: str(value) for name, value in RSAKey.generate_key(2048).as_dict(private=True).items()}


def by_environment(settings: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Pass all settings as variables."""
    return {f"OPENERS_{name.upper()}": value for name, value in settings.items()}, []


def by_options(settings: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Pass settings as options where possible, with other values in the environment; pass the rest as variables."""
    variables, _ = by_environment({name: value for name, value in settings.items() if name not in OPTIONS + SWITCHES})
    other = {
        "OPENERS_DATABASE_URL": "sqlite:///elsewhere/other.db",
        "OPENERS_HOST": "127.0.0.3",
        "OPENERS_PORT": "1",
        "OPENERS_WORKERS": "1",
        "OPENERS_WORLD": "other",
        "OPENERS_BASE_URL": "https://other.example",
        "OPENERS_MODE": "test" if settings.get("mode") == "production" else "production",
    }
    settings = {"mode": "test", **settings}
    words = [word for name in OPTIONS for word in (f"--{name.replace('_', '-')}", settings[name])]
    return variables | other, words + [f"--{name}" for name in SWITCHES if settings.get(name) == "true"]


def test_every_setting_has_a_row_with_a_value_of_its_own() -> None:
    """Each field of Settings is tested with several workers, with a value that is not its default."""
    assert set(GIVEN) == set(Settings.__struct_fields__)
    default = msgspec.structs.asdict(read_settings({}))
    ports = {"port": "1", "metrics": "3", "tls_port": "4"}
    placeholders = {"database": "postgresql://a@b/c", "folder": "/x", "tls": "/y", "workers": "2", **ports}
    for name, text in GIVEN.items():
        assert text.format(**placeholders) != str(default[name]), name


@pytest.mark.parametrize("mode", ["test", "production"])
@pytest.mark.parametrize("way", [by_environment, by_options])
def test_two_workers_serve_with_the_settings_of_one(
    mode: str,
    way: Way,
    postgres_server: PostgresServer,
    tmp_path: Path,
) -> None:
    """Every setting reaches all processes, with one process and with two, as an option or as a variable."""
    without = ONE_PROCESS_ONLY | (PRODUCTION_ONLY if mode == "test" else TEST_ONLY)
    seen: list[dict[str, str]] = []
    for workers in (1, 2):
        settings = given(tmp_path, postgres_server.create(), workers, without)
        variables, words = way(settings)
        expected = read_settings({}, settings).changed()
        with live(variables, words=words) as run:
            wait_for_workers(run, workers)
            held = settings_in_force(run)
            refused = {httpx.get(f"{run.base_url}/_test/worlds").status_code for _ in range(20)}
            assert refused == ({404} if mode == "production" else {200})
            run.stop()
        assert len(held) == workers
        for values in held.values():
            assert values["database_url"].startswith("postgresql://")
            assert values | MASKED == expected | MASKED
            seen.append({name: value for name, value in values.items() if name not in VARYING})
            assert set(values) >= set(settings) - {"workers" if workers == 1 else ""}
    assert all(values == seen[0] for values in seen)
    assert not (tmp_path / "elsewhere").exists()


MASKED: Final = {"database_url": "", "pds_token_url": ""}
"""Settings that the log masks: a number in the name of a database, and all that is named a token."""
VARYING: Final = {"database_url", "port", "workers", "metrics_port", "tls_port"}
"""Settings that differ between the starts of one test."""


def test_a_worker_refuses_settings_that_are_not_those_of_its_parent() -> None:
    """A worker refuses settings that differ from its parent's, as after an upgrade during operation."""
    handed = hand_over(read_settings({}))
    assert handed.opened() == handed.settings
    with pytest.raises(ValueError, match="restart the service"):
        HandedOver(read_settings({}, {"port": 9}), handed.digest).opened()


def test_a_worker_that_cannot_start_ends_the_service(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """If a worker cannot start, the service ends with an error status instead of restarting the worker."""
    settings = given(tmp_path, postgres_server.create(), 2, TEST_ONLY | ONE_PROCESS_ONLY)
    broken = tmp_path / "b.pem"
    broken.write_text("no key")
    broken.chmod(0o600)
    done = openers("serve", **by_environment(settings)[0])
    assert done.returncode == 3, done.stderr


IMPORTED: Final = """
import json, pickle, sys
from openers.server import application_in_worker
from openers.settings import read_settings
from openers.workers import hand_over

handed = pickle.loads(pickle.dumps(hand_over(read_settings({}, json.loads(sys.argv[1])))))
application_in_worker(handed)
try:
    import openers.worlds.mode
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize("mode", ["production", "test"])
def test_a_worker_in_production_cannot_import_test_mode(mode: str) -> None:
    overrides = {"mode": mode, "world": "live", "base_url": "https://e.example", "clamd_url": "tcp://127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, json.dumps(overrides)],
        env=environment({}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("openers.worlds" in done.stdout) is (mode == "production")
