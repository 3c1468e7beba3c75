"""Every refusal can be explained: the failed check, a rule with its source, and a cure, for any call.

The refusals are those of `domain/errors.py` and `wire/json.py`, in both versions of FHIR, and those of the edge.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from openers.domain import errors as e
from openers.domain.errors import Field, OpenersError
from openers.identity.errors import TokenFault
from openers.wire import json as w
from openers.wire import problems
from openers.wire.dialect import Problem
from openers.wire.outcome import outcome_of
from openers.wire.rules import Check
from openers.wire.stu3.dialect import STU3
from openers.wire.versions import VERSIONS
from openers.worlds.recording.case import Case, Holder
from openers.worlds.recording.check_texts import TOKEN_CURES, WITH_CURE
from openers.worlds.recording.cures import CURES
from openers.worlds.recording.exchange import Exchange
from openers.worlds.recording.explanation import Verdict, explain
from tests.kit.calls.violations import PATHS
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, Running, copied, open_test_service, running, settings_for

pytestmark = pytest.mark.anyio
GIVEN: Final[dict[str, Any]] = {
    "field": Field.REFERRAL,
    "call": e.PasCall.BOOK,
    "header": "If-Match",
    "hint": "is wrong: send another one",
    "value": "x",
    "version": 1,
    "sent": 1,
    "latest": 2,
    "retry_after_s": 1,
    "limit_bytes": 1,
    "limit_s": 1.0,
    "place": "$",
    "rule": problems.FUNCTION,
}
"""Arguments for refusals, by parameter name; every other parameter gets a word."""
ROOT: Final = Path(__file__).parents[2]
CONCRETE: Final = re.compile(
    r"\b([AX]\d{3}|DELETE|GET|POST|PUT|OPENERS_\w+|openers |/\w+|[A-Z][a-z]+-[A-Z]\w+|(?i:read|send|name|add|remove|"
    r"leave out|wait|book|upload|call|log in|look|use|keep|take|retry|compare|shorten|search|make|open|check))"
)
"""Matches a concrete step: an operation, address, header, setting, command or at least an instruction."""


@pytest.fixture(scope="module")
async def calls(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, keys: Path
) -> AsyncGenerator[tuple[Any, list[Exchange]]]:
    """Provide the gateway and calls of a reading user, a writing user, an application and an anonymous caller."""
    settings = settings_for(copied(sqlite_template, tmp_path_factory.mktemp("calls")), keys)
    async with running(settings, open_it=open_test_service) as run:
        await _ask(run)
        observer: Any = run.service.edge.loop.observer
        yield run.service.edge.gateway, list((await observer.recorder.kept()).of("demo"))


async def _ask(run: Running) -> None:
    gp = await run.as_person(GP)
    referral = (await gp.post(**create_referral())).json()
    for who in (gp, await run.as_application("demo-provider-app"), run.anonymous()):
        await who.get(PATHS["STU3"])
        await who.get(f"/STU3/ReferralRequest/{referral['id']}")
        await who.post(f"/STU3/ReferralRequest/{referral['id']}/$ers.acceptReferral", headers={"If-Match": 'W/"1"'})


def _made(of: Callable[..., Any], **given: Any) -> Any:
    """Call a class or function with sample arguments."""
    wanted = inspect.signature(of.__init__ if inspect.isclass(of) else of).parameters.values()
    plain = [each for each in wanted if each.kind is each.POSITIONAL_OR_KEYWORD and each.name != "self"]
    needed = [each.name for each in plain if each.default is each.empty or each.name == "hint"]
    return of(**{name: given.get(name, GIVEN.get(name, "a word")) for name in needed})


def _errors() -> Iterator[OpenersError]:
    for kind in STU3.outcomes:
        yield _made(kind)


def _problems() -> Iterator[Problem]:
    for fhir in VERSIONS:
        yield from (outcome_of(error, fhir) for error in _errors())
        for name, make in vars(problems).items():
            if inspect.isfunction(make) and make.__module__ == problems.__name__ and not name.startswith("_"):
                yield fhir.coded(_made(make))


def test_the_sweep_is_a_sweep() -> None:
    """The sweep includes every class of both error trees and every rule of the edge, apart from a few rare ones."""
    told = {type(error) for error in _errors()}
    assert {each for each in told if each.__module__ in (e.__name__, w.__name__)} == set(STU3.outcomes)
    rules = {value for value in vars(problems).values() if isinstance(value, problems.Rule)}
    seldom = {problems.PACE, problems.SIGNED, problems.ON_BEHALF_OF, problems.HEADER_MISSING, problems.IF_MATCH}
    assert rules - {each.rule for each in _problems()} <= seldom
    assert {each.status for each in _problems()} >= {401, 403, 422}


async def test_no_refusal_is_without_rule_source_and_fix(calls: tuple[Any, list[Exchange]]) -> None:
    gateway, exchanges = calls
    assert len({each.caller is None for each in exchanges}) == 2
    for exchange in exchanges:
        for problem in _problems():
            for holder in (None, Holder("D82106", None, "NOT_BOOKED"), Holder("D82106", "RCD/Cardiology", "BOOKED")):
                _check(exchange, problem, gateway, holder)


def _adds_something(fix: str, told: str) -> bool:
    """Return whether a step is concrete, has over four words, and adds enough words to the text of the reply."""
    own = set(re.findall(r"\w+", fix.lower())) - set(re.findall(r"\w+", told.lower()))
    return CONCRETE.search(fix) is not None and len(fix.split()) > 4 and 2 * len(own) > len(fix.split()) / 2


def test_each_rule_of_the_service_has_a_step_of_its_own() -> None:
    """Each rule has its own step, because a shared step would add nothing to the code."""
    by_cure = {Check.RULE, Check.BODY, Check.JSON, Check.HEADERS}
    rules = {problem.rule.id for problem in _problems() if problem.rule.check in by_cure}
    assert rules <= set(CURES)
    assert len(set(CURES.values())) == len(CURES)
    operations = {path.stem.upper() for path in (ROOT / "docs" / "operations").glob("*.md")}
    named = set(re.findall(r"\b[AX]\d{3}\b", " ".join(CURES.values())))
    assert named <= operations


def test_each_fault_of_a_token_has_a_step_of_its_own() -> None:
    assert set(TOKEN_CURES) == set(TokenFault)
    assert len(set(TOKEN_CURES.values())) == len(TokenFault)


def _check(exchange: Exchange, problem: Problem, gateway: Any, holder: Holder | None) -> None:
    refused = msgspec.structs.replace(exchange, problem=problem, status=problem.status)
    explanation = explain(Case(refused, gateway, holder))
    failure = explanation.failure
    assert failure is not None
    assert failure.rule, problem
    assert "rules" not in failure.source, "they have links of their own"
    assert failure.rules or failure.source, problem
    assert all(each.url.startswith("/docs/rules/") for each in failure.rules)
    assert not failure.page or (ROOT / failure.page).is_file()
    if problem.rule in WITH_CURE:
        assert failure.fix == failure.told, problem
    else:
        assert _adds_something(failure.fix, failure.told), problem
    assert [each.check for each in explanation.steps if each.verdict is Verdict.FAILED] == [failure.check], problem
