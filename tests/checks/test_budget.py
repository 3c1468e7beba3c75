"""Unlisted skips and missing comparisons fail a run. A missing program is reported once, or fails the run."""

from __future__ import annotations

import os

import pytest

from tests.kit.run.budget import allowed, is_listed
from tests.kit.run.needs import INSTALL

CONFTEST = 'pytest_plugins = ["tests.kit.run.needs", "tests.kit.run.budget"]'
SKIPPED = "import pytest\ndef test_it(): pytest.skip('no time')\ndef test_other(): pass\n"
NEEDY = "import pytest\n@pytest.mark.needs('wrk')\n@pytest.mark.parametrize('n', (1, 2))\ndef test_it(n): pass\n"
USING = """
import pytest, subprocess

@pytest.mark.needs("{needed}")
def test_it():
    done = subprocess.run(["wrk"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.stdout.strip() == "{reply}"
"""
COMPARING = "def test_it(compared):\n    compared(2)\n    compared(3)\n"


@pytest.fixture
def tree(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Create an empty project whose test runs load the skip budget."""
    monkeypatch.setenv("OPENERS_REFERENCE_DIR", str(pytester.path))
    monkeypatch.delenv("OPENERS_REQUIRE", raising=False)
    pytester.mkdir("tests")
    pytester.mkdir("tests/conformance")
    pytester.path.joinpath("conftest.py").write_text(CONFTEST)
    return pytester


def _write(tree: pytest.Pytester, name: str, text: str) -> None:
    tree.path.joinpath("tests", name).write_text(text)


@pytest.mark.parametrize(
    ("lines", "is_allowed"),
    [
        ("", False),
        ("tests/test_one.py: no time", True),
        ("tests/*: no time  # because", True),
        ("# tests/*: no time", False),
        ("tests/test_one.py: no wish", False),
        ("tests/test_two.py: no time", False),
    ],
)
def test_a_skip_is_listed_by_file_and_reason(lines: str, is_allowed: bool) -> None:
    assert is_listed("tests/test_one.py", "no time", allowed(lines)) == is_allowed


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["one process", "workers"])
def test_a_skip_that_is_not_listed_fails_the_run(tree: pytest.Pytester, workers: tuple[str, ...]) -> None:
    _write(tree, "test_one.py", SKIPPED)
    assert tree.runpytest_inprocess("tests", *workers).ret == 1


def test_a_listed_skip_passes(tree: pytest.Pytester) -> None:
    _write(tree, "test_one.py", SKIPPED)
    _write(tree, "skips.txt", "tests/test_one.py: no time")
    assert tree.runpytest_inprocess("tests").ret == 0


@pytest.mark.parametrize(
    "text",
    [
        "import pytest\npytest.skip('no time', allow_module_level=True)",
        "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False",
        "import pytest\npytest.importorskip('no_such_module')",
    ],
    ids=["module", "expected failure", "import"],
)
def test_other_ways_to_skip_count_too(tree: pytest.Pytester, text: str) -> None:
    _write(tree, "test_one.py", text)
    _write(tree, "test_two.py", "def test_it(): pass")
    assert tree.runpytest_inprocess("tests").ret == 1


@pytest.mark.parametrize(("tool", "workers"), [*((tool, ()) for tool in INSTALL), ("wrk", ("-n", "1"))])
def test_a_missing_tool_passes_and_is_said_once(
    tree: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tool: str, workers: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PATH", "")
    _write(tree, "test_one.py", NEEDY.replace("wrk", tool))
    result = tree.runpytest_inprocess("tests", *workers)
    assert result.ret == 0
    assert result.outlines.count(f"2 skipped without {tool}: {INSTALL[tool]}") == 1


def test_a_tool_that_is_there_is_no_reason_to_skip(tree: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tree.path))
    tree.path.joinpath("wrk").write_text("")
    tree.path.joinpath("wrk").chmod(0o755)
    _write(tree, "test_one.py", SKIPPED.replace("no time", "needs wrk"))
    assert tree.runpytest_inprocess("tests").ret == 1


def test_a_missing_tool_fails_where_all_are_required(tree: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("OPENERS_REQUIRE", "all")
    _write(tree, "test_one.py", NEEDY)
    assert tree.runpytest_inprocess("tests").ret == 1


def test_a_tool_without_a_way_to_install_it_is_refused(tree: pytest.Pytester) -> None:
    _write(tree, "test_one.py", NEEDY.replace("wrk", "abacus"))
    assert tree.runpytest_inprocess("tests").ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    ("needed", "reply"), [("strace", "a test runs wrk without @pytest.mark.needs('wrk')"), ("wrk", "here")]
)
def test_a_tool_runs_only_for_a_test_that_needs_it(
    tree: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, needed: str, reply: str
) -> None:
    """A test can run only the programs that it declares, even if others are installed."""
    for tool in ("wrk", "strace"):
        program = tree.path.joinpath(tool)
        program.write_text("#!/bin/sh\necho here\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tree.path), prepend=":")
    _write(tree, "test_one.py", USING.format(needed=needed, reply=reply))
    before = os.environ["PATH"]
    tree.runpytest_inprocess("tests").assert_outcomes(passed=1)
    assert os.environ["PATH"] == before


@pytest.mark.parametrize(
    ("workers", "expected", "ret"), [((), "5", 0), ((), "6", 1), (("-n", "1"), "5", 0), (("-n", "1"), "6", 1)]
)
def test_too_few_comparisons_fail_the_run(
    tree: pytest.Pytester, workers: tuple[str, ...], expected: str, ret: int
) -> None:
    _write(tree, "conformance/test_one.py", COMPARING)
    _write(tree, "conformance/expected_comparisons.txt", f"{expected}\n")
    result = tree.runpytest_inprocess("tests", *workers)
    assert result.ret == ret
    assert "5 comparisons with published examples" in result.outlines


@pytest.mark.parametrize("asked", [("tests/conformance/test_one.py",), ("tests", "-k", "it")], ids=["one file", "some"])
def test_a_part_of_the_suite_need_not_make_all_comparisons(tree: pytest.Pytester, asked: tuple[str, ...]) -> None:
    _write(tree, "conformance/test_one.py", COMPARING)
    _write(tree, "conformance/expected_comparisons.txt", "6\n")
    assert tree.runpytest_inprocess(*asked).ret == 0
