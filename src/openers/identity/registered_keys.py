"""The keys of an application: make a pair, and read the public keys that are registered.

The command line calls this module. Only RSA keys of at least 2048 bits are accepted, since assertions use RS512.
"""

from __future__ import annotations

import json
from typing import Any, Final, cast

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

BITS: Final = 4096
FEWEST_BITS: Final = 2048
PUBLIC: Final = ("kty", "kid", "n", "e")
"""The members of a registered key."""

Keys = dict[str, list[dict[str, str]]]
"""A JSON Web Key Set."""


class BadKey(ValueError):
    """The text does not hold a public key that can be registered."""


def new_pair() -> tuple[bytes, bytes]:
    """Return a new private key (a JSON Web Key) and its public keys (a JSON Web Key Set), as JSON."""
    key = RSAKey.generate_key(BITS, {"use": "sig", "alg": "RS512"}, auto_kid=True)
    public = {"keys": [_public(key)]}
    return _written(key.as_dict(private=True)), _written(public)


def public_keys(text: bytes) -> Keys:
    """Return the public keys in a JSON Web Key Set, a JSON Web Key or a PEM file. Raises BadKey."""
    if text.lstrip().startswith(b"-----BEGIN"):
        return {"keys": [_read(text.decode("ascii", "replace"))]}
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadKey("it is neither JSON nor a PEM file") from error
    if not isinstance(value, dict):
        raise BadKey("it is not a JSON object")
    found = cast("dict[str, Any]", value)
    keys = found.get("keys", [found])
    if not isinstance(keys, list) or not keys:
        raise BadKey("it holds no key")
    return {"keys": [_read(each) for each in cast("list[Any]", keys)]}


def _read(value: Any) -> dict[str, str]:
    try:
        key = RSAKey.import_key(value)
        if key.is_private:
            raise BadKey("it holds a private key: give the public key alone, and keep the private one to yourself")
        return _public(key)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise error if isinstance(error, BadKey) else BadKey("it is not an RSA key") from error


def _public(key: RSAKey) -> dict[str, str]:
    if key.raw_value.key_size < FEWEST_BITS:
        raise BadKey(f"the key has {key.raw_value.key_size} bits: make one with at least {FEWEST_BITS}")
    key.ensure_kid()
    found = key.as_dict(private=False)
    return {name: str(found[name]) for name in PUBLIC}


def _written(value: object) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"
