"""The assessment of a product: add its exchanges one by one, and read the state of each requirement at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from openers_assurance.exchange import LEGACY, Exchange
from openers_assurance.history import IDLE, MOST_NAMES, History, Recent
from openers_assurance.register import Kind, Requirement, requirements
from openers_assurance.rules import data, errors, journeys, sessions
from openers_assurance.rules.mark import Mark, Rule, rules_of

__all__ = ["data", "errors", "journeys", "sessions"]

MOST_CALLERS: Final = 200
"""Systems whose past is kept."""
MOST_SHOWN: Final = 5
"""Calls that broke a requirement, of which a row shows the first ones."""
CLOSED: Final = 0.95
"""Share of sessions that must be closed by A003 (ours)."""


class State(StrEnum):
    """The state of a requirement."""

    MET = "met"
    NOT_MET = "not met"
    PART = "statement needed"
    NOT_SEEN = "not seen"
    DOCUMENT = "document needed"
    NOT_APPLICABLE = "not applicable"


class Evidence(msgspec.Struct, frozen=True):
    """A call that is evidence: its request id, time, operation, address and status, and why it counts."""

    request_id: str
    at: datetime
    call: str
    why: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement with its state: how many calls kept it and broke it, with the last that kept it.

    `wanting` is what is missing: the scenario that would show it, or the statement or document.
    """

    id: str
    group: str
    demand: str
    kind: Kind
    state: State
    kept: int
    broken: int
    last_kept: Evidence | None
    breaches: Sequence[Evidence]
    wanting: str
    own: bool


class _Tally(msgspec.Struct):
    kept: int = 0
    broken: int = 0
    last_kept: Exchange | None = None
    breaches: list[tuple[Exchange, str]] = []


