"""The FHIR versions that the service supports. A new version is a new value here."""

from __future__ import annotations

from typing import Final

from openers.wire.dialect import Fhir
from openers.wire.r4.dialect import R4
from openers.wire.stu3.dialect import STU3

VERSIONS: Final = (STU3, R4)


def version_at(path: str) -> Fhir:
    """Return the FHIR version in a path below the FHIR base; STU3 if the path names none."""
    return next((each for each in VERSIONS if path.startswith(f"/{each.name}")), STU3)
