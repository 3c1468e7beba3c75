"""The specialties as a ValueSet (A004), all codes included, also those that are not effective."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from openers.domain.codes import CodeSystem, Concept
from openers.wire.dstu2.systems import SPECIALTY, extension, profile
from openers.wire.instants import write_instant
from openers.wire.json import Json, JsonValue, encode

NAME: Final = "SPECIALTY"
"""The only value set that was served."""
_FROM: Final = extension("effectivefromdate-1")
_TO: Final = extension("effectivetodate-1")


def write_value_set(system: CodeSystem) -> bytes:
    """Return the code system of specialties as a ValueSet."""
    shown: Json = {
        "resourceType": "ValueSet",
        "id": NAME,
        "meta": {"profile": [profile("valueset-1")]},
        "status": "active",
        "publisher": "e-Referral Service",
        "date": system.changed.date().isoformat(),
        "description": "Specialties defined in e-RS",
        "codeSystem": {"system": SPECIALTY, "concept": [_concept(each) for each in system.concepts.values()]},
    }
    return encode(shown)


def _concept(concept: Concept) -> Json:
    """Return one code with its period of use. Its number in the data dictionary is not part of our data."""
    dates = [*_date(_FROM, concept.effective_from), *_date(_TO, concept.effective_to)]
    return {"extension": dates, "code": concept.code, "display": concept.display}


def _date(url: str, moment: datetime | None) -> list[JsonValue]:
    return [] if moment is None else [{"url": url, "valueDateTime": write_instant(moment)}]
