"""The order in which an import sends records of one kind that name one another, and how often the files are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

MOST_STEPS: Final = 20
"""Steps of one part: the service puts as many stages in one act."""
MOST_HELD_BYTES: Final = 8_000_000
"""Bytes of records of several steps that are held at once. A longer step is read and sent alone."""


class Later(NamedTuple):
    """A record to send later: the keys of its kind that it names, and its length in bytes."""

    names: frozenset[str]
    size: int


def readings(later: Mapping[str, Later]) -> Iterator[dict[str, int]]:
    """Yield the keys to send in each further reading of the files, with their steps, in the order of the steps.

    The number of readings depends on the length of all records, and not on the number of steps.
    """
    keys: dict[str, int] = {}
    size = 0
    for step, more in enumerate(_steps(later)):
        length = sum(later[key].size for key in more)
        if keys and size + length > MOST_HELD_BYTES:
            yield keys
            keys, size = {}, 0
        keys |= dict.fromkeys(more, step)
        size += length
    if keys:
        yield keys


def _steps(later: Mapping[str, Later]) -> Iterator[list[str]]:
    """Yield keys in steps: each after those that it names. Those that name one another are the last step."""
    waits = {key: sum(name in later for name in each.names) for key, each in later.items()}
    users: dict[str, list[str]] = {}
    for key, each in later.items():
        for name in each.names:
            users.setdefault(name, []).append(key)
    step = [key for key, number in waits.items() if not number]
    while step:
        yield step
        following: list[str] = []
        for key in step:
            del waits[key]
            for user in users.get(key, ()):
                waits[user] -= 1
                if not waits[user]:
                    following.append(user)
        step = following
    if waits:
        yield list(waits)
