"""The effects of each act on the referral, its appointment, the PAS, slots, events and later reviews.

Source: rules chapters 3.1, 3.2, 4 and 11.2 row 33.
"""

from __future__ import annotations

import pytest

from openers.domain.callers import SYSTEM
from openers.domain.codes import RequestContext
from openers.domain.identifiers import Ubrn
from openers.domain.referral import Referral
from tests.kit.documents.replies import in_common
from tests.kit.referrals.cast import Cast
from tests.kit.referrals.rig import SERVICE, Json, code
from tests.kit.referrals.rows import acts, states
from tests.kit.referrals.words import (
    ACCEPTED,
    AT_ONCE,
    BY_TELEPHONE,
    LATER,
    NO_LETTER,
    TRIAGE,
    appointment_of,
    cancelling,
    flag,
    priority,
    rejecting,
    said,
    state_of,
)
from tests.kit.service.requests import criteria, shortlist

pytestmark = pytest.mark.anyio


async def kept(cast: Cast, referral: Json) -> Referral:
    """Return the stored referral."""
    async with cast.rig.world.read() as tx:
        stored = await tx.referrals.find(Ubrn(referral["id"]), SYSTEM)
    assert stored is not None
    return stored.value


def priority_of(referral: Json) -> str:
    """Return the priority of a referral."""
    (shown,) = (each for each in referral["extension"] if each["url"].endswith("ReferralPriority-1"))
    return str(shown["valueCodeableConcept"]["coding"][0]["code"])


async def at_pas(cast: Cast, referral: Json) -> str:
    """Return the status of the referral's booking in the PAS."""
    (there,) = (each for each in cast.rig.pas.appointments.values() if referral["id"] in str(each["identifier"]))
    return str(there["status"])


async def test_an_accepted_referral_stays_booked(cast: Cast) -> None:
    """A013 does not change the appointment, and the referral no longer needs a review."""
    referral = await cast.booked()
    assert (await kept(cast, referral)).is_for_review
    reply = await cast.do("A013", referral)
    now = reply.json()
    assert reply.headers["etag"] == f'W/"{now["meta"]["versionId"]}"'
    before, after = appointment_of(referral), appointment_of(now)
    assert before is not None
    assert after is not None
    assert {**before, "incomingReferral": None} == {**after, "incomingReferral": None}
    assert not (await kept(cast, referral)).is_for_review
    assert await at_pas(cast, referral) == "booked"


async def test_a_changed_letter_is_for_review_again(cast: Cast) -> None:
    """After A013, a changed letter (A012) makes the referral need a review again, with the context LETTER_CHANGED."""
    referral = await cast.done("A013", await cast.booked())
    letter = await cast.with_letter(referral)
    told = await kept(cast, letter)
    assert (told.is_for_review, told.review.context) == (True, RequestContext.LETTER_CHANGED)
    assert not (await kept(cast, await cast.done("A013", letter))).is_for_review


async def test_a_new_request_has_never_been_reviewed(cast: Cast) -> None:
    """A new request has never been reviewed, even if a letter was added to it."""
    for referral in (await cast.awaiting_triage(), await cast.with_letter(await cast.awaiting_triage())):
        told = await kept(cast, referral)
        assert (told.is_for_review, told.review.context) == (True, RequestContext.NEVER_REVIEWED)


@pytest.mark.parametrize(("urgency", "context"), [("ROUTINE", "PRIORITY_CHANGED"), ("URGENT", "NEVER_REVIEWED")])
async def test_the_same_service_asked_again(cast: Cast, urgency: str, context: str) -> None:
    """If the same service gets the request again with a new priority, the context is PRIORITY_CHANGED.

    With the same priority the context is NEVER_REVIEWED.
    """
    referral = await cast.returned()
    changed = await cast.done("A031", referral, shortlist(TRIAGE, of=criteria(priority=urgency)), NO_LETTER, AT_ONCE)
    assert not (await kept(cast, changed)).is_for_review
    reply = await cast.rig.defer(changed, "TRIAGE", TRIAGE)
    assert reply.status_code == 201
    told = await kept(cast, referral)
    assert (told.is_for_review, told.review.context) == (True, context)


