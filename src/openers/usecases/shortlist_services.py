"""A shortlist as a referrer sends it, held against the rules: what A011, A021, A031 and A032 have in common.

The rules on the search are those of A010. Source: rules chapter 4 (A011, A021, A031), 11.2 row 23.
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
from openers.usecases.ports import Tx
from openers.usecases.service_criteria import SearchSubject, resolve
from openers.usecases.world import World


class ShortlistChoice(msgspec.Struct, frozen=True, kw_only=True):
    """What the referrer chose. `send_for_triage`: the one service is to get the request at once (A021, A032)."""

    by: Principal
    criteria: SearchCriteria
    services: tuple[ServiceId, ...]
    letter_intention: LetterIntention
    reminder_days: int
    send_for_triage: bool = False

    def check(self) -> None:
        """What can be told from the choice alone. Raises a `FieldRefused`."""
        check_entries(self.services, 1 if self.send_for_triage else LONGEST)
        if self.send_for_triage and self.reminder_days != 0:
            raise InappropriateValue(Field.REMINDER_DAYS, self.reminder_days, "must be 0 for triage")


async def find_services(choice: ShortlistChoice, subject: SearchSubject, world: World, tx: Tx) -> Sequence[Service]:
    """The chosen services, each of which a fresh search for the criteria would find. Raises a `FieldRefused`."""
    wanted = await resolve(subject, RequestType.APPOINTMENT_REQUEST, choice.criteria, world, tx)
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
        _check_service(choice, stored.value, index)
        services.append(stored.value)
    return services


def shortlist_of(choice: ShortlistChoice, services: Sequence[Service]) -> Shortlist:
    """The shortlist with the services' names copied in."""
    return Shortlist(choice.criteria, tuple(ShortlistedService(service.id, service.name) for service in services))


def _check_service(choice: ShortlistChoice, service: Service, index: int) -> None:
    if choice.letter_intention is LetterIntention.NOT_INTENDING_TO_ADD and service.letter_required:
        raise InappropriateValue(
            Field.LETTER_INTENTION, choice.letter_intention, f"service {service.id} requires a referral letter"
        )
    if choice.send_for_triage and not service.is_triage:
        raise InappropriateValue(Field.SHORTLISTED_SERVICE, service.id, "is not a triage service", index)
