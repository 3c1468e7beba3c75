"""Build our OpenAPI 3.1 document from the registry: each operation, header, status and named schema."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from starlette.routing import Route

from openers.api.addresses import document_of
from openers.api.examples import Example, example_of, path_values, query_values
from openers.api.http.media import FHIR_JSON, PDF
from openers.api.interaction import Loop
from openers.api.operation import ANY, HEAD, Operation, Tag
from openers.api.registry import all_operations
from openers.domain.file_types import EXTENSIONS
from openers.domain.principal import SPCA
from openers.settings import Settings
from openers.wire.dialect import EdgeProblem, Form
from openers.wire.r4.dialect import R4
from openers.wire.schemas import NAMED

_FHIR: Final = "/referrals/FHIR"
"""What the address of the FHIR resources adds to the base URL of the service."""
TEXT: Final = "text/plain;charset=utf-8"
PLAIN: Final = "text/plain"
_REFUSALS: Final = {
    "400": "The request cannot be parsed, or (R4) breaks a rule",
    "401": "The access token or the log-in method is not accepted",
    "403": "The caller is not allowed to do this",
    "404": "There is no such record",
    "406": "The caller does not accept FHIR JSON",
    "408": "The body did not arrive in time",
    "413": "The body exceeds the size limit",
    "409": "Another caller has changed the record",
    "412": "If-Match, the version to change, is missing",
    "415": "The body is not FHIR JSON",
    "422": "The body breaks a rule; the code says which",
    "423": "Another caller is changing the record",
    "429": "Too many requests",
    "500": "The service failed",
    "502": "The Patient Administration System refused",
    "503": "The service is temporarily unavailable",
    "504": "The Patient Administration System did not respond",
}
_PATH: Final = {
    "ubrn": "Unique Booking Reference Number (UBRN), 12 digits",
    "version": "Version of the record; only the latest can be read",
    "id": "Id of the record",
    "codeSystemType": "Name of the code system",
}
"""Descriptions of path parameters."""
_TAGS: Final = {
    Tag.REFER: "Search for services and create referrals",
    Tag.ASK: "Ask a provider for advice",
    Tag.READ: "Read referrals, advice, letters and files",
    Tag.REVIEW: "List and review the requests of a provider",
    Tag.CHANGE: "Read, move or cancel an appointment",
    Tag.MANAGE: "Change or cancel a referral",
    Tag.BOOK: "Find slots and book them",
    Tag.TRIAGE: "Send a referral for triage",
    Tag.ADVISE: "List and answer the questions of referrers",
    Tag.USERS: "Read the roles of a person",
    Tag.SERVICES: "Read and search the directory of services",
    Tag.EXTENSIONS: "Operations that the real service lacks",
}
"""Descriptions of the groups of operations."""
_REQUIRED: Final = {"required": True, "schema": {"type": "string"}}
_FORMS: Final = {
    EdgeProblem.ACCEPT: {"406"},
    EdgeProblem.CONTENT_TYPE: {"415"},
    EdgeProblem.TOKEN: {"401"},
    EdgeProblem.LIMIT: {"429"},
}
"""Statuses whose bodies have the form of one problem. Where that is empty, none is promised: few replies have one."""
_OF_BODIES: Final = ("408", "413", "415")
"""Refusals of operations with a request body."""
_OF_CHANGES: Final = ("409", "423")
"""Refusals of operations that change a record."""
_OF_PAS: Final = ("502", "504")
"""Refusals of operations that call a PAS."""


def openapi_routes(loop: Loop, settings: Settings) -> list[Route]:
    """Return the route of `/referrals/openapi.json`."""
    own = settings.base_url.rstrip("/").encode()
    body = json.dumps(openapi_document(settings.fhir_base_url)).encode()  # slow, so other worlds replace the address

    def _of(base_url: str) -> bytes:
        return body.replace(own, base_url.encode())

    return [document_of(loop, "/referrals/openapi.json", _of, {"content-type": "application/json"})]


def openapi_document(base: str) -> dict[str, Any]:
    """Return the document of a service whose FHIR resources are below `base`."""
    documentation = f"{base.removesuffix(_FHIR)}/docs/"
    paths: dict[str, dict[str, Any]] = {}
    for operation in all_operations():
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, base)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OpenERS",
            "version": "0.1.0",
            "description": "An open e-Referral Service. Synthetic data only; not an NHS service.",
            "license": {"name": "MIT", "identifier": "MIT"},
            "contact": {"name": "OpenERS", "url": documentation},
        },
        "externalDocs": {"description": "Documentation", "url": documentation},
        "servers": [{"url": base}],
        "security": [{"bearer": []}],
        "tags": [{"name": tag, "description": text} for tag, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": NAMED,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation, base: str) -> dict[str, Any]:
    base_url = base.removesuffix(_FHIR)
    example = example_of(operation, base_url)
    described: dict[str, Any] = {
        "operationId": operation.operation_id,
        "summary": f"{operation.id}: {operation.summary}",
        "description": _callers(operation),
        "externalDocs": {"url": f"{base_url}/docs/operations/{operation.id.lower()}.html"},
        "tags": list(operation.tags),
        "parameters": _parameters(operation, example),
        "responses": {str(operation.success): _success(operation, example), **_refusals(operation)},
    }
    if operation.deprecated:
        described["deprecated"] = True
    if operation.request is not None:
        content = _content(operation.request, shown=_shown(example, example.body))
        described["requestBody"] = {"required": True, "content": content}
    if operation.takes_file:
        described["requestBody"] = {"required": True, "content": _files(_shown(example, example.text))}
    return described


def _callers(operation: Operation) -> str:
    """Who may call an operation, in a sentence for each kind of caller."""
    people = ", ".join(sorted(operation.roles)) if operation.roles is not None else "everybody who is logged in"
    applications = ", ".join(sorted(operation.applications)) or "none"
    return f"People: {people}. Applications: {applications}."


def _parameters(operation: Operation, example: Example) -> list[dict[str, Any]]:
    """All parameters, those that the example sends with its values."""
    places = {"path": path_values(operation, example), "query": query_values(example), "header": example.headers}
    parameters = [*_path_parameters(operation), *_query_parameters(operation), *_headers(operation)]
    for each in parameters:
        if each["name"] in places[each["in"]]:
            each["example"] = places[each["in"]][each["name"]]
    return parameters


def _shown(example: Example, value: Any) -> dict[str, Any]:
    """The examples of a body: one, or none if there is no such value."""
    return {} if value is None else {"examples": {"demo": {"summary": example.title, "value": value}}}


def _body(operation: Operation, example: Example) -> Any:
    """Return the body that an example shows. A PDF is not text: its first bytes name the format."""
    if operation.produces == PDF:
        return "%PDF-1.7"
    return example.reply.text if operation.produces == ANY else example.reply.body


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    names = re.findall(r"\{(\w+)\}", operation.path)
    return [
        {"name": name, "in": "path", "required": True, "description": _PATH[name], "schema": {"type": "string"}}
        for name in names
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "in": "query",
            "required": each.required,
            "description": each.description,
            "schema": {"type": "string", "enum": list(each.values)} if each.values else {"type": "string"},
        }
        for each in operation.query
    ]


def _headers(operation: Operation) -> list[dict[str, Any]]:
    """Return the request headers, which depend on who may call the operation (rules 2.4)."""
    headers = [_header("X-Correlation-ID", "Comes back unchanged")]
    if operation.roles is None:
        return headers
    by_people = not operation.applications
    functions = {"type": "string", "enum": sorted(operation.roles)}
    headers.append(
        _header("NHSD-End-User-Organisation-ODS", "The caller's organisation; not for applications", by_people)
    )
    headers.append(
        _header("NHSD-eRS-Business-Function", "The caller's role there; not for applications", by_people, functions)
    )
    if SPCA in operation.roles and operation.acts_for:
        headers.append(
            _header("NHSD-eRS-On-Behalf-Of-User-ID", f"The clinician for whom a {SPCA} acts; only for this role")
        )
    if operation.if_match:
        headers.append(_header("If-Match", "The ETag of the version that was read", True))
    if operation.takes_file:
        headers.append(_header("NHSD-eRS-File-Name", "Name of the file, with its extension", True))
        headers.append(_header("NHSD-eRS-Referral-ID", "UBRN of the request that the file belongs to"))
    headers.extend(_header(each.name, each.description, each.required) for each in operation.headers)
    return headers


def _header(
    name: str, description: str, required: bool = False, schema: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": schema or {"type": "string"},
    }


def _success(operation: Operation, example: Example) -> dict[str, Any]:
    reply: dict[str, Any] = {"description": operation.summary}
    if operation.response and operation.method != HEAD:
        shown = _shown(example, _body(operation, example))
        media = operation.produces
        reply["content"] = _files(shown) if media == ANY else _content(operation.response, media, shown)
    if not operation.response:
        reply["headers"] = {"Location": _REQUIRED}
    elif operation.produces != FHIR_JSON:
        reply["headers"] = {"Content-Disposition": _REQUIRED}
    if operation.etag:
        reply["headers"] = {"ETag": {"required": True, "schema": {"type": "string", "pattern": '^W/"[0-9]+"$'}}}
    headers: dict[str, Any] = reply.get("headers", {})
    for name, header in headers.items():
        headers[name] = {**header, "example": example.reply.headers[name]}
    return reply


def _refusals(operation: Operation) -> dict[str, Any]:
    absent = () if operation.request or operation.takes_file else _OF_BODIES
    absent += () if operation.changes else _OF_CHANGES
    absent += () if operation.asks_pas else _OF_PAS
    absent += () if operation.if_match else ("412",)
    absent += () if operation.finds else ("404",)
    absent += () if operation.response or operation.produces != ANY else ("406",)
    absent += () if _breaks_rules(operation) else ("422",)
    statuses = {status: text for status, text in _REFUSALS.items() if status not in absent}
    told: dict[str, Any] = {
        status: {"description": text, "content": _content(operation.fhir.schema)} for status, text in statuses.items()
    }
    for problem, refused in _FORMS.items():
        for status in told.keys() & refused:
            match operation.fhir.edge[problem].form:
                case Form.TEXT:
                    told[status]["content"] = {TEXT: {"schema": {"type": "string"}}}
                case Form.EMPTY:
                    del told[status]["content"]
                case Form.OUTCOME:
                    pass
    return told


def _breaks_rules(operation: Operation) -> bool:
    """Return whether an operation may reply 422. In R4 only an unscanned file, which cannot be read, has this reply."""
    return operation.produces == ANY if operation.fhir is R4 else operation.refusal == 422


def _files(shown: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a file of any permitted type. The file of the examples is plain text."""
    content: dict[str, Any] = {}
    for media_type in EXTENSIONS:
        content |= _content("FileContent", media_type, shown if media_type == PLAIN else None)
    return content


def _content(schema: str, media_type: str = FHIR_JSON, shown: dict[str, Any] | None = None) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}, **(shown or {})}}
