"""The CapabilityStatements of both FHIR versions, built from the registry. As FHIR requires, they are public.

Source: FHIR STU3 and R4, CapabilityStatement and the `capabilities` interaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from starlette.routing import Route

from openers.api.addresses import Declared, route
from openers.api.call import NO_CACHE
from openers.api.dialects import FhirDialect
from openers.api.edge import PREFIX
from openers.api.http.media import FHIR_JSON, accepts_of
from openers.api.http.reply import Reply
from openers.api.http.request import Stop
from openers.api.interaction import ActiveCall, Interaction, Loop, Trace
from openers.api.operation import GET, HEAD, POST, PUT, Operation, Parameter
from openers.api.registry import all_operations
from openers.api.renderings import ByAddress
from openers.domain.clock import Clock, Instant
from openers.wire import problems
from openers.wire.dialect import Fhir
from openers.wire.instants import write_instant
from openers.wire.stu3.dialect import STU3
from openers.wire.versions import VERSIONS

INCLUDE: Final = "_include"
INSTANCE: Final = {GET: "read", HEAD: "read", PUT: "update"}
"""FHIR interaction of each HTTP method at the address of one resource."""
TYPE: Final = {GET: "search-type", POST: "create"}
"""FHIR interaction of each HTTP method at the address of a resource type."""
NEEDS_VERSION: Final = "If-Match must name the version that is changed, as the ETag of a read does."
EXTENSION: Final = "OpenERS extension"
_ADDRESSES: Final = frozenset(f"{PREFIX}/{fhir.name}/metadata" for fhir in VERSIONS)


def capability_routes(loop: Loop, clock: Clock) -> list[Route]:
    """Return the routes of `/metadata` below each FHIR version."""
    started = clock.now()

    def _route(fhir: Fhir) -> Route:
        def _reply(base: str) -> Reply:
            body = json.dumps(capability_statement(fhir, base, started)).encode()
            return Reply(200, body, ((b"content-type", FHIR_JSON.encode()), NO_CACHE))

        replies = ByAddress(_reply)

        async def _metadata(call: ActiveCall) -> Reply:
            if not accepts_of(call.request.header(b"accept"), call.request.scope["query_string"], FHIR_JSON):
                raise Stop(problems.not_acceptable(FHIR_JSON))
            return replies.of(call.world.fhir_base_url)

        interaction = Interaction(audit="", operation="", dialect=FhirDialect(fhir), trace=Trace.OBSERVED)
        return route(loop, f"{PREFIX}/{fhir.name}/metadata", {GET: Declared(interaction, _metadata)})

    return [_route(fhir) for fhir in VERSIONS]


def is_statement(path: str) -> bool:
    """Return whether a path is that of a CapabilityStatement, with or without a slash at its end."""
    return path.rstrip("/") in _ADDRESSES


def capability_statement(fhir: Fhir, base: str, at: Instant) -> dict[str, Any]:
    """Return the CapabilityStatement of one FHIR version, dated `at`."""
    operations = [each for each in all_operations() if each.fhir is fhir]
    version_specific = {"acceptUnknown": "no"} if fhir is STU3 else {}
    rest: dict[str, Any] = {
        "mode": "server",
        "security": {"description": "OAuth 2.0 bearer tokens, user-restricted or application-restricted"},
        "resource": list(_resources(operations)),
    }
    # Clients call each declared operation by POST, which FHIR always allows: one that only GET reads is not declared.
    named = [each for each in operations if "$" in each.path and each.method == POST]
    named.sort(key=lambda each: each.is_extension)
    if named:
        rest["operation"] = [_named(each) for each in named]
    return {
        "resourceType": "CapabilityStatement",
        **({"contained": [_definition(each) for each in named]} if named else {}),
        "url": f"{base}/{fhir.name}/metadata",
        "name": "OpenERS",
        "title": "OpenERS, an open e-Referral Service",
        "status": "active",
        "date": write_instant(at),
        "kind": "instance",
        "software": {"name": "OpenERS"},
        "implementation": {"description": "OpenERS", "url": f"{base}/{fhir.name}"},
        "fhirVersion": fhir.release,
        **version_specific,
        "format": ["application/fhir+json"],
        "rest": [rest],
    }


def _resources(operations: Iterable[Operation]) -> Iterable[dict[str, Any]]:
    """Yield one entry for each resource type: its interactions, versioning and search parameters."""
    types: dict[str, list[Operation]] = {}
    for operation in operations:
        if _interaction(operation) is not None:
            types.setdefault(operation.path.split("/")[2], []).append(operation)
    for kind, members in types.items():
        parameters = {each.name: each for member in members for each in member.query}.values()
        searched = [each for each in parameters if each.name != INCLUDE]
        included = [value for each in parameters if each.name == INCLUDE for value in each.values]
        entry: dict[str, Any] = {
            "type": kind,
            "interaction": [{"code": code} for code in dict.fromkeys(map(_interaction, members))],
            "versioning": _versioning(members),
            "documentation": _list(members),
        }
        if included:
            entry["searchInclude"] = included
        if searched:
            entry["searchParam"] = [
                {"name": each.name, "type": each.type, "documentation": _documented(each)} for each in searched
            ]
        yield entry


def _versioning(members: Iterable[Operation]) -> str:
    """Return how a type treats versions: `versioned-update` if an update must name the version that was read."""
    if any(each.if_match for each in members):
        return "versioned-update"
    return "versioned" if any(each.etag for each in members) else "no-version"


def _documented(parameter: Parameter) -> str:
    return f"required: {parameter.description}" if parameter.required else parameter.description


def _named(operation: Operation) -> dict[str, Any]:
    """Return the entry of one named operation (`$` in its path), which refers to its contained definition.

    OpenERS extensions come last and are marked as such.
    """
    display = f"{operation.id}{_mark(operation)}: {operation.method} {operation.path}: {operation.summary}"
    return {"name": _code(operation), "definition": {"reference": f"#{operation.id}", "display": display}}


def _definition(operation: Operation) -> dict[str, Any]:
    """Return the OperationDefinition of a named operation, which runs on a type or on one resource."""
    _, _, kind, *between, _ = operation.path.split("/")
    versioned = {"comment": NEEDS_VERSION} if operation.if_match else {}
    return {
        "resourceType": "OperationDefinition",
        "id": operation.id,
        "name": operation.name,
        "status": "active",
        "kind": "operation",
        "description": f"{operation.summary}{_mark(operation)}",
        "code": _code(operation),
        **versioned,
        "resource": [kind],
        "system": False,
        "type": not between,
        "instance": bool(between),
    }


def _code(operation: Operation) -> str:
    return operation.path.rpartition("$")[2]


def _mark(operation: Operation) -> str:
    return f" ({EXTENSION})" if operation.is_extension else ""


def _interaction(operation: Operation) -> str | None:
    """Return the FHIR interaction of an operation; `None` for named operations."""
    if "$" in operation.path:
        return None
    if operation.path.endswith("/_history/{version}"):
        return "vread"
    return INSTANCE[operation.method] if operation.path.endswith("}") else TYPE[operation.method]


def _list(operations: Iterable[Operation]) -> str:
    lines = dict.fromkeys(f"{each.id} {each.method} {each.path}: {each.summary}" for each in operations)
    return "\n".join(lines)
