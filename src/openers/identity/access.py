"""From a bearer token to the caller behind it. The edge calls `open_bearer` for every request.

Opened tokens are remembered, bounded, and forgotten when their session ends. On SQLite (one process) that is exact;
on PostgreSQL another process may end a session, so what is remembered is read again after `ttl_s`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec

from openers.domain.clock import Instant
from openers.domain.credentials import Application, Grant
from openers.domain.directory import User
from openers.identity.errors import InvalidToken
from openers.identity.opaque import digest
from openers.identity.tokens import open_access_token
from openers.usecases.ports import Tx
from openers.usecases.world import World


class Caller(msgspec.Struct, frozen=True):
    """Who presents a token: the application and, in user-restricted mode, the person and their session."""

    grant: Grant
    application: Application
    user: User | None


class AccessCache:
    """The callers of recently opened tokens, by world and digest, the least recently used dropped first."""

    def __init__(self, most: int = 10_000, ttl_s: float | None = None) -> None:
        """Keep at most `most`; trust each for `ttl_s` seconds (`None`: until it is forgotten)."""
        self._most = most
        self._ttl = None if ttl_s is None else timedelta(seconds=ttl_s)
        self._callers: OrderedDict[tuple[str, str], tuple[Caller, Instant]] = OrderedDict()
        self._epoch = 0
        self._reading: dict[tuple[str, str, int], asyncio.Future[Caller]] = {}

    @property
    def epoch(self) -> int:
        """A number that rises whenever something is forgotten on purpose."""
        return self._epoch

    def get(self, world: str, key: str, now: Instant) -> Caller | None:
        """The caller, unless unknown, expired or too old to be trusted."""
        found = self._callers.get((world, key))
        if found is None:
            return None
        caller, since = found
        if now >= caller.grant.expires or (self._ttl is not None and now - since >= self._ttl):
            del self._callers[world, key]
            return None
        self._callers.move_to_end((world, key))
        return caller

    def put(self, world: str, key: str, caller: Caller, now: Instant) -> None:
        """Remember a caller."""
        self._callers[world, key] = (caller, now)
        self._callers.move_to_end((world, key))
        if len(self._callers) > self._most:
            self._callers.popitem(last=False)

    async def once(self, world: str, key: str, read: Callable[[], Awaitable[Caller]]) -> Caller:
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
        self._drop([at for at, (caller, _) in self._callers.items() if _session_of(caller) == session])

    def forget_token(self, world: str, key: str) -> None:
        """Forget the caller of one revoked token."""
        self._drop([(world, key)])

    def clear(self) -> None:
        """Forget all: people or applications were replaced, or a world was put back to an earlier state."""
        self._drop(list(self._callers))

    def _drop(self, places: list[tuple[str, str]]) -> None:
        self._epoch += 1
        for place in places:
            self._callers.pop(place, None)


def _session_of(caller: Caller) -> str | None:
    return caller.grant.session.id if caller.grant.session else None


async def open_bearer(token: str, world: World, cache: AccessCache) -> Caller:
    """The caller who presents `token`. Raises InvalidToken."""
    now, key = world.wall.now(), _key_of(token)
    caller = cache.get(world.name, key, now)
    if caller is not None:
        return caller

    async def _read() -> Caller:
        epoch = cache.epoch
        async with world.read() as tx:
            caller = await _caller(token, tx, now)
        if cache.epoch == epoch:  # else a session may have ended while this was being read
            cache.put(world.name, key, caller, now)
        return caller

    return await cache.once(world.name, key, _read)


async def _caller(token: str, tx: Tx, now: Instant) -> Caller:
    grant = await open_access_token(token, tx, now)
    application = await tx.directory.application(grant.client_id)
    user = await tx.directory.user(grant.session.user) if grant.session else None
    if application is None or (grant.session is not None and (user is None or not user.active)):
        raise InvalidToken
    return Caller(grant, application, user)


def _key_of(token: str) -> str:
    if not token.isascii():
        raise InvalidToken
    return digest(token)
