"""Access tokens of national services, got with a signed JWT for an application without a user.

Source: application-restricted RESTful APIs, signed JWT authentication; RFC 7523.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import msgspec

from openers.domain.clock import Clock, Instant
from openers.domain.errors import NeighbourSilent
from openers.neighbours.calls import Neighbour

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE: Final = timedelta(minutes=5)
USED_OF_LIFE: Final = 0.8
"""The part of a token's life after which a new one is fetched."""

Sign = Callable[[dict[str, Any]], str]
"""A function that returns an RS512 JWT of claims, by the key that is registered at the national service."""


class _Granted(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: str | int | float = 0


class AccessTokens:
    """The present token of this service at one token address."""

    def __init__(self, neighbour: Neighbour, address: str, client_id: str, sign: Sign, clock: Clock) -> None:
        """Store the token `address` and the API key `client_id`. The token is fetched at the first use."""
        self._neighbour, self._address, self._client_id = neighbour, address, client_id
        self._sign, self._clock = sign, clock
        self._token, self._until = "", clock.now()
        self._lock = asyncio.Lock()
        self._silence: NeighbourSilent | None = None

    async def token(self) -> str:
        """Return a token that is valid for a while; callers at the same time share one request, and its failure.

        Raises NeighbourSilent.
        """
        before = self._silence
        async with self._lock:
            if not self._token or self._clock.now() >= self._until:
                if self._silence is not None and self._silence is not before:
                    raise self._silence.with_traceback(None)
                try:
                    self._token, self._until = await self._fetched()
                except NeighbourSilent as error:
                    self._silence = error
                    raise
            return self._token

    def refused(self, token: str) -> None:
        """Forget a token that a service has refused, unless it was replaced already."""
        if token == self._token:
            self._token = ""

    async def _fetched(self) -> tuple[str, Instant]:
        now = self._clock.now()
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._sign(self._claims(now)),
        }
        reply = await self._neighbour.ask(self._address, {"Accept": "application/json"}, form)
        if reply.status != 200:
            self._neighbour.unusable(f"it refused a token with {reply.status}")
        try:
            granted = msgspec.json.decode(reply.body, type=_Granted)
            life_s = float(granted.expires_in)
            until = now + timedelta(seconds=life_s * USED_OF_LIFE)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, OverflowError, RecursionError):
            self._neighbour.unusable("its reply to a token request cannot be read")
        if not granted.access_token or not granted.access_token.isascii() or not granted.access_token.isprintable():
            self._neighbour.unusable("its token cannot be sent")
        self._neighbour.proceed()
        return granted.access_token, until

    def _claims(self, now: Instant) -> dict[str, Any]:
        seconds, expires = int(now.timestamp()), int((now + ASSERTION_LIFE).timestamp())
        return {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": self._address,
            "jti": str(uuid4()),
            "iat": seconds,
            "exp": expires,
        }
