"""Callers without a legitimate relationship can neither read nor change a conversation.

Users of another practice and of another hospital call every operation that can name a conversation or its files.
Source: rules 1.3, 2.4 and 4.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import httpx
import pytest

from openers.api.registry import all_operations
from tests.kit.calls.expectations import told
from tests.kit.referrals.talk import REQUIRE, Talk, conversion, question, worklist
from tests.kit.referrals.words import document, said, uploaded
from tests.kit.service.arrangements import stored
from tests.kit.service.requests import PATIENT, Json
from tests.kit.service.running import CONSULTANT, GP

pytestmark = pytest.mark.anyio

QUESTION, GUIDANCE = "Is 7 mg of it too much?", "Halve it."
UNKNOWN: Final = "REFERENCE_NOT_FOUND"


@dataclass
class Secret:
    """A conversation with a file from each side."""

    talk: Talk
    advice: Json
    files: tuple[str, ...]

    def words(self) -> tuple[str, ...]:
        """Return the texts that a reply to an unrelated caller must not contain."""
        people = (GP.user, CONSULTANT.user)
        return (QUESTION, GUIDANCE, PATIENT, "question.txt", "guidance.txt", *people)


@pytest.fixture(scope="module")
async def secret(talk: Talk) -> Secret:
    """Create an open conversation with two scanned files."""
    asking = await talk.attach("requestAttachmentFile", "ADVICE_REQUEST", "question.txt", None, talk.gp)
    advice = await talk.ask(said("request", QUESTION), asking)
    answering = await talk.attach(
        "guidanceAttachmentFile", "GUIDANCE_RESPONSE", "guidance.txt", advice, talk.consultant
    )
    advice = await talk.done(await talk.respond(advice, said("guidance", GUIDANCE), answering, outcome=REQUIRE))
    addresses = [each["resource"]["content"][0]["attachment"]["url"] for each in (asking, answering)]
    return Secret(talk, advice, tuple(addresses))


Call = Callable[[Secret, httpx.AsyncClient], Awaitable[httpx.Response]]


def _reads(path: str, method: str = "GET") -> Call:
    async def _call(secret: Secret, by: httpx.AsyncClient) -> httpx.Response:
        ubrn, version = secret.advice["id"], secret.advice["meta"]["versionId"]
        address = path.replace("{ubrn}", ubrn).replace("{version}", version)
        return await by.request(method, address, headers={"Accept": "*/*"})

    return _call


def _file(path: str, number: int) -> Call:
    return lambda secret, by: by.get(f"{path}/{secret.files[number]}", headers={"Accept": "*/*"})


async def _convert(secret: Secret, by: httpx.AsyncClient) -> httpx.Response:
    return await by.post(**conversion(secret.advice))


REFUSED: Final[tuple[tuple[str, str, Call], ...]] = (
    ("A006", "both", _file("/STU3", 0)),
    ("A006", "both", _file("/STU3", 1)),
    ("A024", "both", _reads("/STU3/CommunicationRequest/{ubrn}")),
    ("A024", "both", _reads("/STU3/CommunicationRequest/{ubrn}/_history/{version}")),
    ("A024", "both", _reads("/STU3/CommunicationRequest/{ubrn}/_history/1")),
    ("A025", "both", _reads("/STU3/Communication?based-on=CommunicationRequest/{ubrn}/_history/{version}")),
    ("A026", "provider", lambda secret, by: secret.talk.respond(secret.advice, by=by)),
    ("A027", "provider", _convert),
    ("A042", "both", _file("/R4", 0)),
    ("A042", "both", _file("/R4", 1)),
    ("A043", "both", _reads("/STU3/CommunicationRequest/{ubrn}/$ers.generateCRI", "POST")),
    ("X001", "referrer", lambda secret, by: secret.talk.reply(secret.advice, by=by)),
    ("X002", "referrer", lambda secret, by: secret.talk.close(secret.advice, by=by)),
)
"""Each operation that names a conversation, with the sides whose users may call it."""
STATUS: Final = {"A025": 400, "A042": 403}
"""Statuses of operations that do not return 422 (rules 4, A025 and A042)."""
LISTED: Final = ("A023", "A041")
"""Operations that list the requests that they find."""


def test_no_operation_on_conversations_is_left_out() -> None:
    named = {each.id for each in all_operations() if "Communication" in each.path} - {"A044"}
    assert named <= {*LISTED, *(number for number, _, _ in REFUSED)}


@pytest.mark.parametrize("side", ["referrer", "provider"])
@pytest.mark.parametrize(("number", "sides", "call"), REFUSED, ids=[f"{row[0]}-{at}" for at, row in enumerate(REFUSED)])
async def test_others_are_refused(secret: Secret, number: str, sides: str, call: Call, side: str) -> None:
    """The reply reveals that the record exists, but none of its content (rules 2.7). Nothing changes."""
    by = secret.talk.gp_elsewhere if side == "referrer" else secret.talk.consultant_elsewhere
    before = stored(secret.talk.run)
    reply = await call(secret, by)
    if sides in ("both", side):
        assert (reply.status_code, told(reply)[2]) == (STATUS.get(number, 422), "NO_RELATIONSHIP")
    else:
        assert reply.status_code == 403
    assert not [word for word in secret.words() if word in reply.text]
    assert stored(secret.talk.run) == before


async def test_others_find_nothing(secret: Secret) -> None:
    """A041 returns an empty bundle, and A023 a list without entries."""
    talk, ubrn = secret.talk, secret.advice["id"]
    for by in (talk.gp_elsewhere, talk.consultant_elsewhere):
        found = await by.get(f"/R4/ServiceRequest?identifier={ubrn}")
        assert (found.status_code, found.json()["total"]) == (200, 0)
        assert not [word for word in secret.words() if word in found.text]
    listed = await talk.consultant_elsewhere.post(**worklist())
    assert "entry" not in listed.json()
    assert (await talk.gp_elsewhere.post(**worklist())).status_code == 403


async def test_files_of_a_conversation_go_into_no_other(secret: Secret) -> None:
    """For others the conversation's files are unknown. A file that another practice uploaded cannot be attached."""
    talk = secret.talk
    for file in secret.files:
        reply = await talk.gp_elsewhere.post(**question(document("requestAttachmentFile", file, "ADVICE_REQUEST")))
        assert (reply.status_code, told(reply)[2]) == (422, UNKNOWN)
    unrelated = await uploaded(talk.gp_elsewhere, secret.advice["id"], "intruder.txt")
    reply = await talk.reply(
        secret.advice, said("reply", "Here."), document("requestAttachmentFile", unrelated, "ADVICE_REQUEST")
    )
    assert (reply.status_code, told(reply)[2]) == (422, UNKNOWN)
