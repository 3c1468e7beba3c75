"""The cost of an unknown path is limited: it is compared with few known paths, and only in part."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any, Final

import pytest

import openers.api.operations as operations
from openers.api import routes
from openers.api.registry import REGISTRY, all_operations
from openers.api.routes import LONGEST_COMPARED, MOST_COMPARED, Routes, likeness

assert operations, "importing them fills the registry"
ROUTES: Final = Routes(REGISTRY)
HOSTILE: Final = (
    "/" + "a" * 60_000,
    "/a" * 30_000,
    "/STU3/ReferralRequest/" * 3_000,
    "/STU3/ReferralRequest/000000000001/$ers." + "e" * 60_000,
    "/STU3/" + "R$s." * 15_000,
)


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path[:30])
def test_few_paths_are_compared_with_an_unknown_one(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def _matcher(_junk: None, known: str, asked: str) -> SequenceMatcher[Any]:
        compared.append(max(len(known), len(asked)))
        return SequenceMatcher(None, known, asked)

    monkeypatch.setattr(routes.difflib, "SequenceMatcher", _matcher)
    assert ROUTES.nearest(path + "x") in {each.path for each in all_operations()}
    assert len(compared) <= MOST_COMPARED
    assert max(compared) <= 2 * LONGEST_COMPARED


@pytest.mark.parametrize("operation", all_operations(), ids=lambda operation: f"{operation.id} {operation.method}")
def test_a_path_with_one_wrong_letter_is_still_known(operation: Any) -> None:
    for at in range(2, len(operation.path), 5):
        if operation.path[at] in "{}/":
            continue
        wrong = operation.path[:at] + "~" + operation.path[at + 1 :]
        assert likeness(ROUTES.nearest(wrong), wrong) >= likeness(operation.path, wrong)


def test_another_path_is_not_alike() -> None:
    assert likeness("/R4/Binary/{id}", "/STU3/CodeSystem/PRIORITY") == 0
    assert likeness("/STU3/CodeSystem/{codeSystemType}", "/STU3/CodeSystem/PRIORITY") == 1
