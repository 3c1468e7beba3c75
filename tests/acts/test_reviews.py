"""What a review needs: a letter, an appointment that is to come, a patient who can be told of.

Source: rules chapters 4 (A013, A014, A022, A028) and 2.7.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Final

import msgspec
import pytest

from openers.domain.directory import OrganisationKind
from openers.domain.identifiers import OdsCode
from tests.acts.cast import (
    LETTER,
    Cast,
    cancelling,
    priority,
)
from tests.api.arrangements import Moved, at_time, patient_called, put
from tests.booking.rig import Json, code
from tests.requests import PATIENT
from tests.service import CONSULTANT

pytestmark = pytest.mark.anyio

Make = Callable[[Cast], Awaitable[Json]]
BOOKED, AWAITING = Cast.booked, Cast.awaiting_triage
ON: Final[dict[str, Make]] = {"A014": BOOKED, "A022": BOOKED, "A028": AWAITING}
ROUTINE: Final = priority("ROUTINE")


async def test_a_review_needs_the_letter_that_is_meant_to_come(cast: Cast) -> None:
    """A013, A014, A022: booked with the intention to add a letter, and reviewed once it is there."""
    referral = await BOOKED(cast, LETTER)
    before = await cast.rows()
    for number in ("A013", "A014", "A022"):
        assert code(await cast.do(number, referral)) == (422, "INVALID_REQUEST_STATE")
    assert await cast.rows() == before
    assert (await cast.do("A013", await cast.with_letter(referral))).status_code == 200


async def test_a_review_is_done_once_until_the_letter_changes(cast: Cast) -> None:
    """After A013 there is nothing to review; a changed letter asks for another review."""
    referral = await cast.done("A013", await BOOKED(cast))
    for number in ("A013", "A014", "A022"):
        assert code(await cast.do(number, referral)) == (422, "INVALID_REQUEST_STATE")
    assert (await cast.do("A014", await cast.with_letter(referral))).status_code == 200


@pytest.mark.parametrize(("days", "status"), [(0, 200), (60, 422)])
async def test_a_review_of_a_past_appointment(own: Cast, days: int, status: int) -> None:
    """Refused once its day is over; A029 does not offer what follows from it either."""
    referral = await own.booked()
    later = at_time(own.rig.run, clock=Moved(own.rig.run.service.world.clock, timedelta(days=days)))
    client = await later.as_person(CONSULTANT)
    reply = await own.do("A013", referral, by=client)
    assert reply.status_code == status
    if status == 422:
        assert code(reply) == (422, "INVALID_REQUEST_STATE")
        assert "past" in reply.json()["issue"][0]["diagnostics"]


# The patient, the organisation, and somebody else at the record


@pytest.mark.parametrize("number", ["A013", "A014", "A022", "A028", "A031", "A032", "A036"])
async def test_a_record_that_has_become_sensitive(own: Cast, number: str) -> None:
    """PATIENT_ERROR, and A029 offers nothing."""
    referral = await ON.get(number, BOOKED if number == "A013" else AWAITING)(own)
    patient = await patient_called(own.rig.run, PATIENT)
    await put(own.rig.run, msgspec.structs.replace(patient, sensitive=True))
    before = await own.rows()
    assert code(await own.do(number, referral)) == (422, "PATIENT_ERROR")
    assert await own.rows() == before
    assert await own.offered(referral, own.actor(number, referral)) == set()


async def test_a_patient_who_died(own: Cast) -> None:
    """No other services are searched for them, but the referral is cancelled for that reason."""
    referral = await own.not_booked()
    patient = await patient_called(own.rig.run, PATIENT)
    await put(own.rig.run, msgspec.structs.replace(patient, died=date(2026, 1, 1)))
    for number in ("A031", "A032"):
        assert code(await own.do(number, referral)) == (422, "PATIENT_ERROR")
    assert await own.offered(referral, own.gp) == {"CANCEL_REFERRAL", "CREATE_APPOINTMENT"}
    assert (await own.do("A036", referral, cancelling("PATIENT_DIED"))).status_code == 200


@pytest.mark.parametrize("number", ["A031", "A032"])
@pytest.mark.parametrize("expected", ["ORGANISATION_IS_CLOSED", "ORGANISATION_NOT_APPROPRIATE"])
async def test_whose_commissioning_rules_apply(own: Cast, number: str, expected: str) -> None:
    """The referring organisation has closed, or is none that refers any more."""
    referral, world = await own.not_booked(), own.rig.world
    closing = {"closed_on": date(2026, 1, 1)}
    changes = closing if expected == "ORGANISATION_IS_CLOSED" else {"kind": OrganisationKind.COMMISSIONER}
    async with world.begin("change an organisation for a test") as tx:
        practice = await tx.directory.organisation(OdsCode("D82106"))
        assert practice is not None
        await tx.directory.put_organisation(msgspec.structs.replace(practice, **changes))
    before = await own.rows()
    assert code(await own.do(number, referral)) == (422, expected)
    assert await own.rows() == before
