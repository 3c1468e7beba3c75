"""Checks a shortlist that a referrer sends, for A011, A021, A031, A032 and A044.

The rules on the search are those of A010. Source: rules chapter 4 (A011, A021, A031, A044), 11.2 row 23.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from openers.domain.codes import LetterIntention, RequestType
from openers.domain.directory import Service
from openers.domain.errors import Field, InappropriateValue, ReferenceNotFound, ShortlistedServiceNotInResults
from openers.domain.identifiers import ServiceId
from openers.domain.principal import Principal
from openers.domain.search import SearchCriteria
from openers.domain.shortlist import LONGEST, Shortlist, ShortlistedService, check_entries
from openers.usecases.directory.service_criteria import SearchSubject, resolve
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World


class ServiceChoice(msgspec.Struct, frozen=True, kw_only=True):
    """The services that a referrer chose, and the criteria that found them."""

    by: Principal
    criteria: SearchCriteria
    services: tuple[ServiceId, ...]

    @property
    def request_type(self) -> RequestType:
        """The type of request that the services were searched for."""
        return RequestType.APPOINTMENT_REQUEST

    def check_service(self, service: Service, index: int) -> None:
        """Check whether a service of the search's result can be chosen. Raises a `FieldRefused`."""


class ShortlistChoice(ServiceChoice, frozen=True, kw_only=True):
    """A choice for a referral. `send_for_triage`: send the request to the one chosen service at once (A021, A032)."""

    letter_intention: LetterIntention
    reminder_days: int
    send_for_triage: bool = False

    def check(self) -> None:
        """Check everything that needs no stored data. Raises a `FieldRefused`."""
        check_entries(self.services, 1 if self.send_for_triage else LONGEST)
        if self.send_for_triage and self.reminder_days != 0:
            raise InappropriateValue(Field.REMINDER_DAYS, self.reminder_days, "must be 0 for triage")

    def check_service(self, service: Service, index: int) -> None:
        """Raise InappropriateValue if a required letter is not intended, or if triage is wanted and not offered."""
        if self.letter_intention is LetterIntention.NOT_INTENDING_TO_ADD and service.letter_required:
            raise InappropriateValue(
                Field.LETTER_INTENTION, self.letter_intention, f"service {service.id} requires a referral letter"
            )
        if self.send_for_triage and not service.is_triage:
            raise InappropriateValue(Field.SHORTLISTED_SERVICE, service.id, "is not a triage service", index)


async def find_services(choice: ServiceChoice, subject: SearchSubject, world: World, tx: Tx) -> Sequence[Service]:
    """Return the chosen services; a new search for the criteria must find each of them. Raises a `FieldRefused`."""
    wanted = await resolve(subject, choice.request_type, choice.criteria, world, tx)
    listings = await world.listings.at(tx, world.store.generation)
    services: list[Service] = []
    for index, service_id in enumerate(choice.services):
        stored = await tx.directory.service(service_id)
        if stored is None:
            raise ReferenceNotFound(Field.SHORTLISTED_SERVICE, service_id, "is not known", index)
        if not listings.admits(wanted.filter, service_id, wanted.origin):
            raise ShortlistedServiceNotInResults(
                Field.SHORTLISTED_SERVICE, service_id, "does not satisfy the search criteria", index
            )
        choice.check_service(stored.value, index)
        services.append(stored.value)
    return services


def shortlist_of(choice: ServiceChoice, services: Sequence[Service]) -> Shortlist:
    """Return the shortlist, with a copy of each service's name."""
    return Shortlist(choice.criteria, tuple(ShortlistedService(service.id, service.name) for service in services))
