"""Send log-out tokens to applications over HTTP. Implements the port `LogOutSender`.

Source: OpenID Connect Back-Channel Logout 1.0.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import aiohttp

from openers.domain.clock import Clock
from openers.domain.credentials import LogOutNotice
from openers.domain.errors import Unavailable

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
TOKEN_TYPE: Final = "logout+jwt"
TOKEN_LIFE: Final = timedelta(minutes=2)
TIMEOUT: Final = aiohttp.ClientTimeout(total=5)
TAKEN: Final = range(200, 300)
"""Statuses with which an application accepts a message."""

Sign = Callable[[dict[str, Any], str], str]
"""A function that returns a signed JWT of claims, with a type in its header."""


class HttpLogOutSender:
    """Sends each log-out token in an HTTP `POST`."""

    def __init__(self, sign: Sign, wall: Clock) -> None:
        """Sign tokens by `sign`; `wall` is the real clock."""
        self._sign, self._wall = sign, wall

    async def tell(self, notice: LogOutNotice, issuer: str) -> None:
        """Send one message of `issuer`. Raises Unavailable if the application does not accept it."""
        form = {"logout_token": self._sign(self._claims(notice, issuer), TOKEN_TYPE)}
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.post(notice.address, data=form, allow_redirects=False) as reply,
            ):
                status = reply.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Unavailable(f"{notice.client_id} did not receive a log-out: {type(error).__name__}") from error
        if status not in TAKEN:
            raise Unavailable(f"{notice.client_id} did not accept a log-out: it returned {status}")

    def _claims(self, notice: LogOutNotice, issuer: str) -> dict[str, Any]:
        """Return the claims of a new log-out token."""
        now = self._wall.now()
        return {
            "iss": issuer,
            "aud": notice.client_id,
            "sub": str(notice.user),
            "sid": notice.session,
            "iat": int(now.timestamp()),
            "exp": int((now + TOKEN_LIFE).timestamp()),
            "jti": str(uuid4()),
            "events": {EVENT: {}},
        }
