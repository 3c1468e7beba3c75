"""The card reader of a world: log-ins that rest on the card end when it is removed or idle, and no others."""

from __future__ import annotations

import re

import pytest

from tests.kit.service.running import CONSULTANT, GP
from tests.kit.service.worlds import Rig

pytestmark = pytest.mark.anyio
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
