"""`application.yml`: the settings of a connection in one file, as the Quick Connect of 2018 had it.

    service:
      base-url: https://service.example
    application:
      client-id: my-application
      key-file: key.p12
      key-password: ${QUICKCONNECT_KEY_PASSWORD}
    user:
      id: "555073103100"
      organisation: D82106
      business-function: REFERRING_CLINICIAN

A section `pages:` with `port`, `host`, `base-url`, `state`, `issuer` and `production` is for `serve`. `key-file` is a
JSON Web Key, PEM, PKCS#8, PKCS#12 or JKS; `key-alias` and `kid` name the key. `${NAME}` in a value stands for an
environment variable, so that no secret has to be in the file. A command-line option comes before the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import yaml

from openers_client import Application, Role
from openers_quickconnect.key_stores import NOTHING, BadKeyStore, Unlock, read_private_key

LARGEST_BYTES: Final = 100_000
_VARIABLE: Final = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


class BadConfiguration(Exception):
    """The file cannot be used. The text names the file, the place and the cure."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """A connection to a service. `role` and `user` are empty for an application that acts for itself."""

    service: str
    application: Application
    user: str | None = None
    role: Role | None = None


def read_configuration(path: Path) -> dict[str, Any]:
    """Return the content of a configuration file. Raises BadConfiguration."""
    try:
        text = path.read_bytes()[: LARGEST_BYTES + 1]
        if len(text) > LARGEST_BYTES:
            raise BadConfiguration(
                f"{path} is larger than {LARGEST_BYTES} bytes: that is too large for application.yml"
            )
        found: object = yaml.safe_load(text)
    except OSError as error:
        raise BadConfiguration(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise BadConfiguration(f"{path} is not YAML: {error}") from error
    if not isinstance(found, dict):
        raise BadConfiguration(f"{path} must hold service:, application: and user:")
    return cast("dict[str, Any]", _filled(found, path))


def connection_of(configuration: Mapping[str, Any], folder: Path, given: Mapping[str, str | None]) -> Connection:
    """Return the connection of a file and the options `given` on the command line. Raises BadConfiguration."""
    wanted = {**values_of(configuration), **{name: value for name, value in given.items() if value is not None}}
    service, client_id = wanted.get("service"), wanted.get("client-id")
    if not service or not client_id:
        missing = "service: base-url (--service)" if not service else "application: client-id (--client-id)"
        raise BadConfiguration(f"{missing} is missing")
    key, secret = wanted.get("key-file"), wanted.get("secret")
    unlock = Unlock(wanted.get("key-password"), wanted.get("key-alias"), wanted.get("kid"))
    application = Application(client_id, None if key is None else read_key(folder / key, unlock), secret)
    organisation, function = wanted.get("organisation"), wanted.get("business-function")
    role = Role(organisation, function, wanted.get("on-behalf-of")) if organisation and function else None
    return Connection(service=service, application=application, user=wanted.get("user"), role=role)


def read_key(path: Path, unlock: Unlock = NOTHING) -> dict[str, str]:
    """Return the private key in a file as JSON Web Key. Raises BadConfiguration."""
    try:
        return read_private_key(path.read_bytes(), unlock)
    except OSError as error:
        raise BadConfiguration(f"key file {path} cannot be read: {error.strerror}") from error
    except BadKeyStore as error:
        raise BadConfiguration(f"key file {path} cannot be used: {error}") from error


def pages_of(configuration: Mapping[str, Any]) -> dict[str, str]:
    """Return the section `pages`, with texts."""
    found: object = configuration.get("pages") or {}
    if not isinstance(found, dict):
        raise BadConfiguration("pages: must hold port, host, base-url, state or production")
    return {str(name): str(value) for name, value in cast("dict[object, object]", found).items()}


def values_of(configuration: Mapping[str, Any]) -> dict[str, str]:
    """Return what the sections of a connection say, by the names of the options."""
    places = {
        "service": ("service", "base-url"),
        "client-id": ("application", "client-id"),
        "key-file": ("application", "key-file"),
        "key-password": ("application", "key-password"),
        "key-alias": ("application", "key-alias"),
        "kid": ("application", "kid"),
        "secret": ("application", "secret"),
        "user": ("user", "id"),
        "organisation": ("user", "organisation"),
        "business-function": ("user", "business-function"),
        "on-behalf-of": ("user", "on-behalf-of"),
    }
    found: dict[str, str] = {}
    for name, (section, key) in places.items():
        value = cast("dict[str, Any]", configuration.get(section) or {}).get(key)
        if value is not None:
            found[name] = str(value)
    return found


def _filled(found: Any, path: Path) -> Any:
    """Return the content with the values of environment variables in it."""
    if isinstance(found, dict):
        return {str(name): _filled(value, path) for name, value in cast("dict[object, Any]", found).items()}
    if isinstance(found, str):
        return _VARIABLE.sub(lambda named: _variable(named[1], path), found)
    return found


def _variable(name: str, path: Path) -> str:
    value = os.environ.get(name)
    if value is None:
        raise BadConfiguration(f"{path} refers to the environment variable {name}, which is not set")
    return value
