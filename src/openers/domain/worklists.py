"""Filters for a provider's worklists (A008, A023). Source: rules chapter 4 (A008)."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from openers.domain.identifiers import OdsCode, ServiceId, UserId


class Assigned(StrEnum):
    """Whether to return entries with or without an assigned value: a specialty or a named clinician."""

    ASSIGNED = "ASSIGNED"
    NOT_ASSIGNED = "NOT_ASSIGNED"


class WorklistFilter(msgspec.Struct, frozen=True, kw_only=True):
    """The entries to return: by service, specialty and location, and by named clinician or without one.

    A location is a site (as in A033) or a whole organisation (which A010 gives as a service's location).
    """

    service: ServiceId | None = None
    specialty: str | None = None
    location: OdsCode | None = None
    clinician: UserId | None = None
    without_clinician: bool = False
