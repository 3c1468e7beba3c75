"""What a provider's worklist is narrowed to (A008, A023). Source: rules chapter 4 (A008)."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from openers.domain.identifiers import OdsCode, ServiceId, UserId


class Assigned(StrEnum):
    """Whether entries are wanted that have something assigned, or those that have not."""

    ASSIGNED = "ASSIGNED"
    NOT_ASSIGNED = "NOT_ASSIGNED"


class WorklistFilter(msgspec.Struct, frozen=True, kw_only=True):
    """The entries wanted: of one service, one specialty, one location; of one named clinician, or of none.

    A location is a site, as A033 tells it, or a whole organisation, which is what A010 gives as a service's location.
    """

    service: ServiceId | None = None
    specialty: str | None = None
    location: OdsCode | None = None
    clinician: UserId | None = None
    without_clinician: bool = False
