"""The lifecycle of a referral as one complete table: (state, act) -> row. Acts not in the table are refused.

A row gives the next state and the preconditions beyond the state; `PARTIES` gives who may perform each act. Every
operation takes its refusals from this table, and A029 its actions; `diagram` and `listing` print it. Source: rules
chapters 1.2, 3.1 and 4; 11.1 row 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from openers.domain.errors import Field, InvalidRequestState, InvalidRequestType
from openers.domain.principal import Party


class ReferralState(StrEnum):
    """The state of a referral."""

    NOT_BOOKED = "NOT_BOOKED"
    AWAITING_TRIAGE = "AWAITING_TRIAGE"
    DEFERRED_TO_PROVIDER = "DEFERRED_TO_PROVIDER"
    BOOKED = "BOOKED"
    TRIAGED_PROVIDER_TO_ACTION = "TRIAGED_PROVIDER_TO_ACTION"
    TRIAGE_RESPONSE = "TRIAGE_RESPONSE"
    REJECTED = "REJECTED"
    APPT_CANCELLED_BY_PATIENT = "APPT_CANCELLED_BY_PATIENT"
    APPT_CANCELLED_BY_PROVIDER = "APPT_CANCELLED_BY_PROVIDER"
    DID_NOT_ATTEND = "DID_NOT_ATTEND"
    ASSESSMENT_RESULT = "ASSESSMENT_RESULT"
    CANCELLED_REFERRAL = "CANCELLED_REFERRAL"


class Act(StrEnum):
    """An operation on a referral that may change its state."""

    CREATE = "create"
    CONVERT_ADVICE = "convert a request for advice"
    SEND_FOR_TRIAGE = "send for triage"
    BOOK = "book"
    BOOK_BY_TELEPHONE = "record a booking by telephone"
    DEFER = "defer to the provider"
    ACCEPT = "accept"
    REJECT = "reject"
    ACT_LATER = "cancel the appointment, action later"
    ACCEPT_BOOK_LATER = "accept, book later"
    RETURN_WITH_ADVICE = "return with advice"
    CANCEL_APPOINTMENT = "cancel the appointment"
    PROVIDER_CANCELS = "cancel by the provider"
    MOVE = "move the appointment"
    ARRIVE = "record arrival"
    MISS = "record non-attendance"
    MAINTAIN_LETTER = "change the referral letter"
    ASSESS = "record an assessment"
    CHANGE_SHORTLIST = "change the shortlist"
    CHANGE_SHORTLIST_FOR_TRIAGE = "change the shortlist and send for triage"
    CANCEL_REFERRAL = "cancel the referral"


class Precondition(StrEnum):
    """A condition of an act beyond the referral's state; the text completes the refusal if it is not met."""

    PENDING_REVIEW = "is not pending review"
    NOT_PAST = "has its appointment on a past day"
    LETTER_AS_INTENDED = "lacks the clinical information that its referrer intends to add"
    CLINICAL_INFORMATION = "has no clinical information"
    BOOKED_THROUGH_PAS = "is not booked through the service"


class Transition(NamedTuple):
    """The state after an act, and the act's preconditions."""

    to: ReferralState
    needs: tuple[Precondition, ...] = ()


PARTIES: Final[dict[Act, frozenset[Party]]] = {
    Act.CREATE: frozenset({Party.REFERRER}),
    Act.CONVERT_ADVICE: frozenset({Party.PROVIDER}),
    Act.SEND_FOR_TRIAGE: frozenset({Party.REFERRER}),
    Act.BOOK: frozenset({Party.REFERRER}),
    Act.BOOK_BY_TELEPHONE: frozenset({Party.ADMINISTRATOR}),
    Act.DEFER: frozenset({Party.REFERRER}),
    Act.ACCEPT: frozenset({Party.PROVIDER}),
    Act.REJECT: frozenset({Party.PROVIDER}),
    Act.ACT_LATER: frozenset({Party.PROVIDER}),
    Act.ACCEPT_BOOK_LATER: frozenset({Party.PROVIDER}),
    Act.RETURN_WITH_ADVICE: frozenset({Party.PROVIDER}),
    Act.CANCEL_APPOINTMENT: frozenset({Party.REFERRER}),
    Act.PROVIDER_CANCELS: frozenset({Party.PAS}),
    Act.MOVE: frozenset({Party.PAS}),
    Act.ARRIVE: frozenset({Party.PAS}),
    Act.MISS: frozenset({Party.PAS}),
    Act.MAINTAIN_LETTER: frozenset({Party.REFERRER}),
    Act.ASSESS: frozenset({Party.ADMINISTRATOR}),
    Act.CHANGE_SHORTLIST: frozenset({Party.REFERRER}),
    Act.CHANGE_SHORTLIST_FOR_TRIAGE: frozenset({Party.REFERRER}),
    Act.CANCEL_REFERRAL: frozenset({Party.REFERRER, Party.PROVIDER}),
}
"""Who may perform each act."""

