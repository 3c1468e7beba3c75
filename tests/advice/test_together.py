"""Concurrent acts, stale versions and failing acts: one act succeeds, the others are rejected, none is half done.

Each test runs on both databases. Source: rules chapter 3.4.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import pytest

from openers.domain.clock import Instant
from openers.domain.errors import Unavailable
from openers.usecases.ports.paper import Document
from tests.kit.calls.expectations import told
from tests.kit.referrals.talk import Talk, answers, gathered, state_of, texts_of
from tests.kit.referrals.words import said
from tests.kit.service.requests import Json
from tests.kit.service.running import Running, edge_in, entry
from tests.kit.store.outside import tables as all_of

pytestmark = pytest.mark.anyio
TABLES = ("conversations", "referrals", "history", "events", "due", "files", "access_codes")
Act = Callable[[Talk, Json], Awaitable[httpx.Response]]


async def rows(talk: Talk, *tables: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows that acts on requests for advice may change."""
    return await all_of(talk.run.service.settings.database_url, *(tables or TABLES))


ACTS: dict[str, Act] = {
    "respond": lambda talk, advice: talk.respond(advice),
    "respond for a clinician": lambda talk, advice: talk.respond(advice, by=talk.consultant_admin),
    "convert": lambda talk, advice: talk.convert(advice),
    "reply": lambda talk, advice: talk.reply(advice),
    "withdraw": lambda talk, advice: talk.close(advice),
}
PAIRS = (
    ("respond", "respond for a clinician"),
    ("convert", "respond"),
    ("convert", "convert"),
    ("convert", "withdraw"),
    ("respond", "reply"),
    ("respond", "withdraw"),
)


@pytest.mark.parametrize("demo_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("act", ["respond", "convert"])
async def test_a_conversation_that_somebody_is_at_is_locked(both: Talk, act: str) -> None:
    """On PostgreSQL, a conversation that another transaction has locked returns 423. On SQLite, acts wait."""
    advice = await both.ask()
    before = await rows(both)
    async with both.run.service.world.for_call(entry()).begin("hold", lock=(advice["id"],)):
        reply = await ACTS[act](both, advice)
    assert (reply.status_code, told(reply)[2]) == (423, "REFERRAL_LOCKED")
    assert await rows(both) == before


@pytest.mark.parametrize(("one", "other"), PAIRS)
async def test_of_two_at_once_one_wins(both: Talk, one: str, other: str) -> None:
    """One of two concurrent acts succeeds. The other gets a conflict or a lock, and its message is not stored."""
    advice = await both.ask()
    replies = await asyncio.gather(ACTS[one](both, advice), ACTS[other](both, advice))
    outcomes = Counter(each.is_success for each in replies)
    assert outcomes == {True: 1, False: 1}, [each.text for each in replies]
    (lost,) = (each for each in replies if not each.is_success)
    assert lost.status_code in (409, 423)
    now = await both.read(advice)
    assert now["meta"]["versionId"] == "2"
    messages = texts_of((await both.messages(now)).json())
    ended_silently = state_of(now)[0] == "CONVERSATION_ENDED_CANCELLED"
    assert len(messages) == (1 if ended_silently else 2)
    referrals = await rows(both, "referrals")
    assert len(referrals["referrals"]) == (state_of(now)[0] == "ADVICE_CONVERTED")


@pytest.mark.parametrize("act", ACTS)
async def test_a_stale_version_is_refused_and_changes_nothing(both: Talk, act: str) -> None:
    advice = await both.ask()
    await both.done(await both.reply(advice, said("reply", "One more thing.")))
    before = await rows(both)
    reply = await ACTS[act](both, advice)
    assert (reply.status_code, told(reply)[2]) == (409, "VERSION_CONFLICT")
    assert await rows(both) == before


@dataclass
class Jammed:
    """A typesetter that always fails."""

    async def pdf(self, document: Document, made: Instant) -> bytes:
        """Raise Unavailable."""
        raise Unavailable("typesetter")


def _with(run: Running, **parts: object) -> Running:
    world = msgspec.structs.replace(run.service.world, **parts)
    edge = edge_in(world, run.service)
    return Running(msgspec.structs.replace(run.service, world=world, edge=edge), run.clients)


async def test_a_conversion_that_can_t_be_printed_changes_nothing(both: Talk) -> None:
    """If the PDF cannot be made, the conversion returns 503 and changes nothing. A retry succeeds."""
    advice = await both.ask()
    before = await rows(both)
    jammed = await gathered(_with(both.run, typesetter=Jammed()))
    reply = await jammed.convert(advice)
    assert (reply.status_code, told(reply)[2]) == (503, "SYSTEM_UNAVAILABLE")
    assert await rows(both) == before
    assert (await both.convert(advice)).status_code == 201


async def test_a_conversion_refused_late_leaves_no_file_behind(both: Talk) -> None:
    """The conversation is printed before the files are checked. After the rejection, no record of that PDF exists."""
    advice = await both.ask()
    file = await both.attach("guidanceAttachmentFile", "GUIDANCE_RESPONSE", "a.txt", None, both.consultant)
    before = await rows(both)
    reply = await both.convert(advice, file)
    assert told(reply)[2] == "INAPPROPRIATE_VALUE"
    assert await rows(both) == before


async def test_the_loser_of_a_close_out_is_heard_by_nobody(both: Talk) -> None:
    """Two users close the same conversation with different answers, and only one answer is stored."""
    answered = await both.done(await both.respond(await both.ask()))
    replies = await asyncio.gather(
        both.close(answered, *answers(avoided=True)), both.close(answered, *answers(avoided=False))
    )
    assert sorted(each.status_code for each in replies)[0] == 200
    assert sorted(each.status_code for each in replies)[1] in (409, 423)
    (won,) = (each.json() for each in replies if each.is_success)
    assert (await both.read(answered)) == won


async def test_versions_of_both_kinds_go_on_together(both: Talk) -> None:
    """In the real service a converted request is one record, so the referral starts at the version of the request."""
    advice = await both.done(await both.reply(await both.ask()))
    referral = (await both.convert(advice)).json()
    converted = await both.read(advice)
    assert referral["meta"]["versionId"] == converted["meta"]["versionId"] == "3"
