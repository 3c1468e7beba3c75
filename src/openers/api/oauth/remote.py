"""Fetch JSON and key sets from other systems: the upstream OpenID provider, and applications with a key address.

Replies are limited in size and time, and redirects are not followed. Keys are cached for some minutes. If a key with an
unknown id is needed, they are fetched again, at a limited rate.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from openers.domain.clock import Instant
from openers.domain.errors import Unavailable
from openers.identity.redirects import LOOPBACK

KEPT_FOR: Final = timedelta(minutes=5)
KEYS_AGAIN_AFTER: Final = timedelta(seconds=10)
LONGEST_REPLY_BYTES: Final = 256 * 2**10
CALL_TIMEOUT_S: Final = 10
MOST_ADDRESSES: Final = 1000
"""Maximum addresses whose keys are cached."""

T = TypeVar("T")
Keys = dict[str, list[dict[str, str]]]
"""A JSON Web Key Set."""


class BadReply(Exception):
    """The other system replied, but with a refusal or without the expected JSON."""


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


class _Fetched:
    """The keys at one address, when they were last asked for, and a lock so that one call fetches for all."""

    __slots__ = ("asked", "keys", "lock")

    def __init__(self) -> None:
        self.keys: Keys | None = None
        self.asked: Instant | None = None
        self.lock = asyncio.Lock()

    def serves(self, kid: object, now: Instant) -> bool:
        """Return whether the keys, or the failure to fetch them, are recent enough for a token with this key id."""
        if self.asked is None:
            return False
        known = self.keys is not None and any(key.get("kid") == kid for key in self.keys["keys"])
        return now - self.asked < (KEPT_FOR if known else KEYS_AGAIN_AFTER)


class RemoteKeys:
    """The keys at addresses of other systems."""

    def __init__(self, part: str) -> None:
        """Name the other system `part` in errors."""
        self._part = part
        self._fetched: OrderedDict[str, _Fetched] = OrderedDict()

    async def at(self, address: str, kid: object, now: Instant) -> Keys:
        """Return the keys at `address`, fetched anew if `kid` is unknown. Raises Unavailable."""
        fetched = self._fetched.setdefault(address, _Fetched())
        self._fetched.move_to_end(address)
        if len(self._fetched) > MOST_ADDRESSES:
            self._fetched.popitem(last=False)
        async with fetched.lock:
            if not fetched.serves(kid, now):
                fetched.asked = now
                fetched.keys = await self._fetch(address)
        if fetched.keys is None:
            raise Unavailable(self._part)
        return fetched.keys

    async def _fetch(self, address: str) -> Keys | None:
        try:
            found = await fetch(address, _KeySet, self._part) if is_safe(address) else None
        except (BadReply, Unavailable):
            return None
        return found and {"keys": [_texts(key) for key in found.keys]}


async def fetch(
    address: str, as_type: type[T], part: str, form: Mapping[str, str] | None = None, bearer: str | None = None
) -> T:
    """Return the JSON at `address`, got with a token or sent a form. Raises BadReply, Unavailable naming `part`."""
    import aiohttp  # the import takes 0.4 s, which only services that call others need

    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_TIMEOUT_S), headers=headers) as session,
            session.request("GET" if form is None else "POST", address, data=form, allow_redirects=False) as reply,
        ):
            body = await reply.content.read(LONGEST_REPLY_BYTES)
            while not reply.content.at_eof() and len(body) < LONGEST_REPLY_BYTES:
                body += await reply.content.read(LONGEST_REPLY_BYTES - len(body))
            status = reply.status
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unavailable(part) from error
    if status >= 500:
        raise Unavailable(part)
    try:
        return msgspec.json.decode(body, type=as_type)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadReply(f"{part} returned {status}") from None


def is_safe(address: str) -> bool:
    """Return whether an address is safe for tokens and keys: https, or http on this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK | {"localhost"})


def _texts(key: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in key.items() if isinstance(value, str) and re.fullmatch(r"\w{1,20}", name)}