async def test_another_service_asked(cast: Cast) -> None:
    """For another service the context is NEVER_REVIEWED, even if the priority has changed since the review."""
    referral = await cast.returned()
    changed = await cast.done("A031", referral, shortlist(SERVICE, of=criteria(priority="ROUTINE")), NO_LETTER, AT_ONCE)
    assert (await cast.rig.defer(changed, "BOOKING_ATTEMPT_PROBLEM", comment="busy")).status_code == 201
    told = await kept(cast, referral)
    assert (told.is_for_review, told.review.context) == (True, RequestContext.NEVER_REVIEWED)


async def test_a_rejection(cast: Cast) -> None:
    """A014 cancels the booking in the PAS and frees its slot. The referral shows the reason and the comment."""
    referral = await cast.booked()
    slot = appointment_of(referral) or {}
    reply = await cast.do("A014", referral, rejecting("OTHER"), said("rejectionComments", "not here"))
    now = reply.json()
    assert state_of(now) == ("REJECTED", "OTHER", "not here")
    held = appointment_of(now) or {}
    assert (held["status"], held["meta"]["versionId"], held["comment"]) == ("cancelled", "1", "not here")
    assert not held.keys() & {"slot", "start", "end"}
    assert await at_pas(cast, referral) == "cancelled"
    assert slot["slot"][0]["reference"][5:] in {each["id"] for each in await cast.rig.free()}
    assert (await acts(cast.rig))[-1][:2] == ("reject", referral["id"])
    assert now == await cast.rig.read(referral)


@pytest.mark.parametrize("told", [True, False])
async def test_a_booking_by_telephone_is_cancelled_at_the_provider(cast: Cast, told: bool) -> None:
    """A014 and A022 do not call the PAS. They store whether the provider has cancelled the booking in its PAS."""
    calls = len(cast.rig.pas.appointments)
    for number, words in (("A014", (rejecting(),)), ("A022", LATER)):
        referral = await cast.booked_by_telephone()
        held = appointment_of(referral) or {}
        assert held["start"] == held["end"]
        assert "slot" not in held
        now = await cast.done(number, referral, *words, flag(told))
        appointment = (await kept(cast, now)).appointment
        assert appointment is not None
        assert appointment.cancelled_in_pas is told
    assert len(cast.rig.pas.appointments) == calls


async def test_an_appointment_that_is_acted_on_later(cast: Cast) -> None:
    """A022 cancels the booking and proposes the appointment again, with a comment and a new priority."""
    referral = await cast.booked()
    now = await cast.done("A022", referral, *LATER, priority("TWO_WEEK_WAIT", "priority"))
    assert state_of(now) == ("TRIAGED_PROVIDER_TO_ACTION", "CANCEL_APPOINTMENT_ACTION_LATER", "Ring the patient.")
    held = appointment_of(now) or {}
    assert (held["status"], held["comment"]) == ("proposed", "Ring the patient.")
    assert not held.keys() & {"slot", "start", "end"}
    assert (priority_of(now), await at_pas(cast, referral)) == ("TWO_WEEK_WAIT", "cancelled")


async def test_outcomes_of_a_review(cast: Cast) -> None:
    """A028 stores the comments with its outcome. Only acceptance changes the priority."""
    accepted = await cast.done("A028", await cast.awaiting_triage(), *ACCEPTED)
    assert state_of(accepted) == ("TRIAGED_PROVIDER_TO_ACTION", "ACCEPT_REFER_BOOK_LATER", "Soon.")
    assert priority_of(accepted) == "TWO_WEEK_WAIT"
    returned = await cast.done("A028", await cast.deferred_with_letter())
    assert state_of(returned) == ("TRIAGE_RESPONSE", "RETURN_TO_REFERRER_WITH_ADVICE", "Please watch.")
    assert priority_of(returned) == "URGENT"
    for each in (accepted, returned):
        assert (appointment_of(each) or {})["meta"]["versionId"] == "2"


