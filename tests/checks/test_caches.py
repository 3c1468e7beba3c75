"""The check finds everything that outlives a request and grows without a row that states its limit."""

from __future__ import annotations

import pytest

from tests.checks.caches import ROWS, found
from tests.checks.source import Source, texts


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@cache\ndef f(a): ...", ["f"]),
        ("@functools.lru_cache(maxsize=9)\ndef f(a): ...", ["f"]),
        ("class A:\n    @lru_cache\n    def f(self, a): ...", ["f"]),
        ("f = lru_cache(9)(g)", ["f"]),
        ("f: Final = functools.cache(g)", ["f"]),
        ("_KNOWN = {}", ["_KNOWN"]),
        ("_KNOWN: Final[dict[str, str]] = dict[str, str]()", ["_KNOWN"]),
        ("class A:\n    def __init__(self):\n        self._a = {}\n        self._b: list[int] = []", ["A._a", "A._b"]),
        ("class A:\n    def __init__(self):\n        self._a = deque(maxlen=9)", ["A._a"]),
        ("class A:\n    def __init__(self):\n        self._a = defaultdict(list)", ["A._a"]),
        ("KINDS = {1: 2}\nNAMES = set(KINDS)\ndef f():\n    a = {}", []),
    ],
)
def test_growing_things_are_found(text: str, names: list[str]) -> None:
    assert [name for name, _ in found(Source("src/m.py", text))] == [f"m.py::{each}" for each in names]


def test_each_row_is_of_something_that_is_there() -> None:
    service = (source for source in texts() if source.path.startswith("src/") and source.path.endswith(".py"))
    assert sorted(ROWS) == sorted({name for source in service for name, _ in found(source)})
