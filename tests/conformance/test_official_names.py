"""Our OpenAPI document gives operations the ids, tags, deprecations and refusals of the official one."""

from __future__ import annotations

import re
from typing import Final

from tests.kit.documents.reference import Json, specification

from openers.api.openapi import openapi_document

OWN: Final = {
    "a014": {"502"},  # rejecting cancels a booking at the PAS, which may refuse
    "a022": {"502", "504"},  # cancels a booking at the PAS
    "a026": {"412"},  # needs If-Match
    "a031": {"412"},  # the same
    "a032": {"412"},  # the same
    "a037": {"406"},  # HEAD replies as GET does (A033)
}
"""Refusals that only we list, with the reason."""
OF_EVERYTHING: Final = {"400", "408", "413"}
"""A wrong Host header, a slow body and a long body are refused everywhere."""


def refusals(document: Json) -> dict[str, set[str]]:
    """The refusals of each operation, by the operation's id."""
    return {
        told["operationId"]: {status for status in told["responses"] if status >= "400"}
        for methods in document["paths"].values()
        for told in methods.values()
        if "responses" in told
    }


def named(document: Json) -> dict[tuple[str, str], tuple[str, list[str], bool]]:
    """Id, tags and deprecation of each operation, by method and path without the names of its parameters."""
    return {
        (method, re.sub(r"\{\w+\}", "{}", path)): (told["operationId"], told["tags"], told.get("deprecated", False))
        for path, methods in document["paths"].items()
        for method, told in methods.items()
        if method in ("get", "head", "post", "put")
    }


def test_operations_are_named_as_in_the_official_document() -> None:
    official, own = named(specification()), named(openapi_document(""))
    assert {place: own[place] for place in official} == official
    assert {own[place][0][:4] for place in own.keys() - official.keys()} == {
        "a039",
        *(f"x{number:03}" for number in range(1, 8)),
    }


def test_operations_list_the_official_refusals_and_those_that_only_this_service_has() -> None:
    official, own = refusals(specification()), refusals(openapi_document(""))
    more = {name: own[name] - told - OF_EVERYTHING for name, told in official.items()}
    assert {name[:4]: statuses for name, statuses in more.items() if statuses} == OWN
    missing = {name: told - own[name] for name, told in official.items()}
    assert {name[:4]: statuses for name, statuses in missing.items() if statuses} == {"a035": {"404"}}, "see unmet.txt"
