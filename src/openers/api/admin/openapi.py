"""Build the OpenAPI 3.1 document of the administration from its table of resources."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
from starlette.routing import Route

from openers.api.addresses import document_of
from openers.api.admin.handlers import PREFIX
from openers.api.interaction import Loop
from openers.domain.administration.rights import RIGHTS, Method, Reach, Resource
from openers.usecases.administration.kinds import KINDS
from openers.usecases.administration.records import MOST_ON_A_PAGE
from openers.usecases.events.webhooks import Registration
from openers.wire.admin.examples import EXAMPLES
from openers.wire.admin.records import Webhook
from openers.wire.admin.translating import RECORDS

PATH: Final = f"{PREFIX}/openapi.json"
_REF: Final = "#/components/schemas/{name}"
_REFUSALS: Final = {
    "400": "A header, a parameter or the body cannot be read",
    "401": "The access token is not accepted",
    "403": "The caller may not do this",
    "404": "There is no such record, or the caller may not see it",
    "406": "The caller does not accept JSON",
    "408": "The body did not arrive in time",
    "412": "The record has another version; the problem holds the difference",
    "413": "The body exceeds the size limit",
    "415": "The body is not JSON",
    "422": "The record breaks a rule, or an idempotency key was sent with another request",
    "423": "Another request is changing the record",
    "428": "If-Match, the version to change, is missing",
    "429": "Too many requests",
    "500": "The service failed",
    "503": "The service is temporarily unavailable",
}
_OF_ALL: Final = ("400", "401", "403", "404", "406", "429", "500", "503")
_OF_CHANGES: Final = ("408", "412", "413", "422", "423", "428")
_TEXT: Final = {"type": "string"}
_PROBLEM: Final = {
    "type": "object",
    "description": "Problem details (RFC 9457) with the cause in `detail`, its place, and the cure",
    "required": ["type", "title", "status", "code", "detail", "place", "cure", "request_id"],
    "properties": {
        **dict.fromkeys(("type", "title", "code", "detail", "place", "cure", "request_id"), _TEXT),
        "status": {"type": "integer"},
        "version": {"type": "integer", "description": "The present version (412)"},
        "difference": {
            "type": "array",
            "description": "The places in which the sent record differs from the stored one (412)",
            "items": {
                "type": "object",
                "required": ["place", "sent", "stored"],
                "properties": {"place": _TEXT, "sent": {}, "stored": {}},
            },
        },
    },
}


def admin_openapi_routes(loop: Loop) -> list[Route]:
    """Return the route of the document, which names the address of the world."""

    def _of(base_url: str) -> bytes:
        return json.dumps(admin_openapi(base_url)).encode()

    return [document_of(loop, PATH, _of, {"content-type": "application/json"})]


def admin_openapi(base_url: str) -> dict[str, Any]:
    """Return the document of a service at `base_url`."""
    _, components = msgspec.json.schema_components([*RECORDS.values(), Registration], ref_template=_REF)
    components["RegisteredWebhook"] = _registered_webhook()
    components["Problem"] = _PROBLEM
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OpenERS administration",
            "version": "1",
            "description": "Register organisations, people, applications, services and more. Things end; nothing that"
            " a referral refers to is deleted. A change is in force for every request that arrives after its reply in"
            " the same process, and within one second in others.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": base_url}],
        "security": [{"bearer": []}],
        "paths": {path: item for resource in Resource for path, item in _paths(resource).items()},
        "components": {"schemas": components, "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }


def _registered_webhook() -> dict[str, Any]:
    """Return the schema of a webhook as it is registered: the only reply with its secret."""
    shape: dict[str, Any] = msgspec.json.schema_components([Webhook], ref_template=_REF)[1]["Webhook"]
    properties = {**shape["properties"], "secret": _TEXT}
    return {**shape, "properties": properties, "required": [*shape["required"], "secret"]}


def _paths(resource: Resource) -> dict[str, Any]:
    single: dict[str, Any] = {"get": _read(resource)}
    whole: dict[str, Any] = {"get": _list(resource)}
    if resource is Resource.WEBHOOKS:
        whole["post"] = _register(resource)
        single["delete"] = _remove(resource)
    else:
        single["put"] = _put(resource)
        if KINDS[resource].ended is not None:
            single["delete"] = _end(resource)
    single["parameters"] = [_parameter("key", "path", "The key of the record", required=True)]
    return {f"{PREFIX}/{resource}": whole, f"{PREFIX}/{resource}/{{key}}": single}


def _list(resource: Resource) -> dict[str, Any]:
    item = {
        "type": "object",
        "required": ["key", "version", "value"],
        "properties": {"key": _TEXT, "version": {"type": "integer"}, "value": _schema(resource)},
    }
    page = {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": item},
            "next": {"type": ["string", "null"], "description": "The cursor of the next page"},
        },
    }
    parameters = [
        _parameter(
            "limit", "query", "Records on the page", {"type": "integer", "minimum": 1, "maximum": MOST_ON_A_PAGE}
        ),
        _parameter("cursor", "query", "`next` of the previous page"),
        _parameter("organisation", "query", "ODS code: only records of this organisation"),
    ]
    return _operation(resource, Method.READ, "list", {"200": _reply("A page of the list", page)}, parameters)


def _read(resource: Resource) -> dict[str, Any]:
    return _operation(resource, Method.READ, "read", {"200": _reply("The record", _schema(resource), etag=True)})


def _put(resource: Resource) -> dict[str, Any]:
    replies = {
        "200": _reply("The record was replaced, or is the same", _schema(resource), etag=True),
        "201": _reply("The record was created", _schema(resource), etag=True),
    }
    headers = [_if_match("The ETag of the version to replace; `*` for any"), _IF_NONE_MATCH, _ONCE, _DRY_RUN]
    operation = _operation(resource, Method.PUT, "put", replies, headers)
    return _with_body(operation, _schema(resource), EXAMPLES[resource])


def _end(resource: Resource) -> dict[str, Any]:
    replies = {"200": _reply("The record as it has ended", _schema(resource), etag=True)}
    day = _parameter(
        "on", "query", "The day on which it ends, if it has one; otherwise today", {**_TEXT, "format": "date"}
    )
    headers = [_if_match("The ETag of the version to end; `*` for any"), _ONCE, _DRY_RUN, day]
    return _operation(resource, Method.END, "end", replies, headers)


def _register(resource: Resource) -> dict[str, Any]:
    replies = {"201": _reply("The webhook with its secret", {"$ref": _REF.format(name="RegisteredWebhook")}, etag=True)}
    schema = {"$ref": _REF.format(name=Registration.__name__)}
    return _with_body(_operation(resource, Method.PUT, "register", replies), schema, EXAMPLES[resource])


def _remove(resource: Resource) -> dict[str, Any]:
    return _operation(resource, Method.END, "remove", {"204": {"description": "The webhook was removed"}})


def _operation(
    resource: Resource,
    method: Method,
    verb: str,
    replies: dict[str, Any],
    parameters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    refusals = [*_OF_ALL, *(_OF_CHANGES if method is not Method.READ else ())]
    return {
        "operationId": f"{verb}-{resource}",
        "summary": f"{verb.capitalize()} {resource}",
        "description": _callers(resource, method),
        "tags": [resource],
        "parameters": [*_ROLE, *(parameters or [])],
        "responses": {**replies, **{status: _refusal(status) for status in sorted(refusals)}},
    }


def _callers(resource: Resource, method: Method) -> str:
    """Return who may call the operation, as a sentence."""
    reaches = {caller: rights.get(resource, {}).get(method, Reach.NONE) for caller, rights in RIGHTS.items()}
    named = [f"{caller} ({reach})" for caller, reach in reaches.items() if reach is not Reach.NONE]
    return f"Callers: {', '.join(named)}."


def _schema(resource: Resource) -> dict[str, Any]:
    return {"$ref": _REF.format(name=RECORDS[resource].__name__)}


def _with_body(operation: dict[str, Any], schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """Return the operation with the body that it takes."""
    body = {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}
    return {**operation, "requestBody": body, "responses": {**operation["responses"], "415": _refusal("415")}}


def _reply(description: str, schema: dict[str, Any], *, etag: bool = False) -> dict[str, Any]:
    reply: dict[str, Any] = {"description": description, "content": {"application/json": {"schema": schema}}}
    if etag:
        reply["headers"] = {"ETag": {"description": "The version of the record", "schema": _TEXT}}
    return reply


def _refusal(status: str) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name="Problem")}
    return {"description": _REFUSALS[status], "content": {"application/problem+json": {"schema": schema}}}


def _parameter(
    name: str, place: str, description: str, schema: dict[str, Any] | None = None, *, required: bool = False
) -> dict[str, Any]:
    return {"name": name, "in": place, "description": description, "required": required, "schema": schema or _TEXT}


def _if_match(description: str) -> dict[str, Any]:
    return _parameter("If-Match", "header", description)


_IF_NONE_MATCH: Final = _parameter("If-None-Match", "header", "`*`: create the record, and replace nothing")
_ONCE: Final = _parameter("Idempotency-Key", "header", "For 24 hours, the same key returns the first reply")
_DRY_RUN: Final = _parameter("dry_run", "query", "Check everything and change nothing", {"type": "boolean"})
_ROLE: Final = [
    _parameter(
        "NHSD-End-User-Organisation-ODS", "header", "The organisation of the person's role; not for applications"
    ),
    _parameter("NHSD-eRS-Business-Function", "header", "The function of the person there; not for applications"),
]