ENDED: Final = frozenset({ReferralState.CANCELLED_REFERRAL})
"""States that no act leads out of: the request is not active any more."""
ACTIVE: Final = tuple(state for state in ReferralState if state not in ENDED)
UNBOOKED: Final = tuple(state for state in ACTIVE if state is not ReferralState.BOOKED)
"""Active states without a current booking, in which the referrer may change the shortlist."""
LETTERED: Final = tuple(state for state in ACTIVE if state is not ReferralState.DID_NOT_ATTEND)
"""States in which the letter may change; after a missed appointment it may not (rules 4, A012)."""

_REVIEW: Final = (Precondition.PENDING_REVIEW, Precondition.NOT_PAST, Precondition.LETTER_AS_INTENDED)


def _rows(
    act: Act, states: Iterable[ReferralState], row: Transition
) -> Iterator[tuple[tuple[ReferralState, Act], Transition]]:
    return (((state, act), row) for state in states)


TABLE: Final[dict[tuple[ReferralState | None, Act], Transition]] = {
    (None, Act.CREATE): Transition(ReferralState.NOT_BOOKED),
    (None, Act.CONVERT_ADVICE): Transition(ReferralState.TRIAGED_PROVIDER_TO_ACTION),
    (ReferralState.NOT_BOOKED, Act.SEND_FOR_TRIAGE): Transition(ReferralState.AWAITING_TRIAGE),
    (ReferralState.NOT_BOOKED, Act.BOOK): Transition(ReferralState.BOOKED),
    (ReferralState.NOT_BOOKED, Act.DEFER): Transition(ReferralState.DEFERRED_TO_PROVIDER),
    (ReferralState.NOT_BOOKED, Act.BOOK_BY_TELEPHONE): Transition(ReferralState.BOOKED),
    (ReferralState.DEFERRED_TO_PROVIDER, Act.BOOK_BY_TELEPHONE): Transition(ReferralState.BOOKED),
    (ReferralState.TRIAGED_PROVIDER_TO_ACTION, Act.BOOK_BY_TELEPHONE): Transition(ReferralState.BOOKED),
    (ReferralState.BOOKED, Act.ACCEPT): Transition(ReferralState.BOOKED, _REVIEW),
    (ReferralState.BOOKED, Act.REJECT): Transition(ReferralState.REJECTED, _REVIEW),
    (ReferralState.BOOKED, Act.ACT_LATER): Transition(ReferralState.TRIAGED_PROVIDER_TO_ACTION, _REVIEW),
    (ReferralState.AWAITING_TRIAGE, Act.ACCEPT_BOOK_LATER): Transition(
        ReferralState.TRIAGED_PROVIDER_TO_ACTION, (Precondition.PENDING_REVIEW,)
    ),
    (ReferralState.AWAITING_TRIAGE, Act.RETURN_WITH_ADVICE): Transition(
        ReferralState.TRIAGE_RESPONSE, (Precondition.PENDING_REVIEW,)
    ),
    (ReferralState.DEFERRED_TO_PROVIDER, Act.ACCEPT_BOOK_LATER): Transition(
        ReferralState.TRIAGED_PROVIDER_TO_ACTION, (Precondition.PENDING_REVIEW, Precondition.CLINICAL_INFORMATION)
    ),
    (ReferralState.DEFERRED_TO_PROVIDER, Act.RETURN_WITH_ADVICE): Transition(
        ReferralState.TRIAGE_RESPONSE, (Precondition.PENDING_REVIEW, Precondition.CLINICAL_INFORMATION)
    ),
    (ReferralState.BOOKED, Act.CANCEL_APPOINTMENT): Transition(
        ReferralState.APPT_CANCELLED_BY_PATIENT, (Precondition.BOOKED_THROUGH_PAS,)
    ),
    (ReferralState.BOOKED, Act.PROVIDER_CANCELS): Transition(ReferralState.APPT_CANCELLED_BY_PROVIDER),
    (ReferralState.BOOKED, Act.MOVE): Transition(ReferralState.BOOKED),
    (ReferralState.BOOKED, Act.ARRIVE): Transition(ReferralState.BOOKED),
    (ReferralState.BOOKED, Act.MISS): Transition(ReferralState.DID_NOT_ATTEND),
    (ReferralState.BOOKED, Act.ASSESS): Transition(ReferralState.ASSESSMENT_RESULT),
    **{(state, Act.MAINTAIN_LETTER): Transition(state) for state in LETTERED},
    **dict(_rows(Act.CHANGE_SHORTLIST, UNBOOKED, Transition(ReferralState.NOT_BOOKED))),
    **dict(_rows(Act.CHANGE_SHORTLIST_FOR_TRIAGE, UNBOOKED, Transition(ReferralState.AWAITING_TRIAGE))),
    **dict(_rows(Act.CANCEL_REFERRAL, ACTIVE, Transition(ReferralState.CANCELLED_REFERRAL))),
}
"""Every allowed act; `None` is the state before the referral exists."""