async def test_another_shortlist(cast: Cast) -> None:
    """After A031 the referral is unbooked and no provider holds it. The pathway start stays, and it can be booked."""
    referral = await cast.rejected()
    wanted = criteria(priority="ROUTINE")
    now = await cast.done("A031", referral, shortlist(SERVICE, BY_TELEPHONE, of=wanted), NO_LETTER, AT_ONCE)
    assert state_of(now) == ("NOT_BOOKED", None, None)
    assert appointment_of(now) is None
    assert "specialty" not in now
    assert priority_of(now) == "ROUTINE"
    services = [each["item"]["identifier"]["value"] for each in now["contained"][1]["entry"]]
    assert services == [SERVICE, BY_TELEPHONE]
    starts = [each for each in now["extension"] if each["url"].endswith("PathwayStart-1")]
    assert starts == [each for each in referral["extension"] if each["url"].endswith("PathwayStart-1")]
    assert code(await cast.do("A028", now, by=cast.consultant)) == (422, "NO_RELATIONSHIP")
    assert (await cast.rig.book(now, (await cast.rig.free())[0])).status_code == 201


async def test_another_shortlist_sent_for_triage(cast: Cast) -> None:
    """A032 returns the referral and its new appointment, without an ETag."""
    reply = await cast.do("A032", await cast.rejected())
    told = {each["name"]: each["resource"] for each in reply.json()["parameter"]}
    assert set(told) == {"updatedReferralRequest", "createdAppointment"}
    assert "etag" not in reply.headers
    assert state_of(told["updatedReferralRequest"]) == ("AWAITING_TRIAGE", "TRIAGE", None)
    shown = await cast.gp.get(f"/STU3/Appointment/{told['createdAppointment']['id']}")
    assert shown.json() == told["createdAppointment"]
    read = await cast.rig.read(told["updatedReferralRequest"])
    assert in_common(read) == in_common(told["updatedReferralRequest"])


async def test_the_end_of_a_booked_referral(cast: Cast) -> None:
    """A036 cancels referral and appointment. The contained appointment has no reason, but A038 shows one."""
    referral = await cast.booked()
    reply = await cast.do("A036", referral, cancelling("REFERRER_CANCELLATION"), said("cancellationComments", "sorry"))
    told = {each["name"]: each["resource"] for each in reply.json()["parameter"]}
    assert "etag" not in reply.headers
    now, held = told["updatedReferralRequest"], told["updatedAppointment"]
    assert (now["status"], state_of(now)) == ("cancelled", ("CANCELLED_REFERRAL", "REFERRER_CANCELLATION", "sorry"))
    contained = appointment_of(now) or {}
    assert contained["status"] == held["status"] == "cancelled"
    assert not contained.keys() & {"reason", "comment", "slot", "start", "end"}
    assert (held["reason"][0]["coding"][0]["code"], held["comment"]) == (
        "PATIENT_APPOINTMENT_CANCELLATION_OTHER",
        "sorry",
    )
    assert await at_pas(cast, referral) == "cancelled"
    assert in_common(now) == in_common(await cast.rig.read(referral))
    assert held == (await cast.gp.get(f"/STU3/Appointment/{held['id']}")).json()
    found = (await cast.gp.get(f"/R4/ServiceRequest?identifier={referral['id']}")).json()
    assert [each["resource"]["status"] for each in found["entry"]] == ["revoked"]


async def test_the_end_of_a_referral_that_a_provider_had_before(cast: Cast) -> None:
    """A036 withdraws a pending request and its appointment. The result of a finished review stays."""
    pending = await cast.awaiting_triage()
    gone = await cast.appointment_id(pending)
    reply = await cast.do("A036", pending)
    (only,) = reply.json()["parameter"]
    assert appointment_of(only["resource"]) is None
    assert only["resource"]["specialty"] == pending["specialty"]
    assert (await cast.gp.get(f"/STU3/Appointment/{gone}")).status_code == 404
    (other,) = (await cast.do("A036", await cast.returned())).json()["parameter"]
    assert (appointment_of(other["resource"]) or {})["status"] == "proposed"


async def test_no_slot_stays_booked_for_nobody(cast: Cast) -> None:
    """After a rejection or a cancellation, no slot is still held."""
    for made in (await cast.rejected(), await cast.cancelled_by_patient()):
        assert appointment_of(made) is not None
    assert "HELD" not in (await states(cast.rig)).values()
