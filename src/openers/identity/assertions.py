"""Client assertions: the signed JWT by which an application authenticates (private_key_jwt).

Client authentication at the token endpoint calls this module. Only RS512 is accepted; the public keys are those
registered with the application. Source: rules chapter 2.2, RFC 7523 chapter 3, RFC 8725.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec

from openers.domain.clock import Instant
from openers.domain.credentials import Application, CredentialKind
from openers.identity.errors import invalid_client, invalid_request
from openers.identity.jose import Claims, Malformed, Unsigned, instant_of, is_for, is_signed_by, key_named, take_apart
from openers.identity.opaque import digest
from openers.usecases.ports.transaction import Tx

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHM: Final = "RS512"
LONGEST_LIFE: Final = timedelta(minutes=5)
CLOCK_SKEW: Final = timedelta(seconds=30)
LONGEST_ID: Final = 255


class Assertion(msgspec.Struct, frozen=True):
    """A verified assertion: its client, and the id that may be used only once until the assertion expires."""

    client_id: str
    jti: str
    expires: Instant


def read_assertion(text: str) -> Unsigned:
    """Parse the assertion and check its form and algorithm. Raises OAuthRefusal."""
    try:
        token = take_apart(text)
    except Malformed:
        raise invalid_request("Malformed JWT in client_assertion") from None
    if token.header.get("alg") != ALGORITHM:
        raise invalid_request(f"Invalid 'alg' header in client_assertion JWT - must be '{ALGORITHM}'")
    if not isinstance(token.header.get("kid"), str):
        raise invalid_request("Missing 'kid' header in client_assertion JWT")
    return token


def issuer_of(token: Unsigned) -> str:
    """Return the client id that the assertion claims as both `iss` and `sub`. Raises OAuthRefusal."""
    issuer, subject = token.claims.get("iss"), token.claims.get("sub")
    if not isinstance(issuer, str) or issuer != subject:
        raise invalid_request("Missing or non-matching 'iss'/'sub' claims in client_assertion JWT")
    return issuer


def prove_assertion(token: Unsigned, application: Application, audiences: Sequence[str], now: Instant) -> Assertion:
    """Verify that `application` made the assertion for one of `audiences` and that it is valid now; return it.

    Raises OAuthRefusal, which names the first failure. `use_assertion` checks that it is used only once.
    """
    key = key_named(token.header["kid"], application.keys)
    if key is None:
        raise invalid_client("Invalid 'kid' header in client_assertion JWT - no matching public key")
    if not is_signed_by(token, key, ALGORITHM):
        raise invalid_client("Invalid signature in client_assertion JWT")
    if not any(is_for(token.claims.get("aud"), audience) for audience in audiences):
        raise invalid_request(f"Missing or invalid 'aud' claim in client_assertion JWT - must be '{audiences[0]}'")
    expires = _expiry(token.claims, now)
    _check_beginning(token.claims, now)
    return Assertion(application.client_id, _id(token.claims), expires)


async def use_assertion(tx: Tx, assertion: Assertion) -> None:
    """Mark a verified assertion as used. Raises OAuthRefusal if it was used before."""
    key = digest(assertion.client_id, assertion.jti)
    if not await tx.credentials.add(CredentialKind.ASSERTION_ID, key, None, assertion.expires):
        raise invalid_request("Invalid 'jti' claim in client_assertion JWT - must be unique")


def _expiry(claims: Claims, now: Instant) -> Instant:
    if "exp" not in claims:
        raise invalid_request("Missing 'exp' claim in client_assertion JWT")
    expires = instant_of(claims["exp"])
    if expires is None:
        raise invalid_request("Invalid 'exp' claim in client_assertion JWT - must be a number of seconds")
    if now >= expires:
        raise invalid_request("Invalid 'exp' claim in client_assertion JWT - must be in the future")
    if expires - now > LONGEST_LIFE:
        raise invalid_request("Invalid 'exp' claim in client_assertion JWT - must be at most 5 minutes away")
    return expires


def _check_beginning(claims: Claims, now: Instant) -> None:
    for name in ("iat", "nbf"):
        if name not in claims:
            continue
        begins = instant_of(claims[name])
        if begins is None or begins - now > CLOCK_SKEW:
            raise invalid_request(f"Invalid '{name}' claim in client_assertion JWT - must be in the past")


def _id(claims: Claims) -> str:
    jti = claims.get("jti")
    if jti is None:
        raise invalid_request("Missing 'jti' claim in client_assertion JWT")
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_ID:
        raise invalid_request(f"Invalid 'jti' claim in client_assertion JWT - must be 1 to {LONGEST_ID} characters")
    return jti
