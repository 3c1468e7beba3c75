"""Operations show different parts of a referral or request for advice, as published. Checked in the golden files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, cast

import pytest
from tests.kit.documents.kept_replies import GOLDEN

WITH_PROVISIONING: Final = ("a011", "a021", "a024", "a031", "a032", "a036", "x002")
"""Operations whose published replies all have `commissioningProvisioning` in the criteria; X002 replies like A024."""
WITHOUT_PROVISIONING: Final = ("a005", "a012", "a013", "a014", "a022", "a026", "a027", "a028", "a044", "x001")
"""Operations whose criteria never have it; X001 replies like A026."""
PATHWAY_START: Final = "Extension-eRS-eReferralPathwayStart-1"


def resources(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every resource within a reply."""
    if isinstance(node, dict):
        if "resourceType" in node:
            yield node
        for value in cast("dict[str, Any]", node).values():
            yield from resources(value)
    elif isinstance(node, list):
        for value in cast("list[Any]", node):
            yield from resources(value)


def kept(operation: str, resource_type: str) -> list[dict[str, Any]]:
    """Return all resources of one type in the golden files of an operation."""
    files = sorted((GOLDEN / operation).glob("reply_*.json"))
    replies = (json.loads(file.read_text())["body"] for file in files)
    return [each for reply in replies for each in resources(reply) if each["resourceType"] == resource_type]


def criteria_of(operation: str) -> list[set[str]]:
    """Return the names of the search criteria in each golden reply of an operation."""
    found = [{p["name"] for p in each["parameter"]} for each in kept(operation, "Parameters")]
    return [names for names in found if "ageAndGenderAppropriate" in names]


@pytest.mark.parametrize("operation", [*WITH_PROVISIONING, *WITHOUT_PROVISIONING])
def test_criteria_have_provisioning_where_it_is_published(operation: str) -> None:
    """Only the operations listed above show the criterion `commissioningProvisioning`."""
    shown = criteria_of(operation)
    assert shown, "no golden reply has criteria"
    assert {"commissioningProvisioning" in names for names in shown} == {operation in WITH_PROVISIONING}


@pytest.mark.parametrize(("operation", "expected"), [("a036", False), ("a013", True), ("a014", True)])
def test_a_cancellation_does_not_tell_the_pathway_start(operation: str, expected: bool) -> None:
    """No published reply of A036 contains the pathway start, although A005 shows it for the same referral."""
    shown = [{e["url"].rpartition("/")[2] for e in each["extension"]} for each in kept(operation, "ReferralRequest")]
    assert {PATHWAY_START in urls for urls in shown} == {expected}
