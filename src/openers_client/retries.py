"""When the client repeats a call, and how long it waits before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

TOO_MANY: Final = 429
UNAVAILABLE: Final = 503


@dataclass(frozen=True)
class RetryPolicy:
    """How often and after which waits the client repeats a call.

    `attempts` counts the first one too. `backoff_s` are the waits in seconds if the service names none; the last holds
    for all further attempts. If the service asks for more than `longest_wait_s` seconds, the client raises the error at
    once. `sleep` waits; tests replace it.
    """

    attempts: int = 4
    backoff_s: tuple[float, ...] = (1, 2, 4)
    longest_wait_s: float = 60
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def wait_s(self, attempt: int, asked_s: float | None = None) -> float | None:
        """Return the wait after a failed attempt, counted from 1; `None` if there is no further attempt."""
        if attempt >= self.attempts:
            return None
        wait_s = self.backoff_s[min(attempt, len(self.backoff_s)) - 1] if asked_s is None else asked_s
        return wait_s if wait_s <= self.longest_wait_s else None

    def after_status(self, status: int, retry_after: str | None, attempt: int) -> float | None:
        """Return the wait before the call may be repeated after a reply; `None` if it may not.

        After these two statuses the service has changed nothing, so each call may be repeated. A 503 without
        `Retry-After` may come from a proxy that knows nothing of the change.
        """
        if status == TOO_MANY or (status == UNAVAILABLE and retry_after is not None):
            return self.wait_s(attempt, seconds(retry_after))
        return None


def seconds(retry_after: str | None) -> float | None:
    """Return the wait in seconds that a `Retry-After` header asks for: a number or a date."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
