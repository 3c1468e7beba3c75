"""The measured world: the demo world with a thousand services that one search finds."""

from __future__ import annotations

import msgspec

from openers.domain.identifiers import ServiceId
from openers.worlds.packs import Pack, read_pack

FIRST_ID = 200_001


def crowded(services: int) -> Pack:
    """Return the demo world with `services` more services like 11002, at its sites' postcodes, without a PAS."""
    pack = read_pack("demo")
    pattern = next(service for service in pack.services if service.id == "11002")
    postcodes = [site.postcode for site in pack.sites]
    more = tuple(
        msgspec.structs.replace(
            pattern,
            id=ServiceId(str(FIRST_ID + number)),
            name=f"Heart Clinic {number}",
            postcode=postcodes[number % len(postcodes)],
            appointment_wait_days=number % 90,
        )
        for number in range(services)
    )
    return msgspec.structs.replace(pack, services=(*pack.services, *more), pas=None)
