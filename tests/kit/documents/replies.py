"""Compare replies with the operation's description in an OpenAPI document: status, headers, media type and body.

Every reply that a test gets through `tests.kit.service.running.Running` is compared with our own document. If
`OPENERS_REFERENCE_DIR` is set, it is also compared with the official one (`tests/kit/documents/official.py`). Addresses
that a document does not describe are not checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import httpx

from openers.worlds.recording import contract

Json = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """A difference from the document. `check` is status, header, media or body; `place` is the part of the reply."""

    path: str
    status: int
    check: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.path} {self.status}: {self.check} {self.place}: {self.message}"


class Document(contract.Document):
    """An OpenAPI document, version 3.0 or 3.1, with which replies are compared."""

    mask = None

    def __init__(self, document: Json, prefix: str) -> None:
        """`prefix` is the part of an address before the document's paths."""
        super().__init__(document, prefix)
        self._old = document["openapi"].startswith("3.0")

    def faults(self, request: httpx.Request, response: httpx.Response) -> Iterator[Fault]:
        """Yield each difference between the reply and the document."""
        found = self.operation(request.method, request.url.raw_path.decode())
        if found is None:
            return
        path, operation = found
        told = contract.Heard(headers=response.headers, body=response.content, status=response.status_code)
        for check, place, message in self.of_reply(operation, told, has_body=request.method != "HEAD"):
            yield Fault(f"{request.method} {path}", response.status_code, check, place, message)

    def modern(self, schema: Json) -> Json:
        """Convert a schema of OpenAPI 3.0 into JSON Schema: apply `nullable` and drop `example`."""
        if not self._old:
            return schema
        kept = {name: value for name, value in schema.items() if name not in ("example", "nullable")}
        for name in schema.keys() & {"items", "not", "additionalProperties"}:
            kept[name] = self.modern(schema[name]) if isinstance(schema[name], dict) else schema[name]
        for name in schema.keys() & {"anyOf", "oneOf", "allOf"}:
            kept[name] = [self.modern(each) for each in schema[name]]
        if "properties" in schema:
            kept["properties"] = {name: self.modern(each) for name, each in schema["properties"].items()}
        return {"anyOf": [kept, {"type": "null"}]} if schema.get("nullable") is True else kept


def in_common(node: Any) -> Any:
    """Return a resource without the two parts that only some operations show (see `tests/api/test_a0_views.py`)."""
    if isinstance(node, list):
        return [in_common(each) for each in cast("list[Any]", node) if not _is_own(each)]
    if isinstance(node, dict):
        return {name: in_common(value) for name, value in cast("dict[str, Any]", node).items()}
    return node


def _is_own(node: Any) -> bool:
    if not isinstance(node, dict):
        return False
    held = cast("dict[str, Any]", node)
    return held.get("name") == "commissioningProvisioning" or str(held.get("url")).endswith("eReferralPathwayStart-1")
