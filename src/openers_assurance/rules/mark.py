"""Marks and the table of rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from openers_assurance.exchange import Exchange
from openers_assurance.history import History


class Mark(NamedTuple):
    """A judgement of one call: whether it keeps the requirement, and why."""

    kept: bool
    why: str = ""


Rule = Callable[[Exchange, History], Mark | None]
"""Judges a call; the history is that before it."""
RULES: Final[dict[str, Rule]] = {}
"""The rules by the id of their requirement."""
KEPT: Final = Mark(kept=True)


def broken(why: str) -> Mark:
    """Return the mark of a call that breaks a requirement."""
    return Mark(kept=False, why=why)


def rule(*ids: str) -> Callable[[Rule], Rule]:
    """Declare the rule of one or several requirements."""

    def _declare(function: Rule) -> Rule:
        for each in ids:
            RULES[each] = function
        return function

    return _declare
