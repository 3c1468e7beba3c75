"""Overviews of requests: of one patient (X005), and of the rows of a worklist (X006). Source: ADR 0054."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

import msgspec

from openers.domain.advice import Conversation
from openers.domain.errors import Field, NeighbourSilent, ReferenceNotFound
from openers.domain.events import Event
from openers.domain.identifiers import NhsNumber, Ubrn
from openers.domain.overview.next_step import NextStep, next_step, next_step_of_advice
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.usecases.finding import usable_patient
from openers.usecases.overview.find_names import check_number
from openers.usecases.patients.refresh import current_number
from openers.usecases.ports.stored import Stored
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """One request as a list shows it: the record, its next step, and the last event."""

    request: Stored[Referral] | Stored[Conversation]
    next: NextStep | None
    last: Event | None


class PatientRequests(msgspec.Struct, frozen=True, kw_only=True):
    """A patient whose requests are wanted, and the caller."""

    by: Principal
    patient: NhsNumber


class RowOverviews(msgspec.Struct, frozen=True, kw_only=True):
    """The UBRNs of the rows, and the caller."""

    by: Principal
    ubrns: Sequence[Ubrn]


async def overviews_of_patient(query: PatientRequests, world: World) -> list[Overview]:
    """Return the requests of a patient that the caller may see, newest first. Raises PatientError."""
    world.entry.touched(patient=query.patient)
    with suppress(NeighbourSilent, ReferenceNotFound):  # their requests show the last known record
        await current_number(query.patient, world)
    async with world.read() as tx:
        await usable_patient(query.patient, world, tx)
        referrals = await tx.referrals.of_patient(query.patient, query.by)
        conversations = await tx.conversations.of_patient(query.patient, query.by)
        found = await _overviews(referrals, conversations, tx)
    return sorted(found, key=lambda each: each.request.value.created, reverse=True)


async def overviews_of_rows(query: RowOverviews, world: World) -> list[Overview]:
    """Return the requests with these UBRNs that the caller may see, by UBRN, without those of sensitive patients.

    Raises MissingValue, TooManyItems.
    """
    check_number(len(query.ubrns), Field.REFERRAL)
    async with world.read() as tx:
        referrals = await tx.referrals.among(query.ubrns, query.by)
        conversations = await tx.conversations.among(query.ubrns, query.by)
        patients = {each.patient for each in (*referrals, *conversations) if each.patient is not None}
        hidden = await world.patients.unusable(patients, tx)
        found = await _overviews(
            [each for each in referrals if each.patient not in hidden],
            [each for each in conversations if each.patient not in hidden],
            tx,
        )
    world.entry.showed(each for each in patients if each not in hidden)
    return sorted(found, key=lambda each: each.request.key)


async def _overviews(
    referrals: Iterable[Stored[Referral]], conversations: Iterable[Stored[Conversation]], tx: Tx
) -> list[Overview]:
    steps: list[tuple[Stored[Referral] | Stored[Conversation], NextStep | None, str]] = [
        *((each, next_step(each.value), "referral") for each in referrals),
        *((each, next_step_of_advice(each.value), "request for advice") for each in conversations),
    ]
    latest = await tx.events.latest([each.key for each, _, _ in steps])
    return [Overview(request=each, next=step, last=_of_kind(latest.get(each.key), kind)) for each, step, kind in steps]


def _of_kind(event: Event | None, kind: str) -> Event | None:
    """Return the event if it is one of this kind of request.

    A converted request shares its UBRN with the referral, whose events the caller may not be allowed to see.
    """
    return event if event is not None and event.kind == kind else None
