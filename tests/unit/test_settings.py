"""Settings are read once, checked together, and never show a secret."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from openers.domain.identifiers import OdsCode
from openers.key_files import read_or_make_key
from openers.settings import Mode, SettingsError, read_settings
from openers.telemetry.formats import LogFormat

PRODUCTION = {
    "OPENERS_MODE": "production",
    "OPENERS_BASE_URL": "https://ers.example",
    "OPENERS_CLAMD_URL": "unix:/run/clamd",
}


def problems(environ: dict[str, str]) -> tuple[str, ...]:
    """Return the problems of an environment."""
    with pytest.raises(SettingsError) as caught:
        read_settings(environ)
    return caught.value.problems


def test_nothing_set_is_test_mode_on_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting is required."""
    monkeypatch.chdir(tmp_path)
    settings = read_settings({"PATH": "/bin", "OPENERS_WORLD": " "})
    assert (settings.mode, settings.world, settings.workers) == (Mode.TEST, "demo", 1)
    assert settings.sqlite_path == Path("var/openers.db")
    assert settings.audit_key_file == Path("var/openers.db.keys/audit.key")
    assert settings.rate_limit_per_second == 0
    assert settings.log_format is LogFormat.READABLE
    assert settings.metrics_port is None


def test_production_has_defaults_of_its_own() -> None:
    """Production limits the request rate, logs JSON and has a separate metrics port."""
    settings = read_settings(PRODUCTION)
    assert settings.production
    assert (settings.rate_limit_per_second, settings.log_format, settings.metrics_port) == (10, LogFormat.JSON, 8001)
    assert settings.world != "demo"


@pytest.mark.parametrize("base", ["https://ers.example", "https://ers.example/"])
def test_fhir_is_below_the_base(base: str) -> None:
    """The base may end with a slash."""
    assert read_settings({"OPENERS_BASE_URL": base}).fhir_base_url == "https://ers.example/referrals/FHIR"


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"port": 8201}, "http://127.0.0.1:8201"),
        ({"host": "0.0.0.0", "port": 80}, "http://127.0.0.1:80"),
        ({"host": "::"}, "http://[::1]:8000"),
        ({"host": "ers.example", "port": 81}, "http://ers.example:81"),
        ({"host": "ers.example", "base_url": "https://e.example/x"}, "https://e.example/x"),
    ],
)
def test_the_base_address_follows_host_and_port(given: dict[str, object], address: str) -> None:
    """A given base URL takes precedence."""
    assert read_settings({}, given).base_url == address


def test_values_are_converted() -> None:
    """Environment variables are converted to the types of the fields."""
    settings = read_settings(
        {
            "OPENERS_DATABASE_URL": "sqlite:////srv/data/ers.db",
            "OPENERS_PORT": "8080",
            "OPENERS_ODS_ALLOW_LIST": "R69, D82106",
            "OPENERS_BODY_TIMEOUT_S": "1.5",
            "OPENERS_SIGNING_KEY_FILE": "/run/secrets/signing.pem",
        }
    )
    assert settings.sqlite_path == Path("/srv/data/ers.db")
    assert settings.audit_key_file == Path("/srv/data/ers.db.keys/audit.key")
    assert settings.signing_key_file == Path("/run/secrets/signing.pem")
    assert (settings.port, settings.body_timeout_s) == (8080, 1.5)
    assert settings.ods_allow_list == (OdsCode("R69"), OdsCode("D82106"))


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    """An unset option falls back to the next source."""
    file = tmp_path / "openers.toml"
    file.write_text('port = 1\nhost = "0.0.0.0"\nworkers = 1\nsearch_limit = 7\nods_allow_list = ["R69"]\n', "utf-8")
    environ = {"OPENERS_CONFIG": str(file), "OPENERS_PORT": "2", "OPENERS_HOST": "::"}
    settings = read_settings(environ, {"port": 3, "host": None})
    assert (settings.port, settings.host, settings.search_limit) == (3, "::", 7)
    assert settings.ods_allow_list == (OdsCode("R69"),)


