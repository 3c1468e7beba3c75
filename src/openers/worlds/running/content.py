"""File contents shared by all worlds of a process: removed when no world and no copy refers to them.

Keys are never reused, so two worlds never use one key for different contents. The registry of worlds calls it. Due work
of each world removes contents and finds unused ones through `SharedBlobs`.
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
"""Returns those of some keys that are still referenced."""


async def _all(keys: Collection[str]) -> Collection[str]:
    return keys


class SharedBlobs:
    """The `Blobs` port of test worlds, over the one of the settings."""

    def __init__(self, inner: Blobs) -> None:
        """Store `inner`, which has the contents. Until the registry sets `named`, nothing is removed."""
        self._inner = inner
        self.named: Named = _all

    async def save(self, file: FileId, chunks: AsyncIterator[bytes]) -> Blob:
        """Store the content of one file durably, or nothing of it."""
        return await self._inner.save(file, chunks)

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the bytes from `start` to before `end` in chunks."""
        return self._inner.read(key, start, end)

    async def remove(self, key: str) -> None:
        """Remove content unless another world refers to it; the last world to do so removes it."""
        await self.remove_strays((key,))

    async def remove_strays(self, keys: Collection[str]) -> None:
        """Remove contents without references. Raises Unavailable."""
        named = await self.named(keys) if keys else ()
        for key in keys:
            if key not in named:
                await self._inner.remove(key)

    async def older(self, than: Instant) -> AsyncGenerator[Sequence[str], None]:
        """Yield the keys of contents stored before an instant that have no references, in batches."""
        async for keys in self._inner.older(than):
            named = await self.named(keys) if keys else ()
            yield [key for key in keys if key not in named]

    async def remove_drafts(self, than: Instant) -> None:
        """Remove unfinished uploads of this machine from before an instant of the wall clock."""
        await self._inner.remove_drafts(than)

    async def close(self) -> None:
        """Close the blob store."""
        await self._inner.close()


class NamedContent:
    """The contents to which the worlds of a process and their copies refer."""

    def __init__(
        self,
        blobs: SharedBlobs,
        stores: Callable[[], Iterable[Store]],
        snapshots: Callable[[], Iterable[Collection[str]]],
    ) -> None:
        """Store functions that return the stores of all worlds, and the keys of each snapshot."""
        self._blobs, self._stores, self._snapshots = blobs, stores, snapshots
        self._copies: dict[str, frozenset[str]] = {}
        blobs.named = self._named

    async def of(self, store: Store) -> frozenset[str]:
        """Return the keys to which a world refers."""
        async with store.read() as tx:
            return frozenset(await tx.files.blobs())

    async def copied(self, name: str, store: Store) -> None:
        """Record a new copy of a world under this name, replacing an earlier one."""
        before = self._copies.pop(name, frozenset())
        self._copies[name] = await self.of(store)
        await self.forget(before)

    async def dropped(self, name: str) -> None:
        """Record that the copy of this name was removed."""
        await self.forget(self._copies.pop(name, frozenset()))

    async def forget(self, keys: Collection[str]) -> None:
        """Remove contents of a world or copy that was removed or replaced, if nothing else refers to them."""
        with suppress(Unavailable):  # a later sweep removes the rest
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
