"""Reads FHIR JSON so that every refusal names the place of the error.

`parse` decodes a body into plain values. The other functions check one value each and refuse a wrong shape; they build
texts only for refusals. The readers of `wire.stu3` (and later `wire.r4`) call them and interpret the parameters. Places
are written like `parameter[0]/resource/contained[0]/parameter[1]`. Source: rules chapters 2.6, 2.7 and 12.
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
"""Maximum nesting depth of objects and arrays. The deepest body of the service has 13 levels."""
LONGEST_COMMENT: Final = 2000
"""Maximum characters of a comment on a referral."""
LONGEST_DESCRIPTION: Final = 200
"""Maximum characters of the description of a file."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, on which terminals, printers or browsers may act, and lone surrogates, which cannot be stored."""
_POSITION: Final = re.compile(r"\(byte (\d+)\)$")
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
"""A string, or the start or end of an object or an array."""
_TOLERATED: Final = frozenset({"id", "language", "display"})
"""String elements that FHIR permits and the service ignores."""


class MalformedJson(Refused):
    """The body is not valid JSON. `position` is the byte, counted from 0, at which parsing stopped, if known."""

    source = "rules 2.6"

    def __init__(self, reason: str, position: int | None = None) -> None:
        """Store the reason, which completes the sentence `The body ...`, and the position."""
        super().__init__(reason, position)
        self.reason, self.position = reason, position


class Unreadable(Refused):
    """The JSON is not the expected FHIR. Each class is one code; `hint` says how to correct `value` at `path`."""

    source = "rules 2.7, 12"

    def __init__(self, path: str, value: JsonValue = None, hint: str = "") -> None:
        """Store the place in the body (empty for the body itself), the value and the hint."""
        super().__init__(path, value, hint)
        self.path, self.value, self.hint = path, value, hint


class MissingField(Unreadable):
    """A parameter that is always required is missing; `value` is its name and `path` where it belongs."""


class UnexpectedField(Unreadable):
    """The profile does not define this parameter or element."""


class BadStructure(Unreadable):
    """The shape differs from the profile: object for array, null, mandatory element missing, parameter repeated."""


class BadValue(Unreadable):
    """Place and shape are right, but type, length, format or system are wrong."""


class BadCode(Unreadable):
    """The value is not one of the permitted codes."""


_decode: Final = msgspec.json.Decoder(Any).decode


def _plain(value: object) -> str:
    """Return an identifier as its text: msgspec encodes `str`, but calls this for its subclasses."""
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} has no place in JSON")


_encode: Final = msgspec.json.Encoder(enc_hook=_plain).encode


def parse(body: bytes) -> Json:
    """Return the object in `body`. Raises `MalformedJson`, or `BadStructure` for JSON that is not an object."""
    value = parse_any(body)
    if not isinstance(value, dict):
        raise BadStructure("", None, "must be a JSON object")
    return value


def parse_any(body: bytes) -> JsonValue:
    """Return the value in `body`, nested no deeper than `DEEPEST`. Raises `MalformedJson`."""
    try:
        value: JsonValue = _decode(body)
    except RecursionError:
        raise _too_deep(body) from None
    except UnicodeDecodeError:
        raise MalformedJson("is not UTF-8") from None
    except msgspec.ValidationError:
        raise MalformedJson("contains a number that is out of range") from None
    except msgspec.DecodeError as error:
        at = _POSITION.search(str(error))
        if at is None:
            raise MalformedJson("is empty or ends too early" if body.strip() else "is empty", len(body)) from None
        raise MalformedJson("is not valid JSON", int(at[1])) from None
    if body.count(b"{") + body.count(b"[") > DEEPEST and _is_deep(value):
        raise _too_deep(body)
    return value


def _is_deep(value: JsonValue) -> bool:
    """Return whether a value is nested deeper than `DEEPEST`.

    Walks level by level, so it cannot exceed the recursion limit.
    """
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
    """Return the refusal, with the place where the first object or array starts that is too deep."""
    depth = 0
    for token in _TOKEN.finditer(body):
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(token[0], 0)
        if depth > DEEPEST:
            return MalformedJson("is nested too deeply", token.start())
    return MalformedJson("is nested too deeply")


def encode(value: JsonValue) -> bytes:
    """Return `value` as JSON."""
    return _encode(value)


def join(path: str, step: str) -> str:
    """Return the place `step` below `path`."""
    return f"{path}/{step}" if path else step


def element(node: JsonValue, path: str, known: Set[str]) -> Json:
    """Return `node` as an object that has only `known` elements and no nulls."""
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
    """Return the element `key`, which the profile makes mandatory."""
    value = node.get(key)
    if value is None:
        raise BadStructure(join(path, key), None, "is required")
    return value


def array(value: JsonValue, path: str) -> list[JsonValue]:
    """Return `value` as an array."""
    if not isinstance(value, list):
        raise BadStructure(path, _scalar(value), "must be an array")
    return value


def text(value: JsonValue, path: str) -> str:
    """Return `value` as a string that is not empty, as FHIR requires."""
    if not isinstance(value, str):
        raise _mismatch(path, value, "a string")
    if not value or value.isspace():
        raise BadValue(path, value, "must not be empty")
    return value


def bounded(found: str, path: str, longest: int) -> str:
    """Return a text of at most `longest` characters, without control characters except tab, LF and CR."""
    if len(found) > longest:
        raise BadValue(path, None, f"must not be longer than {longest} characters")
    unfit = _CONTROL.search(found)
    if unfit is not None:
        where = f"character {unfit.start() + 1} is U+{ord(unfit[0]):04X}"
        raise BadValue(path, None, f"must have no control characters but tab, LF and CR ({where})")
    return found


def truth(value: JsonValue, path: str) -> bool:
    """Return `value` as a boolean."""
    if not isinstance(value, bool):
        raise _mismatch(path, value, "true or false")
    return value


def whole(value: JsonValue, path: str, most: int) -> int:
    """Return `value` as a whole number from 0 to `most`.

    Booleans are refused, although Python counts them as integers.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise _mismatch(path, value, "a whole number")
    if not 0 <= value <= most:
        raise BadValue(path, value, f"must be between 0 and {most}")
    return value


def fixed(node: Json, key: str, path: str, expected: str) -> None:
    """Refuse unless the mandatory element `key` has the one permitted value."""
    value = text(needed(node, key, path), join(path, key))
    if value != expected:
        raise BadValue(join(path, key), value, f"must be {expected}")


def resource(node: JsonValue, path: str, kind: str, known: frozenset[str], *profiles: str) -> Json:
    """Return `node` as a resource of type `kind` that claims all `profiles` and has only `known` elements."""
    if not isinstance(node, dict):
        raise BadStructure(path, _scalar(node), "must be a resource")
    # The type is checked first. Otherwise a resource of another type would be refused for elements that are valid
    # there.
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
    """Return the refusal of a value of the wrong type.

    An object, array or null in place of a scalar is a wrong structure; a scalar of another type is a wrong value.
    """
    if value is None or isinstance(value, dict | list):
        return BadStructure(path, None, f"must be {wanted}")
    return BadValue(path, value, f"must be {wanted}")


def _scalar(value: JsonValue) -> JsonValue:
    """Return `value` if it is a scalar, which a refusal can show; else `None`."""
    return None if isinstance(value, dict | list) else value
