"""Limit the rate of calls for each key with a token bucket.

Buckets are kept in the process, so with several processes each one allows the full rate. Source: rules 2.3 (10 a second
for each application).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from typing import Final

MOST_KEYS: Final = 10_000
"""Maximum number of buckets. The least recently used one is dropped first, since it is probably full again."""


class RateLimit:
    """At most `per_second` calls a second for each key, in bursts of that size or of `burst`; 0 means no limit."""

    def __init__(self, per_second: float, monotonic_s: Callable[[], float], burst: float = 1.0) -> None:
        """Set the limits; `monotonic_s` is a clock in seconds that never goes back."""
        self.per_second, self._now = per_second, monotonic_s
        self._burst = max(1.0, per_second, burst)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admits(self, key: str) -> bool:
        """Count one use of `key`; return whether it is within the limit."""
        if not self.per_second:
            return True
        tokens = self._tokens(key)
        admitted = tokens >= 1
        self._buckets[key] = (tokens - admitted, self._now())
        self._buckets.move_to_end(key)
        if len(self._buckets) > MOST_KEYS:
            self._buckets.popitem(last=False)
        return admitted

    def wait_s(self, key: str) -> int:
        """Return the whole seconds until `key` is admitted again; 0 if it is admitted now. Counts nothing."""
        if not self.per_second:
            return 0
        return ceil(max(0.0, 1 - self._tokens(key)) / self.per_second)

    def _tokens(self, key: str) -> float:
        now = self._now()
        tokens, since = self._buckets.get(key, (self._burst, now))
        return min(self._burst, tokens + (now - since) * self.per_second)
