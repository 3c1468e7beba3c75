"""Measure whether a reader takes time in proportion to what it reads.

The input is doubled and the CPU time of this thread is taken, so a loaded machine changes nothing. A linear reader
needs some microseconds at most for a character. A quadratic one needs more for each with every doubling: a third of a
millisecond at the largest size. The bound lies between the two, far from both.
"""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time
from typing import Final, NamedTuple

SIZES: Final = tuple(2**power for power in range(12, 16))
"""How long the inputs are, in characters: 4,096 to 32,768."""
MOST_US: Final = 12.0
"""The CPU time that a character may take, in microseconds."""
FREE_MS: Final = 40.0
"""What a call may take however short its input is, in milliseconds."""


class Hostile(NamedTuple):
    """A text of any length: `unit` again and again, between `start` and `end`."""

    unit: str
    start: str = ""
    end: str = ""

    def text(self, size: int) -> str:
        """About `size` characters."""
        return self.start + self.unit * (size // len(self.unit)) + self.end


def slow_at(read: Callable[[str], object], hostile: Hostile) -> str:
    """Return at which size `read` took too long, and how long; empty if it never did."""
    for size in SIZES:
        text = hostile.text(size)
        took_ms = _took_ms(read, text)
        most_ms = FREE_MS + len(text) * MOST_US / 1000
        if took_ms > most_ms and (took_ms := _took_ms(read, text)) > most_ms:
            return f"{hostile} of {len(text)} characters took {took_ms:.0f} ms, more than {most_ms:.0f} ms"
    return ""


def _took_ms(read: Callable[[str], object], text: str) -> float:
    began = thread_time()
    read(text)
    return (thread_time() - began) * 1000
