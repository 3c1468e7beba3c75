"""A faulty PAS does no harm, and the outcome of a booking can still be looked up."""

from __future__ import annotations

import asyncio
import socket

import pytest

from openers.domain.booking import PasLink
from openers.domain.errors import PasRefused, PasSilent
from openers.pas.connector import PasConnector
from tests.kit.pas.small_pas import ISSUER, small_pas
from tests.kit.run.moments import now
from tests.kit.run.waiting import HANGS_AFTER_S
from tests.pas.systems import SERVICE, Small, connector
from tests.pas.test_contract import BEFORE, END, REASON, START, booking

pytestmark = pytest.mark.anyio

MANY = 100


@pytest.mark.parametrize("fault", ["garbage", "huge", "cut", "drop", "502", "504", "204"])
async def test_a_broken_answer_is_silence_and_the_booking_is_found(
    fault: str, small: Small, small_calls: PasConnector
) -> None:
    wanted = booking(small.add_slot(START))
    made = not fault.isdigit()
    small.play(fault)
    with pytest.raises(PasSilent):
        await small_calls.book(small.link, wanted)
    with pytest.raises(PasSilent):
        await small_calls.look_up(small.link, wanted.key)
    with pytest.raises(PasSilent):
        await small_calls.slots(small.link, BEFORE, END, None)
    small.play("")
    found = await small_calls.look_up(small.link, wanted.key)
    assert (found is not None) == made
    if found is not None:
        small.play(fault)
        with pytest.raises(PasSilent):
            await small_calls.cancel(small.link, found.id, REASON)


@pytest.mark.parametrize("fault", ["400", "401", "403", "422", "429", "500", "503", "redirect"])
async def test_a_definite_answer_is_a_refusal(fault: str, small: Small, small_calls: PasConnector) -> None:
    wanted = booking(small.add_slot(START))
    small.play(fault)
    with pytest.raises(PasRefused) as refused:
        await small_calls.book(small.link, wanted)
    assert not refused.value.gone
    with pytest.raises(PasRefused):
        await small_calls.cancel(small.link, "a", REASON)
    with pytest.raises(PasRefused):
        await small_calls.slots(small.link, BEFORE, END, None)
    with pytest.raises(PasSilent):
        await small_calls.look_up(small.link, wanted.key)


@pytest.mark.parametrize(
    "link",
    [
        "http://elsewhere.example/fhir?page=1",
        "//elsewhere.example/fhir",
        "https://127.0.0.1/fhir",
        "http://127.0.0.1:1/fhir",
        "http://127.0.0.1:99999/fhir",
        "file:///etc/passwd",
        "http://[",
        "Slot?a b",
        "Slot?\r\nX: y",
    ],
)
async def test_the_next_page_is_never_elsewhere(link: str, small: Small, small_calls: PasConnector) -> None:
    small.add_slot(START)
    small.pas.next_link = link
    with pytest.raises(PasRefused, match="another server"):
        await small_calls.slots(small.link, BEFORE, END, None)
    assert len(small.pas.claims) == 1


async def test_pages_without_end_end(small: Small, small_calls: PasConnector) -> None:
    small.pas.next_link = "Slot?schedule.actor%3Aidentifier=x&start=ge2030-01-01T00:00:00Z"
    with pytest.raises(PasRefused, match="more than 200 pages"):
        await small_calls.slots(small.link, BEFORE, END, None)


@pytest.mark.parametrize(
    "change",
    [
        {"start": "2030-01-01T09:00:00"},
        {"start": "2030-01-01"},
        {"end": "2020-01-01T09:00:00Z"},
        {"start": "0001-01-01T00:00:00+14:00"},
        {"id": ".."},
        {"id": "a/b"},
        {"id": "a\n"},
        {"status": "perhaps"},
        {"identifier": []},
        {"schedule": {"reference": "Schedule/nowhere"}},
        {"schedule": {"reference": "Schedule/other"}},
        {"schedule": 1},
        {
            "serviceType": [
                {"coding": [{"system": "https://fhir.nhs.uk/STU3/CodeSystem/eRS-Priority-1", "code": "SOON"}]}
            ]
        },
    ],
    ids=str,
)
async def test_a_slot_that_is_not_as_agreed_is_not_believed(
    change: dict[str, object], small: Small, small_calls: PasConnector
) -> None:
    small.pas.shown = [small.pas.slots[small.add_slot(START)] | change]
    with pytest.raises(PasSilent, match="breaks the contract"):
        await small_calls.slots(small.link, BEFORE, END, None)


async def test_the_call_introduces_the_service_anew_each_time(small: Small, small_calls: PasConnector) -> None:
    for _ in range(2):
        await small_calls.slots(small.link, BEFORE, END, None)
    first, second = small.pas.claims
    assert first.keys() == {"iss", "aud", "iat", "exp", "jti"}
    assert (first["iss"], first["aud"], first["exp"] - first["iat"]) == (ISSUER, small.link.url, 300)
    assert abs(first["iat"] - now().timestamp()) < 300
    assert first["jti"] != second["jti"]


async def test_nobody_listening_means_that_nothing_was_sent(small_calls: PasConnector) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        link = PasLink(SERVICE, f"http://127.0.0.1:{taken.getsockname()[1]}/fhir", "some-pas")
        with pytest.raises(PasSilent) as silent:
            await small_calls.book(link, booking("a"))
    assert not silent.value.sent


@pytest.mark.parametrize("url", ["ftp://pas.example/fhir", "file:///etc/passwd", "pas.example"])
async def test_only_http_is_spoken(url: str, small_calls: PasConnector) -> None:
    with pytest.raises(PasRefused):
        await small_calls.book(PasLink(SERVICE, url, "some-pas"), booking("a"))


async def test_many_calls_that_hang_leave_others_alone(small: Small) -> None:
    """A booking in another PAS succeeds while a hundred calls hang, and each of those times out."""
    patient = connector(ISSUER)
    with small_pas() as other:
        well = Small(other)
        small.play("hang")
        hanging = [asyncio.ensure_future(patient.book(small.link, booking("a"))) for _ in range(MANY)]
        await asyncio.to_thread(lambda: [small.pas.reached.acquire(timeout=HANGS_AFTER_S) for _ in range(MANY)])
        await patient.book(well.link, booking(well.add_slot(START)))
        assert not any(each.done() for each in hanging)
        await patient.close()
        ended = await asyncio.gather(*hanging, return_exceptions=True)
    assert [type(each) for each in ended] == [PasSilent] * MANY
