"""FHIR resources as plain JSON: read values from them, and write the parts that requests have.

Reading never fails on a missing part: it returns `None`, because services differ in what they leave out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, cast

Json: TypeAlias = dict[str, Any]
Resource: TypeAlias = Mapping[str, Any]
Value: TypeAlias = str | int | float | bool | None

PROFILES: Final = "https://fhir.nhs.uk/STU3/StructureDefinition/"
CODES: Final = "https://fhir.nhs.uk/STU3/CodeSystem/"
NHS_NUMBER: Final = "http://fhir.nhs.net/Id/nhs-number"
SDS_USER: Final = "http://fhir.nhs.net/Id/sds-user-id"
ERS_SERVICE: Final = "http://fhir.nhs.net/Id/ers-service"
ODS_CODE: Final = "https://fhir.nhs.uk/Id/ods-organization-code"
DIRECTORY: Final = "https://directory.spineservices.nhs.uk/STU3/Organization"
SNOMED: Final = "http://snomed.info/sct"


def items(holder: object, name: str) -> list[Json]:
    """Return the objects in the list `name` of an object."""
    found: object = cast("Json", holder).get(name) if isinstance(holder, Mapping) else None
    listed = cast("list[object]", found) if isinstance(found, list) else []
    return [cast("Json", each) for each in listed if isinstance(each, dict)]


def at(holder: object, *path: str | int) -> Any:
    """Return the value at a path of names and positions; `None` if a part of the path is missing."""
    found: Any = holder
    for step in path:
        if isinstance(step, int):
            listed = cast("list[object]", found) if isinstance(found, list) else []
            found = listed[step] if len(listed) > step else None
        else:
            found = cast("Json", found).get(step) if isinstance(found, Mapping) else None
    return found


def text(holder: object, *path: str | int) -> str:
    """Return the text at a path; empty if there is none."""
    found = at(holder, *path)
    return found if isinstance(found, str) else ""


def maybe(holder: object, *path: str | int) -> str | None:
    """Return the text at a path; `None` if there is none."""
    return text(holder, *path) or None


def instant(found: object) -> datetime | None:
    """Return the instant in a text; `None` if it is none."""
    try:
        return datetime.fromisoformat(found) if isinstance(found, str) else None
    except ValueError:
        return None


def extension(holder: object, name: str) -> Json:
    """Return the extension whose URL ends with `name` or `name`-1; empty if there is none."""
    ends = (f"-{name}-1", f"-{name}")
    for each in items(holder, "extension"):
        url = text(each, "url")
        if url == name or url.endswith(ends):
            return each
    return {}


def value(holder: object) -> Value:
    """Return the value of an extension or parameter: of a code its code, of an identifier its value."""
    if not isinstance(holder, Mapping):
        return None
    for name, found in cast("Json", holder).items():
        if name.startswith("value"):
            return _plain(found)
    return None


def columns(holder: object) -> dict[str, Value]:
    """Return the values of the extensions in an extension, by their names."""
    return {text(each, "url"): value(each) for each in items(holder, "extension")}


def code(holder: object) -> str | None:
    """Return the code of the first coding of a CodeableConcept."""
    return maybe(holder, "coding", 0, "code")


def contained(resource: object, kind: str) -> Iterator[Json]:
    """Yield the contained resources of a type."""
    return (each for each in items(resource, "contained") if each.get("resourceType") == kind)


def entries(bundle: object, kind: str) -> Iterator[Json]:
    """Yield the resources of a type in a bundle."""
    found = (at(each, "resource") for each in items(bundle, "entry"))
    return (each for each in found if at(each, "resourceType") == kind)


def version_of(resource: object) -> int:
    """Return the version of a resource; 0 if it has none."""
    version = text(resource, "meta", "versionId")
    return int(version) if version.isascii() and version.isdigit() else 0


def last(reference: str) -> str:
    """Return the id at the end of a reference, without its version."""
    return reference.partition("/_history/")[0].rpartition("/")[2]


def result(parameters: object, name: str) -> Json | None:
    """Return the resource of a result parameter."""
    return next((at(each, "resource") for each in items(parameters, "parameter") if each.get("name") == name), None)


def static(name: str, chosen: str, system: str) -> Json:
    """Return a parameter with a code of one of the fixed code systems."""
    return {"name": name, "valueCoding": {"system": f"{CODES}eRS-{system}-1", "code": chosen}}


def dynamic(name: str, chosen: str, system: str) -> Json:
    """Return a parameter with a code of a system that the service publishes (A004)."""
    return {"name": name, "valueCoding": {"system": f"_baseUrl_/STU3/CodeSystem/{system}", "code": chosen}}


def identified(name: str, system: str, identifier: str) -> Json:
    """Return a parameter with an identifier."""
    return {"name": name, "valueIdentifier": {"system": system, "value": identifier}}


def given(kind: str, **values: Value) -> list[Json]:
    """Return parameters of type `kind` for the values that are not `None`."""
    return [{"name": name, f"value{kind}": each} for name, each in values.items() if each is not None]


def parameters(profile: str, listed: Sequence[Json]) -> Json:
    """Return a Parameters resource. `profile` is a URN, or the name of an e-Referral Service profile."""
    full = profile if profile.startswith("urn:") else f"{PROFILES}eRS-{profile}-Parameters-1"
    return {"resourceType": "Parameters", "meta": {"profile": [full]}, "parameter": list(listed)}


def _plain(found: object) -> Value:
    if isinstance(found, str | int | float | bool):
        return found
    plain = code(found) or maybe(found, "code") or maybe(found, "identifier", "value") or maybe(found, "value")
    return plain or maybe(found, "reference") or maybe(found, "display")


def written(moment: datetime) -> str:
    """Return an instant as FHIR writes it, in UTC with milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def addressed(holder: Any, base: str) -> Any:
    """Return JSON with `base` in place of the start `_baseUrl_` of each code system."""
    if isinstance(holder, list):
        return [addressed(each, base) for each in cast("list[object]", holder)]
    if not isinstance(holder, dict):
        return holder
    held = cast("Json", holder)
    return {
        name: each.replace("_baseUrl_", base, 1)
        if name == "system" and isinstance(each, str)
        else addressed(each, base)
        for name, each in held.items()
    }
