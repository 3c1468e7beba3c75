"""Explain a call: each check in order, the facts it used, which one failed, by which rule, and how to correct the call.

The explanation is derived from the data that decided: the rule of the refusal, the registry's declaration, the caller's
roles and the lifecycle's table. Nothing is recorded for it. `check_texts` has the texts of each check.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from openers.wire.rules import Check
from openers.worlds.recording.case import Case
from openers.worlds.recording.check_texts import WORDS, Facts
from openers.worlds.recording.citations import citations
from openers.worlds.recording.hidden import Hidden
from openers.worlds.recording.near_misses import near_misses


class Verdict(StrEnum):
    """The result of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_REACHED = "not reached"
    NOT_KNOWN = "not known"
    NOT_ASKED = "does not apply"


class Step(msgspec.Struct, frozen=True):
    """One check with its result and the facts that it used."""

    check: Check
    verdict: Verdict
    facts: Facts


class CitedRule(msgspec.Struct, frozen=True):
    """A published rule: its citation, and its address on the documentation site."""

    rule: str
    url: str


class Failure(msgspec.Struct, frozen=True):
    """Why a call was refused: the check, the rule, the documentation, and how to correct the call.

    `source` is a standard or a setting, `page` the page of the operation; either may be empty.
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
    """The explanation of one call. `hidden` is what a search did not show, and why."""

    number: int
    request_id: str
    correlation_id: str
    call: str
    operation: str
    status: int
    failure: Failure | None
    steps: tuple[Step, ...]
    near_misses: tuple[str, ...]
    hidden: tuple[Hidden, ...] = ()


_RECORD = (Check.RECORD, Check.RELATIONSHIP, Check.VERSION, Check.STATE)
"""Checks that need the record."""
_AFTER_READING = frozenset({Check.RULE, Check.STATE})
"""Checks that an operation makes while it runs, before or after it reads its record."""
ORDER = tuple(Check)


def explain(case: Case, hidden: tuple[Hidden, ...] = ()) -> Explanation:
    """Return the explanation of a call; `hidden` is what a search did not show."""
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
        hidden=hidden,
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
    """Return the result of a check, as far as the refusal shows it."""
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
