"""The walks of the README and the tutorials, made with the client."""

from __future__ import annotations

from io import BytesIO

import pytest

from openers.testing import WorldOfTest
from openers_client import (
    Attachment,
    Closing,
    Filters,
    NewShortlist,
    Question,
    Record,
    RejectionOfReferral,
    Response,
    ReviewOutcome,
    Search,
    Shortlist,
    SlotQuery,
    Upload,
)
from tests.client.people import ADVISING, BOOKABLE, HEART, PATIENT, TRIAGE, Cast, new_referral

pytestmark = pytest.mark.anyio


async def test_a_referral_is_booked_rejected_changed_and_cancelled(people: Cast, world: WorldOfTest) -> None:
    gp, consultant = people.gp, people.consultant
    found = await gp.search_services(Search(patient=PATIENT, criteria=HEART))
    assert BOOKABLE in [each.id for each in found]
    referral = await gp.create_referral(new_referral(BOOKABLE))
    assert (await gp.read_referral(referral.ubrn)).state == "NOT_BOOKED"
    assert [row.ubrn for row in await gp.worklist("AWAITING_BOOKING")] == [referral.ubrn]

    slot = await anext(gp.slots(SlotQuery(service=BOOKABLE)))
    appointment = await gp.book(referral, slot)
    assert (appointment.status, appointment.start, appointment.ubrn) == ("booked", slot.start, referral.ubrn)

    (row,) = await consultant.worklist("REFERRALS_FOR_REVIEW", Filters(service=BOOKABLE))
    rejected = await consultant.reject_referral(
        Record(row.ubrn, row.version or 0), RejectionOfReferral(reason="SERVICE_INAPPROPRIATE")
    )
    changed = await gp.change_shortlist(rejected, NewShortlist(shortlist=Shortlist(["11001"], HEART)))
    assert [each.id for each in changed.shortlist] == ["11001"]
    cancelled = await gp.cancel_referral(changed, "INTEND_PRIVATE")
    assert cancelled.referral.state == "CANCELLED_REFERRAL"


async def test_a_letter_is_written_and_read(people: Cast, world: WorldOfTest) -> None:
    referral = await people.gp.create_referral(new_referral(TRIAGE, letter="NEED_TO_ADD_LATER"))
    letter = Upload(name="letter.txt", content=b"Dear colleague, please see this patient.", ubrn=referral.ubrn)
    file = await people.gp.upload(letter)
    world.clock.advance(minutes=1)
    referral = await people.gp.maintain_letter(referral, [Attachment(file, "Referral letter")])
    read = BytesIO()
    saved = await people.gp.download(file.id, read)
    assert (saved.name, read.getvalue()) == ("letter.txt", letter.content)


async def test_a_referral_is_triaged(people: Cast, world: WorldOfTest) -> None:
    referral = await people.gp.create_referral_and_send_for_triage(new_referral(TRIAGE, letter="NEED_TO_ADD_LATER"))
    assert referral.state == "AWAITING_TRIAGE"
    advised = ReviewOutcome(outcome="RETURN_TO_REFERRER_WITH_ADVICE", comments="Check the blood pressure again.")
    returned = await people.consultant.record_review_outcome(referral, advised)
    assert returned.state == "TRIAGE_RESPONSE"
    world.clock.advance(days=14)
    assert (await people.gp.read_referral(referral.ubrn)).version >= returned.version


async def test_advice_is_asked_for_and_given(people: Cast) -> None:
    question = Question(patient=PATIENT, shortlist=Shortlist([ADVISING], HEART), text="Breathless on stairs?")
    request = (await people.gp.ask_for_advice(question)).request
    response = Response(
        outcome="RETURN_TO_REFERRER_WITH_ADVICE",
        recommendation="ADVICE_ONLY_NO_REFERRAL_RECOMMENDED",
        text="Start a diuretic.",
        priority="ROUTINE",
    )
    given = await people.consultant.send_response(request, response)
    messages = await people.gp.conversation(given.request)
    assert [(each.side, each.text) for each in messages][-1] == ("RESPONDER", "Start a diuretic.")
    closed = await people.gp.close_advice(given.request, Closing(referral_avoided=True, advice_useful=True))
    assert closed.status == "CONVERSATION_ENDED_CLOSED"
