"""The lifecycle of a request for advice: every state with every act, and whole conversations driven by a machine.

The allowed pairs are typed from rules 3.3 and ADR 0035, not read from the table.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import AsyncExitStack
from itertools import product
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from openers.domain.advice_lifecycle import OPEN, PARTIES, TABLE, AdviceAct, AdviceState, after, diagram, listing
from openers.domain.errors import Field, InvalidRequestState
from openers.domain.principal import Party
from tests.kit.referrals.talk import (
    AUTHORISED,
    NOT_AUTHORISED,
    REQUIRE,
    RETURN,
    Talk,
    answers,
    authorisation,
    entries_of,
    gathered,
    state_of,
    texts_of,
)
from tests.kit.service.requests import Json
from tests.kit.service.running import copied, running, settings_for

ASKED, QUESTIONED = "PROVIDER_RESPONSE_REQUIRED", "REFERRER_TO_SUBMIT_FURTHER_INFORMATION"
ANSWERED = "REFERRER_TO_REVIEW_RESPONSE"
CANCELLED, CLOSED, CONVERTED = "CONVERSATION_ENDED_CANCELLED", "CONVERSATION_ENDED_CLOSED", "ADVICE_CONVERTED"
ALLOWED: Final[dict[tuple[str | None, str], str]] = {
    (None, "ask for advice"): ASKED,
    (ASKED, "ask for further information"): QUESTIONED,
    (ASKED, "return with advice"): ANSWERED,
    (ASKED, "convert to a referral"): CONVERTED,
    (ASKED, "reply to the provider"): ASKED,
    (QUESTIONED, "reply to the provider"): ASKED,
    (ANSWERED, "reply to the provider"): ASKED,
    (ANSWERED, "close after a response"): CLOSED,
    (ASKED, "withdraw"): CANCELLED,
    (QUESTIONED, "withdraw"): CANCELLED,
}
PAGE: Final = Path("docs/explanation/advice-and-guidance.md")


@pytest.mark.parametrize(("state", "act"), list(product((None, *AdviceState), AdviceAct)))
def test_each_act_in_each_state_is_allowed_or_refused(state: AdviceState | None, act: AdviceAct) -> None:
    expected = ALLOWED.get((state, act))
    if expected is not None:
        assert after(state, act) == expected
        return
    with pytest.raises(InvalidRequestState) as refused:
        after(state, act)
    assert (refused.value.field, refused.value.value) == (Field.REFERRAL, state)
    assert act in refused.value.hint


def test_the_table_has_nothing_else() -> None:
    """The table has every act and state, each act has one party, and no act leads out of a final state."""
    assert {(state and str(state), str(act)): str(to) for (state, act), to in TABLE.items()} == ALLOWED
    assert set(PARTIES) == set(AdviceAct)
    assert {act for act, party in PARTIES.items() if party is Party.PROVIDER} == {
        AdviceAct.REQUIRE_INFORMATION,
        AdviceAct.ADVISE,
        AdviceAct.CONVERT,
    }
    assert {state for state, _ in TABLE} - {None} == OPEN == {ASKED, QUESTIONED, ANSWERED}


def test_the_published_diagram_and_listing_are_the_table(pytestconfig: pytest.Config) -> None:
    page = (pytestconfig.rootpath / PAGE).read_text("utf-8")
    assert f"```mermaid\n{diagram()}\n```" in page
    assert listing() in page


class Scene:
    """A service with its own event loop, for a machine without async code."""

    def __init__(self, loop: asyncio.AbstractEventLoop, talk: Talk) -> None:
        """Collect the states reached in `met`."""
        self.loop, self.talk = loop, talk
        self.met: set[str] = set()


class Conversations(RuleBasedStateMachine):
    """One conversation with its expected state; every act is tried in every state."""

    scene: Scene

    def __init__(self) -> None:
        super().__init__()
        self.advice: Json = {}
        self.state = ASKED
        self.said: list[str] = []
        self.authorised = False

    @initialize(authorised=st.booleans())
    def ask(self, authorised: bool) -> None:
        code = AUTHORISED if authorised else NOT_AUTHORISED
        self.advice = self._run(self.scene.talk.ask(authorisation(code)))
        self.authorised, self.said = authorised, ["REQUESTER"]

    @rule(outcome=st.sampled_from((REQUIRE, RETURN)))
    def respond(self, outcome: str) -> None:
        act = "ask for further information" if outcome == REQUIRE else "return with advice"
        reply = self._run(self.scene.talk.respond(self.advice, outcome=outcome))
        self._expect(reply, act, ["RESPONDER"])

    @rule()
    def reply(self) -> None:
        self._expect(self._run(self.scene.talk.reply(self.advice)), "reply to the provider", ["REQUESTER"])

    @rule()
    def close(self) -> None:
        before = self.state in (ASKED, QUESTIONED)
        reply = self._run(self.scene.talk.close(self.advice, *([] if before else answers())))
        self._expect(reply, "withdraw" if before else "close after a response", [])

    @rule()
    def convert(self) -> None:
        reply = self._run(self.scene.talk.convert(self.advice))
        self._expect(reply, "convert to a referral", ["RESPONDER"], self.authorised)

    @rule()
    def respond_to_an_old_version(self) -> None:
        """Respond to the previous version, which does not exist if nothing was done yet: the service returns 409."""
        stale = {**self.advice, "meta": {"versionId": str(int(self.advice["meta"]["versionId"]) - 1)}}
        assert self._run(self.scene.talk.respond(stale)).status_code == 409

    @invariant()
    def everything_agrees(self) -> None:
        """Assert that state, status, messages, worklist and search agree."""
        if not self.advice:
            return
        now = self._run(self.scene.talk.read(self.advice, self.scene.talk.consultant))
        assert now["meta"]["versionId"] == self.advice["meta"]["versionId"]
        assert state_of(now)[0] == self.state
        messages = self._run(self.scene.talk.messages(now)).json()
        assert [kind for kind, _ in texts_of(messages)] == self.said
        assert (now["id"] in entries_of(self._run(self.scene.talk.listed()))) == (self.state in OPEN)
        found = self._run(self.scene.talk.gp.get("/R4/ServiceRequest", params={"identifier": now["id"]})).json()
        assert found["total"] == (2 if self.state == CONVERTED else 1)
        self.scene.met.add(self.state)

    def _expect(self, reply: httpx.Response, act: str, messages: list[str], allowed: bool = True) -> None:
        """Assert that the act leads to the state of the rules, or is refused."""
        to = ALLOWED.get((self.state, act)) if allowed else None
        if to is None:
            assert reply.status_code == 422, reply.text
            return
        assert reply.is_success, reply.text
        self.state, self.said = to, [*self.said, *messages]
        self.advice = self._run(self.scene.talk.read(self.advice))

    def _run(self, doing: Any) -> Any:
        return self.scene.loop.run_until_complete(doing)


@pytest.fixture
def scene(sqlite_template: Path, tmp_path: Path, keys: Path) -> Generator[Scene]:
    loop = asyncio.new_event_loop()
    stack = AsyncExitStack()

    async def _open() -> Scene:
        run = await stack.enter_async_context(running(settings_for(copied(sqlite_template, tmp_path), keys)))
        return Scene(loop, await gathered(run))

    try:
        yield loop.run_until_complete(_open())
    finally:
        loop.run_until_complete(stack.aclose())
        loop.close()


def test_whatever_is_said_everything_agrees(scene: Scene) -> None:
    """State, messages, worklist and search agree after any acts, and every state is reached."""

    class AtThisService(Conversations):
        def __init__(self) -> None:
            self.scene = scene
            super().__init__()

    run_state_machine_as_test(
        AtThisService,
        settings=settings(
            max_examples=25,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            phases=[Phase.generate],
            derandomize=True,
        ),
    )
    assert scene.met == {ASKED, QUESTIONED, ANSWERED, CANCELLED, CLOSED, CONVERTED}
