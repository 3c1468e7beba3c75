"""Our OpenAPI document gives operations the ids, tags and deprecations of the official one."""

from __future__ import annotations

import re

from tests.kit.documents.reference import Json, specification

from openers.api.openapi import openapi_document


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
    assert {own[place][0][:4] for place in own.keys() - official.keys()} == {"a039", "x001", "x002"}
