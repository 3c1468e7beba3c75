"""Explains a call: every check on its way, in order, what it went by, which one failed, by which rule, and what to do.

Derived from what decided: the rule that the refusal carries, the registry's declaration, the caller's roles, the
lifecycle's table. Nothing is recorded for it. The words for each check are in `checks_in_words`.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from openers.wire.rules import Check
from openers.worlds.recording.case import Case
from openers.worlds.recording.checks_in_words import WORDS, Facts
from openers.worlds.recording.citations import citations
from openers.worlds.recording.near_misses import near_misses


class Verdict(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_REACHED = "not reached"
    NOT_KNOWN = "not known"
    NOT_ASKED = "does not apply"


class Step(msgspec.Struct, frozen=True):
    """One check: what became of it, and what it went by."""

    check: Check
    verdict: Verdict
    facts: Facts


class CitedRule(msgspec.Struct, frozen=True):
    """A published rule: its citation, and its address on the documentation site."""

    rule: str
    url: str


class Failure(msgspec.Struct, frozen=True):
    """Why a call was refused: at which check, by which rule, where to read about it, and how to mend it.

    `source` is a standard or a setting, `page` the page of the operation; both are empty where there is none.
    `rules` are the published rules that the refusal enforces.
    """

    check: Check
    rule: str
    source: str
    page: str
    told: str
    fix: str
    rules: tuple[CitedRule, ...]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """One call, explained."""

    number: int
    request_id: str
    correlation_id: str
    call: str
    operation: str
    status: int
    failure: Failure | None
    steps: tuple[Step, ...]
    near_misses: tuple[str, ...]


_RECORD = (Check.RECORD, Check.RELATIONSHIP, Check.VERSION, Check.STATE)
"""Checks that follow from having found a record."""
_AFTER_READING = frozenset({Check.RULE, Check.STATE})
"""Checks that an operation makes as it goes, before or after it has looked for its record."""
ORDER = tuple(Check)


def explain(case: Case) -> Explanation:
    """The explanation of a call."""
    exchange = case.exchange
    return Explanation(
        number=exchange.number,
        request_id=exchange.request_id,
        correlation_id=exchange.correlation_id,
        call=f"{exchange.method} {exchange.target}",
        operation="" if exchange.operation is None else f"{exchange.operation.id} {exchange.operation.summary}",
        status=exchange.status,
        failure=_failure(case),
        steps=tuple(Step(each, _verdict(each, case), WORDS[each].facts(case)) for each in ORDER),
        near_misses=tuple(map(str, near_misses(exchange))),
    )


def _failure(case: Case) -> Failure | None:
    problem = case.exchange.problem
    if problem is None:
        return None
    check, rule, source = problem.rule
    rules = tuple(CitedRule(str(each), each.address) for each in citations(source))
    return Failure(check, rule, _readable(source), _page(case), problem.diagnostics, WORDS[check].fix(case), rules)


def _readable(source: str) -> str:
    """Return the parts of a source that are not rules, which have links of their own."""
    return "; ".join(part for part in source.split("; ") if not part.startswith("rules "))


def _page(case: Case) -> str:
    operation = case.exchange.operation
    return "" if operation is None else f"docs/operations/{operation.id.lower()}.md"


def _verdict(check: Check, case: Case) -> Verdict:
    """What became of a check, as far as the refusal tells."""
    problem = case.exchange.problem
    if problem is not None and check is problem.rule.check:
        return Verdict.FAILED
    if not WORDS[check].applies(case):
        return Verdict.NOT_ASKED
    if problem is None:
        return Verdict.PASSED if case.exchange.status else Verdict.NOT_KNOWN
    failed = problem.rule.check
    if failed in _AFTER_READING and check in _RECORD and not case.exchange.seen:
        return Verdict.NOT_REACHED
    if failed in _AFTER_READING and check in _AFTER_READING:
        return Verdict.NOT_KNOWN
    return Verdict.PASSED if ORDER.index(check) < ORDER.index(failed) else Verdict.NOT_REACHED
