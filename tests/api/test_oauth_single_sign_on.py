"""Single sign-on: when a browser with a session enters an application without a question, and when it is asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from tests.kit.service.oauth_service import CALLBACK, CLINICIAN, USER_APP, Service, brought, demo, running

pytestmark = pytest.mark.anyio
ADMIN = "656005750109"
SESSION = "openers-session-8000-demo"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncGenerator[Service]:
    async with running(tmp_path) as started:
        yield started


async def asked(service: Service, client_id: str = "portal", **changes: str | None) -> bool:
    """Return whether the browser is shown the page. Otherwise it has brought a code that the application redeems."""
    page, handle = await service.page(client_id=client_id, **changes)
    if page.status_code == 200:
        assert handle
        return True
    answer = brought(page)
    sent = {"code": answer["code"], "redirect_uri": CALLBACK}
    reply = await service.token("authorization_code", client_id=client_id, **sent)
    assert reply.status_code == 200, reply.text
    return False


async def error_of(service: Service, **changes: str | None) -> str:
    """Return the error that the browser brings back."""
    reply, _ = await service.page(**{"client_id": "portal", **changes})
    return brought(reply).get("error", "")


@asynccontextmanager
async def another_browser(service: Service) -> AsyncGenerator[None]:
    """Use a browser without cookies for a while."""
    kept = list(service.http.cookies.jar)
    service.http.cookies.clear()
    try:
        yield
    finally:
        service.http.cookies.clear()
        for each in kept:
            service.http.cookies.jar.set_cookie(each)


async def log_in(service: Service, user: str = CLINICIAN, **changes: str | None) -> str:
    """Log in to Quick Connect on the page; return the session's id."""
    _, handle = await service.page(client_id="quickconnect", **changes)
    code = brought(await service.pick(handle, user))["code"]
    reply = await service.token("authorization_code", client_id="quickconnect", code=code, redirect_uri=CALLBACK)
    return str((await service.claims(reply.json()["id_token"]))["sid"])


async def test_one_log_in_opens_our_applications(service: Service) -> None:
    session = await log_in(service)
    for client_id in ("portal", "quickconnect"):
        reply, _ = await service.page(client_id=client_id, nonce="mine")
        sent = {"code": brought(reply)["code"], "redirect_uri": CALLBACK}
        tokens = (await service.token("authorization_code", client_id=client_id, **sent)).json()
        claims = await service.claims(tokens["id_token"])
        assert (claims["sid"], claims["sub"], claims["nonce"]) == (session, CLINICIAN, "mine")
        assert (await service.caller(tokens["access_token"])).application.client_id == client_id
    async with another_browser(service):
        assert await asked(service)


async def test_an_application_that_did_not_register_for_it_is_asked_for_each_time(service: Service) -> None:
    """A developer's own client shows the page, so that another person can log in, unless it forbids the page."""
    await log_in(service)
    assert await asked(service, USER_APP)
    assert not await asked(service, USER_APP, prompt="none")


@pytest.mark.parametrize("prompt", ["login", "consent", "select_account", "login consent"])
async def test_an_application_can_have_the_person_asked(service: Service, prompt: str) -> None:
    await log_in(service)
    assert await asked(service, prompt=prompt)


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": "none login"},
        {"prompt": "sometimes"},
        {"prompt": "NONE"},
        {"max_age": "-1"},
        {"max_age": "soon"},
        {"max_age": "1.5"},
        {"max_age": "9" * 10},
        {"id_token_hint": "x"},
        {"id_token_hint": "e30.e30.e30"},
    ],
    ids=str,
)
async def test_a_wish_that_makes_no_sense_is_told_to_the_client(service: Service, changes: dict[str, str]) -> None:
    await log_in(service)
    assert await error_of(service, **changes) == "invalid_request"


async def test_without_a_session_nobody_enters_silently(service: Service) -> None:
    assert await error_of(service, prompt="none") == "login_required"
    await log_in(service)
    async with another_browser(service):
        assert await error_of(service, prompt="none") == "login_required"


async def test_a_log_in_that_is_too_old_is_made_again(service: Service) -> None:
    session = await log_in(service)
    service.wall.advance(minutes=5)
    assert not await asked(service, max_age="300")
    service.wall.advance(seconds=1)
    assert await asked(service, max_age="300")
    assert await error_of(service, max_age="300", prompt="none") == "login_required"
    assert await log_in(service, max_age="300") == session, "the same person continues the session"
    assert not await asked(service, max_age="0")


async def test_the_id_token_tells_when_the_person_was_asked(service: Service) -> None:
    await log_in(service)
    began = int(service.wall.now().timestamp())
    service.wall.advance(hours=1)
    reply, _ = await service.page(client_id="portal")
    sent = {"code": brought(reply)["code"], "redirect_uri": CALLBACK}
    tokens = (await service.token("authorization_code", client_id="portal", **sent)).json()
    assert (await service.claims(tokens["id_token"]))["auth_time"] == began


