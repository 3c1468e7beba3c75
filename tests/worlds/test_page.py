"""The page of test mode: everything works with plain forms in a browser."""

from __future__ import annotations

import re

import pytest

from openers.worlds.http.world_page import CONSEQUENCES
from tests.kit.service.worlds import Rig

pytestmark = pytest.mark.anyio
FORM = re.compile(r'<button[^>]* name="act"[^>]* value="(\w+)"')


async def _act(rig: Rig, act: str, world: str = "main", value: str = "", **headers: str) -> str:
    """Send a form, and return the text of the page."""
    form = {"act": act, "world": world, "value": value, "confirmed": "yes" if act in CONSEQUENCES else ""}
    address = "/w/a/_test/" if world == "a" and act != "drop" else "/_test/"
    sent = await rig.http.post(address, data=form, headers=headers)
    assert sent.status_code == 303
    shown = await rig.http.get(sent.headers["location"])
    assert shown.status_code == 200
    return shown.text


async def test_everything_can_be_done_by_its_forms(here: Rig) -> None:
    shown = (await here.http.get("/_test/")).text
    offered = set(FORM.findall(shown))
    assert offered == {"advance", "freeze", "load", "snapshot", "reset", "fork"}
    assert "World a was forked from main" in await _act(here, "fork", value="a")
    assert "The clock of a advanced by 14 days" in await _act(here, "advance", "a", "14")
    assert "Snapshot s of world a was saved" in await _act(here, "snapshot", "a", "s")
    assert "is stopped" in await _act(here, "freeze", "a")
    shown = await _act(here, "load", "a", "troubles")
    assert "World a was loaded with pack troubles" in shown
    assert {"restore", "drop"} <= set(FORM.findall(shown))
    assert "restored from snapshot s" in await _act(here, "restore", "a", "s")
    assert "was reset" in await _act(here, "reset", "a")
    assert "runs" in await _act(here, "run", "a")
    assert "World a was deleted" in await _act(here, "drop", "a")


@pytest.mark.parametrize(
    ("act", "world", "value", "said"),
    [
        ("fork", "main", "a b", "letters, digits"),
        ("advance", "main", "x", "number of days"),
        ("advance", "nowhere", "1", "no world nowhere"),
        ("load", "main", "none", "no pack none"),
        ("explode", "main", "", "Unknown action"),
        ("drop", "main", "", "cannot be deleted"),
    ],
)
async def test_what_can_not_be_done_is_said(here: Rig, act: str, world: str, value: str, said: str) -> None:
    shown = await _act(here, act, world, value)
    assert "There is a problem" in shown
    assert said in shown


async def test_a_refused_form_is_shown_again_with_its_error(here: Rig) -> None:
    shown = await _act(here, "advance", value="many")
    assert re.search(r'<input[^>]* id="advance"[^>]* value="many"[^>]* aria-describedby="advance-error"', shown)
    assert re.search(r'<a href="#advance">\s*Give a number of days from 1 to 3660\s*</a>', shown)


async def test_links_and_forms_stay_in_the_world_of_the_page(here: Rig) -> None:
    await _act(here, "fork", value="a")
    for path in ("/w/a/_test/", "/w/a/_test/requests", "/w/a/_test/faults", "/w/a/_test/events", "/w/a/_test/webhooks"):
        shown = (await here.http.get(path, headers={"Accept": "text/html"})).text
        led = re.findall(r'(?:href|src|action|data-live)="(/[^"]*)"', shown)
        assert len(led) > 10
        assert {each for each in led if not each.startswith("/w/a/")} <= {"/_test/"}, "only the choice of main leaves"


async def test_pages_elsewhere_can_not_use_its_forms(here: Rig) -> None:
    shown = await _act(here, "fork", value="a", Origin="https://elsewhere.example")
    assert "elsewhere.example" in shown
    assert len(here.service.worlds.all) == 1
    reply = await here.http.post("/_test/worlds", json={"name": "a"}, headers={"Origin": "https://elsewhere.example"})
    assert reply.status_code == 403
    plain = await here.http.post("/_test/worlds", content=b'{"name": "a"}', headers={"Content-Type": "text/plain"})
    assert plain.status_code == 415
    assert len(here.service.worlds.all) == 1


async def test_what_is_told_is_text(here: Rig) -> None:
    shown = (await here.http.get("/_test/", params={"problem": "<b>x</b>"})).text
    assert "<b>x" not in shown


@pytest.mark.parametrize("act", CONSEQUENCES)
async def test_an_act_that_deletes_asks_first(here: Rig, act: str) -> None:
    await _act(here, "fork", value="a")
    asked = await here.http.post("/_test/", data={"act": act, "world": "a", "value": "demo"})
    assert asked.status_code == 200
    assert CONSEQUENCES[act][1] in asked.text
    assert len(here.service.worlds.all) == 2


async def test_it_is_found_without_its_slash(here: Rig) -> None:
    assert "<h1>Worlds of this service</h1>" in (await here.http.get("/_test", follow_redirects=True)).text
