"""A question of a form that a person fills in, and how an answer is checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

LONGEST: Final = 2000
"""Characters of an answer."""
LONGEST_LINE: Final = 200
"""Characters of an answer of one line."""


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question: its answer is one of `choices`, or text; of one line if `is_short`."""

    id: str
    label: str
    hint: str = ""
    choices: tuple[str, ...] = ()
    is_short: bool = False
    needed: bool = False

    @property
    def at_most(self) -> int:
        """Return the greatest length of an answer, in characters."""
        return LONGEST_LINE if self.is_short else LONGEST

    def problem(self, answer: str) -> str:
        """Return the reason why an answer is not taken; empty if it is taken."""
        if not answer:
            return f"Answer: {self.label}" if self.needed else ""
        if self.choices and answer not in self.choices:
            return f"Choose one of the answers: {self.label}"
        if len(answer) > self.at_most:
            return f"Use at most {self.at_most} characters. There are {len(answer)}"
        return ""


def problems(
    questions: Sequence[Question], answers: Mapping[str, str], also_needed: Sequence[str] = ()
) -> Iterator[tuple[str, str]]:
    """Yield the id of each question whose answer is not taken, with the reason."""
    for each in questions:
        answer = answers.get(each.id, "")
        if problem := each.problem(answer) or (each.id in also_needed and not answer and f"Answer: {each.label}"):
            yield each.id, problem