async def test_an_application_can_expect_a_person(service: Service) -> None:
    await log_in(service)
    assert not await asked(service, login_hint=CLINICIAN)
    assert not await asked(service, login_hint="somebody@example.org"), "a hint that names nobody here"
    assert await asked(service, login_hint=ADMIN)
    assert await error_of(service, login_hint=ADMIN, prompt="none") == "login_required"
    page, _ = await service.page(client_id="portal", login_hint=ADMIN)
    assert f'value="{ADMIN}" checked' in page.text
    assert page.text.count(" checked") == 1


async def test_an_id_token_hint_names_the_person_even_when_it_has_expired(service: Service) -> None:
    async with another_browser(service):
        others = (await service.logged_in(ADMIN))["id_token"]
    own = (await service.logged_in())["id_token"]
    service.wall.advance(hours=2)
    assert not await asked(service, id_token_hint=own, prompt="none")
    assert await error_of(service, id_token_hint=others, prompt="none") == "login_required"


async def test_another_person_who_logs_in_has_a_session_of_their_own(service: Service) -> None:
    first = await log_in(service)
    second = await log_in(service, ADMIN, prompt="login")
    assert first != second
    assert not await asked(service, login_hint=ADMIN)


async def test_a_session_lasts_twelve_hours(service: Service) -> None:
    await log_in(service)
    service.wall.advance(hours=12, seconds=-1)
    assert not await asked(service)
    service.wall.advance(seconds=1)
    assert await asked(service)


async def test_whoever_has_left_does_not_enter(service: Service) -> None:
    await log_in(service)
    user = next(each for each in demo().users if each.id == CLINICIAN)
    await service.put(msgspec.structs.replace(user, active=False))
    assert await error_of(service) == "login_required"


async def test_a_planted_session_cookie_never_becomes_that_of_a_log_in(service: Service) -> None:
    """A new log-in has a new secret, so nobody who knows an earlier cookie is logged in with it (session fixation)."""
    for planted in ("x" * 43, "", "x y", "x" * 5000):
        service.http.cookies.clear()
        _, handle = await service.page(client_id="quickconnect")
        service.http.cookies.set(SESSION, planted, domain="127.0.0.1", path="/oauth2")
        reply = await service.pick(handle)
        assert reply.status_code == 303
        fresh = reply.cookies[SESSION]
        assert len(fresh) == 43
        assert fresh != planted
    assert not await asked(service)
    newest = await renewed(service)
    service.http.cookies.clear()
    service.http.cookies.set(SESSION, fresh, domain="127.0.0.1", path="/oauth2")
    assert newest != fresh
    assert await asked(service), "the earlier secret ends with the log-in that replaces it"


async def renewed(service: Service) -> str:
    """Log in once more; return the secret of the browser's session."""
    _, handle = await service.page(client_id="quickconnect", prompt="login")
    return (await service.pick(handle)).cookies[SESSION]


async def test_the_session_cookie_is_out_of_reach_and_belongs_to_one_service(tmp_path: Path) -> None:
    async with running(tmp_path, base_url="https://ers.example") as service:
        _, handle = await service.page(redirect_uri=CALLBACK)
        cookies = (await service.pick(handle)).headers.get_list("set-cookie")
        (own,) = (each.split("; ") for each in cookies if "openers-session" in each)
        assert own[0].startswith("__Host-openers-session-443-demo=")
        assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(own)
        assert not any(each.lower().startswith(("domain", "max-age", "expires")) for each in own)


async def test_a_code_from_single_sign_on_is_used_once(service: Service) -> None:
    await log_in(service)
    reply, _ = await service.page(client_id="portal")
    sent = {"code": brought(reply)["code"], "redirect_uri": CALLBACK}
    tokens = (await service.token("authorization_code", client_id="portal", **sent)).json()
    assert (await service.token("authorization_code", client_id="portal", **sent)).status_code == 400
    assert not await service.opens(tokens["access_token"])
    assert await asked(service), "the replay has ended the whole session"


async def test_two_services_on_one_host_do_not_mix_their_cookies(tmp_path: Path) -> None:
    """Browsers send cookies to all ports of a host, so each service reads and deletes only its own."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    async with (
        running(tmp_path / "a") as one,
        running(tmp_path / "b", base_url="http://127.0.0.1:8010") as other,
    ):
        other.http.cookies = one.http.cookies.jar
        await log_in(one)
        assert await asked(other), "the session of the one means nothing to the other"
        waiting = await other.page(client_id="quickconnect")
        for _ in range(12):
            await one.page(client_id="quickconnect", prompt="login")
        assert (await other.pick(waiting[1], ADMIN)).status_code == 303, "its log-in still waits"
        assert not await asked(other, login_hint=ADMIN)
        assert not await asked(one, login_hint=CLINICIAN)
        names = {each.name for each in one.http.cookies.jar}
        assert {"openers-session-8000-demo", "openers-session-8010-demo"} <= names
