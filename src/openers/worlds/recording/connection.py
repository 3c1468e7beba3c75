"""HTTP connections of test mode: they can be dropped without a reply, and end streams when the service stops.

`openers.server` passes `ControlledProtocol` to uvicorn. A test that calls the application without a connection has
nothing to drop: `abort_of` returns `None`, and no stop is signalled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, cast

from openers.api.http.connections import BoundedProtocol
from openers.api.http.request import Scope

_EXTENSION: Final = "openers.connection"


class ControlledProtocol(BoundedProtocol):
    """HTTP with an ASGI extension to close the transport without a reply and to signal that the service stops."""

    def on_message_begin(self) -> None:
        """Put the extension into the scope of the new request."""
        super().on_message_begin()
        self._stops = asyncio.Event()
        self.scope["extensions"] = {_EXTENSION: {"abort": self.transport.abort, "stops": self._stops}}

    def shutdown(self) -> None:
        """Signal the stop to a reply under way before waiting for its end."""
        stops: asyncio.Event | None = getattr(self, "_stops", None)
        if stops is not None:
            stops.set()
        super().shutdown()


def abort_of(scope: Scope) -> Callable[[], None] | None:
    """Return the function that drops the connection of a request."""
    return cast("Callable[[], None] | None", _extension(scope).get("abort"))


def stops_of(scope: Scope) -> asyncio.Event:
    """Return the event that is set when the service stops."""
    return cast("asyncio.Event | None", _extension(scope).get("stops")) or asyncio.Event()


def _extension(scope: Scope) -> dict[str, Any]:
    extensions: dict[str, Any] = scope.get("extensions") or {}
    return extensions.get(_EXTENSION, {})
