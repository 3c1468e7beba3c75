"""Every state against every act: what the rules allow leads where they say, everything else is refused.

Source: rules chapter 3.1. The allowed pairs are written down here once more, from the rules, not from the table.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openers.domain.errors import Field, InvalidRequestState
from openers.domain.lifecycle import TABLE, Act, ReferralState, after, diagram

ALLOWED: dict[tuple[ReferralState | None, Act], ReferralState] = {
    (None, Act.CREATE): ReferralState.NOT_BOOKED,
    (ReferralState.NOT_BOOKED, Act.SEND_FOR_TRIAGE): ReferralState.AWAITING_TRIAGE,
    (ReferralState.NOT_BOOKED, Act.DEFER): ReferralState.DEFERRED_TO_PROVIDER,
    (ReferralState.NOT_BOOKED, Act.BOOK): ReferralState.BOOKED,
    (ReferralState.BOOKED, Act.ARRIVE): ReferralState.BOOKED,
    (ReferralState.BOOKED, Act.MOVE): ReferralState.BOOKED,
    (ReferralState.BOOKED, Act.CANCEL_APPOINTMENT): ReferralState.APPT_CANCELLED_BY_PATIENT,
    (ReferralState.BOOKED, Act.PROVIDER_CANCELS): ReferralState.APPT_CANCELLED_BY_PROVIDER,
    (ReferralState.BOOKED, Act.MISS): ReferralState.DID_NOT_ATTEND,
    **{(state, Act.MAINTAIN_LETTER): state for state in set(ReferralState) - {ReferralState.DID_NOT_ATTEND}},
}
PAIRS = list(product((None, *ReferralState), Act))
PAGE = Path("docs/explanation/lifecycle.md")


@pytest.mark.parametrize(("state", "act"), PAIRS)
def test_each_act_in_each_state_is_allowed_or_refused(state: ReferralState | None, act: Act) -> None:
    """The refusal names the referral, its state and the act."""
    if (state, act) in ALLOWED:
        assert after(state, act) is ALLOWED[state, act]
        return
    with pytest.raises(InvalidRequestState) as refused:
        after(state, act)
    assert (refused.value.field, refused.value.value) == (Field.REFERRAL, state)
    assert act in refused.value.hint


def test_the_table_has_nothing_else() -> None:
    """And every act and state stands in it."""
    assert TABLE == ALLOWED
    assert {act for _, act in TABLE} == set(Act)
    assert set(TABLE.values()) == set(ReferralState)


@given(st.lists(st.sampled_from(Act), max_size=8))
def test_whatever_is_tried_a_referral_keeps_a_known_state(acts: list[Act]) -> None:
    """A refused act leaves it where it was."""
    state: ReferralState | None = None
    for act in acts:
        try:
            state = after(state, act)
        except InvalidRequestState:
            assert (state, act) not in ALLOWED
    assert state is None or state in ReferralState


def test_the_published_diagram_is_the_table(pytestconfig: pytest.Config) -> None:
    """Letter for letter."""
    page = (pytestconfig.rootpath / PAGE).read_text("utf-8")
    assert f"```mermaid\n{diagram()}\n```" in page
    assert diagram().count("-->") == len(ALLOWED)
