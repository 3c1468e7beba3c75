"""Cache of rendered records by world, writer, record and version, limited by size.

Entries never become stale: each change that alters a rendering raises the record's version. If a version was never
committed, the store's generation changes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

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
R = TypeVar("R", bound=bytes | tuple[bytes, ...])
Writer = Callable[[Stored[T], str], bytes]
"""Renders a stored record with links below a base URL."""
_Place = tuple[str, int, Any, str, int]


class Renderings:
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


def _size(rendered: bytes | tuple[bytes, ...]) -> int:
    return len(rendered) if isinstance(rendered, bytes) else sum(map(len, rendered))
