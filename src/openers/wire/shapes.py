"""Parts of JSON schemas that describe replies in the OpenAPI document; the schemas of both versions use them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
TRUTH: Final[Schema] = {"type": "boolean"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
INSTANT: Final[Schema] = {"type": "string", "format": "date-time"}


def ref(component: str) -> Schema:
    """Return a reference to a named schema."""
    return {"$ref": f"#/components/schemas/{component}"}


def const(value: str) -> Schema:
    """Return the schema of one fixed text."""
    return {"type": "string", "const": value}


def code(codes: Iterable[str]) -> Schema:
    """Return the schema of one of several texts."""
    return {"type": "string", "enum": list(codes)}


def array(of: Schema, least: int = 0) -> Schema:
    """Return the schema of an array with at least `least` members."""
    return {"type": "array", "items": of, "minItems": least}


def thing(required: Schema, optional: Schema | None = None, description: str = "") -> Schema:
    """Return the schema of an object with `required` and `optional` properties."""
    schema: Schema = {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }
    if description:
        schema["description"] = description
    return schema


def profiled(profile: str, **more: Schema) -> Schema:
    """Return the schema of a `meta` that claims `profile` and has `more`."""
    return thing({**more, "profile": array(TEXT, least=1) | {"description": f"Holds {profile}"}})
