"""Build the OpenAPI 3.1 document of the administration from its table of resources."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
from starlette.routing import Route

from openers.api.addresses import document_of
from openers.api.admin.handlers import BATCH, PREFIX
from openers.api.admin.openapi_parts import (
    DRY_RUN,
    IF_NONE_MATCH,
    LIMIT,
    ONCE,
    REF,
    TEXT,
    audit_operation,
    exchanges_operation,
    if_match,
    operation,
    parameter,
    reply,
    schema_of,
    with_body,
)
from openers.api.admin.routes import AUDIT_SEARCH, CERTIFICATE, CERTIFICATES, EXCHANGES, REFRESH
from openers.api.admin.service_openapi import FINDING, creation, service_paths
from openers.api.interaction import Loop
from openers.domain.administration.rights import Method, Resource
from openers.usecases.administration.certificates import CertificateRequest, IssuedCertificate
from openers.usecases.administration.kinds import KINDS
from openers.usecases.administration.many import MOST_AT_ONCE
from openers.usecases.events.webhooks import Registration
from openers.wire.admin.audit import AuditPage
from openers.wire.admin.drafts import Copy, DraftRecord, LastDay
from openers.wire.admin.examples import EXAMPLES
from openers.wire.admin.records import Webhook
from openers.wire.admin.translating import RECORDS

PATH: Final = f"{PREFIX}/openapi.json"
_COUNT: Final = {"type": "integer", "minimum": 0}
_MISSING: Final = {
    "type": "object",
    "description": "The record to which the refused one refers, and which does not exist",
    "required": ["resource", "key"],
    "properties": {"resource": TEXT, "key": TEXT},
}
_PROBLEM: Final = {
    "type": "object",
    "description": "Problem details (RFC 9457) with the cause in `detail`, its place, and the cure",
    "required": ["type", "title", "status", "code", "detail", "place", "cure", "request_id"],
    "properties": {
        **dict.fromkeys(("type", "title", "code", "detail", "place", "cure", "request_id"), TEXT),
        "status": {"type": "integer"},
        "missing": _MISSING,
        "version": {"type": "integer", "description": "The present version (412)"},
        "findings": {"type": "array", "description": "What the checks of publishing find", "items": FINDING},
        "difference": {
            "type": "array",
            "description": "The places in which the sent record differs from the stored one (412)",
            "items": {
                "type": "object",
                "required": ["place", "sent", "stored"],
                "properties": {"place": TEXT, "sent": {}, "stored": {}},
            },
        },
    },
}
_PUT_ALL: Final = {
    "type": "object",
    "required": ["created", "replaced", "unchanged", "refused"],
    "properties": {
        "created": _COUNT,
        "replaced": _COUNT,
        "unchanged": _COUNT,
        "refused": {
            "type": "array",
            "description": "The refused records by their place in the request; the others are put",
            "items": {
                "type": "object",
                "required": ["index", "code", "detail", "place", "cure"],
                "properties": {
                    "index": _COUNT,
                    **dict.fromkeys(("code", "detail", "place", "cure"), TEXT),
                    "missing": _MISSING,
                },
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
    _, components = msgspec.json.schema_components(
        [*RECORDS.values(), Registration, DraftRecord, Copy, LastDay, CertificateRequest, IssuedCertificate, AuditPage],
        ref_template=REF,
    )
    components["RegisteredWebhook"] = _registered_webhook()
    components["Problem"] = _PROBLEM
    components["PutAll"] = _PUT_ALL
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
        "paths": {
            **{path: item for resource in Resource for path, item in _paths(resource).items()},
            **_certificates(),
            **_refreshing(),
            EXCHANGES: {"get": exchanges_operation()},
            AUDIT_SEARCH: {"get": audit_operation({"$ref": REF.format(name=AuditPage.__name__)})},
        },
        "components": {"schemas": components, "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }


def _registered_webhook() -> dict[str, Any]:
    """Return the schema of a webhook as it is registered: the only reply with its secret."""
    shape: dict[str, Any] = msgspec.json.schema_components([Webhook], ref_template=REF)[1]["Webhook"]
    properties = {**shape["properties"], "secret": TEXT}
    return {**shape, "properties": properties, "required": [*shape["required"], "secret"]}


def _paths(resource: Resource) -> dict[str, Any]:
    single: dict[str, Any] = {"get": _read(resource)}
    whole: dict[str, Any] = {"get": _list(resource)}
    several: dict[str, Any] = {}
    if resource is Resource.WEBHOOKS:
        whole["post"] = _register(resource)
        single["delete"] = _remove(resource)
    else:
        several = {f"{PREFIX}/{resource}{BATCH}": {"post": _put_all(resource)}}
        single["put"] = _put(resource)
        if KINDS[resource].ended is not None:
            single["delete"] = _end(resource)
    below = service_paths(f"{PREFIX}/{resource}") if resource is Resource.SERVICES else {}
    if below:
        whole["post"] = creation()
    single["parameters"] = [parameter("key", "path", "The key of the record", required=True)]
    return {f"{PREFIX}/{resource}": whole, f"{PREFIX}/{resource}/{{key}}": single, **several, **below}


def _list(resource: Resource) -> dict[str, Any]:
    item = {
        "type": "object",
        "required": ["key", "version", "value"],
        "properties": {"key": TEXT, "version": {"type": "integer"}, "value": schema_of(resource)},
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
        LIMIT,
        parameter("cursor", "query", "`next` of the previous page"),
        parameter("organisation", "query", "ODS code: only records of this organisation"),
    ]
    return operation(resource, Method.READ, "list", {"200": reply("A page of the list", page)}, parameters)


def _certificates() -> dict[str, Any]:
    """Return the addresses that issue and revoke certificates."""
    replies = {"201": reply("The certificate", {"$ref": REF.format(name=IssuedCertificate.__name__)})}
    issue = operation(Resource.ENDPOINTS, Method.PUT, "issue-certificate-of", replies)
    schema = {"$ref": REF.format(name=CertificateRequest.__name__)}
    example = {"request": "-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----", "days": 365}
    parameters = [parameter("key", "path", "The ASID of the endpoint", required=True)]
    removed = {"204": {"description": "The certificate is revoked: its endpoint does not have it any more"}}
    revoke = operation(Resource.ENDPOINTS, Method.PUT, "revoke-certificate-of", removed)
    for unused in ("412", "428"):
        del revoke["responses"][unused]
    serial = parameter("serial", "path", "The serial number of the certificate, hexadecimal", required=True)
    return {
        CERTIFICATES: {"post": with_body(issue, schema, example), "parameters": parameters},
        CERTIFICATE: {"delete": revoke, "parameters": [*parameters, serial]},
    }


def _refreshing() -> dict[str, Any]:
    """Return the address that refreshes an organisation from ODS."""
    schema = schema_of(Resource.ORGANISATIONS)
    replies = {
        "200": reply("The organisation as ODS has it", schema, etag=True),
        "201": reply("The organisation was registered as ODS has it", schema, etag=True),
    }
    refresh = operation(Resource.ORGANISATIONS, Method.PUT, "refresh", replies, [ONCE, DRY_RUN])
    for unused in ("412", "428"):
        del refresh["responses"][unused]
    parameters = [parameter("key", "path", "The ODS code of the organisation", required=True)]
    return {REFRESH: {"post": refresh, "parameters": parameters}}


def _read(resource: Resource) -> dict[str, Any]:
    return operation(resource, Method.READ, "read", {"200": reply("The record", schema_of(resource), etag=True)})


def _put(resource: Resource) -> dict[str, Any]:
    replies = {
        "200": reply("The record was replaced, or is the same", schema_of(resource), etag=True),
        "201": reply("The record was created", schema_of(resource), etag=True),
    }
    headers = [if_match("The ETag of the version to replace; `*` for any"), IF_NONE_MATCH, ONCE, DRY_RUN]
    described = operation(resource, Method.PUT, "put", replies, headers)
    return with_body(described, schema_of(resource), EXAMPLES[resource])


def _put_all(resource: Resource) -> dict[str, Any]:
    sent = {"type": "array", "minItems": 1, "maxItems": MOST_AT_ONCE, "items": schema_of(resource)}
    body = {"type": "object", "required": ["records"], "properties": {"records": sent}, "additionalProperties": False}
    replies = {
        "200": reply("The number of records that were put, and each refusal", {"$ref": REF.format(name="PutAll")})
    }
    described = operation(resource, Method.PUT, "put-all", replies, [DRY_RUN])
    for unused in ("412", "428"):
        del described["responses"][unused]
    return with_body(described, body, {"records": [EXAMPLES[resource]]})


def _end(resource: Resource) -> dict[str, Any]:
    replies = {"200": reply("The record as it has ended", schema_of(resource), etag=True)}
    day = parameter("on", "query", "The day on which it closes; otherwise today", {**TEXT, "format": "date"})
    days = [day] if KINDS[resource].ends_on_a_day else []
    headers = [if_match("The ETag of the version to end; `*` for any"), ONCE, DRY_RUN, *days]
    return operation(resource, Method.END, "end", replies, headers)


def _register(resource: Resource) -> dict[str, Any]:
    replies = {"201": reply("The webhook with its secret", {"$ref": REF.format(name="RegisteredWebhook")}, etag=True)}
    schema = {"$ref": REF.format(name=Registration.__name__)}
    return with_body(operation(resource, Method.PUT, "register", replies), schema, EXAMPLES[resource])


def _remove(resource: Resource) -> dict[str, Any]:
    return operation(resource, Method.END, "remove", {"204": {"description": "The webhook was removed"}})
