"""ID tokens: an RS256 JWT with the person who logged in and the assurance of the log-in.

This service issues them, or the upstream OpenID provider. The token endpoint issues them and checks those that are
exchanged; the upstream log-in checks its provider's. The signing key is in a file outside the database. Source: rules
chapter 2.2, OpenID Connect Core.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import msgspec
from joserfc.jwk import RSAKey

from openers.domain.clock import Instant
from openers.domain.credentials import CredentialKind, Session
from openers.domain.directory import Assurance
from openers.domain.identifiers import UserId
from openers.identity.jose import (
    Claims,
    Malformed,
    Unsigned,
    instant_of,
    is_for,
    is_signed_by,
    key_named,
    sign,
    take_apart,
    text_of,
)
from openers.identity.opaque import digest
from openers.usecases.ports.transaction import Tx

ALGORITHM: Final = "RS256"
ID_TOKEN_LIFE: Final = timedelta(hours=1)
CLOCK_SKEW: Final = timedelta(seconds=30)
EXCHANGED_WITHIN: Final = timedelta(minutes=10)
"""Maximum age of an upstream provider's ID token when it is exchanged.

An application exchanges a token right after the log-in; an older token may come from a log or a stolen store. The limit
equals the time that a log-in may take on our own page.
"""

KeySet = Mapping[str, Sequence[Mapping[str, str]]]
"""A JSON Web Key Set."""


class InvalidIdToken(ValueError):
    """An ID token is not valid. The text says which claim is wrong, for the developer."""


class SigningKey:
    """The key that signs ID tokens."""

    def __init__(self, key: RSAKey) -> None:
        """Use `key`, a private RSA key of at least 2048 bits."""
        self._key = key
        self.kid: str = key.thumbprint()

    @classmethod
    def from_pem(cls, pem: bytes) -> SigningKey:
        """Return the key of a PEM file's content. Raises ValueError."""
        return cls(RSAKey.import_key(pem))

    def public_keys(self) -> dict[str, list[dict[str, str]]]:
        """Return the JSON Web Key Set with which others verify our signatures."""
        public = {name: str(value) for name, value in self._key.as_dict(private=False).items()}
        return {"keys": [public | {"kid": self.kid, "use": "sig", "alg": ALGORITHM}]}

    def sign(self, claims: Claims, kind: str = "JWT") -> str:
        """Return a compact JWT of `claims`; `kind` is the type in its header."""
        return sign(claims, self._key, self.kid, ALGORITHM, kind)


def new_signing_key() -> bytes:
    """Return a new private RSA key in PEM format."""
    return RSAKey.generate_key(2048, private=True).as_pem(private=True)


