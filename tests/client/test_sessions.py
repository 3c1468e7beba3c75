"""Log-ins of every kind, and tokens that are renewed once."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from openers.testing import WorldOfTest
from openers_client import Application, LogInFailed, NotLoggedIn, Role, Session, Tokens
from openers_client.http import get, send
from openers_client.log_in import submit_log_in
from openers_client.loopback import listening
from tests.client.people import CONSULTANT, GP, USER_APP, Cast, application

pytestmark = pytest.mark.anyio


async def test_a_browser_brings_the_code_to_this_machine(people: Cast, world: WorldOfTest) -> None:
    async def browse(address: str) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert (asked["code_challenge_method"], asked["response_type"]) == ("S256", "code")
        redirect = await asyncio.to_thread(submit_log_in, address, CONSULTANT, world.tenant)
        answer = await asyncio.to_thread(get, redirect)
        assert answer.status == 200
        assert "close this window" in answer.text

    session = await people.client.log_in(USER_APP, browse)
    assert Role("RCD", "SERVICE_PROVIDER_CLINICIAN") in await people.client.caller(session).my_roles()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("code=a&state=another", "does not belong"),
        ("state=another", "does not belong"),
        ("error=access_denied&error_description=No", "access_denied: No"),
    ],
)
async def test_a_redirect_of_another_log_in_is_refused(people: Cast, query: str, said: str) -> None:
    async def browse(address: str) -> None:
        uri = parse_qs(urlsplit(address).query)["redirect_uri"][0]
        assert (await asyncio.to_thread(get, uri.replace("/callback", "/elsewhere"))).status == 404
        await asyncio.to_thread(get, f"{uri}?{query}")

    with pytest.raises(LogInFailed, match=said):
        await people.client.log_in(USER_APP, browse)


async def test_a_log_in_that_nobody_finishes_ends(people: Cast) -> None:
    async def browse(address: str) -> None:
        assert address

    with pytest.raises(LogInFailed, match="nobody logged in"):
        await people.client.log_in(USER_APP, browse, within_s=0)


async def test_only_addresses_of_this_machine_are_listened_at() -> None:
    for uri in ("http://ers.example/callback", "https://127.0.0.1/callback", "callback"):
        with pytest.raises(ValueError, match="redirect_uri"):
            async with listening(uri):
                raise AssertionError(uri)


async def test_an_id_token_is_exchanged(people: Cast) -> None:
    first = await people.client.log_in_as(USER_APP, GP)
    session = await people.client.exchange_id_token(USER_APP, first.tokens.id_token or "")
    assert await people.client.caller(session).my_roles() == (Role("D82106", "REFERRING_CLINICIAN"),)
    with pytest.raises(LogInFailed, match="invalid_grant"):
        await people.client.exchange_id_token(USER_APP, "nonsense")


async def test_an_application_acts_for_itself_and_gets_new_tokens(people: Cast) -> None:
    session = await people.client.application_session(application("demo-provider-app"))
    first = session.tokens.access_token
    assert await session.renew(first)
    assert session.tokens.access_token != first
    assert (await people.client.caller(session).code_system("PRIORITY")).name == "PRIORITY"
    with pytest.raises(LogInFailed):
        await people.client.application_session(Application("demo-provider-app", secret="wrong"))


async def test_many_callers_renew_a_token_once(people: Cast, world: WorldOfTest) -> None:
    tokens = (await people.client.log_in_as(USER_APP, GP)).tokens
    session = people.client.session(USER_APP, Tokens("expired", 600, tokens.refresh_token))
    gp = people.client.caller(session, Role("D82106", "REFERRING_CLINICIAN"))

    def token_calls() -> int:
        calls = world.control("GET", "/requests?limit=200")["requests"]
        return sum(each["call"] == "POST /oauth2/token" for each in calls)

    before = token_calls()
    names = await asyncio.gather(*(gp.code_system("PRIORITY") for _ in range(20)))
    assert {each.name for each in names} == {"PRIORITY"}
    assert token_calls() - before == 1
    assert session.tokens.refresh_token != tokens.refresh_token


async def test_a_token_is_renewed_before_it_ends(people: Cast) -> None:
    renewed = list[str]()

    async def renew(old: Tokens) -> Tokens:
        renewed.append(old.access_token)
        return Tokens("second", 600)

    session = Session(Tokens("first", 0), renew)
    assert await asyncio.gather(*(session.access_token() for _ in range(5))) == ["second"] * 5
    assert renewed == ["first"]
    assert time.monotonic() > 0


async def test_an_ended_log_in_is_an_error(people: Cast, world: WorldOfTest) -> None:
    session = await people.client.log_in_as(USER_APP, GP)
    caller = people.client.caller(session, Role("D82106", "REFERRING_CLINICIAN"))
    form = (
        f"token={session.tokens.access_token}&client_id=demo-user-app&client_secret=published-secret-of-demo-user-app"
    )
    kind = {"Content-Type": "application/x-www-form-urlencoded", **world.tenant}
    assert send("POST", f"{world.base_url}/oauth2/revoke", form, kind).status == 200
    with pytest.raises(LogInFailed, match="invalid_grant"):
        await caller.code_system("PRIORITY")
    with pytest.raises(NotLoggedIn, match="Invalid access token"):
        await people.client.caller(Session.of_token("none")).my_roles()


async def test_a_role_names_another_clinician_only_where_that_is_allowed(people: Cast) -> None:
    with pytest.raises(ValueError, match="on_behalf_of is only for"):
        Role("D82106", "REFERRING_CLINICIAN", CONSULTANT)
    nobody = people.client.caller(Session.of_token("x"), Role("RCD", "SERVICE_PROVIDER_CLINICIAN_ADMIN"))
    with pytest.raises(ValueError, match="clinicians_to_act_for"):
        await nobody.code_system("PRIORITY")
    assert (await people.administrator.code_system("PRIORITY")).name == "PRIORITY"
