"""FHIR Parameters, declared once as data: a declaration gives both the reader and the JSON schema.

    PATIENT = Param("patient", identifier(NHS_NUMBER, NhsNumber))
    CREATE = Parameters("CreateReferral-Parameters", one(PATIENT), optional(REFERRING_CLINICIAN), ...)
    values = CREATE.read(body)
    values[PATIENT]                     # NhsNumber
    values.get(REFERRING_CLINICIAN)     # UserId | None

Refusals: rules chapters 2.7 and 12. The use cases check codes that depend on data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast

from openers.wire import shapes
from openers.wire.json import (
    BadStructure,
    Json,
    JsonValue,
    MissingField,
    UnexpectedField,
    array,
    element,
    join,
    needed,
    resource,
    text,
)
from openers.wire.shapes import TEXT, Schema, const, thing
from openers.wire.stu3.kinds import Kind, WrittenKind
from openers.wire.stu3.systems import own_profile, profile

T = TypeVar("T")

_RESOURCE: Final = frozenset({"resourceType", "id", "meta", "language", "parameter"})
_NAMED: Final = frozenset({"id", "name"})


@dataclass(frozen=True, slots=True)
class Param(Generic[T]):
    """A parameter with a value of type `T`; also the key of that value in `Values`."""

    name: str
    kind: Kind[T]

    def schema(self) -> Schema:
        """Return the JSON schema of the parameter."""
        value = self.kind.element
        properties: Schema = {"name": const(self.name), value: self.kind.schema}
        return thing(properties)


@dataclass(frozen=True, slots=True)
class WrittenParam(Param[T]):
    """A parameter that replies show too."""

    kind: WrittenKind[T]

    def shown(self, value: T | None, base: str) -> tuple[Json, ...]:
        """Return the parameter with `value` for a reply; empty if `value` is `None`."""
        if value is None:
            return ()
        return ({"name": self.name, self.kind.element: self.kind.write(value, base)},)


@dataclass(frozen=True, slots=True)
class ParameterPlace:
    """A parameter's place in a request."""

    param: Param[Any]
    required: bool
    repeats: bool = False


def one(param: Param[Any]) -> ParameterPlace:
    """Declare a parameter that must occur once."""
    return ParameterPlace(param, required=True)


def optional(param: Param[Any]) -> ParameterPlace:
    """Declare a parameter that may occur once."""
    return ParameterPlace(param, required=False)


def many(param: Param[Any], *, required: bool = False) -> ParameterPlace:
    """Declare a parameter that may occur any number of times, at least once if `required`."""
    return ParameterPlace(param, required, repeats=True)


class Values:
    """The values of one request, typed by their parameters."""

    __slots__ = ("_found",)

    def __init__(self, found: dict[str, object]) -> None:
        """Store the values by parameter name."""
        self._found = found

    def __getitem__(self, param: Param[T]) -> T:
        """Return the value of a required parameter."""
        return cast("T", self._found[param.name])

    def has(self, param: Param[Any]) -> bool:
        """Return whether a parameter was sent."""
        return param.name in self._found

    def all(self, param: Param[T]) -> tuple[T, ...]:
        """Return the values of a repeating parameter, in order."""
        return tuple(cast("list[T]", self._found.get(param.name, [])))

    def get(self, param: Param[T]) -> T | None:
        """Return the value of an optional parameter, `None` if it was not sent."""
        return cast("T | None", self._found.get(param.name))


class Parameters:
    """A Parameters resource of one profile."""

    def __init__(self, name: str, *slots: ParameterPlace, own: bool = False) -> None:
        """Declare the resource.

        `name` is its profile without prefix and version; `own` marks a profile of this project.
        """
        self.profile = own_profile(name) if own else profile(name)
        self.slots = slots
        self._kinds: dict[str, Kind[Any]] = {slot.param.name: slot.param.kind for slot in slots}
        self._repeats = frozenset(slot.param.name for slot in slots if slot.repeats)
        self._required = tuple(slot.param.name for slot in slots if slot.required)

    def read(self, node: JsonValue, path: str = "") -> Values:
        """Return the values in `node` at `path`. Raises the classes of `Unreadable`."""
        body = resource(node, path, "Parameters", _RESOURCE, self.profile)
        at = join(path, "parameter")
        found: dict[str, object] = {}
        for index, each in enumerate(array(needed(body, "parameter", path), at)):
            name, value = self._parameter(each, f"{at}[{index}]")
            if name in self._repeats:
                cast("list[object]", found.setdefault(name, [])).append(value)
                continue
            if name in found:
                raise BadStructure(f"{at}[{index}]", name, "is allowed once")
            found[name] = value
        for name in self._required:
            if name not in found:
                raise MissingField(path, name, "is missing.")
        return Values(found)

    def _parameter(self, node: JsonValue, path: str) -> tuple[str, object]:
        """Return the name and the value of one parameter."""
        if not isinstance(node, dict):
            raise BadStructure(path, None, "must be an object")
        name = text(needed(node, "name", path), join(path, "name"))
        kind = self._kinds.get(name)
        if kind is None:
            raise UnexpectedField(path, name, "unknown parameter name")
        if len(node) != 2 or kind.element not in node:
            carried = {key for key in node if key.startswith("value") or key in ("resource", "part")}
            element(node, path, _NAMED | carried)
            if carried != {kind.element}:
                raise BadStructure(path, name, f"needs exactly one value, a {kind.element}")
        return name, kind.read(node[kind.element], join(path, kind.element))

    def schema(self) -> Schema:
        """Return the JSON schema of the resource."""
        known = [slot.param.schema() for slot in self.slots]
        member: Schema = {"anyOf": known} if len(known) > 1 else known[0]
        return thing(
            {
                "resourceType": const("Parameters"),
                "meta": thing({"profile": shapes.array(TEXT, least=1) | {"contains": const(self.profile)}}),
                "parameter": shapes.array(member, len(self._required)),
            },
            {"id": TEXT},
        )