class Assessment:
    """The assessment of one product. Its memory does not grow with the number of exchanges."""

    def __init__(self, callers: Iterable[str] | None = None, operations: Iterable[str] = ()) -> None:
        """Assess calls of the systems `callers` (ASIDs or application ids), or of all.

        `operations` is what the product says it uses; without it, what it has called.
        """
        self._callers = None if callers is None else frozenset(callers)
        self._menu = frozenset(operations)
        self._histories: Recent[str, History] = Recent(MOST_CALLERS)
        self._rules: dict[str, Sequence[tuple[str, Rule]]] = {}
        self._tallies = {each: _Tally() for each in requirements()}
        self.count = 0
        self.latest: datetime | None = None

    def covers(self, call: Exchange) -> bool:
        """Return whether the call is one of the product."""
        is_ours = self._callers is None or not self._callers.isdisjoint((call.asid, call.application))
        return is_ours and bool(call.caller)

    def followed_by(self, calls: Iterable[Exchange]) -> Assessment:
        """Return the assessment after these calls too. This one stays as it is."""
        made = deepcopy(self)
        for each in calls:
            made.add(each)
        return made

    def add(self, call: Exchange) -> None:
        """Judge one exchange. They must come in the order of their requests."""
        if not self.covers(call):
            return
        caller = call.caller
        history = self._histories.get(caller)
        if history is None:
            history = History()
            self._histories.put(caller, history)
        rules = self._rules.get(call.op)
        if rules is None:
            rules = rules_of(call.op)
            if len(self._rules) < MOST_NAMES:
                self._rules[call.op] = rules
        for id, judge in rules:
            mark = judge(call, history)
            if mark is not None:
                self._note(id, call, mark)
        history.add(call)
        self.count += 1
        self.latest = call.ts if self.latest is None else max(self.latest, call.ts)

    def _note(self, id: str, call: Exchange, mark: Mark) -> None:
        tally = self._tallies[id]
        if mark.kept:
            tally.kept += 1
            tally.last_kept = call
            return
        tally.broken += 1
        if len(tally.breaches) < MOST_SHOWN:
            tally.breaches.append((call, mark.why))

    def rows(self, statements: Mapping[str, bool] | None = None, *, final: bool = False) -> Sequence[Row]:
        """Return all requirements with their states.

        `statements` are the requirements for which a person has added what is needed (true), or which do not apply
        to the product (false). They count only where a person decides. `final`: no further call will come, so open
        sessions count as left open.
        """
        given, histories = statements or {}, self._histories.values()
        called = frozenset[str]().union(*(each.operations for each in histories))
        tried = frozenset[str]().union(*(each.tried for each in histories))
        is_legacy = any(not each.generations.isdisjoint(LEGACY) for each in histories)
        used = Used(self._menu or tried, called, is_legacy)
        return [self._row(each, used, given, final=final) for each in requirements().values()]

    def _row(self, requirement: Requirement, used: Used, given: Mapping[str, bool], *, final: bool) -> Row:
        tally = self._tallies[requirement.id]
        breaches = [_evidence(*each) for each in tally.breaches]
        broken = tally.broken
        if requirement.id == "A003-02":
            left = self._left_open(final=final)
            if left and self.latest is not None:
                broken += 1
                breaches.append(Evidence("", self.latest, "sessions", left))
        missing = sorted(used.operations - used.called) if requirement.id == "GR-002" else []
        kept = tally.kept if requirement.id != "GR-002" else int(bool(used.called) and not missing)
        state = _state(requirement, (kept, broken), used, given.get(requirement.id))
        return Row(
            id=requirement.id,
            group=requirement.group,
            demand=requirement.demand,
            kind=requirement.kind,
            state=state,
            kept=kept,
            broken=broken,
            last_kept=None if tally.last_kept is None else _evidence(tally.last_kept),
            breaches=breaches,
            wanting=_wanting(requirement, state) + (f" Not called yet: {', '.join(missing)}." if missing else ""),
            own=requirement.own,
        )

    def _left_open(self, *, final: bool) -> str:
        """Return how many sessions were left open, if they are too many."""
        opened = closed = in_use = 0
        for history in self._histories.values():
            opened, closed = opened + history.opened, closed + history.closed
            if not final and self.latest is not None:
                latest = self.latest
                in_use += sum(latest - each.last < IDLE and not each.refused for each in history.sessions.values())
        finished = opened - in_use
        if finished <= 0 or closed / finished >= CLOSED:
            return ""
        return f"{max(0, finished - closed)} of {finished} sessions were left open; {CLOSED:.0%} must be closed by A003"


class Used(msgspec.Struct, frozen=True):
    """What a product uses: its operations, those that it has called, and whether it uses the API of 2018."""

    operations: frozenset[str]
    called: frozenset[str]
    legacy: bool


def _state(requirement: Requirement, counts: tuple[int, int], used: Used, given: bool | None) -> State:
    """Return the state by the numbers of calls that kept and broke the requirement."""
    kept, broken = counts
    if broken:
        return State.NOT_MET
    is_excluded = given is False and requirement.kind.needs_person
    if is_excluded or (requirement.legacy and not used.legacy):
        return State.NOT_APPLICABLE
    if requirement.operations and used.operations and used.operations.isdisjoint(requirement.operations):
        return State.NOT_APPLICABLE
    if requirement.kind is Kind.DOCUMENT:
        return State.MET if given else State.DOCUMENT
    if not kept and not (given and requirement.kind is Kind.PART):
        return State.NOT_SEEN
    if requirement.kind.needs_person and not given:
        return State.PART
    return State.MET


def _wanting(requirement: Requirement, state: State) -> str:
    match state:
        case State.NOT_SEEN:
            return requirement.scenario
        case State.PART | State.DOCUMENT:
            return requirement.evidence
        case State.NOT_MET:
            return "Correct the client, and begin a new assessment."
        case State.MET | State.NOT_APPLICABLE:
            return ""


def _evidence(call: Exchange, why: str = "") -> Evidence:
    return Evidence(call.request_id, call.ts, call.label, why)
