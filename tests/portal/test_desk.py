"""The desk: a case from its first entry to its closure, the table of its steps, and who reads what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import anyio
import pytest

from openers_portal.rules.cases import IMPACTS, URGENCIES, Case, CaseKind, Entry, Side, State, Step, after
from openers_portal.store.cases import NotNow
from openers_portal.store.portal_store import PortalStore
from tests.portal.conftest import GP, OPERATOR, Enter, register

NEW, GOES, WAITS, DONE, CLOSED, GONE = State
NOW: Final = datetime(2026, 11, 30, 9, tzinfo=UTC)
TABLE: Final[list[tuple[Side, Step, dict[State, State]]]] = [
    (Side.PARTNER, Step.WRITE, {NEW: NEW, GOES: GOES, WAITS: GOES}),
    (Side.PARTNER, Step.TAKE, {}),
    (Side.PARTNER, Step.ASK, {}),
    (Side.PARTNER, Step.RESOLVE, {}),
    (Side.PARTNER, Step.CONFIRM, {DONE: CLOSED}),
    (Side.PARTNER, Step.REOPEN, {DONE: GOES}),
    (Side.PARTNER, Step.CANCEL, {NEW: GONE, GOES: GONE, WAITS: GONE}),
    (Side.DESK, Step.WRITE, {NEW: NEW, GOES: GOES, WAITS: WAITS}),
    (Side.DESK, Step.TAKE, {NEW: GOES}),
    (Side.DESK, Step.ASK, {NEW: WAITS, GOES: WAITS, WAITS: WAITS}),
    (Side.DESK, Step.RESOLVE, {NEW: DONE, GOES: DONE, WAITS: DONE}),
    (Side.DESK, Step.CONFIRM, {}),
    (Side.DESK, Step.REOPEN, {}),
    (Side.DESK, Step.CANCEL, {}),
]
"""Typed by hand: only the partner closes a case, and nothing moves one that has ended."""


@pytest.mark.parametrize(("side", "step", "leads"), TABLE, ids=lambda value: str(value))
def test_the_table_of_steps(side: Side, step: Step, leads: dict[State, State]) -> None:
    assert {each: found for each in State if (found := after(each, side, step)) is not None} == leads


@pytest.mark.parametrize(("impact", "urgency", "severity"), [(1, 1, 1), (1, 5, 3), (3, 3, 3), (5, 1, 4), (5, 5, 5)])
def test_the_severity_comes_from_impact_and_urgency(impact: int, urgency: int, severity: int) -> None:
    """Source: the matrix in chapter 6.3."""
    case = Case(kind=CaseKind.INCIDENT, title="x", impact=impact, urgency=urgency)
    assert (case.severity, len(IMPACTS), len(URGENCIES)) == (severity, 5, 5)


def test_a_case_is_raised_worked_on_and_closed_by_the_partner(enter: Enter) -> None:
    partner, agent = enter(GP), enter(OPERATOR)
    path = register(partner, "Pike Systems", "X26P")
    partner.follow("Cases at the desk")
    partner.follow("Ask the desk")
    partner.send("Send to the desk", title="Slots are missing on Mondays")
    assert "Choose what it is" in partner.text
    text = "No slot.\n\n<script>alert(1)</script>"
    partner.send("Send to the desk", kind="incident", text=text, environment="DEV1", impact="1", urgency="1")
    case = partner.path
    assert "INC00" in partner.text
    assert "1 of 5" in partner.text
    assert "<script>alert" not in partner.reply.text
    agent.go("/desk")
    assert "Pike Systems" in agent.text
    agent.go(f"/desk/{case.rpartition('/')[2]}")
    agent.send("Take the case")
    agent.send("Write", text="The clinic is closed, I think.", internal="yes")
    agent.send("Ask the partner", text="Which service?")
    partner.go(case)
    assert "Which service?" in partner.text
    assert "I think" not in partner.text
    partner.go(f"/api/v1{case}")
    assert "I think" not in partner.reply.text
    partner.go(case)
    assert "Awaiting partner" in partner.text
    partner.send("Write", text="11006")
    agent.go(f"/desk/{case.rpartition('/')[2]}")
    assert "In progress" in agent.text
    agent.send("Resolve", text="The clinic is open again.")
    assert "Close: it works" not in agent.buttons
    partner.go(case)
    partner.send("Reopen", text="Still none.")
    agent.go(agent.path)
    agent.send("Resolve", text="Now it is.")
    partner.go(case)
    partner.send("Close")
    assert "Open a new one if it comes back" in partner.text
    partner.post(f"{case}/step", act="write", text="More", form_token="none")
    assert partner.reply.status_code == 403
    agent.go("/desk")
    assert "Slots are missing on Mondays" not in agent.text
    agent.go("/desk?all=yes")
    assert "Slots are missing on Mondays" in agent.text
    partner.go(f"{path}/cases")
    assert "closed" in partner.text


@pytest.mark.anyio
async def test_steps_at_the_same_time_leave_one_state(empty_url: str) -> None:
    store = PortalStore(empty_url, (), lambda: NOW)
    await store.open()
    first = Entry(at=NOW, by="Ada", side=Side.PARTNER, step=Step.WRITE, text="x")
    id = await store.cases.open("p", Case(kind=CaseKind.QUESTION, title="x"), first)
    refused = list[Step]()

    async def _take(side: Side, step: Step) -> None:
        try:
            await store.cases.step(id, Entry(at=NOW, by="Ben", side=side, step=step, text="y"))
        except NotNow:
            refused.append(step)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_take, Side.DESK, Step.RESOLVE)
        tasks.start_soon(_take, Side.PARTNER, Step.CANCEL)
    found = await store.cases.one(id, "p")
    assert found is not None
    assert len(refused) == 1
    assert found.state is (GONE if refused == [Step.RESOLVE] else DONE)
    assert [each.text for each in await store.cases.entries(id)] == ["x", "y"]
    assert await store.cases.one(id, "other") is None
    await store.close()
