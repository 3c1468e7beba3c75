"""The settings of a process: read once from the environment and a TOML file, checked together, then frozen.

The command line calls it and passes the result to `openers.bootstrap`. All wrong settings are reported together. Fields
of `Settings` document themselves: the variable is `OPENERS_` and the name in capitals, the description gives the
allowed values. Secrets are in files, whose paths are settings.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, cast, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from openers.domain.identifiers import OdsCode
from openers.listening import address_of
from openers.neighbours.settings import neighbour_problems
from openers.places import IsUsed, PlaceKind, Places, is_a_file, places_of
from openers.telemetry.formats import LogFormat
from openers.telemetry.redaction import without_password as shown
from openers.tls.settings import HIGHEST_PORT, TLS_ABOVE, tls_problems

PREFIX: Final = "OPENERS_"
CONFIG: Final = "OPENERS_CONFIG"
_OF_COMMANDS: Final = ("OPENERS_ADMIN_CLIENT_ID", "OPENERS_ADMIN_KEY")
"""Options of `openers admin`, which calls a service."""
_NOT_OURS: Final = ("OPENERS_REFERENCE_DIR", "OPENERS_REQUIRE", CONFIG, *_OF_COMMANDS)
_LISTS: Final = ("ods_allow_list", "own_hosts", "kept_worlds", "tls_client_ca", "tls_client_crl", "trusted_proxies")
_TEST_WORLD: Final = "demo"
_PACKAGES: Final = (("database_url", "postgresql:", "asyncpg", "postgres"), ("blob_url", "s3:", "obstore", "s3"))
"""Setting, scheme of its address, the package that it needs, and the extra with that package."""
_TEST_PACKAGES: Final = ("jsonschema_rs", "python_multipart", "yaml")
"""Packages of the extra `test-mode`."""


class Mode(StrEnum):
    """The purpose of the service: tests with synthetic people, or real use."""

    TEST = "test"
    PRODUCTION = "production"


class RolesFrom(StrEnum):
    """Where the roles of people come from: the directory, or also the claims of each log-in."""

    DIRECTORY = "directory"
    CLAIMS = "claims"


class SettingsError(ValueError):
    """Missing or wrong settings. `problems` has one sentence each, with the cure."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Store all problems."""
        super().__init__("\n".join(problems))
        self.problems = problems


