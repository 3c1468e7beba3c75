"""The tabs of the Target Operating Model (TOM) 1.4 as short forms, and the outcome of its approval, as data.

Source: rules part 2, chapters 5.1, 5.2 and 5.4 (tab 7).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from openers_assurance.questions import Question

OUTCOME: Final = "outcome"
OUTCOMES: Final = (
    "Approved",
    "Approved; a framework contract and a data sharing agreement must follow",
    "Approved; a data sharing agreement must follow",
    "Approved for the time being; the committee for data access decides",
    "Rejected",
)
OUTCOME_QUESTIONS: Final = (
    Question(OUTCOME, "Outcome", choices=OUTCOMES, needed=True),
    Question("reason", "Reason, conditions and dates", needed=True),
)
_YES: Final = "Yes"
_LEVELS: Final = (
    (5, ("device",)),
    (4, ("spine",)),
    (3, ("systems", "transactions", "monitors")),
    (2, ("office",)),
)
"""The levels of clinical safety, the highest first, with the questions of which one must be answered with yes."""


class Tab(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One tab: who fills it in, and its questions."""

    id: str
    title: str
    filled_by: str
    questions: tuple[Question, ...]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    tabs: list[Tab]


@cache
def tabs() -> Mapping[str, Tab]:
    """Return all tabs by id, in order."""
    content = tomllib.loads(files("openers_assurance").joinpath("tom.toml").read_text("utf-8"))
    return {each.id: each for each in msgspec.convert(content, _File).tabs}


def safety_level(answers: Mapping[str, str]) -> int:
    """Return the level of clinical safety, from 1 to 5, that the answers of the tab `safety` give."""
    return next((level for level, asked in _LEVELS if any(answers.get(each) == _YES for each in asked)), 1)
