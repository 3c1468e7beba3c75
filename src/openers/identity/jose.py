"""Reads signed JSON Web Tokens without trusting any part before the signature is verified.

`assertions` and `id_tokens` call this module. The caller chooses the algorithm, never the token. Source: RFC 7515, RFC
7519, RFC 8725.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from openers.domain.clock import Instant

LONGEST_HEADER: Final = 4096

Claims = dict[str, Any]
"""The payload of a JWT, as decoded from JSON."""


class Malformed(ValueError):
    """The text is not a signed JWT in compact form."""


class Unsigned(msgspec.Struct, frozen=True):
    """A JWT as received, before verification."""

    text: str
    header: Claims
    claims: Claims


def take_apart(text: str) -> Unsigned:
    """Split a compact JWT into its parts, without verifying it. Raises Malformed."""
    try:
        parts = jws.extract_compact(text.encode("ascii"), registry=_registry())
        header = parts.headers()
        claims = msgspec.json.decode(parts.payload, type=Claims)
        if "crit" in header:  # lists extensions to be understood; we support none beyond RFC 7515 (chapter 4.1.11)
            raise ValueError
        msgspec.json.encode((header, claims))  # text with lone surrogates cannot be stored or hashed
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Malformed from error
    return Unsigned(text, header, claims)


def is_signed_by(token: Unsigned, key: Mapping[str, str], algorithm: str) -> bool:
    """Return whether `token` has a signature by the RSA key in JWK form, made with exactly this `algorithm`."""
    if token.header.get("alg") != algorithm or key.get("kty") != "RSA":
        return False
    try:
        jws.deserialize_compact(token.text, RSAKey.import_key(dict(key)), registry=_registry(algorithm))
    except (JoseError, ValueError, TypeError):
        return False
    return True


def sign(claims: Claims, key: RSAKey, kid: str, algorithm: str, kind: str = "JWT") -> str:
    """Return a compact JWT of `claims`; `kind` is the type in its header."""
    header = {"alg": algorithm, "typ": kind, "kid": kid}
    return jws.serialize_compact(header, msgspec.json.encode(claims), key, algorithms=[algorithm])


def _registry(*algorithms: str) -> JWSRegistry:
    """Return a registry that also permits unknown header parameters, unless they are marked as critical."""
    registry = JWSRegistry(algorithms=algorithms, strict_check_header=False)
    registry.max_header_length = LONGEST_HEADER
    return registry


def key_named(kid: object, keys: Mapping[str, Sequence[Mapping[str, str]]]) -> Mapping[str, str] | None:
    """Return the key with this id in a JSON Web Key Set."""
    return next((key for key in keys.get("keys", ()) if "kid" in key and key["kid"] == kid), None)


def instant_of(value: object) -> Instant | None:
    """Return the instant of a NumericDate; `None` if `value` is not a valid one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def text_of(value: object) -> str | None:
    """Return the claim if it is a text that is not empty, else `None`."""
    return value if isinstance(value, str) and value else None


def is_for(audience: object, wanted: str) -> bool:
    """Return whether the `aud` claim is `wanted` or a list that contains it."""
    return audience == wanted or (isinstance(audience, list) and wanted in audience)
