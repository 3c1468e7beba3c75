"""Cases of the desk: their states, who may move them, and their severity.

Source: rules part 2, chapter 6.3 (fields, states, matrix of impact and urgency) and 6.2 (closure in two stages).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec


class CaseKind(StrEnum):
    """A kind of case; each has its own beginning of numbers."""

    INCIDENT = "incident"
    REQUEST = "service request"
    QUESTION = "question"


PREFIX: Final = {CaseKind.INCIDENT: "INC", CaseKind.REQUEST: "REQ", CaseKind.QUESTION: "QUE"}


class State(StrEnum):
    """Where a case is."""

    NEW = "new"
    IN_PROGRESS = "in progress"
    AWAITING = "awaiting partner"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Side(StrEnum):
    """Who acts on a case."""

    PARTNER = "partner"
    DESK = "desk"


class Step(StrEnum):
    """What somebody does with a case."""

    WRITE = "write"
    TAKE = "take"
    ASK = "ask"
    RESOLVE = "resolve"
    CONFIRM = "confirm"
    REOPEN = "reopen"
    CANCEL = "cancel"


OPEN: Final = frozenset({State.NEW, State.IN_PROGRESS, State.AWAITING})
_ALL_OPEN: Final = {each: each for each in OPEN}
STEPS: Final[dict[tuple[Side, Step], dict[State, State]]] = {
    (Side.PARTNER, Step.WRITE): {**_ALL_OPEN, State.AWAITING: State.IN_PROGRESS},
    (Side.PARTNER, Step.CONFIRM): {State.RESOLVED: State.CLOSED},
    (Side.PARTNER, Step.REOPEN): {State.RESOLVED: State.IN_PROGRESS},
    (Side.PARTNER, Step.CANCEL): dict.fromkeys(OPEN, State.CANCELLED),
    (Side.DESK, Step.WRITE): _ALL_OPEN,
    (Side.DESK, Step.TAKE): {State.NEW: State.IN_PROGRESS},
    (Side.DESK, Step.ASK): dict.fromkeys(OPEN, State.AWAITING),
    (Side.DESK, Step.RESOLVE): dict.fromkeys(OPEN, State.RESOLVED),
}
"""From which states a side may take a step, and where it leads. Only the partner closes a case."""
SILENT: Final = frozenset({Step.TAKE, Step.CONFIRM, Step.CANCEL})
"""Steps that need no text."""
_MATRIX: Final = ((1, 1, 2, 2, 3), (1, 2, 2, 3, 4), (2, 3, 3, 4, 4), (3, 3, 4, 4, 5), (4, 5, 5, 5, 5))
IMPACTS: Final = ("The whole product", "Several functions", "One function", "Few users", "One user")
URGENCIES: Final = (
    "Work is blocked",
    "Work is blocked soon",
    "There is a way around",
    "It can wait",
    "Whenever possible",
)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case. `impact` and `urgency` count from 1, the worst. `request_id` is that of the failed call, if any.

    `email` is the address of a person who asked without a log-in, and `asked_without_log_in` the id of that question.
    """

    kind: CaseKind
    title: str
    environment: str = ""
    asid: str = ""
    request_id: str = ""
    impact: int = 5
    urgency: int = 5
    raised_by: str = ""
    email: str = ""
    asked_without_log_in: str = ""

    @property
    def severity(self) -> int:
        """Return the severity: 1 is the worst, 5 the least."""
        return _MATRIX[self.impact - 1][self.urgency - 1]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the conversation. One of the desk may be internal."""

    at: datetime
    by: str
    side: Side
    step: Step
    text: str
    is_internal: bool = False


def number_of(kind: CaseKind, count: int) -> str:
    """Return the number of a case, such as INC0000001."""
    return f"{PREFIX[kind]}{count:07d}"


def after(state: State, side: Side, step: Step) -> State | None:
    """Return the state after a step; `None` if the side may not take it now."""
    return STEPS.get((side, step), {}).get(state)


def possible(state: State, side: Side) -> list[Step]:
    """Return the steps that a side may take now."""
    return [step for step in Step if after(state, side, step) is not None]
