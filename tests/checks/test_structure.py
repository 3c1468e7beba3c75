"""Circles of imports and crowded folders are found, and the tree has none."""

from __future__ import annotations

import pytest

from tests.checks.source import Source, texts
from tests.checks.structure import circles, crowded


def _tree(**modules: str) -> list[Source]:
    return [Source(f"src/{name.replace('__', '/')}.py", text) for name, text in modules.items()]


@pytest.mark.parametrize(
    "modules",
    [
        {"p__a": "from p import b", "p__b": "import p.a"},
        {"p__a": "from p.b import x", "p__b": "from p.c import x", "p__c": "from p.a import x"},
        {"p__a": "if TYPE_CHECKING:\n    from p.b import x", "p__b": "def f():\n    from p.a import y"},
    ],
)
def test_modules_that_import_each_other_are_found(modules: dict[str, str]) -> None:
    found = list(circles(_tree(**modules, p__d="from p.a import x")))
    assert len(found) == 1
    assert "p.a" in found[0].what
    assert "p.b" in found[0].what
    assert "p.d" not in found[0].what


def test_modules_that_import_in_one_direction_are_left_alone() -> None:
    assert list(circles(_tree(p__a="from p import b, c", p__b="from p.c import x", p__c="import json"))) == []


def test_a_folder_with_too_many_modules_is_found() -> None:
    many = [Source(f"src/openers/usecases/advice/m{number}.py", "") for number in range(17)]
    assert [finding.path for finding in crowded(many)] == ["src/openers/usecases/advice"]
    assert list(crowded(many[:16])) == []
    assert list(crowded([Source(f"src/openers/api/operations/a{number}.py", "") for number in range(50)])) == []


def test_the_tree_has_no_circle() -> None:
    assert [str(finding) for finding in circles(texts())] == []


def test_no_folder_of_the_tree_is_crowded() -> None:
    assert [str(finding) for finding in crowded(texts())] == []