_Switch = Annotated[bool, Meta(description="true or false")]
_Port = Annotated[int, Meta(ge=1, le=65535, description="a port number, 1 to 65535")]
_Seconds = Annotated[float, Meta(gt=0, description="a number of seconds above 0")]
_File = Annotated[Path, Meta(description="the path of a file")]
_Files = Annotated[tuple[Path, ...], Meta(description="paths of files, separated by commas")]
_WorldName = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}$", description="a name of a-z, 0-9 and -")]
_Text = Annotated[str, Meta(min_length=1, description="a text")]
_Url = Annotated[str, Meta(pattern=r"^https?://[^/\s?#]+", description="an http(s) address with a host")]
_Clamd = Annotated[
    str, Meta(pattern=r"^(unix:/\S+|tcp://[^/\s]+:\d+)$", description="unix:/path/of/socket or tcp://host:port")
]
_DatabaseUrl = Annotated[
    str,
    Meta(
        pattern=r"^(sqlite:///[^:?\s][^?\s]*|postgresql://\S+)$",
        description="sqlite:///path/of/file.db or postgresql://user@host/database",
    ),
]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings. `read_settings` sets defaults that depend on the mode or on another setting."""

    mode: Annotated[Mode, Meta(description="test or production")] = Mode.TEST
    database_url: _DatabaseUrl = "sqlite:///var/openers.db"
    base_url: _Url
    quick_connect_url: _Url | None = None
    portal_url: _Url | None = None
    test_pas_url: _Url | None = None
    host: _Text = "127.0.0.1"
    port: _Port = 8000
    tls_certificate: _File | None = None
    tls_key: _File | None = None
    tls_client_ca: _Files = ()
    tls_client_crl: _Files = ()
    tls_port: _Port | None = None
    ca_directory: Annotated[Path, Meta(description="the path of a directory")]
    trusted_proxies: Annotated[
        tuple[str, ...], Meta(description="addresses or networks such as 10.0.0.1 and 10.1.0.0/16, separated by commas")
    ] = ()
    own_hosts: Annotated[tuple[str, ...], Meta(description="host names, separated by commas")] = ()
    workers: Annotated[int, Meta(ge=1, le=64, description="a number of processes, 1 to 64")] = 1
    world: _WorldName
    kept_worlds: Annotated[tuple[_WorldName, ...], Meta(description="names of worlds, separated by commas")] = ()
    blob_url: Annotated[str, Meta(pattern=r"^(file:|s3://)\S+$", description="file:path or s3://bucket/prefix")]
    blob_endpoint: _Url | None = None
    drafts_directory: Annotated[Path, Meta(description="the path of a directory")]
    clamd_url: _Clamd | None = None
    unlinked_files_kept_h: Annotated[float, Meta(gt=0, description="a number of hours above 0")] = 168.0
    file_address_life_s: _Seconds = 60.0
    audit_key_file: _File
    signing_key_file: _File
    files_key_file: _File
    access_code_key_file: _File
    oidc_issuer: _Url | None = None
    oidc_client_id: _Text | None = None
    oidc_client_key_file: _File | None = None
    roles_from: Annotated[RolesFrom, Meta(description="directory or claims")] = RolesFrom.DIRECTORY
    rate_limit_per_second: Annotated[float, Meta(ge=0, description="a number of requests, 0 for no limit")]
    failures_per_minute: Annotated[float, Meta(ge=0, description="a number of failures, 0 for no limit")]
    ods_allow_list: Annotated[tuple[OdsCode, ...] | None, Meta(description="ODS codes, separated by commas")] = None
    search_limit: Annotated[int, Meta(ge=1, le=1000, description="a number of services, 1 to 1000")] = 50
    max_body_bytes: Annotated[int, Meta(ge=1024, description="a number of bytes, 1024 or more")] = 1024 * 1024
    body_timeout_s: _Seconds = 20.0
    idle_timeout_s: _Seconds = 60.0
    header_timeout_s: _Seconds = 30.0
    max_connections: Annotated[int, Meta(ge=1, description="a number of connections, 1 or more")] | None = None
    log_format: Annotated[LogFormat, Meta(description="json or readable")]
    metrics_port: _Port | None = None
    pds_url: _Url | None = None
    pds_token_url: _Url | None = None
    pds_client_id: _Text | None = None
    pds_key_file: _File | None = None
    pds_timeout_s: _Seconds = 3.0
    pds_per_second: Annotated[float, Meta(gt=0, description="a number of requests above 0")] = 5.0
    pds_fresh_s: Annotated[float, Meta(ge=0, description="a number of seconds, 0 or more")] = 300.0
    pds_stale_s: Annotated[float, Meta(ge=0, description="a number of seconds, 0 or more")] = 86_400.0
    pds_renewed_s: _Seconds = 86_400.0
    ods_url: _Url | None = None
    pas_timeout_s: _Seconds = 120.0
    poll_every_s: _Seconds = 60.0
    open: _Switch = False
    frozen: _Switch = False
    poll_horizon_days: Annotated[int, Meta(ge=1, le=366, description="a number of days, 1 to 366")] = 56
    require_tls: _Switch = False
    session_idle_s: _Seconds = 900.0
    session_longest_s: _Seconds = 43_200.0
    kept_exchanges: Annotated[int, Meta(ge=0, le=5000, description="a number of calls, 0 to 5000")] = 200
    exchange_log: _Switch
    exchange_log_days: Annotated[float, Meta(gt=0, le=3660, description="a number of days above 0")] = 90.0
    exchange_log_mib: Annotated[int, Meta(ge=1, le=65536, description="a number of MiB, 1 to 65536")] = 512

    @property
    def production(self) -> bool:
        """Return whether this is for real use."""
        return self.mode is Mode.PRODUCTION

    @property
    def fhir_base_url(self) -> str:
        """Return the base address of the FHIR versions (`/STU3`, `/R4`), without a slash at its end."""
        return f"{self.base_url.rstrip('/')}/referrals/FHIR"

    @property
    def sqlite_path(self) -> Path | None:
        """Return the database's file, if the database is SQLite."""
        kind, _, path = self.database_url.partition(":///")
        return Path(path) if kind == "sqlite" else None

    def describe(self) -> str:
        """Return one line for each setting, for people; passwords in addresses are masked."""
        return "\n".join(f"{name} = {shown(value)}" for name, value in msgspec.structs.asdict(self).items())

    def changed(self) -> dict[str, str]:
        """Return the settings that differ from the defaults of test mode; passwords in addresses are masked."""
        default = msgspec.structs.asdict(_completed({}))
        return {name: shown(value) for name, value in msgspec.structs.asdict(self).items() if value != default[name]}


