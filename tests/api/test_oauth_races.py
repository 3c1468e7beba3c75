"""Single-use codes, tokens and forms succeed once, even with concurrent requests, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

import httpx
import pytest
from tests.kit.service.oauth_service import ASSERTION_TYPE, PROVIDER_APP, RealWall, Service
from tests.kit.service.running import Running

from openers.api.oauth.call import OAuthDeps
from openers.identity.access import AccessCache
from openers.key_files import read_or_make_signing_key
from openers.web.log_in import LogInPages

pytestmark = pytest.mark.anyio
AT_ONCE = 20


@pytest.fixture
def log_ins(on_both: Running) -> Service:
    """Return the log-in endpoints of the whole service, on each kind of database."""
    settings, world, wall = on_both.service.settings, on_both.service.world, RealWall()
    deps = OAuthDeps(
        wall=wall,
        base_url=settings.base_url,
        production=False,
        signing_key=read_or_make_signing_key(settings.signing_key_file),
        cache=AccessCache(most=0),
        pages=LogInPages(),
    )
    return Service(world, wall, deps, on_both.service.pages, on_both.pages())


async def only_one(replies: Sequence[Awaitable[httpx.Response]], success: int = 200) -> httpx.Response:
    """Return the one successful reply; check that all others were rejected."""
    return (await only(1, replies, success))[0]


async def only(
    count: int, replies: Sequence[Awaitable[httpx.Response]], success: int = 200
) -> Sequence[httpx.Response]:
    """Return the successful replies; check their number, and that all others were rejected."""
    answered = sorted(await asyncio.gather(*replies), key=lambda reply: reply.status_code)
    assert [reply.status_code for reply in answered] == [success] * count + [400] * (AT_ONCE - count)
    return answered[:count]


async def test_a_code_succeeds_once_and_its_reuse_ends_the_session(log_ins: Service) -> None:
    code = await log_ins.code()
    tokens = (await only_one([log_ins.redeem(code) for _ in range(AT_ONCE)])).json()
    assert not await log_ins.opens(tokens["access_token"])


async def test_a_refresh_token_is_forgiven_once_and_its_reuse_ends_the_session(log_ins: Service) -> None:
    first = await log_ins.logged_in()
    sent = first["refresh_token"]
    replies = await only(2, [log_ins.token("refresh_token", refresh_token=sent) for _ in range(AT_ONCE)])
    for token in (first["access_token"], *(reply.json()["access_token"] for reply in replies)):
        assert not await log_ins.opens(token)


async def test_an_assertion_succeeds_once(log_ins: Service) -> None:
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
    form["client_assertion"] = log_ins.assertion(PROVIDER_APP)
    token = await only_one([log_ins.http.post("/oauth2/token", data=form) for _ in range(AT_ONCE)])
    assert await log_ins.opens(token.json()["access_token"])


async def test_a_form_succeeds_once(log_ins: Service) -> None:
    _, handle = await log_ins.page()
    await only_one([log_ins.pick(handle) for _ in range(AT_ONCE)], success=303)


async def test_a_revoked_session_is_shut_out_by_the_whole_service(on_both: Running, log_ins: Service) -> None:
    token = (await log_ins.logged_in())["access_token"]
    api = on_both.anonymous({"Authorization": f"Bearer {token}"})
    assert (await api.get("/R4/PractitionerRole")).status_code != 401
    await log_ins.http.post("/oauth2/revoke", data={"token": token, **log_ins.proof()})
    assert (await api.get("/R4/PractitionerRole")).status_code == 401
