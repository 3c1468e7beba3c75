"""Every operation on a referral in every state, compared with the rules, and the actions that A029 offers.

Source: rules chapters 3.1 and 4. `tests/lifecycle/test_table.py` tests the same table without the API.
"""

from __future__ import annotations

from typing import Final

import pytest

from tests.kit.referrals.cast import STATES, Cast
from tests.kit.referrals.rig import SERVICE, Json, code
from tests.kit.referrals.rows import acts
from tests.kit.referrals.words import ADVICE, LATER, TRIAGE, appointment_of, cancelling, flag, rejecting, state_of

pytestmark = pytest.mark.anyio

STATE, TYPE = (422, "INVALID_REQUEST_STATE"), (422, "INVALID_REQUEST_TYPE")
OPERATIONS: Final = ("A013", "A014", "A022", "A028", "A031", "A032", "A036")
REVIEWED: Final = {"A013", "A014", "A022", "A036"}
CHANGED: Final = {"A031", "A032", "A036"}
POSSIBLE: Final[dict[str, set[str]]] = {
    "not booked": CHANGED,
    "awaiting triage": CHANGED | {"A028"},
    "deferred": CHANGED,
    "deferred with letter": CHANGED | {"A028"},
    "booked": REVIEWED,
    "booked by telephone": REVIEWED,
    "triaged": CHANGED,
    "returned": CHANGED,
    "rejected": CHANGED,
    "cancelled by the patient": CHANGED,
    "cancelled by the provider": CHANGED,
    "missed": CHANGED,
    "assessed": CHANGED,
    "cancelled": set(),
}
AFTERWARDS: Final = {
    "A013": "BOOKED",
    "A014": "REJECTED",
    "A022": "TRIAGED_PROVIDER_TO_ACTION",
    "A028": "TRIAGE_RESPONSE",
    "A031": "NOT_BOOKED",
    "A032": "AWAITING_TRIAGE",
    "A036": "CANCELLED_REFERRAL",
}


def test_the_referrals_are_in_every_state() -> None:
    """The referrals of these tests cover all twelve states."""
    assert set(STATES) == set(POSSIBLE)
    assert len({state for state, _ in STATES.values()}) == 12


def body(number: str, told: str) -> tuple[Json, ...]:
    """Return valid parameters for a referral of this kind."""
    by_telephone = (flag(told=True),) if told == "booked by telephone" else ()
    return {"A014": (rejecting(), *by_telephone), "A022": (*LATER, *by_telephone)}.get(number, ())


@pytest.mark.parametrize("number", OPERATIONS)
@pytest.mark.parametrize("told", STATES)
async def test_an_operation_in_a_state(cast: Cast, told: str, number: str) -> None:
    """A permitted act leads to the state in the rules and raises the version. Another act changes nothing."""
    state, make = STATES[told]
    referral = await make(cast)
    assert state_of(referral)[0] == state
    before, version = await cast.rows(), int(referral["meta"]["versionId"])
    reply = await cast.do(number, referral, *body(number, told))
    if number in POSSIBLE[told]:
        assert reply.status_code == 200, reply.text
        now = await cast.rig.read(referral)
        assert state_of(now)[0] == AFTERWARDS[number]
        assert int(now["meta"]["versionId"]) > version
        assert (await acts(cast.rig))[-1][1:] == (referral["id"], int(now["meta"]["versionId"]))
        return
    assert await cast.rows() == before
    if OFFERED[told][1] is None and number in ("A013", "A014", "A022", "A028"):
        assert code(reply) == (422, "NO_RELATIONSHIP")
    elif told == "cancelled" and number in ("A028", "A031", "A032"):
        assert code(reply) == TYPE
    else:
        assert code(reply) == STATE


