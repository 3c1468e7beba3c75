"""The parts of the OpenAPI document of the administration: operations, replies, refusals, parameters."""

from __future__ import annotations

from typing import Any, Final

from openers.domain.administration.rights import AUDIT_READERS, RIGHTS, Method, Reach, Resource
from openers.usecases.administration.records import MOST_ON_A_PAGE
from openers.wire.admin.translating import RECORDS

REF: Final = "#/components/schemas/{name}"
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
    "502": "The Patient Administration System (PAS) failed",
    "503": "The service is temporarily unavailable",
}
_OF_ALL: Final = ("400", "401", "403", "404", "406", "429", "500", "503")
_OF_CHANGES: Final = ("408", "412", "413", "422", "423", "428")
TEXT: Final = {"type": "string"}


def operation(
    resource: Resource,
    method: Method,
    verb: str,
    replies: dict[str, Any],
    parameters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return an operation with the refusals that it can have."""
    refusals = [*_OF_ALL, *(_OF_CHANGES if method is not Method.READ else ())]
    return {
        "operationId": f"{verb}-{resource}",
        "summary": f"{verb.capitalize()} {resource}",
        "description": _callers(resource, method),
        "tags": [resource],
        "parameters": [*_ROLE, *(parameters or [])],
        "responses": {**replies, **{status: _refusal(status) for status in sorted(refusals)}},
    }


def exchanges_operation() -> dict[str, Any]:
    """Return the export of the exchange log."""
    line = {"description": "One exchange as JSON in each line"}
    last = {"description": "The cursor after the last line: send it next", "schema": TEXT}
    page = {
        "description": "The next exchanges",
        "headers": {"X-OpenERS-Cursor": last},
        "content": {"application/x-ndjson": {"schema": line}},
    }
    none = {"description": "No exchange was logged after the cursor", "headers": {"X-OpenERS-Cursor": last}}
    return {
        "operationId": "export-exchanges",
        "summary": "Export the exchange log",
        "description": "Callers: APPLICATION (all). 404 with the code LOG_IS_OFF: the service logs no exchanges.",
        "tags": ["exchanges"],
        "parameters": [parameter("cursor", "query", "X-OpenERS-Cursor of the previous page")],
        "responses": {"200": page, "204": none, **{status: _refusal(status) for status in _OF_ALL}},
    }


def audit_operation(page: dict[str, Any]) -> dict[str, Any]:
    """Return the search of the audit."""
    day = {**TEXT, "format": "date"}
    parameters = [
        parameter("nhs_number", "query", "The patient", required=True),
        parameter("from", "query", "The first day, in London", day),
        parameter("to", "query", "The last day, in London", day),
        parameter("person", "query", "User id: only calls by this person, or for this person"),
        parameter("organisation", "query", "ODS code: only calls in a role at this organisation"),
        parameter("operation", "query", "Only calls of this operation, for example A005"),
        LIMIT,
        parameter("cursor", "query", "`next` of the previous page"),
    ]
    return {
        "operationId": "search-audit",
        "summary": "Find out who has seen the record of a patient",
        "description": f"Callers: {', '.join(f'{each} (all)' for each in sorted(AUDIT_READERS))}. The newest entries"
        " first. The search is audited too.",
        "tags": ["audit"],
        "parameters": [*_ROLE, *parameters],
        "responses": {
            "200": reply("A page of entries", page),
            **{status: _refusal(status) for status in _OF_ALL if status != "404"},
        },
    }


def _callers(resource: Resource, method: Method) -> str:
    """Return who may call the operation, as a sentence."""
    reaches = {caller: rights.get(resource, {}).get(method, Reach.NONE) for caller, rights in RIGHTS.items()}
    named = [f"{caller} ({reach})" for caller, reach in reaches.items() if reach is not Reach.NONE]
    return f"Callers: {', '.join(named)}."


def schema_of(resource: Resource) -> dict[str, Any]:
    """Return the schema of a resource's records."""
    return {"$ref": REF.format(name=RECORDS[resource].__name__)}


def with_body(described: dict[str, Any], schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """Return the operation with the body that it takes."""
    body = {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}
    return {**described, "requestBody": body, "responses": {**described["responses"], "415": _refusal("415")}}


def with_refusal(described: dict[str, Any], status: str) -> dict[str, Any]:
    """Return the operation with one more refusal."""
    return {**described, "responses": {**described["responses"], status: _refusal(status)}}


def reply(description: str, schema: dict[str, Any], *, etag: bool = False) -> dict[str, Any]:
    """Return a reply."""
    found: dict[str, Any] = {"description": description, "content": {"application/json": {"schema": schema}}}
    if etag:
        found["headers"] = {"ETag": {"description": "The version of the record", "schema": TEXT}}
    return found


def _refusal(status: str) -> dict[str, Any]:
    schema = {"$ref": REF.format(name="Problem")}
    return {"description": _REFUSALS[status], "content": {"application/problem+json": {"schema": schema}}}


def parameter(
    name: str, place: str, description: str, schema: dict[str, Any] | None = None, *, required: bool = False
) -> dict[str, Any]:
    """Return a parameter, a text unless it has a schema."""
    return {"name": name, "in": place, "description": description, "required": required, "schema": schema or TEXT}


def if_match(description: str) -> dict[str, Any]:
    """Return the header that names a version."""
    return parameter("If-Match", "header", description)


LIMIT: Final = parameter(
    "limit", "query", "Records on the page", {"type": "integer", "minimum": 1, "maximum": MOST_ON_A_PAGE}
)
IF_NONE_MATCH: Final = parameter("If-None-Match", "header", "`*`: create the record, and replace nothing")
ONCE: Final = parameter("Idempotency-Key", "header", "For 24 hours, the same key returns the first reply")
DRY_RUN: Final = parameter("dry_run", "query", "Check everything and change nothing", {"type": "boolean"})
_ROLE: Final = [
    parameter(
        "NHSD-End-User-Organisation-ODS", "header", "The organisation of the person's role; not for applications"
    ),
    parameter("NHSD-eRS-Business-Function", "header", "The function of the person there; not for applications"),
]
