"""Each state of a request has one next step, and ended requests have none. Source: rules 3.1 and 3.3."""

from __future__ import annotations

import pytest

from openers.domain.advice_lifecycle import OPEN, AdviceState
from openers.domain.lifecycle import ENDED, ReferralState
from openers.domain.overview.next_step import BY_STATE, OF_ADVICE


@pytest.mark.parametrize("state", ReferralState)
def test_each_active_state_of_a_referral_has_a_step(state: ReferralState) -> None:
    assert (state in BY_STATE) == (state not in ENDED)


@pytest.mark.parametrize("state", AdviceState)
def test_each_open_state_of_a_conversation_has_a_step(state: AdviceState) -> None:
    assert (state in OF_ADVICE) == (state in OPEN)
