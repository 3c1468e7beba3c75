"""The settings of the portal, and the environments that it works for."""

from __future__ import annotations

import os
import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

DEFAULT_PORT: Final = 8004
KEY_BYTES: Final = 32


class BadSettings(ValueError):
    """A setting cannot be used; the text gives the place and the cure."""


class EnvironmentSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One environment: its name, the base URL of its service, and the application that administers it.

    `key_file` is the application's private JSON Web Key. `test_mode` says that the service has the pages of test mode.
    `pas_url` is the FHIR base URL of its Test PAS, if it has one, and `pas_client_id` the application of that.
    """

    name: str
    base_url: str
    client_id: str
    key_file: Path
    purpose: str = ""
    test_mode: bool = False
    pas_url: str = ""
    pas_client_id: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    environments: tuple[EnvironmentSettings, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the portal is, who may operate it, and which environments it has.

    `issuer` is the address of the OpenID provider; `documentation` that of the documentation. `store` is a database URL
    (`sqlite:///` or `postgresql://`), `state` the folder of the keys. `operators` are the ids of people who may give
    the other roles. `test_mode` shows the banner of synthetic data, and the messages instead of sending them by `smtp`.
    """

    base_url: str
    issuer: str
    documentation: str
    state: Path
    store: str
    key: Path
    client_id: str = "portal"
    environments: tuple[EnvironmentSettings, ...] = ()
    operators: tuple[str, ...] = ()
    test_mode: bool = True
    smtp: str = ""
    mail_from: str = "portal@localhost"

    @property
    def sends_mail(self) -> bool:
        """Return whether messages reach anybody: a page in test mode, a mail server in production."""
        return self.test_mode or bool(self.smtp)

    def __post_init__(self) -> None:
        """Raise BadSettings for a mail server in another form."""
        parts = urlsplit(self.smtp)
        if self.smtp and (parts.scheme not in {"smtp", "smtps"} or not parts.hostname):
            raise BadSettings("PORTAL_SMTP must be like smtp://user:password@mail.example:587, or smtps://…")


def read_environments(path: Path) -> tuple[EnvironmentSettings, ...]:
    """Return the environments in a TOML file. Raises BadSettings."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File, dec_hook=_path).environments
    except OSError as error:
        raise BadSettings(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise BadSettings(
            f"{path}: {error}; each [[environments]] needs name, base_url, client_id, key_file"
        ) from error
    if len({each.name for each in found}) < len(found):
        raise BadSettings(f"{path}: two environments have the same name")
    return tuple(msgspec.structs.replace(each, key_file=path.parent / each.key_file) for each in found)


def _path(kind: type[Any], value: Any) -> Any:
    """Return a path of the file. Raises ValueError for another value."""
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise ValueError(f"{value!r} must be the path of a file")


def read_key(state: Path) -> bytes:
    """Return the key of sessions; make it at the first start, readable for its owner only. Raises BadSettings."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = state / "keys"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise BadSettings(f"{path} is damaged: restore it, or remove it to end all sessions and begin anew")
    return key
