"""Sessions: access tokens that are renewed in time, one renewal at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from openers_client.applications import Tokens

EARLY_S: Final = 30
"""Seconds before its end at which a token is renewed, so that it does not end during a call."""

Renew = Callable[[Tokens], Awaitable[Tokens]]


class Session:
    """A user's log-in, or an application's access. Several callers may share it."""

    def __init__(self, tokens: Tokens, renew: Renew | None = None) -> None:
        """`renew` returns the next tokens; without it, the session ends with its access token."""
        self._tokens = tokens
        self._renew = renew
        self._lock = asyncio.Lock()
        self._ends_at = _end(tokens)

    @classmethod
    def of_token(cls, access_token: str) -> Session:
        """Return a session with a token from elsewhere, which is used until the service rejects it."""
        return cls(Tokens(access_token, 365 * 24 * 3600))

    @property
    def tokens(self) -> Tokens:
        """Return the latest tokens. Do not store them: the next renewal replaces them."""
        return self._tokens

    async def access_token(self) -> str:
        """Return a valid access token, renewed if it ends soon. Raises LogInFailed, ServiceUnreachable."""
        if self._renew is not None and time.monotonic() >= self._ends_at:
            await self.renew(self._tokens.access_token)
        return self._tokens.access_token

    async def renew(self, access_token: str) -> bool:
        """Renew `access_token`, unless another caller has done so. Return whether there is another token now.

        A refresh token is valid once, so callers wait for each other. Raises LogInFailed, ServiceUnreachable.
        """
        if self._renew is None:
            return False
        async with self._lock:
            if self._tokens.access_token == access_token:
                self._tokens = await self._renew(self._tokens)
                self._ends_at = _end(self._tokens)
        return True


def _end(tokens: Tokens) -> float:
    return time.monotonic() + tokens.expires_in_s - min(EARLY_S, tokens.expires_in_s / 2)
