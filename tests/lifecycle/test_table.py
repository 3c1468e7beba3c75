"""Every state with every act: allowed acts lead to the state of the rules, all others are refused.

Source: rules chapters 1.2, 3.1 and 4. The allowed pairs are written here again, from the rules and not from the table.
They state where an act leads, who may do it and what else it needs.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openers.api import operations
from openers.api.registry import all_operations
from openers.domain.errors import Field, InvalidRequestState, InvalidRequestType
from openers.domain.lifecycle import PARTIES, SAME, TABLE, Act, Precondition, ReferralState, diagram, listing, row_of
from openers.domain.principal import PROVIDER_CLINICIANS, REFERRERS, Party
from openers.usecases.referring.available_actions import ACTS

__all__ = ["operations"]

ALLOWED = """
                            A013 A014 A022 A028 A031 A032 A034 A036 book triage defer phone PAS assess A012
NOT_BOOKED                   .    .    .    .    NB   AT   .    C    B    AT     DP    B     .   . same
AWAITING_TRIAGE              .    .    .    T/R  NB   AT   .    C    .    .      .     .     .   . same
DEFERRED_TO_PROVIDER         .    .    .    T/R  NB   AT   .    C    .    .      .     B     .   . same
BOOKED                       B    RJ   T    .    .    .    CP   C    .    .      .     .     all AR same
TRIAGED_PROVIDER_TO_ACTION   .    .    .    .    NB   AT   .    C    .    .      .     B     .   . same
TRIAGE_RESPONSE              .    .    .    .    NB   AT   .    C    .    .      .     .     .   . same
REJECTED                     .    .    .    .    NB   AT   .    C    .    .      .     .     .   . same
APPT_CANCELLED_BY_PATIENT    .    .    .    .    NB   AT   .    C    .    .      .     .     .   . same
APPT_CANCELLED_BY_PROVIDER   .    .    .    .    NB   AT   .    C    .    .      .     .     .   . same
DID_NOT_ATTEND               .    .    .    .    NB   AT   .    C    .    .      .     .     .   . .
ASSESSMENT_RESULT            .    .    .    .    NB   AT   .    C    .    .      .     .     .   . same
CANCELLED_REFERRAL           .    .    .    .    .    .    .    .    .    .      .     .     .   . .
"""
SHORT = {
    "NB": "NOT_BOOKED",
    "AT": "AWAITING_TRIAGE",
    "DP": "DEFERRED_TO_PROVIDER",
    "B": "BOOKED",
    "T": "TRIAGED_PROVIDER_TO_ACTION",
    "RJ": "REJECTED",
    "CP": "APPT_CANCELLED_BY_PATIENT",
    "C": "CANCELLED_REFERRAL",
    "AR": "ASSESSMENT_RESULT",
}
COLUMNS = {
    "A013": Act.ACCEPT,
    "A014": Act.REJECT,
    "A022": Act.ACT_LATER,
    "A031": Act.CHANGE_SHORTLIST,
    "A032": Act.CHANGE_SHORTLIST_FOR_TRIAGE,
    "A034": Act.CANCEL_APPOINTMENT,
    "A036": Act.CANCEL_REFERRAL,
    "book": Act.BOOK,
    "triage": Act.SEND_FOR_TRIAGE,
    "defer": Act.DEFER,
    "phone": Act.BOOK_BY_TELEPHONE,
    "assess": Act.ASSESS,
}
REVIEW = {Precondition.PENDING_REVIEW, Precondition.NOT_PAST, Precondition.LETTER_AS_INTENDED}


def allowed() -> dict[tuple[ReferralState | None, Act], ReferralState]:
    """Return the table above, cell by cell."""
    found: dict[tuple[ReferralState | None, Act], ReferralState] = {
        (None, Act.CREATE): ReferralState.NOT_BOOKED,
        (None, Act.CONVERT_ADVICE): ReferralState.TRIAGED_PROVIDER_TO_ACTION,
    }
    head, *lines = ALLOWED.strip().splitlines()
    for line in lines:
        name, *row = line.split()
        before = ReferralState(name)
        for column, cell in zip(head.split(), row, strict=True):
            if cell == "T/R":
                found[before, Act.ACCEPT_BOOK_LATER] = ReferralState.TRIAGED_PROVIDER_TO_ACTION
                found[before, Act.RETURN_WITH_ADVICE] = ReferralState.TRIAGE_RESPONSE
            elif cell == "same":
                found[before, Act.MAINTAIN_LETTER] = before
            elif cell == "all":
                found |= {(before, act): ReferralState.BOOKED for act in (Act.MOVE, Act.ARRIVE)}
                found[before, Act.PROVIDER_CANCELS] = ReferralState.APPT_CANCELLED_BY_PROVIDER
                found[before, Act.MISS] = ReferralState.DID_NOT_ATTEND
            elif cell != ".":
                found[before, COLUMNS[column]] = ReferralState(SHORT[cell])
    return found


PAIRS = list(product((None, *ReferralState), Act))
PAGE = Path("docs/explanation/lifecycle.md")


@pytest.mark.parametrize(("state", "act"), PAIRS)
def test_each_act_in_each_state_is_allowed_or_refused(state: ReferralState | None, act: Act) -> None:
    """A refusal names the referral and its state.

    For a cancelled referral, A028, A031 and A032 refuse with another code.
    """
    expected = allowed().get((state, act))
    if expected is not None:
        assert row_of(state, act).to is expected
        return
    of_requests = {
        Act.ACCEPT_BOOK_LATER,
        Act.RETURN_WITH_ADVICE,
        Act.CHANGE_SHORTLIST,
        Act.CHANGE_SHORTLIST_FOR_TRIAGE,
    }
    inactive = state is ReferralState.CANCELLED_REFERRAL and act in of_requests
    with pytest.raises(InvalidRequestType if inactive else InvalidRequestState) as refused:
        row_of(state, act)
    assert (refused.value.field, refused.value.value) == (Field.REFERRAL, state)


def test_the_table_has_nothing_else() -> None:
    """The table has every act and state and no other pair, and no act leads out of the last state."""
    assert {pair: row.to for pair, row in TABLE.items()} == allowed()
    assert {act for _, act in TABLE} == set(Act) == set(PARTIES)
    assert {row.to for row in TABLE.values()} == set(ReferralState)
    assert {state for state, _ in TABLE} == {None, *ReferralState} - {ReferralState.CANCELLED_REFERRAL}


def test_what_an_act_needs_besides_the_state() -> None:
    """A review needs something to review; for an appointment slot issue, it also needs the clinical information."""
    for (state, act), row in TABLE.items():
        expected: set[Precondition] = set()
        if act in (Act.ACCEPT, Act.REJECT, Act.ACT_LATER):
            expected = REVIEW
        if act in (Act.ACCEPT_BOOK_LATER, Act.RETURN_WITH_ADVICE):
            is_slot_issue = state is ReferralState.DEFERRED_TO_PROVIDER
            expected = {Precondition.PENDING_REVIEW} | ({Precondition.CLINICAL_INFORMATION} if is_slot_issue else set())
        if act is Act.CANCEL_APPOINTMENT:
            expected = {Precondition.BOOKED_THROUGH_PAS}
        assert set(row.needs) == expected, (state, act)


OF_OPERATIONS = {
    "A012": (Act.MAINTAIN_LETTER,),
    "A013": (Act.ACCEPT,),
    "A014": (Act.REJECT,),
    "A016": (Act.BOOK, Act.DEFER, Act.SEND_FOR_TRIAGE),
    "A022": (Act.ACT_LATER,),
    "A027": (Act.CONVERT_ADVICE,),
    "A028": (Act.ACCEPT_BOOK_LATER, Act.RETURN_WITH_ADVICE),
    "A031": (Act.CHANGE_SHORTLIST,),
    "A032": (Act.CHANGE_SHORTLIST_FOR_TRIAGE,),
    "A034": (Act.CANCEL_APPOINTMENT,),
    "A036": (Act.CANCEL_REFERRAL,),
}


def test_who_may_do_an_act_may_call_its_operation() -> None:
    """The roles of an operation are those of its acts' parties.

    Acts of the PAS and of administrators have no operation.
    """
    sides = {Party.REFERRER: REFERRERS, Party.PROVIDER: PROVIDER_CLINICIANS}
    for number, acts in OF_OPERATIONS.items():
        roles = next(each.roles for each in all_operations() if each.id == number)
        for act in acts:
            assert frozenset().union(*(sides[party] for party in PARTIES[act])) == roles, act
    others = set(Act) - {act for acts in OF_OPERATIONS.values() for act in acts} - {Act.CREATE}
    assert {party for act in others for party in PARTIES[act]} == {Party.PAS, Party.ADMINISTRATOR}


def test_every_offered_action_is_of_acts_that_an_operation_does() -> None:
    """A029 offers only actions that an operation can carry out."""
    assert {act for acts in ACTS.values() for act in acts} <= {act for acts in OF_OPERATIONS.values() for act in acts}


@given(st.lists(st.sampled_from(Act), max_size=8))
def test_whatever_is_tried_a_referral_keeps_a_known_state(acts: list[Act]) -> None:
    """After any acts a referral has a known state, and only acts outside the table are refused."""
    state: ReferralState | None = None
    for act in acts:
        try:
            state = row_of(state, act).to
        except (InvalidRequestState, InvalidRequestType):
            assert (state, act) not in allowed()
    assert state is None or state in ReferralState


def test_the_published_diagram_and_listing_are_the_table(pytestconfig: pytest.Config) -> None:
    """The page contains the generated diagram and listing exactly."""
    page = (pytestconfig.rootpath / PAGE).read_text("utf-8")
    assert f"```mermaid\n{diagram()}\n```" in page
    assert listing() in page


def test_the_listing_has_every_row() -> None:
    """The listing has each act with all its starting states."""
    told = [line.split(" | ") for line in listing().splitlines()[2:]]
    rows = {
        (before, act.strip("| "), before if to == SAME else to)
        for act, _, froms, to, _ in told
        for before in froms.split(", ")
    }
    assert rows == {(before or "[*]", act, row.to) for (before, act), row in TABLE.items()}
