"""The OpenID provider: its addresses, its keys, and calls of its token address with `private_key_jwt`.

Source: OpenID Connect Core 1.0, Discovery 1.0; RFC 7523, RFC 7636, RFC 9207.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar, cast

import aiohttp
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from openers_web.sessions import Clock

ASSERTION_LIFE_S: Final = 120
DISCOVERED_FOR_S: Final = 3600
KEYS_AT_MOST_EVERY_S: Final = 5
SKEW_S: Final = 60
TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
LARGEST_REPLY: Final = 512 * 1024
SIGNED_BY: Final = ("RS256", "RS512", "PS256", "ES256")
"""Never `none` and never a symmetric algorithm. Source: RFC 8725 chapter 3."""
ASSERTED_BY: Final = "RS512"
Read = TypeVar("Read")
Address = Annotated[str, msgspec.Meta(pattern=r"^https?://", max_length=2000)]


class ProviderFailed(Exception):
    """The provider cannot be reached or its reply cannot be used; the text says which and is no secret."""


class GrantRefused(Exception):
    """The provider refuses a code or refresh token; `error` is its code."""

    def __init__(self, error: str, description: str) -> None:
        """Keep the code."""
        super().__init__(f"{error}: {description}")
        self.error = error


class Client(msgspec.Struct, frozen=True):
    """How the application is registered: its id, its private key as a JSON Web Key with `kid`, and its issuer."""

    client_id: str
    key: dict[str, Any]
    issuer: str


class Addresses(msgspec.Struct, frozen=True):
    """What the discovery document says."""

    issuer: str
    authorization_endpoint: Address
    token_endpoint: Address
    jwks_uri: Address
    end_session_endpoint: Address | None = None
    userinfo_endpoint: Address | None = None


class TokenReply(msgspec.Struct, frozen=True):
    """A reply of the token address."""

    access_token: str
    expires_in: float = 300
    refresh_token: str = ""
    id_token: str = ""


class _UserInfo(msgspec.Struct, frozen=True):
    sub: str
    name: str = ""


class _Refusal(msgspec.Struct, frozen=True):
    error: str = "unknown"
    error_description: str = ""


class Provider:
    """Calls the provider; discovery and keys are fetched when needed and kept for an hour."""

    def __init__(self, client: Client, clock: Clock) -> None:
        """Read the private key. Raises ValueError if it is none."""
        self.client, self._clock = client, clock
        self._key = RSAKey.import_key(client.key)
        self._http: aiohttp.ClientSession | None = None
        self._addresses: Addresses | None = None
        self._keys: KeySet | None = None
        self._discovered = self._keys_fetched = 0.0

    async def addresses(self) -> Addresses:
        """Return the provider's addresses. Raises ProviderFailed."""
        if self._addresses is not None and self._clock() <= self._discovered + DISCOVERED_FOR_S:
            return self._addresses
        issuer = self.client.issuer
        found = _read(await self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration"), Addresses)
        if found.issuer != issuer:
            raise ProviderFailed(f"the provider at {issuer} calls itself {found.issuer}")
        self._addresses, self._discovered = found, self._clock()
        return found

    async def token(self, form: Mapping[str, str]) -> TokenReply:
        """Return the reply to a grant. Raises GrantRefused, ProviderFailed."""
        address = (await self.addresses()).token_endpoint
        proof = {
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self._assertion(address),
        }
        status, body = await self._call("POST", address, {**form, **proof})
        if status == 200:
            return _read(body, TokenReply)
        if 400 <= status < 500 and status != 429:
            refusal = _read(body, _Refusal)
            raise GrantRefused(refusal.error, refusal.error_description)
        raise ProviderFailed(f"the provider's token address replies {status}")

    async def claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that the provider signed for this client. Raises ProviderFailed.

        The caller checks what belongs to the kind of token: the nonce of an ID token, the event of a log-out token.
        """
        decoded = self._decode(token, await self._signing_keys(anew=False))
        if decoded is None:
            decoded = self._decode(token, await self._signing_keys(anew=True))
        if decoded is None:
            raise ProviderFailed("the token is not signed by the provider")
        audience = decoded.get("aud")
        audiences = cast("list[object]", audience) if isinstance(audience, list) else [audience]
        now = self._clock()
        if decoded.get("iss") != self.client.issuer or self.client.client_id not in audiences:
            raise ProviderFailed("the token is of another provider or for another application")
        if len(audiences) > 1 and decoded.get("azp") != self.client.client_id:
            raise ProviderFailed("the token was issued for another application")
        if not _is_time(decoded.get("exp"), least=now - SKEW_S) or not _is_time(decoded.get("iat"), most=now + SKEW_S):
            raise ProviderFailed("the token has expired, or a clock is wrong")
        return decoded

    async def name_of(self, person: str, access_token: str) -> str:
        """Return the name of the person with this subject; empty if the provider does not say. Raises ProviderFailed.

        Source: OpenID Connect Core 1.0 chapter 5.3.
        """
        address = (await self.addresses()).userinfo_endpoint
        if address is None:
            return ""
        status, body = await self._call("GET", address, None, {"authorization": f"Bearer {access_token}"})
        found = _read(body, _UserInfo) if status == 200 else None
        return found.name if found is not None and found.sub == person else ""

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()

    def _assertion(self, audience: str) -> str:
        now = int(self._clock())
        client = self.client.client_id
        claims = {"iss": client, "sub": client, "aud": audience, "jti": secrets.token_urlsafe(24)}
        lasting = {**claims, "iat": now, "exp": now + ASSERTION_LIFE_S}
        header = {"alg": ASSERTED_BY, "kid": self.client.key["kid"]}
        return jwt.encode(header, lasting, self._key, algorithms=[ASSERTED_BY])

    async def _signing_keys(self, *, anew: bool) -> KeySet:
        """Return the provider's keys; a token with an unknown key has them fetched anew, at a limited rate."""
        if self._keys is None or (anew and self._clock() > self._keys_fetched + KEYS_AT_MOST_EVERY_S):
            body = await self._get((await self.addresses()).jwks_uri)
            try:
                self._keys = KeySet.import_key_set(msgspec.json.decode(body))
            except (ValueError, KeyError, TypeError, JoseError) as error:
                raise ProviderFailed("the provider's keys cannot be read") from error
            self._keys_fetched = self._clock()
        return self._keys

    @staticmethod
    def _decode(token: str, keys: KeySet) -> dict[str, Any] | None:
        try:
            return jwt.decode(token, keys, algorithms=list(SIGNED_BY)).claims
        except (JoseError, ValueError):
            return None

    async def _get(self, address: str) -> bytes:
        status, body = await self._call("GET", address, None)
        if status != 200:
            raise ProviderFailed(f"{address} replies {status}")
        return body

    async def _call(
        self, method: str, address: str, form: Mapping[str, str] | None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar())
        try:
            async with self._http.request(method, address, data=form, headers=headers, allow_redirects=False) as reply:
                return reply.status, await reply.content.read(LARGEST_REPLY)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ProviderFailed(f"{address} cannot be reached: {type(error).__name__}") from error


def _read(body: bytes, kind: type[Read]) -> Read:
    try:
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError) as error:
        raise ProviderFailed(f"the provider's reply is no {kind.__name__}") from error


def _is_time(value: object, least: float = float("-inf"), most: float = float("inf")) -> bool:
    return isinstance(value, int | float) and least <= value <= most
