"""Find the operations at an address: a tree with one dictionary for each path segment, built from the registry."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache
from itertools import zip_longest
from typing import Final, NamedTuple

from openers.api.registry import Endpoint

LONGEST_COMPARED: Final = 100
"""Characters of an unknown path that are compared with known ones, of which the longest has 70."""
MOST_COMPARED: Final = 4
"""Number of known paths that are compared letter by letter with an unknown one: the most similar ones."""
LEAST_SHARED: Final = 0.5
"""Share of a known path that must occur in another path for a comparison, from 0 to 1."""


class Match(NamedTuple):
    """The operations at an address by method, with their handlers, and the path parameters."""

    endpoints: dict[str, Endpoint]
    values: dict[str, str]


class _Node:
    """One step of a path: the following literal segments, and the parameter for any other segment."""

    __slots__ = ("endpoints", "literal", "name", "parameter")

    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.name = ""
        self.endpoints: dict[str, Endpoint] = {}


class Routes:
    """All addresses of the registry."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        """Build the tree. Raises ValueError if two operations have the same address and method."""
        self._root = _Node()
        self._paths: list[str] = []
        for endpoint in endpoints:
            self._add(endpoint)

    def _add(self, endpoint: Endpoint) -> None:
        node, operation = self._root, endpoint.operation
        for segment in operation.path.strip("/").split("/"):
            if segment.startswith("{"):
                node.name = segment.strip("{}")
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literal.setdefault(segment, _Node())
        if operation.method in node.endpoints:
            raise ValueError(f"{operation.id}: {operation.method} {operation.path} is taken")
        node.endpoints[operation.method] = endpoint
        self._paths.append(operation.path)

    def find(self, path: str) -> Match | None:
        """Return the match for `path`; literal segments take precedence over parameters."""
        node, values = self._root, dict[str, str]()
        for segment in path.strip("/").split("/"):
            following = node.literal.get(segment)
            if following is None:
                following = node.parameter
                if following is None or not _is_value(segment):
                    return None
                values[node.name] = segment
            node = following
        return Match(node.endpoints, values) if node.endpoints else None

    def nearest(self, path: str) -> str:
        """Return the known path that is most similar to `path`, ignoring parameter values."""
        asked = path[:LONGEST_COMPARED]
        pieces = _pieces(asked)
        shares = {each: len(pieces & _pieces(each)) / (len(pieces) + len(_pieces(each))) for each in self._paths}
        likely = sorted(shares, key=shares.__getitem__, reverse=True)[:MOST_COMPARED]
        return max(likely, key=lambda known: _compared(known, asked))


def likeness(known: str, path: str) -> float:
    """Return the similarity of `path` to a known path from 0 to 1 (equal), ignoring parameter values.

    Returns 0 without a letter-by-letter comparison, which takes 0.1 ms, if the paths share too little.
    """
    asked, pieces = path[:LONGEST_COMPARED], _pieces(known)
    if len(pieces & _pieces(asked)) < LEAST_SHARED * len(pieces):
        return 0.0
    return _compared(known, asked)


@lru_cache(256)
def _pieces(path: str) -> frozenset[str]:
    """Return all three-letter pieces of a path without its parameters."""
    text = "/".join("" if step.startswith("{") else step for step in path.split("/"))
    return frozenset(text[at : at + 3] for at in range(max(1, len(text) - 2)))


@lru_cache(1024)
def _compared(known: str, path: str) -> float:
    """Return the letter-by-letter similarity of two paths."""
    asked = path.strip("/").split("/")
    steps = known.strip("/").split("/")
    pairs = zip_longest(steps, asked[: len(steps)], fillvalue="")
    filled = (here if step.startswith("{") and _is_value(here) else step for step, here in pairs)
    return difflib.SequenceMatcher(None, "/".join(filled), "/".join(asked)).ratio()


def _is_value(segment: str) -> bool:
    """Return whether a segment is a parameter value; names of operations begin with `$`."""
    return bool(segment) and not segment.startswith("$")
