"""Holds calls and replies against an OpenAPI document: parameters, headers, media types and bodies.

The test environment holds every call against our own document. What a finding tells never repeats a value of a body.
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
ANY: Final = "*/*"
LONGEST_JUDGED: Final = 64 * 1024
"""How long a body may be, in bytes, for it to be judged at all: nothing else of the process runs meanwhile."""
MOST_JUDGED: Final = 200
"""How many objects and arrays a body may have for all its findings to be told; of a longer one only the first is.

Each faulty one costs a tenth of a millisecond, in which nothing else of the process runs.
"""


class Finding(NamedTuple):
    """Where a message is not as described. `part` is parameter, header, status, media or body; `place` is within it."""

    part: str
    place: str
    message: str


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A message, as far as a document describes it. Names of headers are in lower case; `status` is that of a reply.

    Without `body`, or with a very long one, nothing is said of it.
    """

    headers: Mapping[str, str]
    body: bytes | None
    query: str = ""
    status: int = 0


class Document:
    """An OpenAPI document that messages are held against."""

    mask: str | None = MASK
    """What stands for values of a message in findings; `None` shows them."""

    def __init__(self, document: Json, prefix: str) -> None:
        """`prefix` is what comes before the document's paths in an address."""
        self._prefix = prefix
        self._components: Json = document.get("components", {})
        self._paths: list[tuple[re.Pattern[str], str, Mapping[str, Json]]] = [
            (pattern_of(path), path, item)
            for path, item in sorted(document["paths"].items(), key=lambda pair: "{" in pair[0])
        ]
        self._validators: dict[str, Draft202012Validator] = {}

    def operation(self, method: str, target: str) -> tuple[str, Json] | None:
        """What a call of `target` (a path with or without a query) is: the path as described, and the operation."""
        asked = unquote(target.partition("?")[0]).removeprefix(self._prefix).rstrip("/")
        for pattern, path, item in self._paths:
            if pattern.fullmatch(asked):
                operation = item.get(method.lower())
                return None if operation is None else (path, operation)
        return None

    def of_request(self, operation: Json, sent: Heard) -> Iterator[Finding]:
        """Everything in which a request is not as its operation says."""
        query = parse_qs(sent.query, keep_blank_values=True)
        for parameter in map(self.resolved, operation.get("parameters", [])):
            yield from self._parameter(parameter, sent.headers, query)
        described = operation.get("requestBody")
        if described is not None:
            yield from self._content(self.resolved(described)["content"], sent)

    def of_reply(self, operation: Json, told: Heard, *, has_body: bool = True) -> Iterator[Finding]:
        """Everything in which a reply is not as its operation says; the reply to HEAD has no body."""
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
        """What is wrong with `body` as an instance of the component `schema`."""
        return self.validator({"$ref": f"#/components/schemas/{schema}"}).iter_errors(body)

    def resolved(self, described: Json) -> Json:
        """What is described, a reference followed."""
        reference = described.get("$ref")
        if reference is None:
            return described
        found: Any = {"components": self._components}
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        return self.resolved(found)

    def validator(self, schema: Json) -> Draft202012Validator:
        """A validator of a schema of the document, made once."""
        key = repr(schema)
        if key not in self._validators:
            whole = {**self.modern(schema), "components": self._schemas}
            self._validators[key] = Draft202012Validator(whole, validate_formats=True, mask=self.mask)
        return self._validators[key]

    def modern(self, schema: Json) -> Json:
        """A schema of the document as JSON Schema; since OpenAPI 3.1 the two are one."""
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
        elif JSON in media and message.body is not None and len(message.body) <= LONGEST_JUDGED:
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
    """Return what an address of a described path matches; a parameter takes one step of it."""
    return re.compile("/".join("[^/]+" if "{" in part else re.escape(part) for part in path.split("/")))
