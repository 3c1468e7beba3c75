"""The dynamic code systems (A004), every code with its period of use. Source: rules chapters 4 (A004) and 5.1."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from openers.domain.codes import CodeSystem, CodeSystemName, Concept, Property, PropertyValue
from openers.wire.instants import write_instant
from openers.wire.json import Json, JsonValue, encode
from openers.wire.stu3.systems import extension, profile, published

_PROPERTIES: Final = "https://fhir.nhs.uk/STU3/CodeSystem/eRS-Concept-Properties-1#"
_SHAREABLE: Final = "http://hl7.org/fhir/StructureDefinition/shareablecodesystem"
_OWN_SPECIALTIES: Final = "SPECIALTY"
"""The data's marker for a property whose codes belong to our own SPECIALTY system."""


def write_code_system(system: CodeSystem, base: str) -> bytes:
    """Return the code system as JSON, for the service at `base`."""
    is_specialty = system.name is CodeSystemName.SPECIALTY
    declared = {each.code: each for each in system.properties}
    shown: Json = {
        "id": system.name,
        "meta": {"profile": [profile("Specialty-CodeSystem") if is_specialty else _SHAREABLE]},
        "resourceType": "CodeSystem",
        "url": published(system.name).url(base),
        "version": "1",
        "name": system.title,
        "status": "active",
        "experimental": False,
        "date": write_instant(system.changed),
        "publisher": "e-Referral Service",
        "description": system.description,
        "copyright": "Copyright (c) 2016 HL7 UK",
        "caseSensitive": True,
        "content": "complete",
        "property": [
            {"code": each.code, "uri": f"{_PROPERTIES}{each.code}", "type": each.kind} for each in system.properties
        ],
        "concept": [_concept(each, declared, base, dated=is_specialty) for each in system.concepts.values()],
    }
    return encode(shown)


def _concept(concept: Concept, declared: dict[str, Property], base: str, *, dated: bool) -> Json:
    """Return one code. If `dated` (specialties), extensions repeat its period of use."""
    shown: Json = {"code": concept.code, "display": concept.display}
    if dated:
        shown = {"extension": _dates(concept), **shown}
    times: list[JsonValue] = [{"code": "effectiveFrom", "valueDateTime": write_instant(concept.effective_from)}]
    if concept.effective_to is not None:
        times.append({"code": "effectiveTo", "valueDateTime": write_instant(concept.effective_to)})
    others = (_property(declared[code], value, base) for code, value in concept.properties)
    shown["property"] = [*times, *others]
    return shown


def _dates(concept: Concept) -> list[JsonValue]:
    """Return the first day of use of a specialty, and its end date if it has one."""
    shown: list[JsonValue] = [
        {"url": extension("EffectivefromDate"), "valueDate": concept.effective_from.date().isoformat()}
    ]
    if concept.effective_to is not None:
        shown.append({"url": extension("EffectivetoDate"), "valueDate": concept.effective_to.date().isoformat()})
    return shown


def _property(declared: Property, value: PropertyValue, base: str) -> Json:
    """Return one property, in the element for its type of value."""
    match value:
        case bool():
            return {"code": declared.code, "valueBoolean": value}
        case int():
            return {"code": declared.code, "valueInteger": value}
        case datetime():
            return {"code": declared.code, "valueDateTime": write_instant(value)}
        case str():
            return {"code": declared.code, "valueCoding": {**_system(declared, base), "code": value}}


def _system(declared: Property, base: str) -> Json:
    """Return the code system of a property's codes, if it declares one."""
    if declared.system == _OWN_SPECIALTIES:
        return {"system": published(_OWN_SPECIALTIES).url(base)}
    return {} if declared.system is None else {"system": declared.system}