@pytest.mark.parametrize("text", [None, "port = = 3", "prot = 3", "port = [1]"])
def test_a_wrong_file_is_a_problem(tmp_path: Path, text: str | None) -> None:
    """A missing file, invalid TOML, an unknown name and a wrong type are each one problem."""
    file = tmp_path / "openers.toml"
    if text is not None:
        file.write_text(text, "utf-8")
    assert len(problems({"OPENERS_CONFIG": str(file)})) == 1


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"OPENERS_PORT": "x"}, "OPENERS_PORT is 'x': it must be a port number"),
        ({"OPENERS_PORT": "65536"}, "65535"),
        ({"OPENERS_MODE": "prod"}, "test or production"),
        ({"OPENERS_DATABASE_URL": "mysql://x"}, "sqlite:///path"),
        ({"OPENERS_DATABASE_URL": "sqlite:///:memory:"}, "sqlite:///path"),
        ({"OPENERS_BASE_URL": "127.0.0.1"}, "http"),
        ({"OPENERS_ODS_ALLOW_LIST": "r69"}, "ODS codes"),
        ({"OPENERS_RATE_LIMIT_PER_SECOND": "-1"}, "0 for no limit"),
        ({"OPENERS_DATABSE_URL": "x"}, "did you mean OPENERS_DATABASE_URL?"),
        ({"OPENERS_port": "1"}, "did you mean"),
        ({"OPENERS_WORKERS": "2"}, "one writer at a time"),
        ({"OPENERS_OIDC_ISSUER": "https://x"}, "OPENERS_OIDC_CLIENT_ID and OPENERS_OIDC_CLIENT_KEY_FILE"),
        ({"OPENERS_METRICS_PORT": "8000"}, "differ"),
        ({**PRODUCTION, "OPENERS_BASE_URL": ""}, "OPENERS_BASE_URL is missing"),
        ({**PRODUCTION, "OPENERS_CLAMD_URL": ""}, "OPENERS_CLAMD_URL is missing"),
        ({"OPENERS_CLAMD_URL": "clamd:3310"}, "unix:/path/of/socket"),
        ({**PRODUCTION, "OPENERS_BASE_URL": "http://ers.example"}, "https"),
        ({**PRODUCTION, "OPENERS_BLOB_ENDPOINT": "http://s3.example:9000"}, "OPENERS_BLOB_ENDPOINT is"),
        ({**PRODUCTION, "OPENERS_WORLD": "demo"}, "published"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_do(environ: dict[str, str], said: str) -> None:
    """Each wrong setting gives one sentence."""
    (problem,) = problems(environ)
    assert said in problem


def test_all_problems_are_named_at_once() -> None:
    """Five wrong settings give five problems in one error."""
    environ = {"OPENERS_MODE": "production", "OPENERS_PORT": "x", "OPENERS_WORKERS": "3", "OPENERS_NONSENSE": "1"}
    assert len(problems(environ)) == 5


@pytest.mark.parametrize(
    "environ",
    [
        {"OPENERS_REFERENCE_DIR": "/x", "OPENERS_REQUIRE": "all", "OPENERS_TEST_ANYTHING": "1"},
        {"OPENERS_WORKERS": "4", "OPENERS_DATABASE_URL": "postgresql://ers@db/ers"},
        {**PRODUCTION, "OPENERS_BASE_URL": "http://[::1]:8000"},
        {**PRODUCTION, "OPENERS_BASE_URL": "http://localhost"},
    ],
)
def test_what_is_in_order_is_accepted(environ: dict[str, str]) -> None:
    """Test variables, workers on PostgreSQL and production behind a local proxy are valid."""
    read_settings(environ)


@pytest.mark.parametrize("password", ["hunter2", "p@ss/hunter2", "a?hunter2"])
def test_no_password_is_shown(password: str) -> None:
    """A password appears neither in the description nor in a problem."""
    url = f"postgresql://ers:{password}@db:5432/ers?sslpassword=hunter2"
    shown = read_settings({"OPENERS_DATABASE_URL": url}).describe()
    assert "hunter2" not in shown
    assert "postgresql://ers:***@db:5432/ers" in shown
    assert "hunter2" not in str(problems({"OPENERS_DATABASE_URL": f"mysql://ers:{password}@db"}))


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """Concurrent callers get the same key, and no other file remains."""
    path = tmp_path / "keys" / "audit.key"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(read_or_make_key, [path] * 16))
    assert len(keys) == 1
    assert {len(key) for key in keys} == {32}
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == [path.name]


def test_production_refuses_a_key_that_others_can_read(tmp_path: Path) -> None:
    """The message names the command that makes it private."""
    path = tmp_path / "audit.key"
    key = read_or_make_key(path, strict=True)
    path.chmod(0o640)
    assert read_or_make_key(path) == key
    with pytest.raises(SettingsError, match="chmod go="):
        read_or_make_key(path, strict=True)


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    """A key of the wrong length and a directory are refused."""
    path = tmp_path / "audit.key"
    path.write_bytes(b"short")
    with pytest.raises(SettingsError, match="has 5 bytes"):
        read_or_make_key(path)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_or_make_key(tmp_path)


@pytest.mark.parametrize("endpoint", ["https://s3.example", "http://127.0.0.1:9000", "http://localhost:9000"])
def test_files_go_to_a_store_that_nobody_can_listen_to(endpoint: str) -> None:
    """In production the connection must be encrypted or stay on this machine."""
    assert read_settings({**PRODUCTION, "OPENERS_BLOB_ENDPOINT": endpoint}).blob_endpoint == endpoint
