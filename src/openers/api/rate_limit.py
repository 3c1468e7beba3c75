"""How many requests a second each application may make: a bucket of tokens each, refilled steadily.

Kept in the process: with several processes each allows its share on its own. Source: rules 2.3 (10 a second).
"""

from __future__ import annotations

from collections.abc import Callable


class RateLimit:
    """At most `per_second` requests a second for each key, in bursts of the same size; 0 is no limit."""

    def __init__(self, per_second: float, monotonic_s: Callable[[], float]) -> None:
        """`monotonic_s` is a clock in seconds that never goes back."""
        self.per_second, self._now = per_second, monotonic_s
        self._buckets: dict[str, tuple[float, float]] = {}

    def admits(self, key: str) -> bool:
        """Count one request of `key`; whether it is within the limit."""
        if not self.per_second:
            return True
        now = self._now()
        tokens, since = self._buckets.get(key, (max(1.0, self.per_second), now))
        tokens = min(max(1.0, self.per_second), tokens + (now - since) * self.per_second)
        admitted = tokens >= 1
        self._buckets[key] = (tokens - admitted, now)
        return admitted
