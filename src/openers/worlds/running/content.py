"""Content of files, which all worlds of a process share: it goes when no world and no copy of one names it any more.

Keys say what they hold and are never used again, so that two worlds never mean different content by one key. Called by
the registry of worlds; due work of any world removes content and looks for strays through `SharedBlobs`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import suppress

from openers.domain.clock import Instant
from openers.domain.errors import Unavailable
from openers.domain.identifiers import FileId
from openers.usecases.ports.files import Blob, Blobs
from openers.usecases.ports.transaction import Store

Named = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Those of some keys that are still named somewhere."""


async def _all(keys: Collection[str]) -> Collection[str]:
    return keys


class SharedBlobs:
    """The `Blobs` port of test worlds, over the one that the settings name."""

    def __init__(self, inner: Blobs) -> None:
        """`inner` keeps the content. Until somebody knows all worlds, and sets `named`, nothing is removed."""
        self._inner = inner
        self.named: Named = _all

    async def save(self, file: FileId, chunks: AsyncIterator[bytes]) -> Blob:
        """Make the content of one file durable, or leave nothing of it."""
        return await self._inner.save(file, chunks)

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` to before `end`, piece by piece."""
        return self._inner.read(key, start, end)

    async def remove(self, key: str) -> None:
        """Remove content unless another world names it. Who names it last removes it."""
        await self.remove_strays((key,))

    async def remove_strays(self, keys: Collection[str]) -> None:
        """Remove what nobody names. Raises Unavailable."""
        named = await self.named(keys) if keys else ()
        for key in keys:
            if key not in named:
                await self._inner.remove(key)

    async def older(self, than: Instant) -> AsyncGenerator[Sequence[str], None]:
        """The keys of what was saved before an instant and is named by nobody, some at a time."""
        async for keys in self._inner.older(than):
            named = await self.named(keys) if keys else ()
            yield [key for key in keys if key not in named]

    async def remove_drafts(self, than: Instant) -> None:
        """Remove what uploads on this machine left unfinished before an instant of the wall clock."""
        await self._inner.remove_drafts(than)

    async def close(self) -> None:
        """Let go of everything."""
        await self._inner.close()


class NamedContent:
    """Which content the worlds of a process name, and the copies from which they may come back."""

    def __init__(
        self,
        blobs: SharedBlobs,
        stores: Callable[[], Iterable[Store]],
        snapshots: Callable[[], Iterable[Collection[str]]],
    ) -> None:
        """`stores` are those of all worlds; `snapshots` are the keys that each snapshot names."""
        self._blobs, self._stores, self._snapshots = blobs, stores, snapshots
        self._copies: dict[str, frozenset[str]] = {}
        blobs.named = self._named

    async def of(self, store: Store) -> frozenset[str]:
        """The keys that a world names."""
        async with store.read() as tx:
            return frozenset(await tx.files.blobs())

    async def copied(self, name: str, store: Store) -> None:
        """There is a copy of a world under this name, in place of an earlier one."""
        before = self._copies.pop(name, frozenset())
        self._copies[name] = await self.of(store)
        await self.forget(before)

    async def dropped(self, name: str) -> None:
        """There is no copy of this name any more."""
        await self.forget(self._copies.pop(name, frozenset()))

    async def forget(self, keys: Collection[str]) -> None:
        """A world or a copy that named these keys is gone, or holds something else."""
        with suppress(Unavailable):  # a sweep finds what is left now
            await self._blobs.remove_strays(keys)

    async def _named(self, keys: Collection[str]) -> Collection[str]:
        left = _without(keys, self._copies.values())
        left = _without(left, self._snapshots()) if left else left
        for store in self._stores():
            if not left:
                break
            async with store.read() as tx:
                left = await tx.files.without_file(left)
        return frozenset(keys).difference(left)


def _without(keys: Collection[str], known: Iterable[Collection[str]]) -> list[str]:
    named = [frozenset(each) for each in known if each]
    return [key for key in keys if not any(key in each for each in named)]
