"""Calls to the service: its keys, an access token, notifications."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final
from uuid import uuid4

import aiohttp
import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from openers_testpas.hospital.clock import Wall
from openers_testpas.options import Options

TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE: Final = timedelta(minutes=4)
ALGORITHM: Final = "RS512"
EARLY: Final = timedelta(seconds=30)


class Unreachable(OSError):
    """The service did not respond, or not correctly."""


class BadKey(ValueError):
    """The client's private key is invalid; the text gives the reason."""


class Http:
    """HTTP calls, within its context; follows no redirects and uses no proxy."""

    def __init__(self) -> None:
        """Start without a connection pool."""
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Http:
        """Open the connection pool."""
        self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection pool."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, url: str) -> bytes:
        """Return the body of a 200 reply. Raises Unreachable."""
        status, body = await self.call("GET", url)
        if status != 200:
            raise Unreachable(f"{url} returned {status}")
        return body

    async def call(self, method: str, url: str, **sent: Any) -> tuple[int, bytes]:
        """Return status and body of any reply; `sent` are aiohttp's arguments (data, headers). Raises Unreachable."""
        if self._session is None:
            raise Unreachable("not open")
        try:
            async with self._session.request(method, url, allow_redirects=False, **sent) as reply:
                return reply.status, await reply.read()
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Unreachable(f"{url}: {type(error).__name__} {error}".strip()) from error


class ClientKey(msgspec.Struct, frozen=True):
    """The private key that authenticates this system."""

    client_id: str
    kid: str
    key: RSAKey


class _Token(msgspec.Struct):
    access_token: str
    expires_in: int


def read_client_key(client_id: str, path: Path) -> ClientKey:
    """Return the key in a file with one RSA JSON Web Key with a key id. Raises BadKey."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        return ClientKey(client_id, str(found["kid"]), RSAKey.import_key(found))
    except (OSError, KeyError, ValueError, JoseError) as error:
        raise BadKey(f"{path}: {error}") from error


class Tokens:
    """Access tokens of the service by client credentials, each cached until shortly before it expires."""

    def __init__(self, http: Http, options: Options, key: ClientKey, wall: Wall) -> None:
        """Store the dependencies; `options` give the service's address."""
        self._http = http
        self._url = f"{options.service_address}/oauth2/token"
        self._audience = f"{options.service_url}/oauth2/token"
        self._key = key
        self._wall = wall
        self._kept: tuple[str, datetime] | None = None

    async def get(self) -> str:
        """Return a token that is valid for a while. Raises Unreachable."""
        now = self._wall()
        if self._kept is not None and now < self._kept[1]:
            return self._kept[0]
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(now),
        }
        status, body = await self._http.call("POST", self._url, data=form)
        if status != 200:
            raise Unreachable(f"{self._url} returned {status}: {body[:200].decode(errors='replace')}")
        try:
            token = msgspec.json.decode(body, type=_Token)
        except (ValueError, RecursionError) as error:
            raise Unreachable(f"{self._url}: no token in the reply") from error
        self._kept = (token.access_token, now + timedelta(seconds=token.expires_in) - EARLY)
        return token.access_token

    def forget(self) -> None:
        """Discard the token, so that the next call requests a new one."""
        self._kept = None

    def _assertion(self, now: datetime) -> str:
        header = {"alg": ALGORITHM, "typ": "JWT", "kid": self._key.kid}
        claims = {
            "iss": self._key.client_id,
            "sub": self._key.client_id,
            "aud": self._audience,
            "jti": str(uuid4()),
            "iat": int(now.timestamp()),
            "exp": int((now + ASSERTION_LIFE).timestamp()),
        }
        return jws.serialize_compact(header, msgspec.json.encode(claims), self._key.key, algorithms=[ALGORITHM])
