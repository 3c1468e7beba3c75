"""Measure whether a parser takes time in proportion to the length of its input.

It doubles the input and measures the CPU time of this thread, so other load has no effect. A linear parser needs at
most a few microseconds for each character. A quadratic one needs more with each doubling: a third of a millisecond at
the largest size. The limit is far from both.
"""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time
from typing import Final, NamedTuple

SIZES: Final = tuple(2**power for power in range(12, 16))
"""Lengths of the inputs, in characters: 4,096 to 32,768."""
MOST_US: Final = 12.0
"""Most CPU time for each character, in microseconds."""
FREE_MS: Final = 40.0
"""CPU time allowed for any call, however short its input, in milliseconds."""


class Hostile(NamedTuple):
    """A text of any length: `unit` repeated between `start` and `end`."""

    unit: str
    start: str = ""
    end: str = ""

    def text(self, size: int) -> str:
        """Return a text of about `size` characters."""
        return self.start + self.unit * (size // len(self.unit)) + self.end


def slow_at(read: Callable[[str], object], hostile: Hostile) -> str:
    """Return a description of the first size at which `read` was too slow; empty if none."""
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
