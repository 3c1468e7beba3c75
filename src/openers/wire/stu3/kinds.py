"""Kinds of parameter values. Each defines its element, how to read and write it, and its JSON schema.

One definition serves requests, replies and the OpenAPI description. `parameters.py` and the declarations of requests
use it. Source: rules chapter 12.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, Generic, TypeVar

from openers.domain.clock import Instant
from openers.domain.identifiers import Identifier
from openers.wire.instants import read_instant, write_instant
from openers.wire.json import (
    BadCode,
    BadStructure,
    BadValue,
    JsonValue,
    array,
    bounded,
    element,
    join,
    needed,
    text,
    truth,
    whole,
)
from openers.wire.shapes import Schema, const
from openers.wire.stu3.systems import System

T = TypeVar("T")
CodeT = TypeVar("CodeT", bound=StrEnum)
IdentifierT = TypeVar("IdentifierT", bound=Identifier)
TextT = TypeVar("TextT", bound=str)

LARGEST: Final = 2_147_483_647
"""The largest unsignedInt of FHIR."""

CODING: Final = frozenset({"id", "system", "version", "code", "display", "userSelected"})
"""The elements that a coding may have."""
_CONCEPT: Final = frozenset({"id", "coding", "text"})
_IDENTIFIER: Final = frozenset({"id", "use", "system", "value"})


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """The form of values of type `T` in requests: their element, their reader and their JSON schema."""

    element: str
    read: Callable[[JsonValue, str], T]
    schema: Schema


@dataclass(frozen=True, slots=True)
class WrittenKind(Kind[T]):
    """A kind that replies use too. `write` takes the value and the service's base address."""

    write: Callable[[T, str], JsonValue]


def identifier(system: System, of: type[IdentifierT]) -> WrittenKind[IdentifierT]:
    """Return the kind for an identifier of one system."""

    def _read(value: JsonValue, path: str) -> IdentifierT:
        return _parsed(of, _of_system(value, path, system, "value"), join(path, "value"))

    def _write(value: IdentifierT, base: str) -> JsonValue:
        return {"system": system.url(base), "value": value}

    return WrittenKind("valueIdentifier", _read, _pair(system, "value", _shape(of)), _write)


def coding(system: System, codes: type[CodeT]) -> WrittenKind[CodeT]:
    """Return the kind for a code of a closed set."""
    legal = {code.value: code for code in codes}
    listed = ", ".join(legal)

    def _read(value: JsonValue, path: str) -> CodeT:
        code = _of_system(value, path, system, "code")
        found = legal.get(code)
        if found is None:
            raise BadCode(join(path, "code"), code, f"must be one of {listed}")
        return found

    def _write(value: CodeT, base: str) -> JsonValue:
        return {"system": system.url(base), "code": value.value}

    return WrittenKind("valueCoding", _read, _pair(system, "code", {"type": "string", "enum": list(legal)}), _write)


def open_coding(system: System, of: type[TextT]) -> WrittenKind[TextT]:
    """Return the kind for a code of a dynamic system; the use case checks that the code exists."""

    def _read(value: JsonValue, path: str) -> TextT:
        return _parsed(of, _of_system(value, path, system, "code"), join(path, "code"))

    def _write(value: TextT, base: str) -> JsonValue:
        return {"system": system.url(base), "code": value}

    return WrittenKind("valueCoding", _read, _pair(system, "code", _shape(of)), _write)


def concept(of: Kind[T]) -> Kind[T]:
    """Return the kind for a concept with one coding, which `of` reads."""

    def _read(value: JsonValue, path: str) -> T:
        at = join(path, "coding")
        codings = array(needed(element(value, path, _CONCEPT), "coding", path), at)
        if len(codings) != 1:
            raise BadStructure(at, None, "must hold one coding")
        return of.read(codings[0], f"{at}[0]")

    schema: Schema = {
        "type": "object",
        "required": ["coding"],
        "properties": {"coding": {"type": "array", "minItems": 1, "maxItems": 1, "items": of.schema}},
    }
    return Kind("valueCodeableConcept", _read, schema)