CANCEL, CHANGE = {"CANCEL_REFERRAL"}, {"CHANGE_SHORTLIST", "CHANGE_SHORTLIST_AND_SEND_FOR_TRIAGE"}
OFFERED: Final[dict[str, tuple[set[str], set[str] | None]]] = {
    "not booked": (CANCEL | CHANGE | {"CREATE_APPOINTMENT"}, None),
    "awaiting triage": (CANCEL | CHANGE, CANCEL | {"RECORD_REVIEW_OUTCOME"}),
    "deferred": (CANCEL | CHANGE, CANCEL),
    "deferred with letter": (CANCEL | CHANGE, CANCEL | {"RECORD_REVIEW_OUTCOME"}),
    "booked": (CANCEL | {"CANCEL_DIRECTLY_BOOKED_APPOINTMENT"}, CANCEL),
    "booked by telephone": (CANCEL, CANCEL),
    "triaged": (CANCEL | CHANGE, CANCEL),
    "returned": (CANCEL | CHANGE, CANCEL),
    "rejected": (CANCEL | CHANGE, CANCEL),
    "cancelled by the patient": (CANCEL | CHANGE, CANCEL),
    "cancelled by the provider": (CANCEL | CHANGE, CANCEL),
    "missed": (CANCEL | CHANGE, CANCEL),
    "assessed": (CANCEL | CHANGE, CANCEL),
    "cancelled": (set(), set()),
}
"""The actions that A029 offers to the referrer and to the provider. `None`: no provider has a relationship."""
OPERATION_OF: Final = {
    "RECORD_REVIEW_OUTCOME": "A028",
    "CHANGE_SHORTLIST": "A031",
    "CHANGE_SHORTLIST_AND_SEND_FOR_TRIAGE": "A032",
    "CANCEL_REFERRAL": "A036",
}


@pytest.mark.parametrize("told", STATES)
async def test_what_is_offered(cast: Cast, told: str) -> None:
    """A029 offers the actions of a side to its clinicians, admins and applications. Others do not find the referral."""
    referral = await STATES[told][1](cast)
    of_referrer, of_provider = OFFERED[told]
    for client in (cast.gp, cast.gp_admin):
        assert await cast.offered(referral, client) == of_referrer
    provider = cast.provider(referral)
    theirs = (cast.consultant, cast.consultant_admin, cast.application)
    for client in theirs if provider is cast.consultant else (provider,):
        assert await cast.offered(referral, client) == of_provider
    for stranger in {cast.consultant, cast.consultant_elsewhere} - {provider} | {cast.gp_elsewhere}:
        assert await cast.offered(referral, stranger) is None


@pytest.mark.parametrize("side", [0, 1], ids=["referrer", "provider"])
@pytest.mark.parametrize("told", STATES)
async def test_what_is_offered_succeeds_and_the_rest_is_refused(cast: Cast, told: str, side: int) -> None:
    """Each offered action succeeds, and each other action is rejected. Each is tried on a separate referral."""
    offered = OFFERED[told][side] or set()
    of_referrer = CANCEL | CHANGE | {"CREATE_APPOINTMENT", "CANCEL_DIRECTLY_BOOKED_APPOINTMENT"}
    for action in sorted(CANCEL | {"RECORD_REVIEW_OUTCOME"} if side else of_referrer):
        referral = await STATES[told][1](cast)
        before = await cast.rows()
        status = await _tried(cast, referral, action, by_provider=bool(side), told=told)
        assert (status < 300) == (action in offered), (action, status)
        if status >= 400:
            assert await cast.rows() == before


async def _tried(cast: Cast, referral: Json, action: str, *, by_provider: bool, told: str) -> int:
    """Return the status of a valid call that performs the action."""
    if action == "CREATE_APPOINTMENT":
        if SERVICE in str(referral["contained"][1]):
            return (await cast.rig.book(referral, (await cast.rig.free())[0])).status_code
        return (await cast.rig.defer(referral, "TRIAGE", TRIAGE)).status_code
    if action == "CANCEL_DIRECTLY_BOOKED_APPOINTMENT":
        if appointment_of(referral) is None:
            return 404
        shown = (await cast.gp.get(f"/STU3/Appointment/{await cast.appointment_id(referral)}")).json()
        return (await cast.rig.cancel(shown, "PATIENT_ILL")).status_code
    by = cast.provider(referral) if by_provider else None
    reply = await cast.do(OPERATION_OF[action], referral, *_words(action, told, by_provider=by_provider), by=by)
    return reply.status_code


def _words(action: str, told: str, *, by_provider: bool) -> tuple[Json, ...]:
    if action == "CANCEL_REFERRAL" and by_provider and told == "triaged":
        return (cancelling("TRIAGE_ENDED"),)
    return ADVICE if action == "RECORD_REVIEW_OUTCOME" else ()