_HINTS: Final[dict[str, Any]] = get_type_hints(Settings, include_extras=True)


def read_settings(
    environ: Mapping[str, str], overrides: Mapping[str, object] | None = None, is_used: IsUsed = is_a_file
) -> Settings:
    """Return the settings from `overrides` (by field name, None: not given), `environ`, its file, and defaults.

    An empty variable counts as not given. `is_used` returns whether a database has tables, which decides where files of
    an earlier release are expected. Raises SettingsError with everything that is missing or wrong.
    """
    problems: list[str] = []
    given = _from_file(environ.get(CONFIG, ""), problems)
    given |= _from_environment(environ, problems)
    given |= {name: value for name, value in (overrides or {}).items() if value is not None}
    values: dict[str, object] = {}
    for name, value in given.items():
        if name not in _HINTS:
            problems.append(f"There is no setting {name}{_nearest(name, list(_HINTS))}")
            continue
        try:
            values[name] = _converted(name, value)
        except (msgspec.ValidationError, ValueError):
            problems.append(f"{_variable(name)} is {shown(value)!r}: it must be {_wanted(name)}")
    if missing := _missing_packages(values):
        raise SettingsError((*problems, *missing))
    settings = _completed(values, is_used)
    problems += _disagreements(settings, given)
    if problems:
        raise SettingsError(tuple(problems))
    return settings


def _from_file(path: str, problems: list[str]) -> dict[str, object]:
    """Return the settings in the TOML file."""
    if not path:
        return {}
    try:
        return tomllib.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        problems.append(f"{CONFIG} names {path}, which cannot be read: {error.strerror}")
    except ValueError as error:
        problems.append(f"{CONFIG} names {path}, which is not TOML: {error}")
    return {}


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> dict[str, object]:
    """Return the settings in the variables; report unknown variables as problems."""
    given: dict[str, object] = {}
    for variable, value in sorted(environ.items()):
        name = variable.removeprefix(PREFIX).lower()
        of_tests = variable in _NOT_OURS or (variable.startswith("OPENERS_TEST_") and name not in _HINTS)
        if not variable.startswith(PREFIX) or of_tests:
            continue
        if name not in _HINTS or variable != _variable(name):
            problems.append(f"There is no setting {variable}{_nearest(variable, [*map(_variable, _HINTS), CONFIG])}")
        elif value.strip():
            given[name] = value.strip()
    return given


def _converted(name: str, value: object) -> object:
    """Return a given value in the type of its field. Raises ValidationError, ValueError."""
    if name in _LISTS and isinstance(value, str):
        value = tuple(each.strip() for each in value.split(",") if each.strip())
    if isinstance(value, Path):
        value = str(value)
    return cast("object", msgspec.convert(value, _HINTS[name], strict=False, dec_hook=_construct))


def check_test_packages() -> None:
    """Raise SettingsError if a package that only test mode and the Test PAS need is not installed."""
    missing = [package for package in _TEST_PACKAGES if find_spec(package) is None]
    if missing:
        raise SettingsError((f"Test mode needs {' and '.join(missing)}: install openers[test-mode]",))


def _missing_packages(values: Mapping[str, object]) -> list[str]:
    """Return the settings whose package is not installed."""
    return [
        f"{_variable(name)} is {shown(values[name])!r}, which needs the package {package}: install openers[{extra}]"
        for name, scheme, package, extra in _PACKAGES
        if str(values.get(name, "")).startswith(scheme) and find_spec(package) is None
    ]


def _construct(wanted: type[Any], value: object) -> object:
    """Return a value of a type unknown to msgspec: an ODS code, a path."""
    if not isinstance(value, str):
        raise ValueError(f"not a text: {value!r}")
    return wanted(value)


def _completed(values: dict[str, object], is_used: IsUsed = is_a_file) -> Settings:
    """Return the settings with defaults that depend on other settings."""

    def _settings(mode: Mode, places: Places, address: str) -> Settings:
        return Settings(**{**_defaults(mode, places, address), **values})  # pyright: ignore[reportArgumentType]  # each value was converted to its field's type

    settings = _settings(Mode.TEST, Places(Path("not-known-yet"), is_of_0_1=False), "")
    places, address = places_of(settings.database_url, is_used), address_of(settings.host, settings.port)
    if settings.tls_certificate is not None and settings.port + TLS_ABOVE <= HIGHEST_PORT:
        values = {"tls_port": settings.port + TLS_ABOVE, **values}
    return _settings(settings.mode, places, address)


