"""The checks detect import cycles, crowded folders and imports between test folders, and the tree has none."""

from __future__ import annotations

import re

import pytest

from tests import kit
from tests.checks.source import Source, texts
from tests.checks.structure import FLOORS, borrowing, circles, crowded


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
    kit = [Source(f"tests/kit/run/m{number}.py", "") for number in range(21)]
    assert [finding.path for finding in crowded(kit)] == ["tests/kit/run"]
    assert list(crowded([Source(f"src/openers/api/operations/a{number}.py", "") for number in range(50)])) == []


def test_tests_that_import_each_other_in_a_circle_are_found() -> None:
    kit = {"a": "from tests.kit.run.b import x", "b": "from tests.kit.run import a"}
    assert len(list(circles([Source(f"tests/kit/run/{name}.py", text) for name, text in kit.items()]))) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("tests/acts/test_a.py", "from tests.booking.rig import Rig"),
        ("tests/acts/test_a.py", "import tests.booking.rig"),
        ("tests/acts/conftest.py", "from tests import booking"),
        ("tests/acts/test_a.py", "def f():\n    from tests.booking.test_b import ROWS"),
        ("tests/acts/conftest.py", "pytest_plugins = ['tests.booking.fixtures']"),
        ("tests/conftest.py", "from tests.booking.rig import Rig"),
        ("tests/kit/calls/a.py", "from tests.acts.cast import Cast"),
        ("tests/kit/store/a.py", "from tests.kit.files.kept import Kept"),
        ("tests/kit/run/a.py", "if TYPE_CHECKING:\n    from tests.kit.calls import expected"),
        ("tests/kit/calls/a.py", "from tests import kit"),
        ("bench/a.py", "from tests.booking.rig import Rig"),
        ("tests/rig.py", ""),
        ("tests/kit/rig.py", ""),
        ("tests/kit/attic/rig.py", ""),
    ],
)
def test_what_tests_borrow_from_each_other_is_found(path: str, text: str) -> None:
    assert [finding.path for finding in borrowing([Source(path, text)])] == [path]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("tests/acts/test_a.py", "from tests.acts import words\nfrom tests.kit.calls.expected import Expected"),
        ("tests/kit/files/a.py", "from tests.kit.files import kept\nfrom tests.kit.store.records import NOON"),
        ("tests/conftest.py", "pytest_plugins = ['tests.kit.run.needs', 'pytester']"),
        ("bench/a.py", "from tests.kit.service.running import GP"),
        ("src/a.py", "'tests.booking.rig'"),
    ],
)
def test_what_tests_have_of_their_own_and_of_the_kit_is_left_alone(path: str, text: str) -> None:
    assert list(borrowing([Source(path, text)])) == []


def test_the_kit_names_its_floors_in_their_order() -> None:
    assert tuple(re.findall(r"(?m)^- `(\w+)`", kit.__doc__ or "")) == FLOORS


def test_the_tree_has_no_circle() -> None:
    assert [str(finding) for finding in circles(texts())] == []


def test_no_folder_of_the_tree_is_crowded() -> None:
    assert [str(finding) for finding in crowded(texts())] == []


def test_no_tests_of_the_tree_borrow_from_others() -> None:
    assert [str(finding) for finding in borrowing(texts())] == []
