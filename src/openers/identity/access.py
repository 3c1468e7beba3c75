"""From a bearer token to the caller behind it. The edge calls `open_bearer` for every request.

Opened tokens are remembered, bounded, and forgotten when their session ends. On SQLite (one process) that is exact;
on PostgreSQL another process may end a session, so what is remembered is read again after `ttl_s`.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import msgspec

from openers.domain.clock import Instant
from openers.domain.credentials import Application, Grant
from openers.domain.directory import User
from openers.identity.errors import InvalidToken, TokenFault
from openers.identity.opaque import digest
from openers.identity.tokens import open_access_token
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World


class TokenHolder(msgspec.Struct, frozen=True):
    """Who presents a token: the application and, in user-restricted mode, the person and their session."""

    grant: Grant
    application: Application
    user: User | None


_BEARER: Final = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE | re.ASCII)
"""Credentials of the Bearer scheme. Source: RFC 6750 chapter 2.1 (`1*SP b64token`), RFC 9110 chapter 11.1 (case)."""
MOST_GONE: Final = 1000
"""How many tokens that were forgotten on purpose are remembered as such, to say why they are refused."""


def bearer_of(header: str) -> str:
    """The token in an Authorization header. Raises InvalidToken."""
    header = header.strip(" \t")
    found = _BEARER.fullmatch(header)
    if found is not None:
        return found[1]
    if header.lower() in ("", "bearer"):
        raise InvalidToken(TokenFault.ABSENT)
    is_bearer = header.partition(" ")[0].lower() == "bearer"
    raise InvalidToken(TokenFault.MALFORMED if is_bearer else TokenFault.SCHEME)


class AccessCache:
    """The callers of recently opened tokens, by world and digest, the least recently used dropped first."""

    def __init__(self, most: int = 10_000, ttl_s: float | None = None) -> None:
        """Keep at most `most`; trust each for `ttl_s` seconds (`None`: until it is forgotten)."""
        self._most = most
        self._ttl = None if ttl_s is None else timedelta(seconds=ttl_s)
        self._callers: OrderedDict[tuple[str, str], tuple[TokenHolder, Instant]] = OrderedDict()
        self._gone: OrderedDict[tuple[str, str], TokenFault] = OrderedDict()
        self._epoch = 0
        self._reading: dict[tuple[str, str, int], asyncio.Future[TokenHolder]] = {}

    @property
    def epoch(self) -> int:
        """A number that rises whenever something is forgotten on purpose."""
        return self._epoch

    def get(self, world: str, key: str, now: Instant) -> TokenHolder | None:
        """The caller, unless unknown, expired or too old to be trusted."""
        found = self._callers.get((world, key))
        if found is None:
            return None
        caller, since = found
        if now >= caller.grant.expires:
            self._lose((world, key), TokenFault.EXPIRED)
            return None
        if self._ttl is not None and now - since >= self._ttl:
            del self._callers[world, key]
            return None
        self._callers.move_to_end((world, key))
        return caller

    def why_unknown(self, world: str, token: str) -> TokenFault:
        """Why a token that the store does not know is refused, as far as it was used here before. Looks at each."""
        key = digest(token)
        if (world, key) in self._gone:
            return self._gone[world, key]
        elsewhere = any(known == key for _, known in (*self._callers, *self._gone))
        return TokenFault.OF_ANOTHER_WORLD if elsewhere else TokenFault.UNKNOWN

    def put(self, world: str, key: str, caller: TokenHolder, now: Instant) -> None:
        """Remember a caller."""
        self._callers[world, key] = (caller, now)
        self._callers.move_to_end((world, key))
        if len(self._callers) > self._most:
            self._callers.popitem(last=False)

    async def once(self, world: str, key: str, read: Callable[[], Awaitable[TokenHolder]]) -> TokenHolder:
        """Return what `read` returns. Of calls that ask for one caller at once, one reads and the others wait for it.

        What was being read when something was forgotten is for those that asked before. Raises what `read` raises.
        """
        place = (world, key, self._epoch)
        under_way = self._reading.get(place)
        if under_way is not None:
            await asyncio.wait([under_way])
            if not under_way.cancelled():
                return under_way.result()
        self._reading[place] = mine = asyncio.get_running_loop().create_future()
        try:
            caller = await read()
            mine.set_result(caller)
            return caller
        finally:
            mine.cancel()  # which changes nothing if the caller was read
            if self._reading.get(place) is mine:
                del self._reading[place]

    def forget(self, session: str) -> None:
        """Forget every caller of a session that has ended."""
        for at in [at for at, (caller, _) in self._callers.items() if _session_of(caller) == session]:
            self._lose(at, TokenFault.ENDED)
        self._epoch += 1

    def forget_token(self, world: str, key: str) -> None:
        """Forget the caller of one revoked token."""
        self._lose((world, key), TokenFault.ENDED)
        self._epoch += 1

    def clear(self) -> None:
        """Forget all: people or applications were replaced, or a world was put back to an earlier state."""
        self._callers.clear()
        self._gone.clear()
        self._epoch += 1

    def _lose(self, at: tuple[str, str], why: TokenFault) -> None:
        if self._callers.pop(at, None) is None:
            return
        self._gone[at] = why
        if len(self._gone) > MOST_GONE:
            self._gone.popitem(last=False)


def _session_of(caller: TokenHolder) -> str | None:
    return caller.grant.session.id if caller.grant.session else None


async def open_bearer(token: str, world: World, cache: AccessCache) -> TokenHolder:
    """The caller who presents `token`. Raises InvalidToken."""
    now, key = world.wall.now(), _key_of(token)
    caller = cache.get(world.name, key, now)
    if caller is not None:
        return caller

    async def _read() -> TokenHolder:
        epoch = cache.epoch
        async with world.read() as tx:
            caller = await _caller(token, tx, now)
        if cache.epoch == epoch:  # else a session may have ended while this was being read
            cache.put(world.name, key, caller, now)
        return caller

    return await cache.once(world.name, key, _read)


def known_bearer(token: str, world: World, cache: AccessCache) -> TokenHolder | None:
    """Return the caller who presents `token`, if it was opened a moment ago. Asks no store."""
    try:
        return cache.get(world.name, _key_of(token), world.wall.now())
    except InvalidToken:
        return None


async def _caller(token: str, tx: Tx, now: Instant) -> TokenHolder:
    grant = await open_access_token(token, tx, now)
    application = await tx.directory.application(grant.client_id)
    user = await tx.directory.user(grant.session.user) if grant.session else None
    if application is None or (grant.session is not None and (user is None or not user.active)):
        raise InvalidToken(TokenFault.OF_NOBODY)
    return TokenHolder(grant, application, user)


def _key_of(token: str) -> str:
    if not token.isascii():
        raise InvalidToken(TokenFault.MALFORMED)
    return digest(token)
