"""A016 stores the comment of a booking or deferral, and every read of the appointment shows it."""

from __future__ import annotations

import httpx
import pytest

from tests.kit.referrals.rig import SERVICE, Json, Rig

pytestmark = pytest.mark.anyio
COMMENT = "Needs a chair by the door."
TRIAGE = "11004"


async def asked(desk: Rig, kind: str) -> httpx.Response:
    """Call A016 for a booking or a deferral with the comment."""
    referral = await desk.refer()
    if kind == "booking":
        return await desk.book(referral, (await desk.free())[0], comment=COMMENT)
    service = TRIAGE if kind == "TRIAGE" else SERVICE
    return await desk.defer(referral, kind, service, comment=COMMENT)


@pytest.mark.parametrize("kind", ["booking", "TRIAGE", "BOOKING_ATTEMPT_PROBLEM"])
async def test_the_comment_is_kept_and_shown(desk: Rig, kind: str) -> None:
    """The reply, A038 and A005 show the comment."""
    await desk.add_slots(4)
    reply = await asked(desk, kind)
    assert reply.status_code == 201, reply.text
    appointment: Json = reply.json()
    read = (await desk.gp.get(f"/STU3/Appointment/{appointment['id']}")).json()
    ubrn = appointment["incomingReferral"][0]["reference"].split("/")[1]
    referral = (await desk.gp.get(f"/STU3/ReferralRequest/{ubrn}")).json()
    (contained,) = (each for each in referral["contained"] if each["resourceType"] == "Appointment")
    assert [each.get("comment") for each in (appointment, read, contained)] == [COMMENT] * 3
