"""The faults fit the present source, and the page lists the same faults."""

from __future__ import annotations

import ast
import re

import pytest

from tests.kit.run.faults import Edit, Fault, Misfit
from tests.kit.run.project import ROOT
from tests.sabotage.table import PAGE, read_faults, row

FAULTS = read_faults()


def test_ids_are_unique() -> None:
    assert len({fault.id for fault in FAULTS}) == len(FAULTS) >= 30


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_a_fault_fits_the_source_and_leaves_it_readable(fault: Fault) -> None:
    for file, text in fault.planted(ROOT).items():
        if file.endswith(".py"):
            ast.parse(text, file)
        assert text != (ROOT / file).read_text("utf-8")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_tests_that_must_notice_exist(fault: Fault) -> None:
    for test in fault.tests:
        file, _, name = test.partition("::")
        assert not name or f"def {name.partition('[')[0]}(" in (ROOT / file).read_text("utf-8"), test
        assert (ROOT / file).is_file(), test


def test_the_page_shows_the_faults() -> None:
    rows = re.findall(r"(?m)^\| [a-z].*\|$", PAGE.read_text("utf-8"))[1:]
    noticed_by = [f"tests/{each.rpartition('`')[0].rpartition('`')[2]}" for each in rows]
    assert rows == [row(fault, test) for fault, test in zip(FAULTS, noticed_by, strict=True)]
    for fault, test in zip(FAULTS, noticed_by, strict=True):
        assert test.partition("::")[0] in {each.partition("::")[0] for each in fault.tests}


@pytest.mark.parametrize("text", ["nothing", "old and old"])
def test_a_fault_that_does_not_fit_once_is_an_error(text: str) -> None:
    with pytest.raises(Misfit):
        Edit("file", "old", "new").applied(text)


def test_a_change_that_changes_nothing_is_an_error() -> None:
    with pytest.raises(Misfit):
        Edit("file", "old", "old").applied("old")
