"""Authenticate the service by a JWT that it signs for each request. Source: the contract, RFC 7519, RFC 8725."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import anyio
import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from openers_testpas.hospital.clock import Wall, as_number
from openers_testpas.hospital.store import Store

ALGORITHM: Final = "RS256"
LONGEST_LIFE: Final = timedelta(minutes=5)
SKEW: Final = timedelta(seconds=30)
FETCH_AT_MOST_EVERY: Final = timedelta(seconds=5)
LONGEST_HEADER: Final = 4096

Jwk = dict[str, Any]
FetchKeys = Callable[[], Awaitable[bytes]]
"""Fetches the service's JSON Web Key Set. Raises OSError or TimeoutError."""


class Refused(Exception):
    """The caller is not the service; the text gives the reason."""


class KeysUnknown(Exception):
    """The service's keys cannot be fetched, so callers cannot be checked."""


class _Header(msgspec.Struct):
    alg: str
    kid: str


class _Claims(msgspec.Struct):
    iss: str
    aud: str | list[str]
    exp: int | float
    iat: int | float
    jti: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class _KeySet(msgspec.Struct):
    keys: list[Jwk]


class ServiceKeys:
    """The service's public keys, fetched on first use and for an unknown key id, at a limited rate."""

    def __init__(self, fetch: FetchKeys, wall: Wall) -> None:
        """Start without keys."""
        self._fetch = fetch
        self._wall = wall
        self._keys: dict[str, RSAKey] = {}
        self._fetched: datetime | None = None
        self._lock = anyio.Lock()

    async def named(self, kid: str) -> RSAKey | None:
        """Return the key with an id. Raises KeysUnknown."""
        if kid not in self._keys:
            async with self._lock:
                if kid not in self._keys and self._may_fetch():
                    await self._refresh()
        return self._keys.get(kid)

    def _may_fetch(self) -> bool:
        return self._fetched is None or self._wall() - self._fetched >= FETCH_AT_MOST_EVERY

    async def _refresh(self) -> None:
        try:
            found = msgspec.json.decode(await self._fetch(), type=_KeySet)
            usable = [key for key in found.keys if key.get("kty") == "RSA" and isinstance(key.get("kid"), str)]
            self._keys = {key["kid"]: RSAKey.import_key(key) for key in usable}
        except (OSError, TimeoutError, JoseError, ValueError, RecursionError) as error:
            raise KeysUnknown(f"the keys of the service cannot be fetched: {error}") from error
        self._fetched = self._wall()


class Doorkeeper:
    """Admits the service, once with each token."""

    def __init__(self, keys: ServiceKeys, store: Store, wall: Wall, names: tuple[str, str]) -> None:
        """Store the parts; `names` are the issuer (the service's base URL) and the audience (our FHIR base URL)."""
        self._keys = keys
        self._store = store
        self._wall = wall
        self._issuer, self._audience = names

    async def admit(self, authorization: str | None) -> None:
        """Return if the header has a valid token. Raises Refused or KeysUnknown."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused("a Bearer token is needed")
        claims = await self._proved(token.strip())
        if claims.iss != self._issuer:
            raise Refused("iss must be the service")
        if self._audience not in ([claims.aud] if isinstance(claims.aud, str) else claims.aud):
            raise Refused("aud must be this system")
        self._use(claims.jti, self._expiry(claims))

    async def _proved(self, token: str) -> _Claims:
        try:
            unproved = jws.extract_compact(token.encode("ascii"), registry=_registry())
            header = msgspec.convert(unproved.headers(), _Header)
            key = await self._keys.named(header.kid) if header.alg == ALGORITHM else None
            if key is None:
                raise Refused(f"the token must be signed with {ALGORITHM} and a key of the service")
            proved = jws.deserialize_compact(token, key, registry=_registry(ALGORITHM))
            return msgspec.json.decode(proved.payload, type=_Claims)
        except (JoseError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise Refused("the token is not a JWT of the service") from error

    def _expiry(self, claims: _Claims) -> datetime:
        now = self._wall()
        try:
            expires = datetime.fromtimestamp(claims.exp, now.tzinfo)
            issued = datetime.fromtimestamp(claims.iat, now.tzinfo)
        except (OverflowError, ValueError, OSError) as error:
            raise Refused("exp or iat is not an instant") from error
        if expires <= now or expires - now > LONGEST_LIFE + SKEW:
            raise Refused("exp must be in the future, at most 5 minutes away")
        if issued - now > SKEW:
            raise Refused("iat must not be in the future")
        return expires

    def _use(self, jti: str, expires: datetime) -> None:
        now = as_number(self._wall())
        with self._store.change(0) as change:
            change.db.execute("DELETE FROM used_token WHERE expires < ?", (now,))
            try:
                change.db.execute("INSERT INTO used_token VALUES (?, ?)", (jti, as_number(expires)))
            except sqlite3.IntegrityError as error:
                raise Refused("jti was used before") from error


def _registry(*algorithms: str) -> JWSRegistry:
    """Return the accepted algorithms; unknown header names are ignored unless they are marked critical."""
    registry = JWSRegistry(algorithms=algorithms, strict_check_header=False)
    registry.max_header_length = LONGEST_HEADER
    return registry
