"""Reading FHIR JSON so that every refusal names the place it is about.

`parse` turns a body into plain values; the other functions take one value apart and refuse what does not have the
expected shape. They build texts only when they refuse. Called by the readers of `wire.stu3` (and later `wire.r4`);
what a parameter means is theirs. Places are written like `parameter[0]/resource/contained[0]/parameter[1]`.
Source: rules chapters 2.6, 2.7 and 12.
"""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Any, Final, TypeAlias

import msgspec

from openers.domain.errors import Refused

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"
Json: TypeAlias = dict[str, JsonValue]

DEEPEST: Final = 32
"""How many objects and arrays may stand within each other. The deepest body of the service has 13."""
_POSITION: Final = re.compile(r"\(byte (\d+)\)$")
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
"""A text, or what begins or ends an object or an array."""
_TOLERATED: Final = frozenset({"id", "language", "display"})
"""Texts that FHIR allows and the service takes no notice of."""


class MalformedJson(Refused):
    """The body is no JSON. `position` is the byte, counted from 0, at which reading stopped, if it is known."""

    source = "rules 2.6"

    def __init__(self, reason: str, position: int | None = None) -> None:
        """`reason` finishes the sentence `The body ...`."""
        super().__init__(reason, position)
        self.reason, self.position = reason, position


class Unreadable(Refused):
    """JSON that is not the FHIR asked for. Each class is one code; `hint` says what to do about `value` at `path`."""

    source = "rules 2.7, 12"

    def __init__(self, path: str, value: JsonValue = None, hint: str = "") -> None:
        """`path` is the place in the body, empty for the body itself."""
        super().__init__(path, value, hint)
        self.path, self.value, self.hint = path, value, hint


class MissingField(Unreadable):
    """A parameter that is always needed is missing; `value` is its name and `path` where it belongs."""


class UnexpectedField(Unreadable):
    """A parameter or element that the profile does not know."""


class BadStructure(Unreadable):
    """The shape differs from the profile: object for array, null, mandatory element missing, parameter repeated."""


class BadValue(Unreadable):
    """Right place and shape, wrong type, length, format or system."""


class BadCode(Unreadable):
    """Not one of the codes that are legal here."""


_decode: Final = msgspec.json.Decoder(Any).decode


def _plain(value: object) -> str:
    """An identifier as its text: msgspec knows `str` and leaves its subclasses to us."""
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} has no place in JSON")


_encode: Final = msgspec.json.Encoder(enc_hook=_plain).encode


def parse(body: bytes) -> Json:
    """The object that `body` holds. Raises `MalformedJson`, or `BadStructure` if it is JSON but no object."""
    value = parse_any(body)
    if not isinstance(value, dict):
        raise BadStructure("", None, "must be a JSON object")
    return value


def parse_any(body: bytes) -> JsonValue:
    """Return the value that `body` holds, nested no deeper than `DEEPEST`. Raises `MalformedJson`."""
    try:
        value: JsonValue = _decode(body)
    except RecursionError:
        raise _too_deep(body) from None
    except UnicodeDecodeError:
        raise MalformedJson("is not UTF-8") from None
    except msgspec.ValidationError:
        raise MalformedJson("holds a number that is out of range") from None
    except msgspec.DecodeError as error:
        at = _POSITION.search(str(error))
        if at is None:
            raise MalformedJson("is empty or ends too early" if body.strip() else "is empty", len(body)) from None
        raise MalformedJson("is not valid JSON", int(at[1])) from None
    if body.count(b"{") + body.count(b"[") > DEEPEST and _is_deep(value):
        raise _too_deep(body)
    return value


