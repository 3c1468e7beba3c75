"""Cache of rendered records by world, writer, record and version, limited by size.

Entries never become stale: each change that alters a rendering raises the record's version. If a version was never
committed, the store's generation changes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, Protocol, TypeVar

from openers.usecases.ports.transaction import Stored
from openers.usecases.world import World


class Versioned(Protocol):
    """A record with a version."""

    @property
    def key(self) -> str:
        """Return the record's key."""
        ...

    @property
    def version(self) -> int:
        """Return a number that rises with each change of the record."""
        ...


T = TypeVar("T")
V = TypeVar("V", bound=Versioned)
M = TypeVar("M")
R = TypeVar("R", bound=bytes | tuple[bytes, ...])
Writer = Callable[[Stored[T], str], bytes]
"""Renders a stored record with links below a base URL."""
MOST_ADDRESSES: Final = 16
"""Maximum addresses for which a reply is remembered; there may be thousands of forks."""
_Place = tuple[str, int, Any, str, int]


class ResponseCache:
    """The most recently used renderings, up to `most_bytes` in total."""

    def __init__(self, most_bytes: int = 32 * 2**20) -> None:
        """Start with an empty cache."""
        self._most, self._held = most_bytes, 0
        self._kept: OrderedDict[_Place, Any] = OrderedDict()

    def of(self, world: World, record: V, writer: Callable[[V, str], R], base: str) -> R:
        """Return the record as `writer` renders it: bytes, or a tuple of bytes."""
        place = (world.name, world.store.generation, writer, record.key, record.version)
        return self._kept_or_made(place, lambda: writer(record, base))

    def those_kept(self, world: World, writer: Callable[[V, str], R], of: Iterable[Versioned]) -> dict[str, R]:
        """Return the cached renderings by `writer` of records in exactly these versions, by key."""
        name, generation, kept = world.name, world.store.generation, self._kept
        found: dict[str, R] = {}
        for each in of:
            place = (name, generation, writer, each.key, each.version)
            if place in kept:
                found[each.key] = kept[place]
                kept.move_to_end(place)
        return found

    def of_release(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Return content that changes only with a release of the service."""
        return self._kept_or_made(("", 0, "release", name, 0), make)

    def _kept_or_made(self, place: _Place, make: Callable[[], R]) -> R:
        rendered: R | None = self._kept.get(place)
        if rendered is not None:
            self._kept.move_to_end(place)
            return rendered
        rendered = make()
        self._kept[place] = rendered
        self._held += _size(rendered)
        while self._held > self._most:
            self._held -= _size(self._kept.popitem(last=False)[1])
        return rendered


class ByAddress(Generic[M]):
    """Replies that are the same for all callers of a world, made once for each address of a world."""

    def __init__(self, make: Callable[[str], M]) -> None:
        """Store `make`, which makes the reply of a world from its address."""
        self._make = make
        self._made: OrderedDict[str, M] = OrderedDict()

    def of(self, base_url: str) -> M:
        """Return the reply of the world at `base_url`."""
        if base_url not in self._made:
            self._made[base_url] = self._make(base_url)
            if len(self._made) > MOST_ADDRESSES:
                self._made.popitem(last=False)
        return self._made[base_url]


def _size(rendered: bytes | tuple[bytes, ...]) -> int:
    return len(rendered) if isinstance(rendered, bytes) else sum(map(len, rendered))
