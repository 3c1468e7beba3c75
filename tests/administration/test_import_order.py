"""The order in which an import sends records of one kind, and how often it reads the files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from openers.cli.admin import importing, steps
from openers.cli.admin.calls import Administration
from openers.cli.admin.steps import Later, readings
from openers.cli.admin.tables import Row, Source, Tell, rows_of, source_of
from openers.domain.administration.rights import Resource


class Sent(Administration):
    """A service that notes the parts of an import, and takes at most 20 records that follow one another."""

    def __init__(self) -> None:
        """Begin with no part."""
        self.parts: list[list[str]] = []

    def put_many(self, resource: Resource, records: Sequence[Any], *, dry_run: bool) -> dict[str, Any]:
        """Note the keys of a part. Each record comes after the one that it names."""
        known = {key for part in self.parts for key in part}
        self.parts.append([each["ods"] for each in records])
        assert len(records) <= 20
        assert all(each.get("commissioner") in {None, *known, *self.parts[-1]} for each in records)
        return {"created": len(records), "replaced": 0, "unchanged": 0, "refused": []}


def test_a_long_chain_is_read_and_sent_a_few_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of readings does not grow with the chain, and each part has as many steps as the service puts."""
    file, calls, number_of_readings = tmp_path / "organisations.ndjson", Sent(), 0
    of = {"name": "Board", "kind": "COMMISSIONER", "postcode": "LS1 4AP"}
    chain = [{**of, "ods": f"C{number:04}", "commissioner": f"C{number + 1:04}"} for number in range(1000)]
    file.write_text("".join(f"{json.dumps(each)}\n" for each in (*chain, {**of, "ods": "C1000"})))

    def _counted(source: Source, tell: Tell) -> Iterator[Row]:
        nonlocal number_of_readings
        number_of_readings += 1
        return rows_of(source, tell)

    monkeypatch.setattr(importing, "rows_of", _counted)
    refused: list[importing.Refusal] = []
    [tally] = importing.Import(calls, refused.append, dry_run=False).files([source_of(file, None)])
    assert (tally.created, refused, number_of_readings, len(calls.parts)) == (1001, [], 2, 51)


ORDERS: list[tuple[dict[str, tuple[str, int]], int, list[dict[str, int]]]] = [
    ({}, 10, []),
    ({"a": ("b", 1), "b": ("stored", 1)}, 10, [{"b": 0, "a": 1}]),
    ({"a": ("b", 9), "b": ("c", 9), "c": ("", 9)}, 20, [{"c": 0, "b": 1}, {"a": 2}]),
    ({"a": ("b", 1), "b": ("", 99), "c": ("b", 1)}, 20, [{"b": 0}, {"a": 1, "c": 1}]),
    ({"a": ("b", 1), "b": ("a", 1), "c": ("a", 1), "d": ("", 1)}, 10, [{"d": 0, "a": 1, "b": 1, "c": 1}]),
]
"""The name and size of each record by its key, the bytes that are held at once, and the readings."""


@pytest.mark.parametrize(("named", "held", "expected"), ORDERS)
def test_the_steps_of_each_reading(
    named: dict[str, tuple[str, int]], held: int, expected: list[dict[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record comes after those that it names; those that name one another come last."""
    monkeypatch.setattr(steps, "MOST_HELD_BYTES", held)
    later = {key: Later(frozenset({name}), size) for key, (name, size) in named.items()}
    assert list(readings(later)) == expected
