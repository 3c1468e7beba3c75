"""Parameters of DSTU2 requests by name. They are read leniently, as clients of the time sent them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeVar

from openers.domain.identifiers import Identifier
from openers.wire.dstu2.systems import same
from openers.wire.json import (
    LONGEST_COMMENT,
    BadCode,
    BadStructure,
    BadValue,
    Json,
    JsonValue,
    UnexpectedField,
    array,
    bounded,
    join,
)

CodeT = TypeVar("CodeT", bound=StrEnum)
IdentifierT = TypeVar("IdentifierT", bound=Identifier)
_VALUE: Final = "value"
_TRUTH: Final = {"true": True, "false": False}


class Sent:
    """The parameters of a request, each with its place. An empty text counts as not given."""

    def __init__(self, body: Json, known: frozenset[str], path: str = "parameter") -> None:
        """Read `parameter` of `body`. Raises BadStructure, UnexpectedField."""
        self._values: dict[str, tuple[Json, str]] = {}
        for index, each in enumerate(array(body.get("parameter", []), path)):
            at = f"{path}[{index}]"
            if not isinstance(each, dict) or not isinstance(each.get("name"), str):
                raise BadStructure(at, None, "must be an object with a name")
            name = str(each["name"])
            if name not in known:
                raise UnexpectedField(at, name, "unknown parameter")
            if name in self._values:
                raise BadStructure(at, name, "is given more than once")
            if not _is_empty(each):
                self._values[name] = (each, at)

    def has(self, name: str) -> bool:
        """Return whether a parameter is given."""
        return name in self._values

    def code(self, name: str, system: str) -> str | None:
        """Return the code of a concept, a coding or a text. Raises BadStructure, BadValue."""
        found = self._values.get(name)
        if found is None:
            return None
        node, at = found
        coding = _coding(node)
        if coding is None:
            return self.text(name)
        if "system" in coding and not same(coding["system"], system):
            raise BadValue(join(at, "system"), _shown(coding["system"]), f"must be {system}")
        return _text(coding.get("code"), join(at, "code"))

    def one_of(self, name: str, system: str, codes: type[CodeT]) -> CodeT | None:
        """Return the code of a closed set. Raises BadCode and as `code`."""
        sent = self.code(name, system)
        if sent is None:
            return None
        try:
            return codes(sent)
        except ValueError:
            raise BadCode(name, sent, f"must be one of {', '.join(codes)}") from None

    def identifier(self, name: str, system: str, of: type[IdentifierT]) -> IdentifierT | None:
        """Return an identifier, as valueIdentifier or as a text. Raises BadStructure, BadValue."""
        found = self._values.get(name)
        if found is None:
            return None
        node, at = found
        sent = node.get("valueIdentifier")
        if isinstance(sent, dict):
            if "system" in sent and not same(sent["system"], system):
                raise BadValue(join(at, "system"), _shown(sent["system"]), f"must be {system}")
            value = _text(sent.get(_VALUE), join(at, _VALUE))
        else:
            value = self.text(name) or ""
        try:
            return of(value)
        except ValueError:
            raise BadValue(join(at, _VALUE), value, f"must be {of.shape}") from None

    def text(self, name: str) -> str | None:
        """Return a text. Raises BadStructure, BadValue."""
        found = self._values.get(name)
        return None if found is None else _text(found[0].get("valueString"), join(found[1], "valueString"))

    def number(self, name: str) -> int | None:
        """Return a whole number, sent as a text or as a number. Raises BadStructure, BadValue."""
        found = self._values.get(name)
        if found is None:
            return None
        sent = next((found[0][key] for key in ("valueInteger", "valueUnsignedInt") if key in found[0]), None)
        text = str(sent) if isinstance(sent, int) else self.text(name) or ""
        first = text.strip().partition(" ")[0]
        if not (first.isascii() and first.isdigit() and len(first) < 6):
            raise BadValue(found[1], text, "must be a whole number")
        return int(first)

    def truth(self, name: str) -> bool | None:
        """Return true or false, sent as a text or as a boolean. Raises BadValue."""
        found = self._values.get(name)
        if found is None:
            return None
        sent = found[0].get("valueBoolean")
        if isinstance(sent, bool):
            return sent
        text = (self.text(name) or "").lower()
        if text not in _TRUTH:
            raise BadValue(found[1], text, "must be true or false")
        return _TRUTH[text]

    def node(self, name: str) -> tuple[Json, str] | None:
        """Return a parameter with its place, as it was sent."""
        return self._values.get(name)


def _is_empty(node: Json) -> bool:
    return node.get("valueString", "-") == ""


def _coding(node: Json) -> Json | None:
    """Return the first coding of a concept, or the coding itself."""
    concept = node.get("valueCodeableConcept")
    codings = concept.get("coding") if isinstance(concept, dict) else None
    first = codings[0] if isinstance(codings, list) and codings else codings
    found = first if isinstance(first, dict) else node.get("valueCoding")
    if isinstance(found, dict):
        return found
    return {"code": node["valueCode"]} if "valueCode" in node else None


def _text(value: JsonValue, at: str) -> str:
    if not isinstance(value, str):
        raise BadStructure(at, None, "must be a text")
    if not value.strip():
        raise BadValue(at, None, "must not be empty")
    return bounded(value.strip(), at, LONGEST_COMMENT)


def _shown(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None
