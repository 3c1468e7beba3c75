"""Validate calls and replies against an OpenAPI document: parameters, headers, media types and bodies.

The test environment validates each call against our own document. A finding never repeats a value of a body.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, unquote

import msgspec
from jsonschema_rs import Draft202012Validator, ValidationError

from openers.telemetry.redaction import MASK
from openers.wire.json import MalformedJson, parse_any

Json = dict[str, Any]
JSON: Final = "json"
LINES: Final = "ndjson"
"""JSON in each line, which is not validated."""
ANY: Final = "*/*"
LONGEST_JUDGED: Final = 64 * 1024
"""Maximum bytes of a body for validation, since the process does nothing else meanwhile."""
MOST_JUDGED: Final = 200
"""Maximum objects and arrays in a body for all findings; a larger body gets only the first.

Each invalid one takes 0.1 ms, during which the process does nothing else.
"""


class Finding(NamedTuple):
    """A difference from the document. `part` is parameter, header, status, media or body; `place` is within it."""

    part: str
    place: str
    message: str


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a message that a document describes. Header names are in lower case; `status` is for replies.

    A body that is absent or very long is not validated.
    """

    headers: Mapping[str, str]
    body: bytes | None
    query: str = ""
    status: int = 0


class Document:
    """An OpenAPI document to validate messages against."""

    mask: str | None = MASK
    """Replacement for values of a message in findings; `None` shows the values."""

    def __init__(self, document: Json, prefix: str) -> None:
        """Compile the document; `prefix` precedes its paths in an address."""
        self._prefix = prefix
        self._components: Json = document.get("components", {})
        self._paths: list[tuple[re.Pattern[str], str, Mapping[str, Json]]] = [
            (pattern_of(path), path, item)
            for path, item in sorted(document["paths"].items(), key=lambda pair: "{" in pair[0])
        ]
        self._validators: dict[str, Draft202012Validator] = {}

    def operation(self, method: str, target: str) -> tuple[str, Json] | None:
        """Return the documented path and operation of a call of `target` (a path with or without a query)."""
        asked = unquote(target.partition("?")[0]).removeprefix(self._prefix).rstrip("/")
        for pattern, path, item in self._paths:
            if pattern.fullmatch(asked):
                operation = item.get(method.lower())
                return None if operation is None else (path, operation)
        return None

    def of_request(self, operation: Json, sent: Heard) -> Iterator[Finding]:
        """Yield all differences between a request and its operation."""
        query = parse_qs(sent.query, keep_blank_values=True)
        for parameter in map(self.resolved, operation.get("parameters", [])):
            yield from self._parameter(parameter, sent.headers, query)
        described = operation.get("requestBody")
        if described is not None:
            yield from self._content(self.resolved(described)["content"], sent)

    def of_reply(self, operation: Json, told: Heard, *, has_body: bool = True) -> Iterator[Finding]:
        """Yield all differences between a reply and its operation; a reply to HEAD has no body."""
        described = operation["responses"].get(str(told.status))
        if described is None:
            yield Finding("status", "", "is not described")
            return
        reply = self.resolved(described)
        for name, header in reply.get("headers", {}).items():
            yield from self._header(name, self.resolved(header), told.headers.get(name.lower()))
        if has_body and reply.get("content"):
            yield from self._content(reply["content"], told)

    def body_faults(self, schema: str, body: object) -> Iterator[ValidationError]:
        """Yield the errors of `body` as an instance of the component `schema`."""
        return self.validator({"$ref": f"#/components/schemas/{schema}"}).iter_errors(body)

    def resolved(self, described: Json) -> Json:
        """Return a described part after following its reference."""
        reference = described.get("$ref")
        if reference is None:
            return described
        found: Any = {"components": self._components}
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        return self.resolved(found)

    def validator(self, schema: Json) -> Draft202012Validator:
        """Return a validator of a schema of the document, created once."""
        key = repr(schema)
        if key not in self._validators:
            whole = {**self.modern(schema), "components": self._schemas}
            self._validators[key] = Draft202012Validator(whole, validate_formats=True, mask=self.mask)
        return self._validators[key]

    def modern(self, schema: Json) -> Json:
        """Return a schema of the document as JSON Schema; since OpenAPI 3.1 they are the same."""
        return schema

    @cached_property
    def _schemas(self) -> Json:
        return {"schemas": {name: self.modern(each) for name, each in self._components.get("schemas", {}).items()}}

    def _parameter(
        self, parameter: Json, headers: Mapping[str, str], query: Mapping[str, list[str]]
    ) -> Iterator[Finding]:
        name = parameter["name"]
        match parameter["in"]:
            case "header":
                yield from self._header(name, parameter, headers.get(name.lower()) or None)
            case "query" if name not in query and parameter.get("required"):
                yield Finding("parameter", name, "is missing")
            case _:
                pass

    def _header(self, name: str, described: Json, value: str | None) -> Iterator[Finding]:
        if value is None and described.get("required"):
            yield Finding("header", name, "is missing")
        elif value is not None:
            for error in self.validator(described["schema"]).iter_errors(value):
                yield Finding("header", name, error.message)

    def _content(self, content: Json, message: Heard) -> Iterator[Finding]:
        media = message.headers.get("content-type", "")
        if ANY in content:
            return
        if media not in content:
            yield Finding("media", media, f"is none of {', '.join(content)}")
        elif JSON in media and LINES not in media and message.body is not None and len(message.body) <= LONGEST_JUDGED:
            yield from self._body(content[media]["schema"], message.body)

    def _body(self, schema: Json, body: bytes) -> Iterator[Finding]:
        try:
            value = parse_any(body)
        except MalformedJson as error:
            yield Finding("body", "", error.reason)
            return
        validator, nodes = self.validator(schema), body.count(b"{") + body.count(b"[")
        for error in validator.iter_errors(value) if nodes <= MOST_JUDGED else _first_error(validator, value):
            yield Finding("body", "/".join(map(str, error.instance_path)), error.message)


def _first_error(validator: Draft202012Validator, value: object) -> list[ValidationError]:
    try:
        validator.validate(value)
    except ValidationError as error:
        return [error]
    return []


def pattern_of(path: str) -> re.Pattern[str]:
    """Return the pattern of a described path, in which a parameter matches one segment."""
    return re.compile("/".join("[^/]+" if "{" in part else re.escape(part) for part in path.split("/")))
