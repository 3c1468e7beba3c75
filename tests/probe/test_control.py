"""Rules for all addresses below `/_test`: who may change something, and which pages browsers get."""

from __future__ import annotations

from typing import Any

import pytest

from openers.worlds.http.control import HOME
from openers.worlds.http.pages import LINKS
from tests.kit.service.running import Running

pytestmark = pytest.mark.anyio
OWN = {"Origin": "http://127.0.0.1:8000", "Host": "127.0.0.1:8000"}
FAULTS = "/_test/faults"
OF_WORLDS = {HOME, "/_test/cards"}
"""Pages of a service with several worlds, which their own tests open."""


@pytest.mark.parametrize("address", [each for each in LINKS if each not in OF_WORLDS])
async def test_every_linked_page_is_there_for_people_and_for_scripts(probed: Running, address: str) -> None:
    pages = probed.pages()
    page = await pages.get(address, headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<h1>" in page.text
    told = await pages.get(address)
    assert (told.status_code, told.headers["content-type"]) == (200, "application/json")


async def test_the_style_sheet_is_there(probed: Running) -> None:
    page = (await probed.pages().get(FAULTS, headers={"Accept": "text/html"})).text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    sheet = await probed.pages().get(address)
    assert sheet.headers["content-type"].startswith("text/css")
    assert "table" in sheet.text
    assert "header" in sheet.text


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_another_site_can_t_send_json(probed: Running, media_type: str) -> None:
    """The test control refuses the media types that another site may send without a preflight request."""
    headers = {"Content-Type": media_type, "Origin": "http://elsewhere.example"}
    for method, address in (("PUT", FAULTS), ("POST", FAULTS), ("POST", "/_test/webhooks")):
        reply = await probed.pages().request(method, address, headers=headers, content=b'{"kind": "drop"}')
        assert reply.status_code in {403, 415}, (method, address)
    assert (await probed.pages().get(FAULTS)).json()["faults"] == []


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null", ""])
async def test_another_site_can_t_send_our_forms(probed: Running, origin: str) -> None:
    headers = {"Origin": origin, "Host": "127.0.0.1:8000"}
    for address in (FAULTS, "/_test/requests"):
        assert (await probed.pages().post(address, data={"kind": "drop"}, headers=headers)).status_code == 403


async def test_people_order_and_take_away_faults(probed: Running) -> None:
    pages = probed.pages()
    form = {"kind": "error", "operations": "A004, A005", "services": "", "share": "0.5", "count": "3", "after": "on"}
    assert (await pages.post(FAULTS, data={**form, "ms": ""}, headers=OWN)).status_code == 303
    (told,) = (await pages.get(FAULTS)).json()["faults"]
    expected: dict[str, Any] = {"kind": "error", "operations": ["A004", "A005"], "share": 0.5, "count": 3}
    assert {**told, **expected, "after": True, "ms": None} == told
    page = (await pages.get(FAULTS, headers={"Accept": "text/html"})).text
    assert "error, after the work" in page
    assert (await pages.post(FAULTS, data={"act": "clear"}, headers=OWN)).status_code == 303
    assert (await pages.get(FAULTS)).json()["faults"] == []


@pytest.mark.parametrize(
    "form", [{"kind": "flood"}, {"kind": "error", "share": "x"}, {"kind": "error", "operations": "B1"}]
)
async def test_a_form_that_can_t_be_read_changes_nothing(probed: Running, form: dict[str, str]) -> None:
    assert (await probed.pages().post(FAULTS, data=form, headers=OWN)).status_code == 400
    assert (await probed.pages().get(FAULTS)).json()["faults"] == []


async def test_people_forget_calls(probed: Running) -> None:
    await probed.anonymous().get("/STU3/CodeSystem/PRIORITY")
    asked = await probed.pages().post("/_test/requests", headers=OWN)
    assert "Delete the stored calls of this world?" in asked.text
    assert len((await probed.pages().get("/_test/requests")).json()["requests"]) == 1
    assert (await probed.pages().post("/_test/requests", data={"confirmed": "yes"}, headers=OWN)).status_code == 303
    assert (await probed.pages().get("/_test/requests")).json() == {"requests": []}


async def test_worlds_keep_apart(probed: Running) -> None:
    """Faults and recorded calls belong to one world."""
    import msgspec

    from openers.worlds.faults.board import Fault, FaultBoard, FaultKind, Place
    from openers.worlds.recording.exchange import Exchanges

    board, shelf = FaultBoard(), Exchanges(10)
    board.of("one").add(Fault(kind=FaultKind.DROP))
    assert board.of("two").strike(Place.API, "A004") is None
    await probed.anonymous().get("/STU3/CodeSystem/PRIORITY")
    observer: Any = probed.service.edge.loop.observer
    (exchange,) = (await observer.recorder.kept()).of("demo")
    shelf.keep(exchange)
    shelf.keep(msgspec.structs.replace(exchange, world="two", number=2))
    assert [each.number for each in shelf.of("two")] == [2]
    shelf.forget("two")
    assert [each.number for each in shelf.of("demo")] == [1]