class IdToken(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a verified ID token. `subject` is its `sub`, which may differ from the user id."""

    user: UserId
    subject: str
    session: str
    assurance: Assurance
    authenticated: Instant
    expires: Instant


def id_token_claims(session: Session, issuer: str, client_id: str, nonce: str | None, now: Instant) -> Claims:
    """Return the claims of an ID token about `session` for one client."""
    claims: Claims = {
        "iss": issuer,
        "aud": client_id,
        "exp": int((now + ID_TOKEN_LIFE).timestamp()),
        "iat": int(now.timestamp()),
        "auth_time": int(session.asked_at.timestamp()),
        "sid": session.id,
    }
    return claims | assurance_claims(session) | ({} if nonce is None else {"nonce": nonce})


def assurance_claims(session: Session) -> Claims:
    """Return the claims about the person and the assurance, as in ID tokens and in the userinfo endpoint's reply."""
    assurance = session.assurance
    return {
        "sub": str(session.user),
        "nhsid_useruid": str(session.user),
        "id_assurance_level": str(assurance.identity_level),
        "authentication_assurance_level": str(assurance.authenticator_level),
        "acr": f"AAL{assurance.authenticator_level}_ANY",
        "amr": [assurance.method],
    }


def read_id_token(text: str) -> Unsigned:
    """Parse an ID token without verifying it. Raises InvalidIdToken."""
    try:
        return take_apart(text)
    except Malformed:
        raise InvalidIdToken("must be a signed JWT") from None


def prove_id_token(token: Unsigned, keys: KeySet, issuer: str, audience: str, now: Instant) -> IdToken:
    """Verify that `issuer` issued the ID token to `audience` and that it is valid now; return its content.

    Raises InvalidIdToken. The caller has to compare the nonce with the one it sent (`is_answer_to`).
    """
    if token.header.get("alg") != ALGORITHM:
        raise InvalidIdToken(f"'alg' header must be '{ALGORITHM}'")
    key = key_named(token.header.get("kid"), keys)
    if key is None or not is_signed_by(token, key, ALGORITHM):
        raise InvalidIdToken("must be signed by a key of its issuer")
    claims = token.claims
    if claims.get("iss") != issuer:
        raise InvalidIdToken(f"'iss' claim must be '{issuer}'")
    if not is_for(claims.get("aud"), audience) or claims.get("azp", audience) != audience:
        raise InvalidIdToken(f"'aud' claim must be '{audience}'")
    expires, issued = instant_of(claims.get("exp")), instant_of(claims.get("iat"))
    if expires is None or now >= expires:
        raise InvalidIdToken("'exp' claim must be in the future")
    if issued is None or issued - now > CLOCK_SKEW:
        raise InvalidIdToken("'iat' claim must be in the past")
    return _content(claims, expires, issued)


class Hint(msgspec.Struct, frozen=True):
    """The content of one of our own ID tokens that a client sends back, expired or not."""

    user: UserId
    session: str
    client_id: str


def read_hint(text: str, key: SigningKey, issuer: str) -> Hint:
    """Return the content of an ID token that we issued ourselves at any time. Raises InvalidIdToken."""
    token, keys = read_id_token(text), key.public_keys()
    ours = key_named(token.header.get("kid"), keys)
    if ours is None or not is_signed_by(token, ours, ALGORITHM) or token.claims.get("iss") != issuer:
        raise InvalidIdToken("must be an ID token that this service issued")
    user, session, client_id = (text_of(token.claims.get(name)) for name in ("sub", "sid", "aud"))
    if user is None or session is None or client_id is None:
        raise InvalidIdToken("must be an ID token of a log-in")
    return Hint(UserId(user), session, client_id)


def check_fresh(token: Unsigned, now: Instant) -> None:
    """Raise InvalidIdToken unless a verified token was issued recently. Source: OpenID Connect Core 3.1.3.7."""
    issued = instant_of(token.claims.get("iat"))
    if issued is None or now - issued > EXCHANGED_WITHIN:
        minutes = int(EXCHANGED_WITHIN.total_seconds() / 60)
        raise InvalidIdToken(f"'iat' claim must be at most {minutes} minutes ago")


async def use_id_token(tx: Tx, text: str, expires: Instant) -> None:
    """Mark a verified token as used, identified by its signed part. Raises InvalidIdToken if it was used before."""
    key = digest("ID token", text.rpartition(".")[0])
    if not await tx.credentials.add(CredentialKind.ASSERTION_ID, key, None, expires):
        raise InvalidIdToken("was exchanged before")


def is_answer_to(token: Unsigned, nonce: str) -> bool:
    """Return whether the ID token answers the request that carried `nonce`."""
    return token.claims.get("nonce") == nonce


def _content(claims: Claims, expires: Instant, issued: Instant) -> IdToken:
    try:
        user = UserId(text_of(claims.get("nhsid_useruid")) or text_of(claims.get("sub")) or "")
    except ValueError:
        raise InvalidIdToken("'nhsid_useruid' claim must be a user id of 12 digits") from None
    methods = claims.get("amr")
    method = text_of(methods[0] if isinstance(methods, list) and methods else methods)  # pyright: ignore[reportUnknownArgumentType] -- unproved JSON
    return IdToken(
        user=user,
        subject=text_of(claims.get("sub")) or "",
        session=text_of(claims.get("sid")) or "",
        assurance=Assurance(
            identity_level=_level(claims, "id_assurance_level"),
            authenticator_level=_level(claims, "authentication_assurance_level"),
            method=method or "",
        ),
        authenticated=instant_of(claims.get("auth_time")) or issued,
        expires=expires,
    )


def _level(claims: Claims, name: str) -> int:
    """Return a level of assurance, sent as a digit or a number. Raises InvalidIdToken."""
    level = str(claims.get(name))
    if level not in {"0", "1", "2", "3"}:
        raise InvalidIdToken(f"'{name}' claim must be a level from 0 to 3")
    return int(level)
