"""Which world a request is for, and by which name its faults and its calls are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from openers.usecases.world import World

AnyScope = Mapping[str, Any]
"""An ASGI scope, whoever made it."""


class Finder(msgspec.Struct, frozen=True):
    """Finds both by a request's ASGI scope. The name stays the same where each request has a world of its own."""

    world: Callable[[AnyScope], World]
    name: Callable[[AnyScope], str]


def only(world: World) -> Finder:
    """Every request is for this world."""
    return Finder(lambda _scope: world, lambda _scope: world.name)
