"""The life of tokens: issue, use, refresh, expiry and reuse."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from tests.kit.service.oauth_service import (
    CALLBACK,
    CLINICIAN,
    NO_ASID_APP,
    USER_APP,
    Service,
    refused,
    running,
)

ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
VERIFIER = "a-verifier-of-at-least-forty-three-characters"
CHALLENGE = base64.urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
SECRET = "published-secret-of-demo-user-app"

pytestmark = pytest.mark.anyio


@pytest.fixture
async def service(tmp_path: Path) -> AsyncGenerator[Service]:
    async with running(tmp_path) as started:
        yield started


# ------------------------------------------------------------------------------------------------ combined log-in


async def test_a_log_in_yields_the_three_tokens(service: Service) -> None:
    tokens = await service.logged_in()
    assert (tokens["token_type"], tokens["expires_in"], tokens["refresh_token_expires_in"]) == ("Bearer", 599, 43199)
    caller = await service.caller(tokens["access_token"])
    assert caller.user is not None
    assert (caller.user.id, caller.application.client_id) == (CLINICIAN, USER_APP)
    assert caller.grant.session is not None
    assert caller.grant.session.ends == service.wall.now() + timedelta(hours=12)


async def test_the_id_token_says_who_and_how_surely(service: Service) -> None:
    tokens = await service.logged_in("656005750110", nonce="some nonce")
    claims = await service.claims(tokens["id_token"])
    now = int(service.wall.now().timestamp())
    assert claims.pop("sid")
    assert claims == {
        "iss": "http://127.0.0.1:8000", "sub": "656005750110", "aud": USER_APP, "exp": now + 3600, "iat": now,
        "auth_time": now, "nonce": "some nonce", "nhsid_useruid": "656005750110", "id_assurance_level": "3",
        "authentication_assurance_level": "1", "acr": "AAL1_ANY", "amr": claims["amr"],
    }  # fmt: skip


async def test_nobody_may_keep_the_answer(service: Service) -> None:
    reply = await service.redeem(await service.code())
    assert reply.headers["cache-control"] == "no-store"
    assert (await service.redeem("x")).headers["cache-control"] == "no-store"


async def test_the_access_token_expires(service: Service) -> None:
    tokens = await service.logged_in()
    service.wall.advance(seconds=599)
    assert await service.opens(tokens["access_token"])
    service.wall.advance(seconds=1)
    assert not await service.opens(tokens["access_token"])


@pytest.mark.parametrize("token", ["", "x", "é", "a b", "x" * 100_000])
async def test_what_was_never_issued_opens_nothing(service: Service, token: str) -> None:
    assert not await service.opens(token)


async def test_a_token_of_one_kind_is_none_of_another(service: Service) -> None:
    tokens, code = await service.logged_in(), await service.code()
    for other in (tokens["refresh_token"], tokens["id_token"], code):
        assert not await service.opens(other)
    assert refused(await service.token("refresh_token", refresh_token=tokens["access_token"])) == (400, "invalid_grant")
    assert refused(await service.redeem(tokens["refresh_token"])) == (400, "invalid_grant")


async def test_somebody_who_has_left_is_let_in_no_more(service: Service) -> None:
    tokens = await service.logged_in()
    user = (await service.caller(tokens["access_token"])).user
    assert user is not None
    await service.put(msgspec.structs.replace(user, active=False))
    service.deps.cache.clear()
    assert not await service.opens(tokens["access_token"])


# ---------------------------------------------------------------------------------------------------------- codes


async def test_a_code_used_again_ends_what_it_began(service: Service) -> None:
    code = await service.code()
    tokens = (await service.redeem(code)).json()
    assert await service.opens(tokens["access_token"])
    assert refused(await service.redeem(code)) == (400, "invalid_grant")
    assert not await service.opens(tokens["access_token"])
    assert refused(await service.token("refresh_token", refresh_token=tokens["refresh_token"]))[1] == "invalid_grant"


async def test_a_code_lives_for_a_minute(service: Service) -> None:
    early, late = await service.code(), await service.code()
    service.wall.advance(seconds=59)
    assert (await service.redeem(early)).status_code == 200
    service.wall.advance(seconds=1)
    assert refused(await service.redeem(late)) == (400, "invalid_grant")


async def test_a_code_is_for_its_client_alone(service: Service) -> None:
    code = await service.code()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    thief = {"client_id": NO_ASID_APP, "client_secret": f"published-secret-of-{NO_ASID_APP}"}
    assert refused(await service.http.post("/oauth2/token", data=form | thief)) == (400, "invalid_grant")
    assert (await service.redeem(code)).status_code == 200, "its rightful owner still can"


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/callback", "http://127.0.0.1/callback/", "http://evil.example"]
)
async def test_a_code_is_for_its_address_alone(service: Service, address: str) -> None:
    assert refused(await service.redeem(await service.code(), redirect_uri=address)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("challenge", "verifier", "status"),
    [
        (CHALLENGE, VERIFIER, 200),
        (CHALLENGE, VERIFIER + "x", 400),
        (CHALLENGE, CHALLENGE, 400),
        (CHALLENGE, "short", 400),
        (CHALLENGE, "", 400),
        (None, VERIFIER, 400),
        (None, "", 200),
    ],
)
async def test_a_code_needs_the_verifier_of_its_challenge(
    service: Service, challenge: str | None, verifier: str, status: int
) -> None:
    code = await service.code(code_challenge=challenge, code_challenge_method=challenge and "S256")
    assert (await service.redeem(code, code_verifier=verifier)).status_code == status


# ------------------------------------------------------------------------------------------------------- refreshing


async def test_refresh_tokens_rotate(service: Service) -> None:
    tokens = await service.logged_in()
    for count in (1, 2, 3):
        service.wall.advance(hours=1)
        fresh = (await service.token("refresh_token", refresh_token=tokens["refresh_token"])).json()
        assert fresh["refresh_count"] == count
        assert fresh["refresh_token"] != tokens["refresh_token"]
        assert await service.opens(fresh["access_token"])
        tokens = fresh


async def test_a_refresh_token_used_again_ends_the_session(service: Service) -> None:
    tokens = await service.logged_in()
    fresh = (await service.token("refresh_token", refresh_token=tokens["refresh_token"])).json()
    assert await service.opens(fresh["access_token"])
    service.wall.advance(seconds=10)
    assert refused(await service.token("refresh_token", refresh_token=tokens["refresh_token"])) == (
        400,
        "invalid_grant",
    )
    for token in (tokens["access_token"], fresh["access_token"]):
        assert not await service.opens(token)
    assert refused(await service.token("refresh_token", refresh_token=fresh["refresh_token"])) == (400, "invalid_grant")


async def test_a_client_that_lost_the_reply_may_refresh_once_more(service: Service) -> None:
    """A client may stop between the reply and its save, so a second use within ten seconds is forgiven, a third not."""
    sent = (await service.logged_in())["refresh_token"]
    lost = (await service.token("refresh_token", refresh_token=sent)).json()
    service.wall.advance(seconds=9)
    again = await service.token("refresh_token", refresh_token=sent)
    assert (again.status_code, again.json()["refresh_count"]) == (200, 1)
    assert again.json()["refresh_token"] not in (sent, lost["refresh_token"])
    assert (await service.token("refresh_token", refresh_token=again.json()["refresh_token"])).status_code == 200
    assert refused(await service.token("refresh_token", refresh_token=sent)) == (400, "invalid_grant")
    assert not await service.opens(again.json()["access_token"])


async def test_a_refresh_token_is_not_forgiven_once_its_successor_was_used(service: Service) -> None:
    sent = (await service.logged_in())["refresh_token"]
    saved = (await service.token("refresh_token", refresh_token=sent)).json()
    fresh = (await service.token("refresh_token", refresh_token=saved["refresh_token"])).json()
    assert refused(await service.token("refresh_token", refresh_token=sent)) == (400, "invalid_grant")
    assert not await service.opens(fresh["access_token"])


async def test_another_client_is_not_forgiven(service: Service) -> None:
    sent = (await service.logged_in())["refresh_token"]
    fresh = (await service.token("refresh_token", refresh_token=sent)).json()
    thief = {"client_id": NO_ASID_APP, "client_secret": f"published-secret-of-{NO_ASID_APP}"}
    form = {"grant_type": "refresh_token", "refresh_token": sent}
    assert refused(await service.http.post("/oauth2/token", data=form | thief)) == (400, "invalid_grant")
    assert not await service.opens(fresh["access_token"])


async def test_after_twelve_hours_the_session_is_over(service: Service) -> None:
    tokens = await service.logged_in()
    service.wall.advance(hours=12, seconds=-10)
    fresh = (await service.token("refresh_token", refresh_token=tokens["refresh_token"])).json()
    assert fresh["expires_in"] == 9
    service.wall.advance(seconds=10)
    assert not await service.opens(fresh["access_token"])
    assert refused(await service.token("refresh_token", refresh_token=fresh["refresh_token"])) == (400, "invalid_grant")


async def test_a_refresh_token_is_for_its_client_alone(service: Service) -> None:
    tokens = await service.logged_in()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    thief = {"client_id": NO_ASID_APP, "client_secret": f"published-secret-of-{NO_ASID_APP}"}
    assert refused(await service.http.post("/oauth2/token", data=form | thief)) == (400, "invalid_grant")
    assert (await service.token("refresh_token", refresh_token=tokens["refresh_token"])).status_code == 200
