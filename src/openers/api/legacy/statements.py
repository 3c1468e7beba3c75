"""Public documents of the API of 2018, made from the catalogue: the catalogue on a day, and two CapabilityStatements.

DSTU2 calls a CapabilityStatement Conformance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from openers.api.legacy.catalogue import Entry, Generation, Status, catalogue_on, entries
from openers.domain.clock import Instant
from openers.wire.dialect import Fhir
from openers.wire.instants import write_instant
from openers.wire.stu3.dialect import STU3

_READ: Final = {"GET": "read", "POST": "create"}
_SECURITY: Final = "A registered endpoint (XAPI_ASID and client certificate), and a session (HTTP_X_SESSION_KEY)"


def catalogue_document(day: date, generations: Sequence[Generation]) -> dict[str, Any]:
    """Return the operations of these generations that existed on a day."""
    rows = [(entry, status) for entry, status in catalogue_on(day) if entry.generation in generations]
    return {"on": day.isoformat(), "operations": [_row(entry, status) for entry, status in rows]}


def statement(fhir: Fhir, base: str, at: Instant) -> dict[str, Any]:
    """Return the CapabilityStatement (Conformance in DSTU2) of a version of the API, dated `at`."""
    is_stu3 = fhir is STU3
    rows = [each for each in entries() if _is_of(each, is_stu3=is_stu3)]
    path = "/STU3/v1" if is_stu3 else "/v1"
    return {
        "resourceType": "CapabilityStatement" if is_stu3 else "Conformance",
        "url": f"{base}{path}/metadata",
        "name": "OpenERS",
        "status": "active",
        "date": write_instant(at),
        "kind": "instance",
        "software": {"name": "OpenERS"},
        "implementation": {"description": "OpenERS", "url": f"{base}{path}"},
        "fhirVersion": fhir.release,
        "acceptUnknown": "no",
        "format": [fhir.media_type],
        "rest": [
            {
                "mode": "server",
                "security": {"description": _SECURITY},
                "resource": list(_resources(rows, len(path.split("/")))),
                "operation": [_operation(each) for each in rows if "$" in each.path],
            }
        ],
    }


def _is_of(entry: Entry, *, is_stu3: bool) -> bool:
    """Return whether a statement has an operation; sessions are not FHIR."""
    if entry.generation is Generation.SESSION:
        return False
    return (entry.generation is Generation.STU3_V1) is is_stu3


def _row(entry: Entry, status: Status) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": entry.id,
        "name": entry.name,
        "family": entry.family,
        "verb": entry.verb,
        "path": entry.path,
        "generation": entry.generation,
        "status": status,
        "since": entry.since.isoformat(),
        "until": None if entry.until is None else entry.until.isoformat(),
    }
    if entry.successor is not None:
        shown["successor"] = entry.successor
    return {**shown, "notice": entry.notice} if entry.notice else shown


def _resources(rows: Iterable[Entry], at: int) -> Iterable[dict[str, Any]]:
    """Yield one entry for each resource type with plain interactions; `at` is its place in a path."""
    types: dict[str, list[Entry]] = {}
    for entry in rows:
        if "$" not in entry.path:
            types.setdefault(entry.path.split("/")[at], []).append(entry)
    for kind, members in types.items():
        codes = dict.fromkeys(_interaction(each) for each in members)
        told = "\n".join(f"{each.id} {each.verb} {each.path}: {each.name}" for each in members)
        yield {"type": kind, "interaction": [{"code": code} for code in codes], "documentation": told}


def _interaction(entry: Entry) -> str:
    return "search-type" if entry.verb == "GET" and not entry.path.endswith("}") else _READ[entry.verb]


def _operation(entry: Entry) -> dict[str, Any]:
    display = f"{entry.id}: {entry.verb} {entry.path}: {entry.name}"
    return {"name": entry.path.rpartition("$")[2], "definition": {"reference": f"#{entry.id}", "display": display}}
