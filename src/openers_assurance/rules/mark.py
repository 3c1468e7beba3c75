"""Marks and the table of rules."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
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
_GENERAL: Final[list[tuple[str, Rule]]] = []
_SPECIAL: Final[dict[str, list[tuple[str, Rule]]]] = {}
KEPT: Final = Mark(kept=True)


def broken(why: str) -> Mark:
    """Return the mark of a call that breaks a requirement."""
    return Mark(kept=False, why=why)


def rule(*ids: str, on: Collection[str] = ()) -> Callable[[Rule], Rule]:
    """Declare the rule of one or several requirements; it judges calls of the operations `on` only, or all."""

    def _declare(function: Rule) -> Rule:
        for each in ids:
            RULES[each] = function
            if not on:
                _GENERAL.append((each, function))
            for operation in on:
                _SPECIAL.setdefault(operation, []).append((each, function))
        return function

    return _declare


def rules_of(operation: str) -> Sequence[tuple[str, Rule]]:
    """Return the rules that judge calls of an operation, with the ids of their requirements."""
    return [*_GENERAL, *_SPECIAL.get(operation, ())]
