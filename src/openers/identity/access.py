"""Find the caller behind a bearer token. The edge calls `open_bearer` for every request.

A bounded cache holds opened tokens. Whoever ends a session, person or application drops them in its own process. They
are read again after `ttl_s` seconds in any case, so another process, or an act that drops nothing, is noticed by then.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
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
    """The holder of a token: the application and, in user-restricted mode, the person and their session."""

    grant: Grant
    application: Application
    user: User | None


_BEARER: Final = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE | re.ASCII)
"""Credentials of the Bearer scheme. Source: RFC 6750 chapter 2.1 (`1*SP b64token`), RFC 9110 chapter 11.1 (case)."""
MOST_GONE: Final = 1000
"""Number of dropped tokens that the cache still remembers, to explain why they are refused."""


def bearer_of(header: str) -> str:
    """Return the token of an Authorization header. Raises InvalidToken."""
    header = header.strip(" \t")
    found = _BEARER.fullmatch(header)
    if found is not None:
        return found[1]
    if header.lower() in ("", "bearer"):
        raise InvalidToken(TokenFault.ABSENT)
    is_bearer = header.partition(" ")[0].lower() == "bearer"
    raise InvalidToken(TokenFault.MALFORMED if is_bearer else TokenFault.SCHEME)


class AccessCache:
    """The callers of recently opened tokens, by world and digest; the least recently used are dropped first."""

    def __init__(self, most: int = 10_000, ttl_s: float | None = None) -> None:
        """Keep at most `most` callers. Each is read again after `ttl_s` seconds (`None`: only once it is dropped)."""
        self._most = most
        self._ttl = None if ttl_s is None else timedelta(seconds=ttl_s)
        self._callers: OrderedDict[tuple[str, str], tuple[TokenHolder, Instant]] = OrderedDict()
        self._gone: OrderedDict[tuple[str, str], TokenFault] = OrderedDict()
        self._epoch = 0
        self._reading: dict[tuple[str, str, int], asyncio.Future[TokenHolder]] = {}

    @property
    def epoch(self) -> int:
        """A counter that rises whenever the cache drops callers because of a revocation or replacement."""
        return self._epoch

    def get(self, world: str, key: str, now: Instant) -> TokenHolder | None:
        """Return the caller, or `None` if it is unknown, expired or older than the time to live."""
        found = self._callers.get((world, key))
        if found is None:
            return None
        caller, since = found
        if now >= caller.grant.expires:
            self._lose((world, key), TokenFault.EXPIRED)
            return None
        if self._ttl is not None and now - since >= self._ttl:
            return None  # it is read again; until then `forget` and `why_unknown` still know it
        self._callers.move_to_end((world, key))
        return caller

    def why_unknown(self, world: str, token: str) -> TokenFault:
        """Return why a token unknown to the store is refused, from its earlier use here. Searches the whole cache."""
        key = digest(token)
        if (world, key) in self._gone:
            return self._gone[world, key]
        if (world, key) in self._callers:
            return TokenFault.ENDED  # another process ended it
        elsewhere = any(known == key for _, known in (*self._callers, *self._gone))
        return TokenFault.OF_ANOTHER_WORLD if elsewhere else TokenFault.UNKNOWN

    def put(self, world: str, key: str, caller: TokenHolder, now: Instant) -> None:
        """Store a caller."""
        self._callers[world, key] = (caller, now)
        self._callers.move_to_end((world, key))
        if len(self._callers) > self._most:
            self._callers.popitem(last=False)

    async def once(self, world: str, key: str, read: Callable[[], Awaitable[TokenHolder]]) -> TokenHolder:
        """Return the result of `read`.

        If several calls need the same caller at once, one reads and the others wait for it. A read that began before a
        revocation is only shared with calls that began before it. Raises what `read` raises.
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
            mine.cancel()  # no effect if the caller was read
            if self._reading.get(place) is mine:
                del self._reading[place]

    def forget(self, session: str) -> None:
        """Drop every caller of a session that has ended."""
        for at in [at for at, (caller, _) in self._callers.items() if _session_of(caller) == session]:
            self._lose(at, TokenFault.ENDED)
        self._epoch += 1

    def forget_token(self, world: str, key: str) -> None:
        """Drop the caller of one revoked token."""
        self._lose((world, key), TokenFault.ENDED)
        self._epoch += 1

    def forget_holders(self, world: str, people: Collection[str], applications: Collection[str]) -> None:
        """Drop every caller in a world that is one of these people or applications, after they were changed."""
        for at in [
            at
            for at, (caller, _) in self._callers.items()
            if at[0] == world and (_user_of(caller) in people or caller.application.client_id in applications)
        ]:
            del self._callers[at]
        self._epoch += 1

    def clear(self) -> None:
        """Drop all callers, after people or applications were replaced or a world was reset to an earlier state."""
        self._callers.clear()
        self._gone.clear()
        self._epoch += 1

    def _lose(self, at: tuple[str, str], why: TokenFault) -> None:
        if self._callers.pop(at, None) is None:
            return
        self._gone[at] = why
        if len(self._gone) > MOST_GONE:
            self._gone.popitem(last=False)


def _user_of(caller: TokenHolder) -> str | None:
    return caller.user.id if caller.user else None


def _session_of(caller: TokenHolder) -> str | None:
    return caller.grant.session.id if caller.grant.session else None


async def open_bearer(token: str, world: World, cache: AccessCache) -> TokenHolder:
    """Return the caller who presents `token`. Raises InvalidToken."""
    now, key = world.wall.now(), _key_of(token)
    caller = cache.get(world.name, key, now)
    if caller is not None:
        return caller

    async def _read() -> TokenHolder:
        epoch = cache.epoch
        async with world.read() as tx:
            caller = await _caller(token, tx, now)
        if cache.epoch == epoch:  # otherwise a session may have ended during this read
            cache.put(world.name, key, caller, now)
        return caller

    return await cache.once(world.name, key, _read)


def known_bearer(token: str, world: World, cache: AccessCache) -> TokenHolder | None:
    """Return the caller who presents `token`, if it is in the cache. Does not read the store."""
    try:
        return cache.get(world.name, _key_of(token), world.wall.now())
    except InvalidToken:
        return None


async def _caller(token: str, tx: Tx, now: Instant) -> TokenHolder:
    grant = await open_access_token(token, tx, now)
    application = await tx.directory.application(grant.client_id)
    user = await tx.directory.user(grant.session.user) if grant.session else None
    if (
        application is None
        or not application.active
        or (grant.session is not None and (user is None or not user.active))
    ):
        raise InvalidToken(TokenFault.OF_NOBODY)
    return TokenHolder(grant, application, user)


def _key_of(token: str) -> str:
    if not token.isascii():
        raise InvalidToken(TokenFault.MALFORMED)
    return digest(token)
