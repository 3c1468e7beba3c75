"""What was rendered before: by world, writer, record and version, bounded by size.

A record's version rises with whatever alters its rendering, and the store's generation when a version was never
committed, so what is kept never goes stale.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from openers.usecases.ports.transaction import Stored
from openers.usecases.world import World


class Versioned(Protocol):
    """Something in a version."""

    @property
    def key(self) -> str:
        """What it is found by."""
        ...

    @property
    def version(self) -> int:
        """A number that rises with every change of it."""
        ...


T = TypeVar("T")
V = TypeVar("V", bound=Versioned)
R = TypeVar("R", bound=bytes | tuple[bytes, ...])
Writer = Callable[[Stored[T], str], bytes]
"""Renders a stored record with links below a base URL."""
_Place = tuple[str, int, Any, str, int]


class Renderings:
    """The most recently used renderings, up to `most_bytes` of them."""

    def __init__(self, most_bytes: int = 32 * 2**20) -> None:
        """Start with none."""
        self._most, self._held = most_bytes, 0
        self._kept: OrderedDict[_Place, Any] = OrderedDict()

    def of(self, world: World, record: V, writer: Callable[[V, str], R], base: str) -> R:
        """The record as `writer` renders it: bytes, or a tuple of them."""
        place = (world.name, world.store.generation, writer, record.key, record.version)
        return self._kept_or_made(place, lambda: writer(record, base))

    def those_kept(self, world: World, writer: Callable[[V, str], R], of: Iterable[Versioned]) -> dict[str, R]:
        """What `writer` made of some records in just these versions, by key, as far as it is kept."""
        name, generation, kept = world.name, world.store.generation, self._kept
        found: dict[str, R] = {}
        for each in of:
            place = (name, generation, writer, each.key, each.version)
            if place in kept:
                found[each.key] = kept[place]
                kept.move_to_end(place)
        return found

    def of_release(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Something that changes with releases of the service alone."""
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
