"""Log-out: by an application with an ID token, by the person on the page, and what applications are told."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import KeySet
from tests.kit.service.oauth_service import (
    CALLBACK,
    CLINICIAN,
    USER_APP,
    Service,
    brought,
    demo,
    free_port,
    running,
)

from openers.usecases.due import run_due
from openers.usecases.jobs import JOBS
from openers.usecases.sessions.ending import TELL

pytestmark = pytest.mark.anyio
ADMIN = "656005750109"
RETURN = "http://127.0.0.1:8003/logged-out"


@dataclass
class Island:
    """An application that listens for log-outs."""

    origin: str = ""
    status: int = 200
    told: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list[Any])
    keys: Any = None

    async def hear(self, request: web.Request) -> web.Response:
        """Verify one log-out token, as the specification demands."""
        form = await request.post()
        token = jwt.decode(str(form["logout_token"]), self.keys, algorithms=["RS256"])
        self.told.append((token.header, token.claims))
        return web.Response(status=self.status)


@asynccontextmanager
async def listening(service: Service) -> AsyncGenerator[Island]:
    island, port = Island(), free_port()
    island.origin = f"http://127.0.0.1:{port.getsockname()[1]}"
    island.keys = KeySet.import_key_set((await service.http.get("/oauth2/jwks")).json())
    app = web.Application()
    app.router.add_post("/log-out/back-channel", island.hear)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.SockSite(runner, port).start()
    try:
        yield island
    finally:
        await runner.cleanup()


@pytest.fixture
async def service(tmp_path: Path) -> AsyncGenerator[Service]:
    async with running(tmp_path) as started:
        yield started


async def enter(service: Service, client_id: str, origin: str = "http://127.0.0.1:8003", **asked: str) -> Any:
    """Return the tokens of an application, by single sign-on if the browser has a session."""
    address = f"{origin}/callback"
    page, handle = await service.page(client_id=client_id, redirect_uri=address, **asked)
    reply = page if page.status_code == 303 else await service.pick(handle)
    sent = {"code": brought(reply)["code"], "redirect_uri": address}
    return (await service.token("authorization_code", client_id=client_id, **sent)).json()


async def log_out(service: Service, **sent: str) -> httpx.Response:
    return await service.http.get("/oauth2/logout", params=sent)


async def work(service: Service) -> list[Exception | None]:
    """Run the due work; return how it ended."""
    ended: list[Exception | None] = []
    await run_due(service.world, JOBS, lambda item, error: ended.append(error) if item.kind == TELL else None)
    return ended


def has_session(service: Service) -> bool:
    return any(each.name.startswith("openers-session") for each in service.http.cookies.jar)


async def test_logging_out_in_one_application_ends_all(service: Service) -> None:
    one, other = await enter(service, "quickconnect"), await enter(service, "portal")
    reply = await log_out(service, id_token_hint=one["id_token"], post_logout_redirect_uri=RETURN, state="s t")
    assert (reply.status_code, reply.headers["location"]) == (303, f"{RETURN}?state=s+t")
    assert not has_session(service)
    for tokens in (one, other):
        assert not await service.opens(tokens["access_token"])
    sent = {"refresh_token": other["refresh_token"]}
    assert (await service.token("refresh_token", client_id="portal", **sent)).status_code == 400
    page, _ = await service.page(client_id="portal")
    assert page.status_code == 200, "the person is asked again"


async def test_an_expired_hint_will_do_and_a_session_that_has_ended_already(service: Service) -> None:
    tokens = await enter(service, "quickconnect")
    service.wall.advance(hours=2)
    for _ in range(2):
        reply = await log_out(service, id_token_hint=tokens["id_token"])
        assert (reply.status_code, "You are logged out" in reply.text) == (200, True)
    assert not await service.opens(tokens["access_token"])


async def test_without_a_hint_the_person_is_asked_on_a_page_of_this_browser(service: Service) -> None:
    tokens = await enter(service, "quickconnect")
    page = await log_out(service)
    assert "Do you want to log out?" in page.text
    handle = re.findall(r'name="handle" value="([^"]+)"', page.text)[0]
    transport = httpx.ASGITransport(service.app)  # pyright: ignore[reportArgumentType] -- its scopes are dicts, too
    async with httpx.AsyncClient(transport=transport, base_url=service.deps.base_url) as stranger:
        assert (await stranger.post("/oauth2/logout", data={"handle": handle})).status_code == 400
    assert await service.opens(tokens["access_token"])
    reply = await service.http.post("/oauth2/logout", data={"handle": handle})
    assert (reply.status_code, "You are logged out" in reply.text) == (200, True)
    assert not await service.opens(tokens["access_token"])
    assert not has_session(service)
    assert (await service.http.post("/oauth2/logout", data={"handle": handle})).status_code == 400


async def test_a_log_out_may_be_a_form_of_the_application(service: Service) -> None:
    tokens = await enter(service, "quickconnect")
    form = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": RETURN}
    reply = await service.http.post("/oauth2/logout", data=form)
    assert (reply.status_code, reply.headers["location"]) == (303, RETURN)


async def test_whoever_is_not_logged_in_is_logged_out(service: Service) -> None:
    assert (await log_out(service)).status_code == 200
    reply = await log_out(service, client_id="portal", post_logout_redirect_uri=RETURN)
    assert reply.headers["location"] == RETURN


@pytest.mark.parametrize(
    "changes",
    [
        {"id_token_hint": "x"},
        {"id_token_hint": "e30.e30.e30"},
        {"client_id": "portal"},
        {"client_id": "nobody", "id_token_hint": ""},
        {"post_logout_redirect_uri": "https://evil.example/"},
        {"post_logout_redirect_uri": "//evil.example"},
        {"post_logout_redirect_uri": "http://127.0.0.1@evil.example/"},
        {"post_logout_redirect_uri": "javascript:alert(1)"},
        {"post_logout_redirect_uri": RETURN, "id_token_hint": "", "client_id": ""},
        {"post_logout_redirect_uri": RETURN, "state": "x" * 3000},
    ],
    ids=str,
)
async def test_a_wrong_request_ends_nothing_and_leads_nowhere(service: Service, changes: dict[str, str]) -> None:
    tokens = await enter(service, "quickconnect")
    sent = {"id_token_hint": tokens["id_token"], "client_id": "quickconnect"} | changes
    reply = await log_out(service, **{name: value for name, value in sent.items() if value})
    assert (reply.status_code, "location" in reply.headers) == (400, False), reply.text
    assert "evil" not in reply.text
    assert await service.opens(tokens["access_token"])
    assert has_session(service)


async def test_a_forged_hint_ends_nothing(service: Service, tmp_path: Path) -> None:
    tokens = await enter(service, "quickconnect")
    (tmp_path / "other").mkdir()
    async with running(tmp_path / "other") as other:
        claims = await service.claims(tokens["id_token"])
        forged = other.deps.signing_key.sign(claims)
    assert (await log_out(service, id_token_hint=forged)).status_code == 400
    assert await service.opens(tokens["access_token"])


async def test_in_production_the_address_must_be_registered(tmp_path: Path) -> None:
    back = "https://clinic.example/bye"
    async with running(tmp_path, production=True) as service:
        application = next(each for each in demo().applications if each.client_id == USER_APP)
        changes: dict[str, Any] = {"test_only": False, "log_out_redirect_uris": (back,)}
        await service.put(msgspec.structs.replace(application, **changes))
        reply = await log_out(service, client_id=USER_APP, post_logout_redirect_uri=back)
        assert reply.headers["location"] == back
        for address in (RETURN, CALLBACK, back + "/", back + "?x=1"):
            reply = await log_out(service, client_id=USER_APP, post_logout_redirect_uri=address)
            assert (reply.status_code, "location" in reply.headers) == (400, False), address
            assert back in reply.text


async def test_the_session_of_another_person_in_the_same_browser_stays(service: Service) -> None:
    old = await enter(service, "quickconnect")
    _, handle = await service.page(client_id="portal", prompt="login")
    new = brought(await service.pick(handle, ADMIN))["code"]
    tokens = (await service.token("authorization_code", client_id="portal", code=new, redirect_uri=CALLBACK)).json()
    await log_out(service, id_token_hint=old["id_token"])
    assert not await service.opens(old["access_token"])
    assert await service.opens(tokens["access_token"])
    assert has_session(service)


# --------------------------------------------------------------------------------------------------- back channel


async def test_each_application_in_the_session_is_told(service: Service) -> None:
    async with listening(service) as island:
        one = await enter(service, "quickconnect", island.origin)
        await enter(service, "portal", island.origin)
        await enter(service, USER_APP, island.origin, prompt="none")
        await log_out(service, id_token_hint=one["id_token"])
        assert await work(service) == [None, None]
    assert sorted(claims["aud"] for _, claims in island.told) == ["portal", "quickconnect"]
    session = (await service.claims(one["id_token"]))["sid"]
    for header, claims in island.told:
        assert header["typ"] == "logout+jwt"
        assert (claims["iss"], claims["sub"], claims["sid"]) == (service.deps.base_url, CLINICIAN, session)
        assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
        assert 0 < claims["exp"] - claims["iat"] <= 120
        assert "nonce" not in claims
    assert len({claims["jti"] for _, claims in island.told}) == 2


async def test_revoking_and_reuse_are_told_too(service: Service) -> None:
    async with listening(service) as island:
        tokens = await enter(service, "quickconnect", island.origin)
        form = {"token": tokens["refresh_token"], **service.proof("quickconnect")}
        assert (await service.http.post("/oauth2/revoke", data=form)).status_code == 200
        assert await work(service) == [None]
        tokens = await enter(service, "quickconnect", island.origin)
        sent = {"refresh_token": tokens["refresh_token"]}
        await service.token("refresh_token", client_id="quickconnect", **sent)
        service.wall.advance(seconds=10)
        await service.token("refresh_token", client_id="quickconnect", **sent)
        assert await work(service) == [None]
    assert len(island.told) == 2


async def test_an_application_that_does_not_answer_is_told_again_for_two_hours(service: Service) -> None:
    async with listening(service) as island:
        island.status = 503
        tokens = await enter(service, "quickconnect", island.origin)
        await log_out(service, id_token_hint=tokens["id_token"])
        (failed,) = await work(service)
        assert "quickconnect did not accept a log-out: it returned 503" in repr(failed)
        assert await work(service) == [], "not again at once"
        service.wall.advance(seconds=10)
        island.status = 204
        assert await work(service) == [None]
        assert len(island.told) == 2
        tokens = await enter(service, "quickconnect", island.origin)
        await log_out(service, id_token_hint=tokens["id_token"])
        service.wall.advance(hours=2)
        assert await work(service) == [None]
        assert len(island.told) == 2, "too late to matter"


async def test_an_application_without_an_address_is_not_told(service: Service) -> None:
    tokens = await enter(service, USER_APP)
    await log_out(service, id_token_hint=tokens["id_token"])
    assert await work(service) == []


async def test_discovery_says_what_there_is(service: Service) -> None:
    found = (await service.http.get("/.well-known/openid-configuration")).json()
    assert found["end_session_endpoint"] == f"{service.deps.base_url}/oauth2/logout"
    assert found["backchannel_logout_supported"] is True
    assert found["backchannel_logout_session_supported"] is True
    assert found["prompt_values_supported"] == ["consent", "login", "none", "select_account"]
