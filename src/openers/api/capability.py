"""The CapabilityStatements of both FHIR versions, from the registry. Open to everybody, as FHIR asks.

Source: FHIR STU3 and R4, CapabilityStatement and the `capabilities` interaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from starlette.routing import Route

from openers.api.addresses import document
from openers.api.interaction import Loop
from openers.api.media import FHIR_JSON
from openers.api.registry import REGISTRY, Operation
from openers.domain.clock import Clock, Instant
from openers.settings import Settings
from openers.wire.instants import write_instant
from openers.wire.outcome import Fhir

EXTENSION: Final = "OpenERS extension"
FHIR_VERSIONS: Final = {Fhir.STU3: "3.0.1", Fhir.R4: "4.0.1"}


def capability_routes(loop: Loop, settings: Settings, clock: Clock) -> list[Route]:
    """`/metadata` below each FHIR version."""
    started = clock.now()

    def _route(fhir: Fhir) -> Route:
        body = json.dumps(capability_statement(fhir, settings.fhir_base_url, started)).encode()
        return document(loop, f"/referrals/FHIR/{fhir}/metadata", body, {"content-type": FHIR_JSON})

    return [_route(fhir) for fhir in Fhir]


def capability_statement(fhir: Fhir, base: str, at: Instant) -> dict[str, Any]:
    """What this service can do in one FHIR version, as a CapabilityStatement dated `at`."""
    operations = [each for each in REGISTRY if each.fhir is fhir]
    version_specific = {"acceptUnknown": "no"} if fhir is Fhir.STU3 else {}
    rest: dict[str, Any] = {
        "mode": "server",
        "security": {"description": "OAuth 2.0 bearer tokens, user-restricted or application-restricted"},
        "resource": list(_resources(operations)),
    }
    named = _named_operations(operations)
    if named:
        rest["operation"] = named
    return {
        "resourceType": "CapabilityStatement",
        "url": f"{base}/{fhir}/metadata",
        "name": "OpenERS",
        "title": "OpenERS, an open e-Referral Service",
        "status": "active",
        "date": write_instant(at),
        "kind": "instance",
        "software": {"name": "OpenERS"},
        "implementation": {"description": "OpenERS", "url": f"{base}/{fhir}"},
        "fhirVersion": FHIR_VERSIONS[fhir],
        **version_specific,
        "format": ["application/fhir+json"],
        "rest": [rest],
    }


def _resources(operations: Iterable[Operation]) -> Iterable[dict[str, Any]]:
    """One entry for each resource type that can be read or searched: its interactions and search parameters."""
    types: dict[str, list[Operation]] = {}
    for operation in operations:
        if _interaction(operation) is not None:
            types.setdefault(operation.path.split("/")[2], []).append(operation)
    for kind, members in types.items():
        searched = [parameter for each in members for parameter in each.query]
        entry = {
            "type": kind,
            "interaction": [{"code": code} for code in dict.fromkeys(map(_interaction, members))],
            "documentation": _list(members),
        }
        if searched:
            entry["searchParam"] = [
                {"name": each.name, "type": "token", "documentation": each.description} for each in searched
            ]
        yield entry


def _named_operations(operations: Iterable[Operation]) -> list[dict[str, Any]]:
    """The operations that FHIR writes with `$`. There are no OperationDefinitions to refer to, so they are told.

    Those that the real service does not have come last, and say so.
    """
    named = sorted((each for each in operations if "$" in each.path), key=lambda each: each.is_extension)
    return [
        {"name": each.path.rpartition("$")[2], "definition": {"display": f"{each.id}{_mark(each)}: {each.summary}"}}
        for each in named
    ]


def _mark(operation: Operation) -> str:
    return f" ({EXTENSION})" if operation.is_extension else ""


def _interaction(operation: Operation) -> str | None:
    """The FHIR interaction that an operation is, `None` for named operations."""
    if "$" in operation.path:
        return None
    if operation.path.endswith("/_history/{version}"):
        return "vread"
    return "read" if operation.path.endswith("}") else "search-type"


def _list(operations: Iterable[Operation]) -> str:
    lines = dict.fromkeys(f"{each.id} {each.method} {each.path}: {each.summary}" for each in operations)
    return "\n".join(lines)
