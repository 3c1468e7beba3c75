"""Copies of worlds that are made once and used often: of packs with a seed, and of scenes.

Called by the registry of worlds and by the scenes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

from openers.worlds.running.held import Origin


class Origins:
    """The most recently used of some copies, by key."""

    def __init__(self, most: int, left: Callable[[str], Awaitable[None]]) -> None:
        """Keep at most `most`; `left` is called with the name of each copy that has made room for another."""
        self._most, self._left = most, left
        self._origins: OrderedDict[Hashable, Origin] = OrderedDict()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._origins)

    def has_copy(self, copy: str) -> bool:
        """Return whether a copy of this name is among them."""
        return any(origin.copy == copy for origin in self._origins.values())

    def get(self, key: Hashable) -> Origin | None:
        """Return the copy with this key, which is then the one used last."""
        if key in self._origins:
            self._origins.move_to_end(key)
        return self._origins.get(key)

    async def put(self, key: Hashable, origin: Origin) -> Origin:
        """Add a copy, in place of one with the same key, and return it. Raises Unavailable."""
        replaced = self._origins.pop(key, None)
        self._origins[key] = origin
        left = [] if replaced is None else [replaced]
        while len(self._origins) > self._most:
            left.append(self._origins.popitem(last=False)[1])
        for each in left:
            await self._left(each.copy)
        return origin

    def clear(self) -> list[str]:
        """Forget all; return the names of the copies."""
        copies = [origin.copy for origin in self._origins.values()]
        self._origins.clear()
        return copies
