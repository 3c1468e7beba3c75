"""A webhook: an address to which the service sends each event, in order, at least once."""

from __future__ import annotations

from base64 import b64decode
from typing import Final

import msgspec

PREFIX: Final = "whsec_"
"""Prefix of a secret that holds its key in base64 (Standard Webhooks)."""
KEY_BYTES: Final = range(24, 65)
"""Permitted lengths of the key in such a secret, in bytes."""
SHORTEST_SECRET: Final = 16
"""Minimum length of a secret without that prefix, in characters."""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One registration. `sent` is the number of the last event that the address accepted; `secret` signs each delivery.

    `problem` says why the last delivery failed; it is empty if the delivery succeeded.
    """

    id: str
    url: str
    secret: str
    sent: int
    problem: str = ""


def key_of(secret: str) -> bytes:
    """Return the key of a stored secret.

    Version 0.1 accepted any text. If a secret begins with `whsec_` but holds no key in base64, its text is the key.
    """
    try:
        return signing_key(secret)
    except ValueError:
        return secret.encode()


def signing_key(secret: str) -> bytes:
    """Return the key of a new secret: the base64 after `whsec_`, else the whole text in UTF-8. Raises ValueError."""
    if not secret.startswith(PREFIX):
        if len(secret) < SHORTEST_SECRET:
            raise ValueError(f"it must have at least {SHORTEST_SECRET} characters")
        return secret.encode()
    wrong = ValueError(f"after {PREFIX} it must have {KEY_BYTES[0]} to {KEY_BYTES[-1]} bytes in base64")
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError as error:
        raise wrong from error
    if len(key) not in KEY_BYTES:
        raise wrong
    return key