def _is_deep(value: JsonValue) -> bool:
    """Whether a value is nested deeper than `DEEPEST`. Walks it level by level, so its own depth is no limit."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            each
            for holder in level
            for each in (holder.values() if isinstance(holder, dict) else holder if isinstance(holder, list) else ())
            if isinstance(each, dict | list)
        ]
    return bool(level)


def _too_deep(body: bytes) -> MalformedJson:
    """The refusal, with the place at which the first object or array begins that is too deep."""
    depth = 0
    for token in _TOKEN.finditer(body):
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(token[0], 0)
        if depth > DEEPEST:
            return MalformedJson("is nested too deeply", token.start())
    return MalformedJson("is nested too deeply")


def encode(value: JsonValue) -> bytes:
    """`value` as JSON."""
    return _encode(value)


def join(path: str, step: str) -> str:
    """The place `step` below `path`."""
    return f"{path}/{step}" if path else step


def element(node: JsonValue, path: str, known: Set[str]) -> Json:
    """`node` as an object that has no elements but the `known` ones and no nulls."""
    if not isinstance(node, dict):
        raise BadStructure(path, _scalar(node), "must be an object")
    if not node.keys() <= known:
        unknown = next(key for key in node if key not in known)
        raise UnexpectedField(join(path, unknown), unknown, "unknown element")
    for key, value in node.items():
        if value is None:
            raise BadStructure(join(path, key), None, "must not be null")
        if key in _TOLERATED and not isinstance(value, str):
            raise _mismatch(join(path, key), value, "a string")
    return node


def needed(node: Json, key: str, path: str) -> JsonValue:
    """The element `key`, which the profile makes mandatory."""
    value = node.get(key)
    if value is None:
        raise BadStructure(join(path, key), None, "is required")
    return value


def array(value: JsonValue, path: str) -> list[JsonValue]:
    """`value` as an array."""
    if not isinstance(value, list):
        raise BadStructure(path, _scalar(value), "must be an array")
    return value


def text(value: JsonValue, path: str) -> str:
    """`value` as a string that is not empty, as FHIR demands."""
    if not isinstance(value, str):
        raise _mismatch(path, value, "a string")
    if not value or value.isspace():
        raise BadValue(path, value, "must not be empty")
    return value


def truth(value: JsonValue, path: str) -> bool:
    """`value` as true or false."""
    if not isinstance(value, bool):
        raise _mismatch(path, value, "true or false")
    return value


def whole(value: JsonValue, path: str, most: int) -> int:
    """`value` as a whole number from 0 to `most`; a truth value is none, though Python thinks so."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise _mismatch(path, value, "a whole number")
    if not 0 <= value <= most:
        raise BadValue(path, value, f"must be between 0 and {most}")
    return value


def fixed(node: Json, key: str, path: str, expected: str) -> None:
    """Refuse unless the mandatory element `key` has the one value that is legal."""
    value = text(needed(node, key, path), join(path, key))
    if value != expected:
        raise BadValue(join(path, key), value, f"must be {expected}")


def resource(node: JsonValue, path: str, kind: str, known: frozenset[str], *profiles: str) -> Json:
    """`node` as a resource of type `kind` that claims all `profiles` and has no elements but the `known` ones."""
    if not isinstance(node, dict):
        raise BadStructure(path, _scalar(node), "must be a resource")
    # The type comes first, or a resource of another type would be refused for elements that are right for it.
    fixed(node, "resourceType", path, kind)
    found = element(node, path, known)
    at = join(path, "meta")
    meta = element(needed(found, "meta", path), at, _META)
    claimed = array(needed(meta, "profile", at), join(at, "profile"))
    for index, each in enumerate(claimed):
        text(each, f"{join(at, 'profile')}[{index}]")
    if not claimed:
        raise BadStructure(join(at, "profile"), None, "is required")
    for profile in profiles:
        if profile not in claimed:
            raise BadValue(join(at, "profile"), claimed[0], f"must hold {profile}")
    return found


_META: Final = frozenset({"id", "profile", "lastUpdated", "versionId"})


def _mismatch(path: str, value: JsonValue, wanted: str) -> Unreadable:
    """Objects, arrays and nulls in a scalar's place are another shape; a scalar of another type is a wrong value."""
    if value is None or isinstance(value, dict | list):
        return BadStructure(path, None, f"must be {wanted}")
    return BadValue(path, value, f"must be {wanted}")


def _scalar(value: JsonValue) -> JsonValue:
    """`value` if it is short enough to be shown in a refusal as it is."""
    return None if isinstance(value, dict | list) else value
