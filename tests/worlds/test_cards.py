"""The card reader of a world: log-ins that rest on the card end when it is removed or idle, and no others."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final
from xml.etree.ElementTree import fromstring

import pytest

from openers.worlds.http.card_events import card_events
from tests.kit.service.running import CONSULTANT, GP
from tests.kit.service.worlds import Rig

pytestmark = pytest.mark.anyio
PROGRAM: Final = {"XAPI_ASID": "999900000101", "XAPI_FQDN": "demo.example"}
CALL = "/STU3/CodeSystem/PRIORITY"


async def log_in(here: Rig, user: str, world: str = "main") -> str:
    """Return an access token of a new log-in."""
    return str((await here.control("POST", "/sessions", {"user": user}, world))["access_token"])


async def status(here: Rig, token: str, world: str = "main") -> int:
    """Return whether a token still opens the service, as a status."""
    person = GP if token.startswith("gp:") else CONSULTANT
    headers = {"Authorization": f"Bearer {token.partition(':')[2]}", **person.headers, "X-OpenERS-Tenant": world}
    return (await here.http.get(f"/referrals/FHIR{CALL}", headers=headers)).status_code


async def test_removing_the_card_ends_the_log_ins_that_rest_on_it(on_each: Rig) -> None:
    before = f"gp:{await log_in(on_each, GP.user)}"
    assert await on_each.control("PUT", "/cards/inserted", {"uuid": GP.user}) == {"inserted": GP.user, "ended": 0}
    resting = [f"gp:{await log_in(on_each, GP.user)}" for _ in range(2)]
    other = f"other:{await log_in(on_each, CONSULTANT.user)}"
    assert [await status(on_each, each) for each in (before, *resting, other)] == [200] * 4
    assert await on_each.control("PUT", "/cards/inserted", {"uuid": GP.user}) == {"inserted": GP.user, "ended": 0}
    assert await on_each.control("DELETE", "/cards/inserted") == {"inserted": None, "ended": 2}
    assert [await status(on_each, each) for each in (before, *resting, other)] == [200, 401, 401, 200]
    assert await on_each.control("DELETE", "/cards/inserted") == {"inserted": None, "ended": 0}


async def test_an_idle_card_stays_and_another_card_replaces_it(here: Rig) -> None:
    await here.control("PUT", "/cards/inserted", {"uuid": GP.user})
    first = f"gp:{await log_in(here, GP.user)}"
    assert await here.control("POST", "/cards/idle") == {"inserted": GP.user, "ended": 1}
    second = f"gp:{await log_in(here, GP.user)}"
    assert [await status(here, each) for each in (first, second)] == [401, 200]
    assert await here.control("PUT", "/cards/inserted", {"uuid": CONSULTANT.user}) == {
        "inserted": CONSULTANT.user,
        "ended": 1,
    }
    assert await status(here, second) == 401
    cards = (await here.control("GET", "/cards"))["cards"]
    assert [each["uuid"] for each in cards if each["inserted"]] == [CONSULTANT.user]
    assert {GP.user, CONSULTANT.user} <= {each["uuid"] for each in cards}


async def test_each_world_has_a_reader_of_its_own(here: Rig) -> None:
    await here.control("PUT", "/cards/inserted", {"uuid": GP.user}, "alice")
    assert not [each for each in (await here.control("GET", "/cards"))["cards"] if each["inserted"]]
    token = f"gp:{await log_in(here, GP.user, 'alice')}"
    assert await here.control("DELETE", "/cards/inserted") == {"inserted": None, "ended": 0}
    assert await status(here, token, "alice") == 200
    assert (await here.control("DELETE", "/cards/inserted", world="alice"))["ended"] == 1
    assert await status(here, token, "alice") == 401


async def test_the_log_in_page_shows_the_inserted_card_first(here: Rig) -> None:
    await here.control("PUT", "/cards/inserted", {"uuid": CONSULTANT.user})
    query = {
        "client_id": "demo-user-app",
        "redirect_uri": "http://127.0.0.1/callback",
        "response_type": "code",
        "scope": "openid",
    }
    page = (await here.http.get("/oauth2/authorize", params=query)).text
    assert re.findall(r'name="user_id" id="user-(\d+)"', page)[0] == CONSULTANT.user


@pytest.mark.parametrize(("uuid", "told"), [("12", "uuid: "), ("999999999999", "There is no person 999999999999")])
async def test_a_card_of_nobody_is_refused(uuid: str, told: str, here: Rig) -> None:
    reply = await here.http.put("/_test/cards/inserted", json={"uuid": uuid})
    assert reply.status_code in (400, 404)
    assert told in reply.json()["error"]
    assert not [each for each in (await here.control("GET", "/cards"))["cards"] if each["inserted"]]


async def test_a_card_works_in_one_environment_only(here: Rig) -> None:
    """Of another environment are refused, with the reason, the card in the reader and the token of its reader."""
    for environment, told in (("INT1", "works in 'INT1' only"), ("alice", "works in 'alice' only")):
        reply = await here.http.put("/_test/cards/inserted", json={"uuid": GP.user, "environment": environment})
        assert (reply.status_code, told in reply.json()["error"]) == (400, True)
    (own,) = {each["environment"] for each in (await here.control("GET", "/cards"))["cards"]}
    tokens: dict[str, str] = {}
    for world in ("alice", "main"):
        await here.control("PUT", "/cards/inserted", {"uuid": GP.user}, world)
        tokens[world] = (await here.control("POST", "/cards/ticket", world=world))["ticket"]
    assert (await here.control("PUT", "/cards/inserted", {"uuid": GP.user, "environment": own}))["ended"] == 0
    texts = {"main": (201, ""), "alice": (403, "card reader of another environment"), "x": (403, "never issued here")}
    for world, (status, text) in texts.items():
        sent = {"token": tokens.get(world, "AQIC5w")}
        reply = await here.http.post("/ers-api/v1/ProfessionalSession", json=sent, headers=PROGRAM)
        assert (reply.status_code, text in reply.text) == (status, True)


async def test_a_listener_hears_what_happens_in_the_reader(here: Rig) -> None:
    """From the present state on, in order, until the service stops."""
    ends = asyncio.Event()
    heard = card_events(here.service.world, ends, _stays)
    assert await anext(heard) == b": card reader\n\n"
    steps: tuple[tuple[str, str, Any, list[tuple[str, str]]], ...] = (
        ("PUT", "/inserted", {"uuid": GP.user}, [("inserted", GP.user)]),
        ("POST", "/ticket", None, [("ticket-issued", GP.user)]),
        ("POST", "/idle", None, [("idle", GP.user), ("ticket-ended", GP.user)]),
        ("PUT", "/inserted", {"uuid": CONSULTANT.user}, [("removed", GP.user), ("inserted", CONSULTANT.user)]),
        ("DELETE", "/inserted", None, [("removed", CONSULTANT.user)]),
    )
    for method, path, body, expected in steps:
        await here.control(method, f"/cards{path}", body)
        for event, user in expected:
            assert await anext(heard) == f'event: {event}\ndata: {{"uuid":"{user}"}}\n\n'.encode()
    ends.set()
    assert [each async for each in heard] == []


async def test_the_role_assertion_lists_the_roles_of_the_holder(here: Rig) -> None:
    await here.control("PUT", "/cards/inserted", {"uuid": CONSULTANT.user})
    token = (await here.control("POST", "/cards/ticket"))["ticket"]
    reply = await here.http.get("/_test/cards/saml/RoleAssertion", params={"token": token})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    found = _attributes(reply.text)
    names = [name for name, _ in found]
    assert names[:4] == ["ssbAssertionVersion", "cn", "uid", "ssbMode"]
    assert {("uid", CONSULTANT.user), ("nhsIdCode", CONSULTANT.organisation)} <= set(found)
    assert ("nhsBusinessFunctionsCodes", "B1110") in found
    assert all(value for _, value in found)
    assert token in reply.text
    await here.control("DELETE", "/cards/inserted")
    for sent in (token, "", "x" * 9000):
        refused = await here.http.get("/_test/cards/saml/RoleAssertion", params={"token": sent})
        assert (refused.status_code, "fetch one from /_test/cards/ticket" in refused.text) == (404, True)


async def test_people_play_the_reader_on_its_page(here: Rig) -> None:
    async def act(**form: str) -> tuple[int, str]:
        reply = await here.http.post("/_test/cards", data=form)
        shown = await here.http.get("/_test/cards", headers={"Accept": "text/html"}) if reply.is_redirect else reply
        return reply.status_code, shown.text

    assert "The reader is empty" in (await here.http.get("/_test/cards", headers={"Accept": "text/html"})).text
    assert "Remove card" in (await act(act="insert", uuid=GP.user))[1]
    assert "Log-in token for programs of 2018" in (await act(act="ticket"))[1]
    assert "Log-in token for programs of 2018" not in (await act(act="destroy"))[1]
    assert (await act(act="idle"))[0] == 303
    assert "The reader is empty" in (await act(act="remove"))[1]
    for wrong in ({"act": "insert"}, {"act": "insert", "uuid": "x"}, {"act": "ticket"}, {"act": "other"}):
        status, text = await act(**wrong)
        assert (status, "There is a problem" in text) == (400, True), wrong
    found = await here.http.get("/_test/cards", params={"find": GP.user}, headers={"Accept": "text/html"})
    assert re.findall(r'name="uuid"[^>]* value="(\d+)"', found.text) == [GP.user]


async def _stays() -> bool:
    return False


def _attributes(text: str) -> list[tuple[str, str | None]]:
    """Return the attributes of an assertion: names and values."""
    space = "{urn:oasis:names:tc:SAML:1.0:assertion}"
    found = fromstring(text).iter(f"{space}Attribute")
    return [(each.attrib["AttributeName"], each.findtext(f"{space}AttributeValue")) for each in found]
