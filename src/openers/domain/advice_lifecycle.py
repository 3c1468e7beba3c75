"""The lifecycle of a request for advice as one complete table: (state, act) -> state.

Acts not in the table are refused. `lifecycle.py` is the same for referrals. `PARTIES` gives the side that performs each
act; `diagram` and `listing` print the table. Source: rules chapter 3.3; ADR 0035 for the acts of referrers, which the
real API lacks.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from openers.domain.errors import Field, InvalidRequestState
from openers.domain.principal import Party


class AdviceState(StrEnum):
    """The state of a request for advice: which side has to act next, or how the conversation ended."""

    PROVIDER_RESPONSE_REQUIRED = "PROVIDER_RESPONSE_REQUIRED"
    REFERRER_TO_SUBMIT_FURTHER_INFORMATION = "REFERRER_TO_SUBMIT_FURTHER_INFORMATION"
    REFERRER_TO_REVIEW_RESPONSE = "REFERRER_TO_REVIEW_RESPONSE"
    CONVERSATION_ENDED_CANCELLED = "CONVERSATION_ENDED_CANCELLED"
    CONVERSATION_ENDED_CLOSED = "CONVERSATION_ENDED_CLOSED"
    ADVICE_CONVERTED = "ADVICE_CONVERTED"


class AdviceAct(StrEnum):
    """An operation on a request for advice that may change its state."""

    ASK = "ask for advice"
    REQUIRE_INFORMATION = "ask for further information"
    ADVISE = "return with advice"
    REPLY = "reply to the provider"
    CONVERT = "convert to a referral"
    CLOSE = "close after a response"
    WITHDRAW = "withdraw"


PARTIES: Final[dict[AdviceAct, Party]] = {
    AdviceAct.ASK: Party.REFERRER,
    AdviceAct.REQUIRE_INFORMATION: Party.PROVIDER,
    AdviceAct.ADVISE: Party.PROVIDER,
    AdviceAct.REPLY: Party.REFERRER,
    AdviceAct.CONVERT: Party.PROVIDER,
    AdviceAct.CLOSE: Party.REFERRER,
    AdviceAct.WITHDRAW: Party.REFERRER,
}
"""The side that performs each act."""

_ASKED: Final = AdviceState.PROVIDER_RESPONSE_REQUIRED
_QUESTIONED: Final = AdviceState.REFERRER_TO_SUBMIT_FURTHER_INFORMATION
_ANSWERED: Final = AdviceState.REFERRER_TO_REVIEW_RESPONSE

TABLE: Final[dict[tuple[AdviceState | None, AdviceAct], AdviceState]] = {
    (None, AdviceAct.ASK): _ASKED,
    (_ASKED, AdviceAct.REQUIRE_INFORMATION): _QUESTIONED,
    (_ASKED, AdviceAct.ADVISE): _ANSWERED,
    (_ASKED, AdviceAct.CONVERT): AdviceState.ADVICE_CONVERTED,
    (_ASKED, AdviceAct.REPLY): _ASKED,
    (_QUESTIONED, AdviceAct.REPLY): _ASKED,
    (_ANSWERED, AdviceAct.REPLY): _ASKED,
    (_ANSWERED, AdviceAct.CLOSE): AdviceState.CONVERSATION_ENDED_CLOSED,
    (_ASKED, AdviceAct.WITHDRAW): AdviceState.CONVERSATION_ENDED_CANCELLED,
    (_QUESTIONED, AdviceAct.WITHDRAW): AdviceState.CONVERSATION_ENDED_CANCELLED,
}
"""Every allowed act; `None` is the state before the request exists."""

OPEN: Final = frozenset({_ASKED, _QUESTIONED, _ANSWERED})
"""States of a conversation that has not ended."""


def after(state: AdviceState | None, act: AdviceAct) -> AdviceState:
    """Return the state that `act` leads to. Raises `InvalidRequestState` if the table has no row for it."""
    reached = TABLE.get((state, act))
    if reached is None:
        raise InvalidRequestState(Field.REFERRAL, state, f"does not allow to {act}")
    return reached


def diagram() -> str:
    """Return the table as a Mermaid state diagram."""
    rows = (f"    {before or '[*]'} --> {reached}: {act}" for (before, act), reached in TABLE.items())
    return "\n".join(("stateDiagram-v2", *rows))


def listing() -> str:
    """Return the table in Markdown: each act, who performs it, and its states before and after."""
    return "\n".join(("| act | by | from | to |", "|---|---|---|---|", *_lines()))


def _lines() -> Iterator[str]:
    for act in AdviceAct:
        rows = [(before, reached) for (before, of), reached in TABLE.items() if of is act]
        for reached in dict.fromkeys(to for _, to in rows):
            starts = ", ".join(before or "[*]" for before, to in rows if to is reached)
            yield f"| {act} | {PARTIES[act]} | {starts} | {reached} |"
