"""Give every object and list of codes inside the schemas a name, since generated clients make a type of each name.

One with the content of a component becomes a reference to it. Each other one becomes a component, named after the way
to it (`ReferralRequestSubject`). A parameter has the same name wherever it is the same (`PatientParameter`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from openers.wire.shapes import Schema, ref

_PARAMETER: Final = "Parameter"


def named(schemas: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return `schemas`, and every object and list of codes in them, as components.

    Raises ValueError if two different ones share a name.
    """
    return dict(sorted(_Naming(schemas).components.items()))


class _Naming:
    """The components that are named so far."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._known = {_content(schema): name for name, schema in schemas.items()}
        self._ambiguous = _ambiguous(schemas)
        self.components: dict[str, Schema] = {}
        for name, schema in schemas.items():
            self._add(name, schema)

    def _add(self, name: str, schema: Schema) -> None:
        """Add a component, and one for each object or list of codes in it."""
        whole = {key: self._parts(value, name) if key == "properties" else value for key, value in schema.items()}
        if self.components.setdefault(name, whole) != whole:
            raise ValueError(f"two different schemas are named {name}: define one of them as a component")

    def _parts(self, properties: Mapping[str, Schema], parent: str) -> dict[str, Schema]:
        return {key: self._part(value, parent + _capital(key)) for key, value in properties.items()}

    def _part(self, schema: Schema, name: str) -> Schema:
        """Return a schema within a component, with references instead of objects."""
        if "properties" in schema or "enum" in schema:
            return self._reference(schema, self._named(schema, name))
        if "items" in schema:
            return {**schema, "items": self._part(schema["items"], name)}
        if "anyOf" in schema:
            return {**schema, "anyOf": [self._part(each, name) for each in schema["anyOf"]]}
        return schema

    def _named(self, schema: Schema, name: str) -> str:
        """Return `name`, or that of the parameter that a schema describes."""
        parameter = _parameter(schema)
        if parameter is None:
            return name
        short = f"{_capital(parameter)}{_PARAMETER}"
        return short if short not in self._ambiguous else f"{name.removesuffix(_PARAMETER)}{short}"

    def _reference(self, schema: Schema, name: str) -> Schema:
        known = self._known.get(_content(schema))
        if known is None:
            self._add(name, schema)
            return ref(name)
        told = {"description": schema["description"]} if "description" in schema else {}
        return {**ref(known), **told}


def _ambiguous(schemas: Mapping[str, Schema]) -> set[str]:
    """Return the names of parameters that are not the same everywhere."""
    contents: dict[str, set[str]] = {}
    for each in _objects(list(schemas.values())):
        parameter = _parameter(each)
        if parameter is not None:
            contents.setdefault(f"{_capital(parameter)}{_PARAMETER}", set()).add(_content(each))
    return {name for name, different in contents.items() if len(different) > 1}


def _objects(node: Any) -> Iterator[Schema]:
    if isinstance(node, dict):
        yield cast("Schema", node)
    if isinstance(node, dict | list):
        held = cast("dict[str, Any] | list[Any]", node)
        for each in held.values() if isinstance(held, dict) else held:
            yield from _objects(each)


def _parameter(schema: Schema) -> str | None:
    """Return the name of the FHIR parameter that a schema describes."""
    properties = schema.get("properties", {})
    return properties.get("name", {}).get("const") if len(properties) == 2 else None


def _content(schema: Schema) -> str:
    return json.dumps({key: value for key, value in schema.items() if key != "description"}, sort_keys=True)


def _capital(text: str) -> str:
    """Return a property's name as a part of a type's name."""
    name = text.lstrip("_")
    return name[:1].upper() + name[1:]
