"""Rendered responses are cached by world, writer, record, version and store generation, up to a total size."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from openers.api.renderings import Renderings
from openers.usecases.ports.transaction import Stored
from openers.usecases.world import World


class _Store(msgspec.Struct):
    generation: int = 0


class _World(msgspec.Struct):
    """The attributes of a world that the cache reads."""

    name: str = "demo"
    store: _Store = msgspec.field(default_factory=_Store)


class _Writer:
    """Writes the record's key and counts its calls."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, stored: Stored[Any], base: str) -> bytes:
        """Return the record as ten bytes."""
        self.asked += 1
        return stored.key.encode().ljust(10)


def record(key: str, version: int = 1) -> Stored[Any]:
    """Return a record with a key and a version."""
    return Stored(key, version, b"null", msgspec.json.Decoder(Any))


def of(renderings: Renderings, world: _World, stored: Stored[Any], writer: _Writer) -> bytes:
    """Return the cached or written response."""
    return renderings.of(cast("World", world), stored, writer, "http://base")


@pytest.mark.parametrize(
    ("world", "stored"),
    [
        pytest.param(_World(name="other"), record("a"), id="world"),
        pytest.param(_World(), record("b"), id="record"),
        pytest.param(_World(), record("a", 2), id="version"),
        pytest.param(_World(store=_Store(generation=1)), record("a"), id="generation"),
    ],
)
def test_what_differs_is_written_anew(world: _World, stored: Stored[Any]) -> None:
    """A repeated record is not written again; one of another world, record, version or generation is."""
    renderings, writer = Renderings(), _Writer()
    of(renderings, _World(), record("a"), writer)
    of(renderings, _World(), record("a"), writer)
    assert writer.asked == 1
    of(renderings, world, stored, writer)
    assert writer.asked == 2


def test_the_least_recently_used_goes_first() -> None:
    """Three responses of ten bytes do not fit into a cache of twenty-five."""
    renderings, writer, world = Renderings(most_bytes=25), _Writer(), _World()
    for key in ("a", "b", "a", "c", "a"):
        of(renderings, world, record(key), writer)
    assert writer.asked == 3
    of(renderings, world, record("b"), writer)
    assert writer.asked == 4
