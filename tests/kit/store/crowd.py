"""Thousands of referrals in every state and of many organisations, written through the store's own code.

Used by the tests of the indexes and by the benchmark of a store with a million referrals.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final
from uuid import UUID

import msgspec

from openers.domain.appointment import Appointment, AppointmentStatus, CancellationReason, ReviewCause
from openers.domain.attachments import ClinicalInformation
from openers.domain.codes import LetterIntention, Priority, ReviewReason
from openers.domain.identifiers import AppointmentId, NhsNumber, OdsCode, RequestId, ServiceId, Ubrn, UserId
from openers.domain.lifecycle import ReferralState
from openers.domain.referral import FOR_REVIEW, Cancellation, Referral
from openers.domain.review import Review
from openers.domain.search import SearchCriteria
from openers.domain.shortlist import Shortlist, ShortlistedService
from openers.usecases.ports.transaction import Store
from tests.kit.store.records import entry

NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
UNHELD: Final = (ReferralState.NOT_BOOKED, ReferralState.ASSESSMENT_RESULT)
SPECIALTIES: Final = ("CARDIOLOGY", "DERMATOLOGY", "ENT")
SITES: Final = ("RCD01", "RCD02", "R6901")
CLINICIANS: Final = (None, UserId("555032006106"), UserId("555031999105"))
AT_ONCE: Final = 2000


class Place(msgspec.Struct, frozen=True):
    """The owner of a referral, and the workgroup and service that hold it."""

    owner: OdsCode
    workgroup: str
    service: ServiceId


def place(number: int) -> Place:
    """Return one of many places outside the demo world. Each service belongs to one workgroup."""
    return Place(
        OdsCode(f"Y{number % 500:05d}"), f"Z{number % 250:03d}/Cardiology", ServiceId(str(500_000 + number % 750))
    )


def somewhere(number: int, chance: random.Random, at: Place) -> Referral:
    """Return a referral in a random state."""
    state = chance.choice(tuple(ReferralState))
    return made(number, state, chance, at)


def made(number: int, state: ReferralState, chance: random.Random, at: Place) -> Referral:
    """Return a referral in this state, with random values for the other columns of lists."""
    priority = chance.choice(tuple(Priority))
    criteria = SearchCriteria(
        priority=priority,
        age_and_gender_appropriate=False,
        specialty="CARDIOLOGY",
        clinic_type="HEART_FAILURE",
        named_clinician=chance.choice(CLINICIANS),
    )
    created = NOON - timedelta(minutes=chance.randrange(400_000))
    service = ShortlistedService(at.service, f"Heart clinic {at.service}")
    held = None if state in UNHELD else _appointment(number, state, chance, service)
    ended = state is ReferralState.CANCELLED_REFERRAL
    first = chance.choice((None, created))
    return Referral(
        ubrn=Ubrn.of(number),
        request_id=RequestId(f"r.{UUID(int=number)}"),
        state=state,
        patient=NhsNumber(f"{9_990_000_000 + number % 9_999_999}"),
        owner=at.owner,
        referrer=UserId("555073103100"),
        created_by=UserId("555073103100"),
        created=created,
        priority=priority,
        shortlist=Shortlist(criteria, (service,)),
        letter_intention=chance.choice(tuple(LetterIntention)),
        reminder_days=0,
        commissioning_organisation=at.owner,
        pathway_start=chance.choice((None, created - timedelta(days=3))),
        workgroup=None if held is None else at.workgroup,
        appointment=held,
        letter_due=created.date() + timedelta(days=3),
        clinical_information=ClinicalInformation(first_submitted=first),
        review=Review(pending=state in FOR_REVIEW and chance.random() < 0.5),
        cancellation=_cancellation(chance, at) if ended else None,
    )


def _appointment(number: int, state: ReferralState, chance: random.Random, service: ShortlistedService) -> Appointment:
    booked = state is ReferralState.BOOKED
    return Appointment(
        id=AppointmentId(str(number)),
        version=0 if booked else 1,
        status=AppointmentStatus.BOOKED if booked else AppointmentStatus.PROPOSED,
        service=service,
        specialty=chance.choice(SPECIALTIES),
        specialty_name="Some specialty",
        created=NOON,
        reason=None if booked else ReviewCause(ReviewReason.NO_SLOTS_AT_SERVICE),
        contact_expected=None if booked else NOON.date(),
        start=NOON if booked else None,
        end=NOON if booked else None,
        clinician=chance.choice(CLINICIANS) if booked else None,
        site=OdsCode(chance.choice(SITES)),
    )


def _cancellation(chance: random.Random, at: Place) -> Cancellation:
    by = chance.choice((at.owner, OdsCode("RCD")))
    return Cancellation(reason=CancellationReason("INTEND_PRIVATE", display="Private"), organisation=by)


def crowd(count: int, first: int = 1) -> Iterator[Referral]:
    """Yield `count` referrals, each at its own place."""
    chance = random.Random(first)
    return (somewhere(number, chance, place(number)) for number in range(first, first + count))


async def settle(store: Store, referrals: Iterable[Referral]) -> None:
    """Write the referrals through the store, many in each transaction."""
    waiting = iter(referrals)
    while some := list(islice(waiting, AT_ONCE)):
        async with store.begin(entry("settle")) as tx:
            for each in some:
                await tx.referrals.add(each)
