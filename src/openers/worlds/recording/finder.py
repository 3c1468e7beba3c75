"""Find the world of a request, and the name under which its faults and calls are stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from openers.usecases.world import World

AnyScope = Mapping[str, Any]
"""An ASGI scope from any source."""


class Finder(msgspec.Struct, frozen=True):
    """Finds both from a request's ASGI scope. The name stays the same if each request has its own world."""

    world: Callable[[AnyScope], World]
    name: Callable[[AnyScope], str]


def only(world: World) -> Finder:
    """Return a finder that always returns this world."""
    return Finder(lambda _scope: world, lambda _scope: world.name)
