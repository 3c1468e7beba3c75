"""Protection against requests that a foreign page makes a browser send.

A request that changes something must come from our own page by Fetch Metadata, or by Origin where a browser sends no
Fetch Metadata, and its form must hold a token that belongs to the browser's session.
Source: OWASP Cross-Site Request Forgery Prevention; W3C Fetch Metadata Request Headers.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

FORM_TOKEN: Final = "form_token"
"""Name of the hidden field."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SALT: Final = 16


class Forged(Exception):
    """The request does not come from a page of ours; the text says why."""


class FormTokens:
    """Makes and checks the tokens of forms with one key."""

    def __init__(self, key: bytes) -> None:
        """Keep the key: at least 32 bytes, the same in all processes of an application."""
        if len(key) < 32:
            raise ValueError("the key of form tokens needs at least 32 bytes")
        self._key = key

    def token(self, session: str) -> str:
        """Return a new token for the forms of a session. Each call returns another one, so that it cannot be guessed
        from the length of compressed pages."""
        salt = secrets.token_hex(_SALT // 2)
        return f"{salt}{self._seal(salt, session)}"

    def check(self, session: str, token: str) -> None:
        """Raise Forged unless the token was made for the session."""
        salt, seal = token[:_SALT], token[_SALT:]
        if not hmac.compare_digest(self._seal(salt, session).encode(), seal.encode()):
            raise Forged("The form is out of date. Reload the page and send it again.")

    def _seal(self, salt: str, session: str) -> str:
        return hmac.new(self._key, f"{salt}\0{session}".encode(), hashlib.sha256).hexdigest()


def check_origin(method: str, headers: Mapping[str, str], host: str) -> None:
    """Raise Forged if a request that changes something comes from a page of another origin.

    `headers` have names in small letters. A client that is no browser sends none of them and is let through: it has no
    cookie that somebody else could make it send.
    """
    if method in SAFE:
        return
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise Forged("The request comes from a page of another site.")
        return
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        raise Forged("The request comes from a page of another site.")
