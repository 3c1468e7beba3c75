"""Names used in DSTU2 resources: profiles, extensions, identifier systems and value sets. Source: ADR 0073.

They begin with fhir.nhs.net, as in June 2018; requests may use fhir.nhs.uk too, to which they changed later.
"""

from __future__ import annotations

from typing import Final

from openers.wire.json import Json

_HOST: Final = "http://fhir.nhs.net/"
_LATER: Final = ("http://fhir.nhs.uk/", "https://fhir.nhs.uk/")


def profile(name: str) -> str:
    """Return the URL of a profile; `name` has its version."""
    return f"{_HOST}StructureDefinition/ers-{name}"


def extension(name: str) -> str:
    """Return the URL of an extension; `name` has its version."""
    return f"{_HOST}StructureDefinition/extension-ers-{name}"


def value_set(name: str) -> str:
    """Return the URL of a value set; `name` has no version."""
    return f"{_HOST}ValueSet/ers-{name}-1"


def identifiers(name: str) -> str:
    """Return the URL of an identifier system."""
    return f"{_HOST}Id/{name}"


SERVICE: Final = identifiers("ers-service")
SITE: Final = identifiers("ods-site-code")
SDS_USER: Final = identifiers("sds-user-id")
NHS_NUMBER: Final = identifiers("nhs-number")
SPECIALTY: Final = value_set("specialty")
PRIORITY: Final = value_set("priority")


def same(sent: object, wanted: str) -> bool:
    """Return whether a request names a system, at either host."""
    return isinstance(sent, str) and sent in (wanted, *(wanted.replace(_HOST, each) for each in _LATER))


def identified(system: str, value: str) -> Json:
    """Return an identifier."""
    return {"system": system, "value": value}


def concept(system: str, code: str, display: str | None = None) -> Json:
    """Return a concept with one code."""
    coding: Json = {"system": system, "code": code}
    if display is not None:
        coding["display"] = display
    return {"coding": [coding]}


def local(kind: str, key: str) -> Json:
    """Return a reference to a contained resource."""
    return {"reference": f"#{kind}-{key}"}


def contained(kind: str, key: str, more: Json) -> Json:
    """Return a contained resource with its profile."""
    claimed = profile(f"{kind.lower()}-1")
    return {"resourceType": kind, "id": f"{kind}-{key}", "meta": {"profile": [claimed]}, **more}
