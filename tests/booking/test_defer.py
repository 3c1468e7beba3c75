"""A016 with status proposed: triage and the three kinds of deferral, each with its own rules.

Source: rules chapters 3.2, 4 (A016), 11.1 row 6, 11.2 row 22.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.kit.referrals.rig import NO_SLOTS, OTHER, SERVICE, Json, Rig, code
from tests.kit.referrals.rows import acts, rows

pytestmark = pytest.mark.anyio

TRIAGE, INDIRECT = "11004", "11003"
REVIEW = "https://fhir.nhs.uk/STU3/CodeSystem/eRS-ReviewReason-1"
CANCELLATION = "_baseUrl_/STU3/CodeSystem/APPOINTMENT-CANCELLATION-REASON"
REASONS = ("NO_SLOTS_AT_SERVICE", "SLOT_NOT_AVAILABLE", "BOOKING_ATTEMPT_PROBLEM")


@pytest.fixture(scope="module")
async def clinic(desk: Rig) -> Rig:
    """Return a service with free slots at two services."""
    await desk.add_slots(4)
    await desk.add_slots(2, OTHER)
    return desk


async def taken(desk: Rig) -> Json:
    """Return a slot that has just been booked."""
    slot = (await desk.free())[0]
    assert (await desk.book(await desk.refer(), slot)).status_code == 201
    return slot


def quoted(slot: Json | str) -> list[Json]:
    """Return the reference to a slot."""
    return [{"reference": f"Slot/{slot if isinstance(slot, str) else slot['id']}"}]


def reason(code_: str, system: str = REVIEW) -> list[Json]:
    """Return a reason."""
    return [{"coding": [{"system": system, "code": code_}]}]


async def state_of(desk: Rig, referral: Json) -> list[str]:
    """Return the state and reason of the referral in A005."""
    now = await desk.read(referral)
    return [each["valueCoding"]["code"] for each in now["extension"][-1]["extension"] if "valueCoding" in each]


@pytest.mark.parametrize("why", [*REASONS, "TRIAGE"])
async def test_what_is_proposed_is_shown_everywhere(clinic: Rig, why: str) -> None:
    """The reply, A038, the referral and the events agree, and no slot is shown."""
    referral = await clinic.refer(SERVICE, NO_SLOTS, TRIAGE)
    more: dict[str, Any] = {"comment": "Nothing found"}
    service = {"NO_SLOTS_AT_SERVICE": NO_SLOTS, "TRIAGE": TRIAGE}.get(why, SERVICE)
    if why == "SLOT_NOT_AVAILABLE":
        more["slot"] = quoted(await taken(clinic))
    reply = await clinic.defer(referral, why, service, **more)
    assert reply.status_code == 201, reply.text
    shown = reply.json()
    assert (reply.headers["etag"], shown["status"], shown["meta"]["versionId"]) == ('W/"1"', "proposed", "1")
    assert shown["reason"][0]["coding"][0]["code"] == why
    assert not shown.keys() & {"slot", "start", "end"}
    assert shown.get("comment") == "Nothing found"
    assert (await clinic.gp.get(f"/STU3/Appointment/{shown['id']}")).json() == shown
    expected = "AWAITING_TRIAGE" if why == "TRIAGE" else "DEFERRED_TO_PROVIDER"
    assert await state_of(clinic, referral) == [expected, why]
    act = "send for triage" if why == "TRIAGE" else "defer to the provider"
    assert (await acts(clinic))[-1][:2] == (act, referral["id"])


@pytest.mark.parametrize("why", [None, "BOOKED_CLINICAL_NEED", "no_slots_at_service"])
async def test_a_proposal_needs_one_of_the_reasons(clinic: Rig, why: str | None) -> None:
    """A missing reason is rejected, and an unknown reason returns INVALID_CODE."""
    referral = await clinic.refer()
    before = await rows(clinic)
    changed = [] if why is None else reason(why)
    reply = await clinic.defer(referral, "TRIAGE", reason=changed)
    assert reply.status_code == 422
    if why is not None:
        assert code(reply) == (422, "INVALID_CODE")
    assert await rows(clinic) == before


async def test_a_cancellation_reason_is_none_for_a_proposal(clinic: Rig) -> None:
    """A cancellation reason has the wrong code system for a proposal."""
    changed = reason("PATIENT_ILL", CANCELLATION)
    assert code(await clinic.defer(await clinic.refer(), "TRIAGE", reason=changed)) == (422, "INVALID_VALUE")


@pytest.mark.parametrize(
    ("why", "service", "slot", "expected"),
    [
        ("TRIAGE", SERVICE, None, "INVALID_STATE"),
        ("TRIAGE", TRIAGE, "999999", "INAPPROPRIATE_VALUE"),
        ("TRIAGE", "999999", None, "REFERENCE_NOT_FOUND"),
        ("TRIAGE", "11005", None, "INAPPROPRIATE_VALUE"),
        ("NO_SLOTS_AT_SERVICE", SERVICE, None, "SLOTS_CURRENTLY_AVAILABLE"),
        ("NO_SLOTS_AT_SERVICE", NO_SLOTS, "1", "INAPPROPRIATE_VALUE"),
        ("NO_SLOTS_AT_SERVICE", TRIAGE, None, "INVALID_STATE"),
        ("NO_SLOTS_AT_SERVICE", INDIRECT, None, "INVALID_STATE"),
        ("NO_SLOTS_AT_SERVICE", OTHER, None, "INAPPROPRIATE_VALUE"),
        ("BOOKING_ATTEMPT_PROBLEM", SERVICE, "1", "INAPPROPRIATE_VALUE"),
        ("BOOKING_ATTEMPT_PROBLEM", INDIRECT, None, "INVALID_STATE"),
        ("SLOT_NOT_AVAILABLE", SERVICE, None, "MISSING_VALUE"),
        ("SLOT_NOT_AVAILABLE", SERVICE, "999999", "REFERENCE_NOT_FOUND"),
        ("SLOT_NOT_AVAILABLE", SERVICE, "other", "INAPPROPRIATE_VALUE"),
        ("SLOT_NOT_AVAILABLE", SERVICE, "free", "THIS_SLOT_IS_AVAILABLE"),
    ],
)
async def test_each_reason_has_its_rules(clinic: Rig, why: str, service: str, slot: str | None, expected: str) -> None:
    """Each reason of a proposal has its own rules, and a rejection changes nothing."""
    known = {"free": (await clinic.free())[-1]["id"], "other": (await clinic.free(OTHER))[0]["id"]}
    referral = await clinic.refer(SERVICE, NO_SLOTS, TRIAGE, INDIRECT)
    more = {} if slot is None else {"slot": quoted(known.get(slot, slot))}
    before = await rows(clinic)
    assert code(await clinic.defer(referral, why, service, **more)) == (422, expected)
    assert await rows(clinic) == before


async def test_slots_for_other_priorities_do_not_stand_in_the_way(clinic: Rig) -> None:
    """NO_SLOTS_AT_SERVICE is possible if the service has no free slot for the referral's own priority."""
    await clinic.add_slots(1, NO_SLOTS)
    for slot in clinic.pas.slots.values():
        if slot["id"].startswith(NO_SLOTS):
            slot["serviceType"] = slot["serviceType"][:1]
            clinic.pas.mark(slot["id"], "free")
    await clinic.poll(NO_SLOTS)
    deferred = await clinic.defer(await clinic.refer(), "NO_SLOTS_AT_SERVICE", NO_SLOTS)
    assert deferred.status_code == 201, deferred.text


@pytest.mark.parametrize(("length", "status"), [(1000, 201), (1001, 422)])
async def test_how_long_a_comment_may_be(clinic: Rig, length: int, status: int) -> None:
    """A comment may have at most 1000 characters."""
    referral = await clinic.refer()
    reply = await clinic.defer(referral, "BOOKING_ATTEMPT_PROBLEM", comment="x" * length)
    assert reply.status_code == status, reply.text
    if status == 422:
        assert code(reply) == (422, "INVALID_VALUE")


async def test_a_stale_version_conflicts(clinic: Rig) -> None:
    referral = await clinic.refer()
    stale = [{"reference": f"ReferralRequest/{referral['id']}/_history/2"}]
    before = await rows(clinic)
    assert code(await clinic.defer(referral, "BOOKING_ATTEMPT_PROBLEM", incomingReferral=stale)) == (
        409,
        "VERSION_CONFLICT",
    )
    assert await rows(clinic) == before
