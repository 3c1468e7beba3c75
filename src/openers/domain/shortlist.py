"""A shortlist: the services chosen from a search, with the criteria that found them. Source: rules 4, A011."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from openers.domain.errors import DuplicateService, Field, MissingValue, TooManyItems
from openers.domain.identifiers import ServiceId
from openers.domain.search import SearchCriteria

LONGEST: Final = 20
"""Maximum number of services in a shortlist."""


class ShortlistedService(msgspec.Struct, frozen=True):
    """One entry, with a copy of the service's name from the time of writing."""

    id: ServiceId
    name: str


class Shortlist(msgspec.Struct, frozen=True):
    """Services in the referrer's order, and the criteria that they satisfied."""

    criteria: SearchCriteria
    services: tuple[ShortlistedService, ...]


def check_entries(services: Sequence[ServiceId], most: int = LONGEST) -> None:
    """Raise `MissingValue` (none), `DuplicateService` or `TooManyItems` (more than `most`), in this order.

    Even if only one service is allowed, naming it twice is a duplicate: A021 and A032 list that code.
    """
    if not services:
        raise MissingValue(Field.SHORTLISTED_SERVICE, hint="name at least one service")
    seen: set[ServiceId] = set()
    for index, service in enumerate(services):
        if service in seen:
            raise DuplicateService(
                Field.SHORTLISTED_SERVICE, service, "cannot be added to a shortlist more than once.", index
            )
        seen.add(service)
    if len(services) > most:
        raise TooManyItems(Field.SHORTLIST, len(services), f"holds more than {most} service{'s' * (most > 1)}")
