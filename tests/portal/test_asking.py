"""A question without a log-in: the desk sees it once it is confirmed, and the link in the message shows the answer."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Final

import anyio
import pytest

from openers_portal.rules.desk_questions import KEPT, MOST_A_DAY, DeskQuestion
from openers_portal.rules.interest import MOST_AN_HOUR
from openers_portal.store.interests import TooMany
from openers_portal.store.portal_store import PortalStore
from tests.kit.web.walker import Walker
from tests.portal.conftest import GP, OPERATOR, Enter

NOW: Final = datetime(2026, 11, 30, 9, tzinfo=UTC)


def _asked(email: str) -> DeskQuestion:
    return DeskQuestion(email=email, name="", title="Slots?", text="Why?")


def _mails(visitor: Walker, address: str) -> list[tuple[str, str]]:
    """Return subject and link of each message to an address, the newest first."""
    visitor.go("/api/v1/outbox")
    mails = [each["mail"] for each in visitor.reply.json()["mails"] if each["mail"]["to"] == address]
    return [(each["subject"], re.findall(r"http://[^/]+(/\S+)", each["text"])[-1]) for each in mails]


def test_from_the_form_to_the_answer(visitor: Walker, enter: Enter) -> None:
    agent = enter(OPERATOR)
    visitor.go("/ask")
    visitor.send("Ask", email="ida@moor.example", name="Ida\nMoor", title="May a clerk book?", text="<b>May</b> she?")
    assert "then the desk has your question" in visitor.text
    ((subject, link),) = _mails(visitor, "ida@moor.example")
    assert subject == "Confirm your question"
    agent.go("/desk")
    assert "May a clerk book?" not in agent.text
    for _ in range(2):  # pressed twice, it is one case
        visitor.go(link)
        if "Send it to the desk" in visitor.buttons:
            visitor.send("Send it to the desk")
    number = re.findall(r"QUE\d{7}", visitor.text)[0]
    assert "<b>May</b>" not in visitor.reply.text
    agent.go("/desk")
    assert agent.text.count("May a clerk book?") == 1
    agent.follow(number)
    agent.send("Take the case")
    agent.send("Write", text="She is new.", internal="yes")
    agent.send("Ask the partner", text="Which role does she have?")
    assert [each for each, _ in _mails(visitor, "ida@moor.example")] == [f"{number}: the desk has written", subject]
    visitor.go(link)
    assert "Which role does she have?" in visitor.text
    assert "She is new." not in visitor.text
    visitor.send("Write", text="REFERRING_ADMIN")
    agent.go(agent.path)
    assert "REFERRING_ADMIN" in agent.text
    assert "Ida Moor" in agent.text
    agent.send("Resolve", text="She may.")
    visitor.go(link)
    visitor.send("Close")
    assert "Open a new one if it comes back" in visitor.text


def test_a_question_needs_the_code_of_its_link(visitor: Walker, enter: Enter) -> None:
    visitor.go("/ask")
    visitor.send("Ask", email="eve@moor.example", title="A secret", text="A secret")
    ((_, link),) = _mails(visitor, "eve@moor.example")
    for wrong in (link.partition("?")[0], f"{link}0", f"/interest/confirm{link.removeprefix('/ask')}"):
        visitor.go(wrong)
        assert visitor.reply.status_code == 404, wrong
        assert "A secret" not in visitor.text
    visitor.post(link, form_token="none")
    assert visitor.reply.status_code == 403
    partner = enter(GP)
    partner.go(link.partition("?")[0])
    assert partner.reply.status_code == 404


@pytest.mark.parametrize(
    "change",
    [{"email": ""}, {"email": "nobody"}, {"title": ""}, {"text": ""}, {"text": "x" * 9000}, {"title": "x" * 151}],
)
def test_a_wrong_form_is_refused(change: dict[str, str], visitor: Walker) -> None:
    visitor.go("/ask")
    visitor.send("Ask", **{"email": "ida@moor.example", "title": "T", "text": "X", **change})
    assert (visitor.reply.status_code, "There is a problem" in visitor.text) == (422, True)


@pytest.fixture
async def store(empty_url: str) -> AsyncGenerator[PortalStore]:
    """Provide a migrated store."""
    made = PortalStore(empty_url, (), lambda: NOW)
    await made.open()
    yield made
    await made.close()


@pytest.mark.anyio
async def test_messages_are_bounded_by_address_and_by_caller(store: PortalStore) -> None:
    for number in range(MOST_A_DAY + 2):
        await store.desk_questions.ask(_asked("ada@moor.example" if number % 2 else "ADA@moor.example"), str, "one")
    assert len(await store.mails.latest()) == MOST_A_DAY
    for number in range(MOST_AN_HOUR):
        await store.desk_questions.ask(_asked(f"p{number}@moor.example"), str, "two")
    with pytest.raises(TooMany):
        await store.desk_questions.ask(_asked("more@moor.example"), str, "two")


@pytest.mark.anyio
async def test_confirmations_at_the_same_time_open_one_case(store: PortalStore) -> None:
    ids: list[str] = []
    await store.desk_questions.ask(_asked("ada@moor.example"), lambda id: ids.append(id) or id, "one")
    cases = list[int | None]()

    async def _confirm() -> None:
        cases.append(await store.desk_questions.confirm(ids[0]))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(_confirm)
    assert cases[0]
    assert cases == cases[:1] * 3
    assert await store.desk_questions.confirm("unknown") is None


@pytest.mark.anyio
async def test_a_question_that_nobody_confirms_is_deleted(empty_url: str) -> None:
    now, ids = [NOW], list[str]()
    store = PortalStore(empty_url, (), lambda: now[0])
    await store.open()
    for name in ("kept", "gone"):
        await store.desk_questions.ask(_asked(f"{name}@moor.example"), lambda id: ids.append(id) or id, "one")
    assert await store.desk_questions.confirm(ids[0])
    now[0] += KEPT + timedelta(seconds=1)
    await store.desk_questions.purge()
    assert await store.desk_questions.one(ids[0]) is not None
    assert await store.desk_questions.one(ids[1]) is None
    await store.close()
