"""Lists the inputs of each operation, from the registry, the request schemas and our OpenAPI document.

An input is a parameter of a Parameters resource, an element of another body, a query parameter (`?name`) or a header
(`name:`).

Resources that several operations share are parts, with inputs of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from openers.api.openapi import openapi_document
from openers.api.operation import Operation
from openers.api.registry import all_operations
from openers.wire.schemas import COMPONENTS

Json = dict[str, Any]
FRAME: Final = frozenset({"resourceType", "id", "language"})
"""Elements of every resource, besides `meta`."""
OF_ALL: Final = frozenset(
    {
        *("X-Correlation-ID", "NHSD-End-User-Organisation-ODS", "NHSD-eRS-Business-Function"),
        "NHSD-eRS-On-Behalf-Of-User-ID",
    }
)
"""Headers that depend only on the caller."""
_ENDS: Final = re.compile(r"\.(system|code|value|display|reference|url)$")


def inputs() -> dict[str, set[str]]:
    """Return the names of all inputs, by operation and by part."""
    document, found = openapi_document("https://e.example"), dict[str, set[str]]()
    for operation in all_operations():
        listed: list[Json] = document["paths"][operation.path][operation.method.lower()]["parameters"]
        named = {f"?{each['name']}" for each in listed if each["in"] == "query"}
        named |= {f"{each['name']}:" for each in listed if each["in"] == "header" and each["name"] not in OF_ALL}
        found.setdefault(operation.id, set()).update(named, body_inputs(operation))
    for part in parts():
        found[part] = set(fields(COMPONENTS[part]))
    return {name: names for name, names in found.items() if names}


def body_inputs(operation: Operation) -> set[str]:
    """Return the inputs in the body of an operation."""
    if operation.takes_file:
        return {"content"}
    return set() if operation.request is None else set(fields(COMPONENTS[operation.request]))


def parts() -> set[str]:
    """Return the names of the resources that are parts of bodies or of other parts."""
    left, found = [each.request for each in all_operations() if each.request is not None], set[str]()
    while left:
        named = {part for part in fields(COMPONENTS[left.pop()]).values() if part} - found
        found |= named
        left += named
    return found


def fields(schema: Json) -> Mapping[str, str]:
    """Return the inputs of a body or a part; each maps to its part, or to an empty text."""
    properties: Json = schema["properties"]
    if "parameter" in properties:
        member: Json = properties["parameter"]["items"]
        known: list[Json] = member.get("anyOf", [member])
        return {each["properties"]["name"]["const"]: _part_of(each["properties"]) for each in known}
    return {path: part for path, part in _leaves(schema, "") if path.partition(".")[0] not in FRAME | {"meta"}}


def _part_of(properties: Json) -> str:
    return str(properties.get("resource", {}).get("$ref", "")).rpartition("/")[2]


def _leaves(schema: Json, path: str) -> Iterator[tuple[str, str]]:
    """Yield the elements without children; a code, an identifier or a reference counts as one element."""
    if "$ref" in schema:
        yield path, schema["$ref"].rpartition("/")[2]
    elif "properties" in schema:
        for name, inner in schema["properties"].items():
            yield from _leaves(inner, f"{path}.{name}".removeprefix("."))
    elif "items" in schema:
        yield from _leaves(schema["items"], path)
    else:
        yield _ENDS.sub("", path), ""
