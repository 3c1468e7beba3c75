"""The settings of Quick Connect."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openers_quickconnect.key_stores import NOTHING, Unlock

DEFAULT_PORT: Final = 8003
SESSION_KEY_BYTES: Final = 32
ADDRESS_KEY_BYTES: Final = 64


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where Quick Connect is, and which service it uses.

    `service` is the base URL of the service, `issuer` that of its OpenID provider (by default the service itself).
    `client_id` and `key` are those under which Quick Connect is registered; `key` is the file of its private key, which
    `unlock` opens. `state` is the folder of sessions and drafts. `test_mode` shows the banner of synthetic data.
    """

    service: str
    base_url: str
    state: Path
    key: Path
    unlock: Unlock = NOTHING
    client_id: str = "quickconnect"
    issuer: str = ""
    test_mode: bool = True


@dataclass(frozen=True)
class Keys:
    """The keys of sessions and of sealed addresses."""

    sessions: bytes
    addresses: bytes


def read_keys(state: Path) -> Keys:
    """Return the keys in the folder of the state; make them at the first start, readable for their owner only."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = state / "keys"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secrets.token_bytes(SESSION_KEY_BYTES + ADDRESS_KEY_BYTES))
    content = path.read_bytes()
    if len(content) != SESSION_KEY_BYTES + ADDRESS_KEY_BYTES:
        raise ValueError(f"{path} is damaged: restore it, or remove it with quickconnect.db to begin anew")
    return Keys(content[:SESSION_KEY_BYTES], content[SESSION_KEY_BYTES:])
