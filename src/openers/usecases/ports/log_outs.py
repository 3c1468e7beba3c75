"""The port for messages to applications about ended sessions."""

from __future__ import annotations

from typing import Protocol

from openers.domain.credentials import LogOutNotice


class LogOutSender(Protocol):
    """Sends messages about ended sessions."""

    async def tell(self, notice: LogOutNotice, issuer: str) -> None:
        """Send one message. Raises Unavailable if the application does not accept it."""
        ...
