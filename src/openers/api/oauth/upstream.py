"""The upstream OpenID provider, where people log in in production: its addresses, keys and ID tokens.

OpenERS is an ordinary relying party: discovery, authorisation code with PKCE, private_key_jwt. Fetched metadata and
keys are cached for some minutes. Source: OpenID Connect Core and Discovery.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec
from joserfc.jwk import RSAKey

from openers.domain.clock import Instant
from openers.domain.errors import Unavailable
from openers.identity.assertions import ALGORITHM, ASSERTION_TYPE
from openers.identity.id_tokens import IdToken, InvalidIdToken, is_answer_to, prove_id_token, read_id_token
from openers.identity.jose import sign
from openers.identity.log_in import WaitingForUpstream, challenge_of
from openers.identity.opaque import new_secret
from openers.identity.redirects import LOOPBACK, with_answer

KEPT_FOR: Final = timedelta(minutes=5)
KEYS_AGAIN_AFTER: Final = timedelta(seconds=10)
ASSERTION_LIFE: Final = timedelta(minutes=2)
LONGEST_REPLY_BYTES: Final = 256 * 2**10
CALL_TIMEOUT_S: Final = 10
SCOPE: Final = "openid profile nationalrbacaccess"
PART: Final = "upstream OpenID provider"

T = TypeVar("T")


class Metadata(msgspec.Struct, frozen=True):
    """The metadata that the provider publishes."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


class _TokenReply(msgspec.Struct, frozen=True):
    id_token: str


class UpstreamRefusal(Exception):
    """The provider replied, but without a log-in."""


class UpstreamProvider:
    """The provider at `issuer`, where this service is registered as `client_id`."""

    def __init__(self, issuer: str, client_id: str, private_jwk: dict[str, str], callback_url: str) -> None:
        """Store the registration; `private_jwk` is our private RSA key with its `kid`, as a JSON Web Key."""
        self.issuer, self.client_id = issuer.rstrip("/"), client_id
        self._key, self._kid = RSAKey.import_key(dict(private_jwk)), private_jwk["kid"]
        self._callback_url = callback_url
        self._metadata: tuple[Metadata, Instant] | None = None
        self._keys: tuple[dict[str, list[dict[str, str]]], Instant] | None = None

    async def log_in_address(self, waiting: WaitingForUpstream, handle: str, now: Instant) -> str:
        """Return the provider's address for the log-in that waits under `handle`. Raises Unavailable."""
        metadata = await self.metadata(now)
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self._callback_url,
            "scope": SCOPE,
            "state": handle,
            "nonce": waiting.nonce,
            "code_challenge": challenge_of(waiting.verifier),
            "code_challenge_method": "S256",
        }
        return with_answer(metadata.authorization_endpoint, asked)

    async def redeem(self, code: str, waiting: WaitingForUpstream, now: Instant) -> IdToken:
        """Exchange the browser's code for a verified ID token. Raises UpstreamRefusal, Unavailable."""
        metadata = await self.metadata(now)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback_url,
            "code_verifier": waiting.verifier,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(metadata.token_endpoint, now),
        }
        reply = await self._fetch(metadata.token_endpoint, _TokenReply, form)
        try:
            return await self.prove(reply.id_token, self.client_id, now, waiting.nonce)
        except InvalidIdToken as error:
            raise UpstreamRefusal(str(error)) from None

    async def prove(self, text: str, audience: str, now: Instant, nonce: str | None = None) -> IdToken:
        """Verify an ID token of the provider. Raises InvalidIdToken, Unavailable."""
        token = read_id_token(text)
        keys = await self._keys_with(token.header.get("kid"), now)
        if nonce is not None and not is_answer_to(token, nonce):
            raise InvalidIdToken("'nonce' claim must be that of the request")
        return prove_id_token(token, keys, self.issuer, audience, now)

    async def metadata(self, now: Instant) -> Metadata:
        """Return the provider's metadata, fetched or cached. Raises Unavailable."""
        if self._metadata is None or now - self._metadata[1] >= KEPT_FOR:
            found = await self._fetch_or_fail(f"{self.issuer}/.well-known/openid-configuration", Metadata)
            addresses = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
            if found.issuer.rstrip("/") != self.issuer or not all(map(_is_safe, addresses)):
                raise Unavailable(PART)
            self._metadata = (found, now)
        return self._metadata[0]

    async def _keys_with(self, kid: object, now: Instant) -> dict[str, list[dict[str, str]]]:
        """Return the provider's keys; fetch them again, at a limited rate, if `kid` is unknown."""
        if self._keys is not None:
            keys, since = self._keys
            known = any(key.get("kid") == kid for key in keys["keys"])
            if now - since < (KEPT_FOR if known else KEYS_AGAIN_AFTER):
                return keys
        found = await self._fetch_or_fail((await self.metadata(now)).jwks_uri, _KeySet)
        keys = {"keys": [_texts(key) for key in found.keys]}
        self._keys = (keys, now)
        return keys

    def _assertion(self, audience: str, now: Instant) -> str:
        seconds = int(now.timestamp())
        claims: dict[str, Any] = {"iss": self.client_id, "sub": self.client_id, "aud": audience, "jti": new_secret()}
        claims |= {"iat": seconds, "exp": seconds + int(ASSERTION_LIFE.total_seconds())}
        return sign(claims, self._key, self._kid, ALGORITHM)

    async def _fetch_or_fail(self, address: str, as_type: type[T]) -> T:
        try:
            return await self._fetch(address, as_type)
        except UpstreamRefusal:
            raise Unavailable(PART) from None

    async def _fetch(self, address: str, as_type: type[T], form: dict[str, str] | None = None) -> T:
        """Return the JSON at an address of the provider. Raises UpstreamRefusal (4xx or invalid JSON), Unavailable."""
        import aiohttp  # the import takes 0.4 s, which only services with an upstream need

        timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.request("GET" if form is None else "POST", address, data=form, allow_redirects=False) as reply,
            ):
                body = await reply.content.read(LONGEST_REPLY_BYTES)
                while not reply.content.at_eof() and len(body) < LONGEST_REPLY_BYTES:
                    body += await reply.content.read(LONGEST_REPLY_BYTES - len(body))
                status = reply.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(PART) from error
        if status >= 500:
            raise Unavailable(PART)
        try:
            return msgspec.json.decode(body, type=as_type)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UpstreamRefusal(f"the provider returned {status}") from None


def _is_safe(address: str) -> bool:
    """Return whether an address is safe for tokens: https, or http on this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK | {"localhost"})


def _texts(key: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in key.items() if isinstance(value, str) and re.fullmatch(r"\w{1,20}", name)}
