"""The measured world: the demo world with a thousand services that one search finds."""

from __future__ import annotations

import msgspec

from openers.domain.codes import CodeSystemName
from openers.domain.identifiers import ServiceId
from openers.reference import PackagedReference
from openers.worlds.packs import Pack, read_pack

FIRST_ID = 200_001


def clinic_types() -> list[tuple[str, str]]:
    """Return each pair of specialty and clinic type."""
    concepts = PackagedReference(()).code_system(CodeSystemName.CLINIC_TYPE).concepts
    return [(specialty, code) for code, known in concepts.items() for specialty in map(str, known.values("specialty"))]


def crowded(services: int, beside: int = 0) -> Pack:
    """Return the demo world with `services` more services like 11002, at its sites' postcodes, without a PAS.

    `beside` services follow, each with a clinic type that a search for the others does not find.
    """
    pack = read_pack("demo")
    pattern = next(service for service in pack.services if service.id == "11002")
    postcodes = [site.postcode for site in pack.sites]
    others = [
        ((specialty, code),) for specialty, code in clinic_types() if (specialty, code) not in pattern.clinic_types
    ]
    more = tuple(
        msgspec.structs.replace(
            pattern,
            id=ServiceId(str(FIRST_ID + number)),
            name=f"Heart Clinic {number}",
            postcode=postcodes[number % len(postcodes)],
            appointment_wait_days=number % 90,
            clinic_types=pattern.clinic_types if number < services else others[number % len(others)],
        )
        for number in range(services + beside)
    )
    return msgspec.structs.replace(pack, services=(*pack.services, *more), pas=None)
