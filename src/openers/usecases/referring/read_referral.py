"""Read a referral (A005). Only its latest version can be read. Source: rules chapters 3.4 and 4 (A005)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from openers.domain.errors import Field, HistoryNotSupported, PatientError
from openers.domain.identifiers import NhsNumber, Ubrn
from openers.domain.patient import Patient
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.usecases.ports.stored import Requests, Stored
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

T = TypeVar("T")


class ReadReferral(msgspec.Struct, frozen=True):
    """Which referral, for whom; `version` where a particular one is asked for."""

    ubrn: Ubrn
    by: Principal
    version: int | None = None


async def read_referral(query: ReadReferral, world: World) -> Stored[Referral]:
    """The referral. Raises NotFound, NoRelationship, InvalidRequestType, PatientError, HistoryNotSupported."""
    return await read_latest(query, lambda tx: tx.referrals, world)


async def read_latest(query: ReadReferral, of: Callable[[Tx], Requests[T]], world: World) -> Stored[T]:
    """A request of either kind. Raises as `read_referral`."""
    world.entry.touched(ubrn=query.ubrn)
    async with world.read() as tx:
        stored = await of(tx).get(query.ubrn, query.by)
        world.entry.touched(patient=stored.patient)
        await check_not_sensitive(stored.patient, world, tx)
    if query.version is not None and query.version != stored.version:
        raise HistoryNotSupported(query.version, stored.version)
    return stored


async def check_not_sensitive(nhs_number: NhsNumber | None, world: World, tx: Tx) -> None:
    """Raise PatientError if the patient's record has become sensitive; asked at each call, never remembered."""
    await usable_patient(nhs_number, world, tx)


async def usable_patient(nhs_number: NhsNumber | None, world: World, tx: Tx) -> Patient:
    """The patient. Raises PatientError: the record is sensitive or can't be found."""
    patient = None if nhs_number is None else await world.patients.get(nhs_number, tx)
    if patient is None or patient.sensitive:
        raise PatientError(Field.PATIENT, nhs_number)
    return patient
