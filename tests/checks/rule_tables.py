"""Tables in `docs/rules` that are generated from the code: parameters, headers and statuses of each operation."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Final

import openers.wire.stu3
from openers.api.openapi import openapi_document
from openers.api.registry import all_operations
from openers.wire.schemas import COMPONENTS
from openers.wire.stu3.parameters import ParameterPlace, Parameters

import_module("openers.api.operations")  # registers all operations
SHORT: Final = {
    "NHSD-End-User-Organisation-ODS": "O",
    "NHSD-eRS-Business-Function": "B",
    "NHSD-eRS-On-Behalf-Of-User-ID": "V",
}
EVERYWHERE: Final = frozenset({"X-Correlation-ID", "X-Request-ID", "401", "403", "429", "500", "503"})


def parameters() -> str:
    """Return the table of the parameters of each operation, with one row for each parameter."""
    declared = [(each.schema(), each) for each in _declared()]
    lines = ["| operation | parameter | number | element | value |", "|---|---|---|---|---|"]
    for operation in all_operations():
        wanted = COMPONENTS.get(operation.request or "")
        places = next((each.slots for schema, each in declared if schema == wanted), ())
        lines.extend(f"| {operation.id} | {_parameter(place)} |" for place in places)
    return "\n".join(lines)


def operations() -> str:
    """Return the table of headers and statuses, with one row for each operation."""
    document = openapi_document("")
    lines = ["| operation | request headers | success | reply headers | other statuses |", "|---|---|---|---|---|"]
    for operation in all_operations():
        described = document["paths"][operation.path][operation.method.lower()]
        success = str(operation.success)
        lines.append(
            f"| {operation.id} | {_headers(described['parameters'])} | {success} "
            f"| {_listed(described['responses'][success].get('headers', {}))} "
            f"| {' '.join(sorted(set(described['responses']) - EVERYWHERE - {success}))} |"
        )
    return "\n".join(dict.fromkeys(lines))  # reads of a version have the same row as plain reads


TABLES: Final[dict[str, Callable[[], str]]] = {"parameters": parameters, "operations": operations}
"""The generators of the tables between `<!-- generated: NAME -->` and `<!-- end -->`."""


def with_tables(text: str) -> str:
    """Return a page with its tables generated from the current code."""
    pattern = r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)"
    return re.sub(pattern, lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n\n{found[3]}", text, flags=re.DOTALL)


def _declared() -> Iterator[Parameters]:
    for module in pkgutil.walk_packages(openers.wire.stu3.__path__, "openers.wire.stu3."):
        values = vars(import_module(module.name)).values()
        yield from (value for value in values if isinstance(value, Parameters))


def _parameter(place: ParameterPlace) -> str:
    kind = place.param.kind
    number = f"{int(place.required)}..{'*' if place.repeats else '1'}"
    return f"{place.param.name} | {number} | {kind.element} | {_value(kind.element, kind.schema)}"


def _value(element: str, schema: dict[str, Any]) -> str:
    """Return the system, codes or limit of a value from its schema."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "coding" in schema.get("properties", {}):
        return _value("valueCoding", schema["properties"]["coding"]["items"])
    held = schema.get("properties", {})
    system = held.get("system", {}).get("const") or "{base URL}" + held.get("system", {}).get("pattern", "").rstrip("$")
    codes = held.get("code", {}).get("enum", ())
    if "system" in held:
        return f"`{system}`" + (f": {', '.join(codes)}" if codes else "")
    return f"at most {schema['maxLength']} characters" if "maxLength" in schema else ""


def _headers(described: list[dict[str, Any]]) -> str:
    sent = [each for each in described if each["in"] == "header" and each["name"] not in EVERYWHERE]
    names = [(SHORT.get(each["name"]) or f"`{each['name']}`", each["required"]) for each in sent]
    return ", ".join(name if required else f"({name})" for name, required in names) or "none"


def _listed(headers: dict[str, Any]) -> str:
    return ", ".join(f"`{name}`" for name in headers if name not in EVERYWHERE) or "none"
