"""The conditions of acts besides a valid request: files, pending reviews, the patient, and the organisation.

Source: rules chapters 3.1, 4, 6 and 11.2 row 20.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Final

import msgspec
import pytest

from openers.domain.directory import OrganisationKind
from openers.domain.identifiers import OdsCode
from tests.kit.files.samples import INFECTED, scan
from tests.kit.referrals.cast import Cast
from tests.kit.referrals.rig import SERVICE, Json, code
from tests.kit.referrals.words import ACCEPTED, ADVICE, ASSESSING, LATER, LETTER, cancelling, document, uploaded
from tests.kit.service.arrangements import Moved, at_time, patient_called, put
from tests.kit.service.requests import PATIENT
from tests.kit.service.running import CONSULTANT

pytestmark = pytest.mark.anyio

Make = Callable[[Cast], Awaitable[Json]]
BOOKED, AWAITING = Cast.booked, Cast.awaiting_triage
ON: Final[dict[str, Make]] = {"A013": BOOKED, "A014": BOOKED, "A022": BOOKED}


# Files


@pytest.mark.parametrize(("number", "name"), [("A022", "providerAttachmentFile"), ("A028", "reviewAttachmentFile")])
async def test_files_that_a_provider_may_attach(cast: Cast, number: str, name: str) -> None:
    """Each unsuitable file is rejected with its code. Valid files are attached after the letter."""
    referral = await cast.with_letter(await (BOOKED if number == "A022" else AWAITING)(cast))
    words = LATER if number == "A022" else ADVICE
    first = await uploaded(cast.consultant, referral["id"], f"{number}-plan.txt")
    second = await uploaded(cast.consultant, referral["id"], f"{number}-more.txt")
    same_name = await uploaded(cast.consultant, referral["id"], f"{number}-plan.txt")
    of_nobody = await uploaded(cast.consultant, None, f"{number}-free.txt")
    of_another = await uploaded(cast.consultant, (await AWAITING(cast))["id"], f"{number}-other.txt")
    of_referrer = await uploaded(cast.gp, referral["id"], f"{number}-theirs.txt")
    letter = referral["contained"][-1]["content"][0]["attachment"]["url"]
    infected = await uploaded(cast.consultant, referral["id"], f"{number}-infected.txt", INFECTED.content)
    await scan(cast.rig.run, infected.removeprefix("Binary/"))
    before = await cast.rows()
    refused = {
        "INVALID_STATE": [infected],
        "REFERENCE_NOT_FOUND": ["Binary/00000000-0000-4000-8000-000000000000", of_another, of_referrer],
        "INAPPROPRIATE_VALUE": [of_nobody],
    }
    for expected, files in refused.items():
        for file in files:
            assert code(await cast.do(number, referral, *words, document(name, file))) == (422, expected), file
    assert code(await cast.do(number, referral, *words, document(name, letter))) == (422, "REFERENCE_NOT_FOUND")
    wrong_type = document(name, first, "REFERRER")
    assert code(await cast.do(number, referral, *words, wrong_type)) == (422, "INAPPROPRIATE_VALUE")
    for other in (same_name, first):
        twice = (document(name, first), document(name, other))
        assert code(await cast.do(number, referral, *words, *twice)) == (422, "DUPLICATE_FILENAME")
    assert await cast.rows() == before
    now = await cast.done(number, referral, *words, document(name, first, description="a plan"), document(name, second))
    shown = [each for each in now["contained"] if each["resourceType"] == "DocumentReference"]
    assert [each["type"]["coding"][0]["code"] for each in shown] == ["REFERRER", "PROVIDER", "PROVIDER"]
    assert [each["content"][0]["attachment"]["url"] for each in shown[1:]] == [first, second]
    assert shown[1]["description"] == "a plan"
    assert now["supportingInfo"] == [{"reference": f"#{each['id']}"} for each in shown]


async def test_a_file_that_has_been_attached_is_in_no_state_for_another_act(cast: Cast) -> None:
    """The file belongs to the earlier review, so a second A028 that names it returns INVALID_STATE."""
    referral = await AWAITING(cast)
    file = await uploaded(cast.consultant, referral["id"], "once.txt")
    triaged = await cast.done("A028", referral, *ACCEPTED, document("reviewAttachmentFile", file))
    again = await cast.done("A032", triaged)
    before = await cast.rows()
    assert code(await cast.do("A028", again, *ADVICE, document("reviewAttachmentFile", file))) == (422, "INVALID_STATE")
    assert await cast.rows() == before


# Reviews


async def test_a_review_needs_the_letter_that_is_meant_to_come(cast: Cast) -> None:
    """A013, A014 and A022 are rejected until the letter that the referrer intended to add is attached."""
    referral = await BOOKED(cast, LETTER)
    before = await cast.rows()
    for number in ("A013", "A014", "A022"):
        assert code(await cast.do(number, referral)) == (422, "INVALID_REQUEST_STATE")
    assert await cast.rows() == before
    assert (await cast.do("A013", await cast.with_letter(referral))).status_code == 200


async def test_a_review_is_done_once_until_the_letter_changes(cast: Cast) -> None:
    """After A013 there is nothing to review. A changed letter makes another review possible."""
    referral = await cast.done("A013", await BOOKED(cast))
    for number in ("A013", "A014", "A022"):
        assert code(await cast.do(number, referral)) == (422, "INVALID_REQUEST_STATE")
    assert (await cast.do("A014", await cast.with_letter(referral))).status_code == 200


@pytest.mark.parametrize(("days", "status"), [(0, 200), (60, 422)])
async def test_a_review_of_a_past_appointment(own: Cast, days: int, status: int) -> None:
    """A013 is rejected after the day of the appointment."""
    referral = await own.booked()
    later = at_time(own.rig.run, clock=Moved(own.rig.run.service.world.clock, timedelta(days=days)))
    client = await later.as_person(CONSULTANT)
    reply = await own.do("A013", referral, by=client)
    assert reply.status_code == status
    if status == 422:
        assert code(reply) == (422, "INVALID_REQUEST_STATE")
        assert "past" in reply.json()["issue"][0]["diagnostics"]


# Patient and organisation


@pytest.mark.parametrize("number", ["A013", "A014", "A022", "A028", "A031", "A032", "A036"])
async def test_a_record_that_has_become_sensitive(own: Cast, number: str) -> None:
    """Each act returns PATIENT_ERROR, and A029 offers no action."""
    referral = await ON.get(number, AWAITING)(own)
    patient = await patient_called(own.rig.run, PATIENT)
    await put(own.rig.run, msgspec.structs.replace(patient, sensitive=True))
    before = await own.rows()
    assert code(await own.do(number, referral)) == (422, "PATIENT_ERROR")
    assert await own.rows() == before
    assert await own.offered(referral, own.actor(number, referral)) == set()


async def test_a_patient_who_died(own: Cast) -> None:
    """A031 and A032 are rejected, but A036 can cancel the referral with the reason PATIENT_DIED."""
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
    """A031 and A032 are rejected if the referring organisation has closed or may no longer refer."""
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


async def test_nothing_can_be_booked_where_no_service_takes_bookings(cast: Cast) -> None:
    """A029 offers CREATE_APPOINTMENT only if A016 can book or defer to a shortlisted service."""
    referral = await cast.refer(ASSESSING, intention=LETTER)
    assert "CREATE_APPOINTMENT" not in (await cast.offered(referral, cast.gp) or set())
    assert {"CREATE_APPOINTMENT"} <= (await cast.offered(await cast.refer(SERVICE), cast.gp) or set())