TELLS_INACTIVE: Final = frozenset(
    {Act.ACCEPT_BOOK_LATER, Act.RETURN_WITH_ADVICE, Act.CHANGE_SHORTLIST, Act.CHANGE_SHORTLIST_FOR_TRIAGE}
)
"""Acts that refuse an inactive request with their own code: INVALID_REQUEST_TYPE (rules 4)."""


def row_of(state: ReferralState | None, act: Act) -> Transition:
    """Return the row of an act. Raises `InvalidRequestState` or `InvalidRequestType` if the table has no row for it."""
    row = TABLE.get((state, act))
    if row is not None:
        return row
    if state in ENDED and act in TELLS_INACTIVE:
        raise InvalidRequestType(Field.REFERRAL, state, "is not an active request")
    raise InvalidRequestState(Field.REFERRAL, state, f"does not allow to {act}")


def diagram() -> str:
    """Return the table as a Mermaid state diagram.

    An act that most states allow is drawn once, from a node that represents all of them.
    """
    lines = [f'state "any state but {but}" as {node}' for node, but in _NODES.values()]
    for act in Act:
        for group in _grouped(act):
            node, _ = _NODES.get(group.states, (None, ""))
            lines += [f"{each} --> {group.to or each}: {act}" for each in (group.states if node is None else (node,))]
    return "\n".join(("stateDiagram-v2", *(f"    {line}" for line in lines)))


def listing() -> str:
    """Return the table in Markdown: each act, who may perform it, the states before and after, and preconditions."""
    lines = ["| act | by | from | to | refused where the referral |", "|---|---|---|---|---|"]
    for act in Act:
        by = ", ".join(sorted(PARTIES[act]))
        for states, to, needs in _grouped(act):
            lines.append(f"| {act} | {by} | {', '.join(states)} | {to or SAME} | {'; '.join(needs) or '-'} |")
    return "\n".join(lines)


SAME: Final = "the same"
"""The listing's text for the state after an act that changes no state."""


class _Group(NamedTuple):
    """States in which an act has the same row; `to` is `None` if the act leaves each of several states unchanged."""

    states: tuple[str, ...]
    to: ReferralState | None
    needs: tuple[Precondition, ...]


_NODES: Final[dict[tuple[str, ...], tuple[str, str]]] = {
    UNBOOKED: ("unbooked", "BOOKED and CANCELLED_REFERRAL"),
    ACTIVE: ("active", "CANCELLED_REFERRAL"),
    LETTERED: ("lettered", "DID_NOT_ATTEND and CANCELLED_REFERRAL"),
}
"""Nodes of the diagram that represent several states: the node's name and the excluded states."""


def _grouped(act: Act) -> Iterator[_Group]:
    rows = {before: row for (before, of), row in TABLE.items() if of is act}
    stays = len(rows) > 1 and all(row.to is before for before, row in rows.items())
    keys = {before: (None if stays else row.to, row.needs) for before, row in rows.items()}
    for key in dict.fromkeys(keys.values()):
        yield _Group(tuple(before or "[*]" for before, each in keys.items() if each == key), *key)
