"""The comparison finds real differences and ignores permitted ones; the renamed world shares no names with the demo."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conformance.likeness import EXTRA, MISSING, ORDER, OTHER, Difference, differences, unlike
from tests.conformance.renaming import Renaming

from openers.worlds.packs import read_pack

ONE: Any = {"url": "http://x/one", "valueString": "1"}
TWO: Any = {"url": "http://x/two", "valueString": "2"}
ID = {"id": "000000070000"}

ALIKE: tuple[tuple[Any, Any], ...] = (
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({"extension": [ONE, TWO]}, {"extension": [TWO, ONE]}),
    (ID, {"id": "000000000001"}),
    ({"meta": {"versionId": "3"}}, {"meta": {"versionId": "7"}}),
)
DIFFERENT: tuple[tuple[Any, Any, str, str], ...] = (
    ({"a": 1}, {}, MISSING, "a"),
    ({}, {"a": 1}, EXTRA, "a"),
    ({"a": 1}, {"a": "1"}, OTHER, "a"),
    ({"a": []}, {"a": {}}, OTHER, "a"),
    (ID, {"id": "70000"}, OTHER, "id"),
    ({"extension": [ONE, TWO]}, {"extension": [ONE]}, MISSING, "extension/two"),
    ({"extension": [ONE]}, {"extension": [ONE, ONE]}, EXTRA, "extension/one#2"),
    ({"concept": [ONE, TWO]}, {"concept": [TWO, ONE]}, ORDER, "concept"),
    ({"a": ["x", "y"]}, {"a": ["x"]}, MISSING, "a/1"),
)


@pytest.mark.parametrize(("published", "ours"), ALIKE)
def test_alike(published: Any, ours: Any) -> None:
    """The order of object members and extensions, and generated values, are not differences."""
    assert not list(differences(published, ours))


@pytest.mark.parametrize(("published", "ours", "kind", "place"), DIFFERENT)
def test_different(published: Any, ours: Any, kind: str, place: str) -> None:
    """The comparison reports each kind of difference with its place."""
    assert [(each.kind, each.place) for each in differences(published, ours)] == [(kind, place)]


def test_shapes() -> None:
    """Entries may have other values, but need the same elements and the same display for each code."""
    known = [{"name": "x", "code": 1}, {"name": "y"}]
    assert not unlike(known, [{"name": "z"}])
    assert unlike(known, [{"code": 2, "more": ""}]) == {Difference("more=str", EXTRA), Difference("name=str", MISSING)}
    coding = {"system": "s", "code": "c", "display": "d"}
    assert {each.kind for each in unlike([coding], [{**coding, "display": "e"}])} == {OTHER}


def test_the_renamed_world_has_nobody_of_the_demo_world() -> None:
    """No id or name of a user, patient, service or organisation stays the same, and no two become equal."""
    pack = read_pack("demo")
    renamed = Renaming(pack).pack(pack)
    for old, new in (
        ([each.id for each in pack.users], [each.id for each in renamed.users]),
        ([each.id for each in pack.services], [each.id for each in renamed.services]),
        ([each.ods for each in pack.organisations], [each.ods for each in renamed.organisations]),
        ([each.nhs_number for each in pack.patients], [each.nhs_number for each in renamed.patients]),
        ([each.name for each in pack.services], [each.name for each in renamed.services]),
        ([each.born for each in pack.patients[:4]], [each.born for each in renamed.patients[:4]]),
    ):
        assert not set(old) & set(new)
        assert len(set(old)) == len(set(new)) == len(new)
