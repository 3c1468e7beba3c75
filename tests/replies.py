"""Holds replies against an OpenAPI document: status, headers, media type and body, as the operation describes them.

Called for every reply that a test gets through `tests.service.Running`: with our own document, and with the official
one where `OPENERS_REFERENCE_DIR` names it (`tests/conformance/official.py`). Addresses that a document does not
describe are let through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

import httpx
from jsonschema_rs import Draft202012Validator, ValidationError

Json = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """Where a reply is not as described. `check` is status, header, media or body; `place` says where in it."""

    path: str
    status: int
    check: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.path} {self.status}: {self.check} {self.place}: {self.message}"


class Document:
    """An OpenAPI document, 3.0 or 3.1, that replies are held against."""

    def __init__(self, document: Json, prefix: str) -> None:
        """`prefix` is what comes before the document's paths in an address."""
        self._prefix = prefix
        self._components: Json = document.get("components", {})
        self._old = document["openapi"].startswith("3.0")
        self._paths: list[tuple[re.Pattern[str], str, Mapping[str, Json]]] = [
            (_pattern(path), path, item)
            for path, item in sorted(document["paths"].items(), key=lambda pair: "{" in pair[0])
        ]
        self._validators: dict[str, Draft202012Validator] = {}

    def faults(self, request: httpx.Request, response: httpx.Response) -> Iterator[Fault]:
        """Everything in which the reply is not as the document says."""
        found = self._operation(request)
        if found is None:
            return
        path, operation = found
        status = response.status_code
        described = operation["responses"].get(str(status))
        if described is None:
            yield Fault(path, status, "status", "", "is not described")
            return
        reply = self._resolved(described)
        for check, place, message in (*self._headers(reply, response), *self._content(reply, response)):
            yield Fault(path, status, check, place, message)

    def body_faults(self, schema: str, body: object) -> Iterator[ValidationError]:
        """What is wrong with `body` as an instance of the component `schema`."""
        return self._validator({"$ref": f"#/components/schemas/{schema}"}).iter_errors(body)

    def _operation(self, request: httpx.Request) -> tuple[str, Json] | None:
        """What the request calls: method and path as described, and the operation."""
        asked = unquote(request.url.raw_path.decode().partition("?")[0]).removeprefix(self._prefix).rstrip("/")
        for pattern, path, item in self._paths:
            if pattern.fullmatch(asked):
                operation = item.get(request.method.lower())
                return None if operation is None else (f"{request.method} {path}", operation)
        return None

    def _headers(self, reply: Json, response: httpx.Response) -> Iterator[tuple[str, str, str]]:
        for name, described in reply.get("headers", {}).items():
            header = self._resolved(described)
            value = response.headers.get(name)
            if value is None and header.get("required"):
                yield "header", name, "is missing"
            elif value is not None:
                for error in self._validator(header["schema"]).iter_errors(value):
                    yield "header", name, error.message

    def _content(self, reply: Json, response: httpx.Response) -> Iterator[tuple[str, str, str]]:
        content = reply.get("content")
        media = response.headers.get("content-type", "")
        if not content or response.request.method == "HEAD" or "*/*" in content:
            return
        if media not in content:
            yield "media", media, f"is none of {', '.join(content)}"
        elif "json" in media:
            for error in self._validator(content[media]["schema"]).iter_errors(response.json()):
                yield "body", "/".join(map(str, error.instance_path)), error.message

    def _resolved(self, described: Json) -> Json:
        reference = described.get("$ref")
        if reference is None:
            return described
        found: Any = {"components": self._components}
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        return self._resolved(found)

    def _validator(self, schema: Json) -> Draft202012Validator:
        key = repr(schema)
        if key not in self._validators:
            whole = {**self._modern(schema), "components": self._schemas}
            self._validators[key] = Draft202012Validator(whole, validate_formats=True)
        return self._validators[key]

    @cached_property
    def _schemas(self) -> Json:
        return {"schemas": self._modern_all(self._components.get("schemas", {}))}

    def _modern_all(self, schemas: Json) -> Json:
        return {name: self._modern(schema) for name, schema in schemas.items()}

    def _modern(self, schema: Json) -> Json:
        """A schema of OpenAPI 3.0 as JSON Schema: `nullable` allows null, `example` is no keyword."""
        if not self._old:
            return schema
        kept = {name: value for name, value in schema.items() if name not in ("example", "nullable")}
        for name in schema.keys() & {"items", "not", "additionalProperties"}:
            kept[name] = self._modern(schema[name]) if isinstance(schema[name], dict) else schema[name]
        for name in schema.keys() & {"anyOf", "oneOf", "allOf"}:
            kept[name] = [self._modern(each) for each in schema[name]]
        if "properties" in schema:
            kept["properties"] = self._modern_all(schema["properties"])
        return {"anyOf": [kept, {"type": "null"}]} if schema.get("nullable") is True else kept


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("/".join("[^/]+" if "{" in part else re.escape(part) for part in path.split("/")))