def _defaults(mode: Mode, places: Places, address: str) -> dict[str, object]:
    """Return defaults that depend on the mode, the store and the listening address."""
    production = mode is Mode.PRODUCTION
    keys = places.of(PlaceKind.KEYS)
    return {
        "base_url": address,
        "world": "live" if production else _TEST_WORLD,
        "blob_url": f"file:{places.of(PlaceKind.BLOBS)}",
        "audit_key_file": keys / "audit.key",
        "signing_key_file": keys / "signing.pem",
        "files_key_file": keys / "files.key",
        "ca_directory": places.of(PlaceKind.AUTHORITIES),
        "drafts_directory": places.of(PlaceKind.DRAFTS),
        "access_code_key_file": keys / "access-codes.key",
        "rate_limit_per_second": 10.0 if production else 0.0,
        "failures_per_minute": 10.0 if production else 0.0,
        "log_format": LogFormat.JSON if production else LogFormat.READABLE,
        "exchange_log": not production,
        "metrics_port": 8001 if production else None,
    }


def _disagreements(settings: Settings, given: Mapping[str, object]) -> list[str]:
    """Return conflicts between individually valid settings."""
    problems: list[str] = []
    if settings.workers > 1 and settings.sqlite_path:
        problems.append(
            "OPENERS_WORKERS must be 1 on SQLite, which has one writer at a time: more processes are not faster and "
            "the slowest calls take ten times as long. Use one, or a postgresql:// database"
        )
    oidc = ("oidc_issuer", "oidc_client_id", "oidc_client_key_file")
    absent = [_variable(name) for name in oidc if getattr(settings, name) is None]
    if 0 < len(absent) < len(oidc):
        problems.append(f"Log-in by OpenID Connect needs {' and '.join(absent)} too")
    if settings.roles_from is RolesFrom.CLAIMS and not (settings.production and settings.oidc_issuer):
        problems.append(
            "OPENERS_ROLES_FROM is claims, which an OpenID provider sends at log-in: set OPENERS_OIDC_ISSUER in "
            "production mode, or use directory"
        )
    problems += neighbour_problems(settings)
    if settings.frozen and not settings.sqlite_path:
        problems.append("OPENERS_FROZEN needs a sqlite:/// database, since each request runs on a fork of it")
    if settings.open and settings.require_tls:
        problems.append("OPENERS_OPEN lets in callers without a smartcard, which OPENERS_REQUIRE_TLS demands: use one")
    if settings.require_tls and not settings.tls_client_ca:
        problems.append("OPENERS_REQUIRE_TLS needs OPENERS_TLS_CLIENT_CA, by which client certificates are checked")
    if settings.metrics_port == settings.port:
        problems.append("OPENERS_METRICS_PORT must differ from OPENERS_PORT")
    problems += tls_problems(settings)
    return problems + (_production_problems(settings, given) if settings.production else [])


def _production_problems(settings: Settings, given: Mapping[str, object]) -> list[str]:
    """Return the settings that production does not allow."""
    problems: list[str] = []
    if "base_url" not in given:
        problems.append("OPENERS_BASE_URL is missing: in production, set the https address that callers use")
    for name in ("base_url", "oidc_issuer", "blob_endpoint", "pds_url", "pds_token_url", "ods_url"):
        url: str | None = getattr(settings, name)
        if url is not None and not _is_private(url):
            problems.append(f"{_variable(name)} is {shown(url)!r}: in production it must be an https address")
    problems += [
        f"{_variable(name)} is only for test mode"
        for name in ("open", "frozen", "kept_worlds")
        if getattr(settings, name)
    ]
    if settings.clamd_url is None:
        problems.append("OPENERS_CLAMD_URL is missing: in production, files are scanned for threats by ClamAV")
    if settings.world == _TEST_WORLD:
        problems.append("OPENERS_WORLD is 'demo', whose keys are published: in production, choose another name")
    return problems


def _is_private(url: str) -> bool:
    """Return whether a connection cannot be intercepted: TLS, or within this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        return parts.scheme == "https" or host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _wanted(name: str) -> str:
    """Return the allowed values of a setting, from its description."""
    hint = _HINTS[name]
    options = [hint, *get_args(hint)]
    metas = [each for option in options for each in getattr(option, "__metadata__", ())]
    return next((each.description for each in metas if isinstance(each, Meta) and each.description), "something else")


def _variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper()


def _nearest(name: str, names: list[str]) -> str:
    """Return a suggestion for a misspelt name, if there is one."""
    near = get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]}?" if near else ""