def string(of: type[TextT], longest: int) -> WrittenKind[TextT]:
    """Return the kind for a text of at most `longest` characters, without control characters except tab, LF and CR."""

    def _read(value: JsonValue, path: str) -> TextT:
        return _parsed(of, bounded(text(value, path), path, longest), path)

    return WrittenKind("valueString", _read, {"type": "string", "minLength": 1, "maxLength": longest}, _as_is)


def unsigned_int() -> WrittenKind[int]:
    """Return the kind for a whole number from 0."""
    schema: Schema = {"type": "integer", "minimum": 0, "maximum": LARGEST}
    return WrittenKind("valueUnsignedInt", lambda value, path: whole(value, path, LARGEST), schema, _as_is)


def boolean() -> WrittenKind[bool]:
    """Return the kind for true or false."""
    return WrittenKind("valueBoolean", truth, {"type": "boolean"}, _as_is)


def instant() -> WrittenKind[Instant]:
    """Return the kind for an instant, in milliseconds."""

    def _read(value: JsonValue, path: str) -> Instant:
        found = text(value, path)
        try:
            return read_instant(found)
        except ValueError as error:
            raise BadValue(path, found, str(error)) from None

    return WrittenKind("valueInstant", _read, {"type": "string", "format": "date-time"}, _as_text)


def day() -> WrittenKind[date]:
    """Return the kind for a day."""

    def _read(value: JsonValue, path: str) -> date:
        found = text(value, path)
        try:
            if len(found) != len("1968-02-12"):
                raise ValueError
            return date.fromisoformat(found)
        except ValueError:
            raise BadValue(path, found, "must be a day like 1968-02-12") from None

    return WrittenKind("valueDate", _read, {"type": "string", "format": "date"}, _as_day)


def code(codes: type[CodeT]) -> WrittenKind[CodeT]:
    """Return the kind for a code of a closed set without a system."""
    legal = {each.value: each for each in codes}

    def _read(value: JsonValue, path: str) -> CodeT:
        found = legal.get(text(value, path))
        if found is None:
            raise BadCode(path, text(value, path), f"must be one of {', '.join(legal)}")
        return found

    return WrittenKind("valueCode", _read, {"type": "string", "enum": list(legal)}, _as_is)


def resource(read: Callable[[JsonValue, str], T], schema: str) -> Kind[T]:
    """Return the kind for a resource that `read` parses and the schema component `schema` describes."""
    return Kind("resource", read, {"$ref": f"#/components/schemas/{schema}"})


def _of_system(value: JsonValue, path: str, system: System, key: str) -> str:
    """Return the text under `key` of a coding or identifier, which must belong to `system`."""
    node = element(value, path, CODING if key == "code" else _IDENTIFIER)
    named = text(needed(node, "system", path), join(path, "system"))
    if not system.matches(named):
        raise BadValue(join(path, "system"), named, f"must be {system}")
    return text(needed(node, key, path), join(path, key))


def _parsed(of: type[TextT], value: str, path: str) -> TextT:
    """Return `value` as an identifier or other text with a format."""
    try:
        return of(value)
    except ValueError:
        raise BadValue(path, value, f"must be {of.shape}" if issubclass(of, Identifier) else "is invalid") from None


def _as_is(value: str | int | bool, _base: str) -> JsonValue:
    return value


def _as_day(value: date, _base: str) -> JsonValue:
    return value.isoformat()


def _as_text(value: Instant, _base: str) -> JsonValue:
    return write_instant(value)


def _shape(of: type[str]) -> Schema:
    described: Schema = {"type": "string", "minLength": 1}
    if issubclass(of, Identifier):
        described["description"] = of.shape
    return described


def _pair(system: System, key: str, value: Schema) -> Schema:
    """Return the schema of a coding or identifier of `system`."""
    named: Schema = {"type": "string", "pattern": f"{system.name}$"} if system.dynamic else const(system.name)
    return {"type": "object", "required": ["system", key], "properties": {"system": named, key: value}}
