"""Send the alert of a failed handshake before the connection closes, so that the caller learns the reason.

asyncio and uvloop close the connection when `do_handshake` raises, and drop the alert that waits to be sent. The class
below asks for more data instead, which makes them send the alert, and raises the error later.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

PATIENCE: Final = 8
"""Reads after a failed handshake. A caller may have sent data already; unread data would reset the connection."""

ON_FAILURE: Final[ContextVar[Callable[[ssl.SSLError], None] | None]] = ContextVar("ON_FAILURE", default=None)
"""Called with the error when the handshake of the present context fails."""


class AlertingObject(ssl.SSLObject):
    """An SSL object whose handshake fails only after the event loop has sent the alert. `failure` is the error."""

    failure: ssl.SSLError | None = None
    _patience = PATIENCE

    def do_handshake(self) -> None:
        """Continue the handshake. Raises SSLWantReadError, SSLWantWriteError, and at last the error of a failure."""
        if self.failure is not None:
            self._wait_or_fail(self.failure)
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            self.failure = error
            if (on_failure := ON_FAILURE.get()) is not None:
                on_failure(error)
            self._wait_or_fail(error)

    def _wait_or_fail(self, failure: ssl.SSLError) -> None:
        """Ask for more data while patience lasts, then raise the failure."""
        self._patience -= 1
        if self._patience < 0:
            raise failure
        raise ssl.SSLWantReadError


def reason_of(error: ssl.SSLError) -> str:
    """Return the reason of a failed handshake in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the client certificate is not accepted: {error.verify_message}"
    return (error.reason or str(error)).replace("_", " ").lower()
