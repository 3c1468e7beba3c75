"""Cache of copies of worlds that are created once and used often: of packs with a seed, and of scenes.

The registry of worlds and the scenes use it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

from openers.worlds.running.held import Origin


class Origins:
    """The most recently used copies, by key."""

    def __init__(self, most: int, left: Callable[[str], Awaitable[None]]) -> None:
        """Keep at most `most`; `left` is called with the name of each copy that is evicted."""
        self._most, self._left = most, left
        self._origins: OrderedDict[Hashable, Origin] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of copies."""
        return len(self._origins)

    def has_copy(self, copy: str) -> bool:
        """Return whether a copy of this name exists."""
        return any(origin.copy == copy for origin in self._origins.values())

    def get(self, key: Hashable) -> Origin | None:
        """Return the copy with this key and mark it as the last used."""
        if key in self._origins:
            self._origins.move_to_end(key)
        return self._origins.get(key)

    async def put(self, key: Hashable, origin: Origin) -> Origin:
        """Add a copy, replacing one with the same key, and return it. Raises Unavailable."""
        replaced = self._origins.pop(key, None)
        self._origins[key] = origin
        left = [] if replaced is None else [replaced]
        while len(self._origins) > self._most:
            left.append(self._origins.popitem(last=False)[1])
        for each in left:
            await self._left(each.copy)
        return origin

    def clear(self) -> list[str]:
        """Remove all copies; return their names."""
        copies = [origin.copy for origin in self._origins.values()]
        self._origins.clear()
        return copies
