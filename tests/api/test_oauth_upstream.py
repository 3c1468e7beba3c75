"""Log-in in production, over real HTTP. A second instance in test mode is the upstream OpenID provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from joserfc.jwk import RSAKey
from tests.kit.service.oauth_service import (
    CLINICIAN,
    HANDLE,
    USER_APP,
    Service,
    address_of,
    brought,
    demo,
    free_port,
    refused,
    running,
    served,
)

from openers.api.oauth.upstream import UpstreamProvider
from openers.domain.credentials import AccessMode, Application
from openers.identity.id_tokens import InvalidIdToken

PRODUCTION = "https://ers.example"
US = "openers-in-production"
pytestmark = pytest.mark.anyio


@dataclass
class Both:
    """A production service, its identity provider, and a browser at the provider."""

    production: Service
    provider: Service
    browser: httpx.AsyncClient

    async def at_provider(self, **changes: str | None) -> str:
        """Start a log-in at production; return the redirect address at the provider."""
        reply = await self.production.http.get("/oauth2/authorize", params=self.production.asked(**changes))
        return reply.headers["location"]

    async def pick(self, address: str, user_id: str = CLINICIAN, **more: str) -> str:
        """Log in at the provider; return the redirect address back to production."""
        page = await self.browser.get(address)
        found = HANDLE.search(page.text)
        assert found, page.text
        form = {"handle": found[1], "user_id": user_id, **more}
        return (await self.browser.post("/oauth2/authorize", data=form)).headers["location"]


def _without_test_only(client_id: str) -> Application:
    application = next(each for each in demo().applications if each.client_id == client_id)
    return msgspec.structs.replace(application, test_only=False)


def _ourselves(key: RSAKey) -> Application:
    public = {name: str(value) for name, value in key.as_dict(private=False).items()} | {"kid": "ours"}
    return Application(
        client_id=US,
        name="OpenERS",
        mode=AccessMode.USER_RESTRICTED,
        asid=None,
        keys={"keys": [public]},
        redirect_uris=(f"{PRODUCTION}/oauth2/callback",),
    )


KEY = RSAKey.generate_key(2048, private=True)
PRIVATE = {name: str(value) for name, value in KEY.as_dict(private=True).items()} | {"kid": "ours"}


@asynccontextmanager
async def both_running(directory: Path, *, known_as: str = US, roles_from_claims: bool = False) -> AsyncGenerator[Both]:
    port = free_port()
    callback = f"{PRODUCTION}/oauth2/callback"
    upstream = UpstreamProvider(address_of(port), known_as, PRIVATE, callback, gives_roles=roles_from_claims)
    (directory / "a").mkdir()
    (directory / "b").mkdir()
    async with (
        running(directory / "a", base_url=address_of(port)) as provider,
        served(provider.app, port),
        running(
            directory / "b",
            base_url=PRODUCTION,
            production=True,
            upstream=upstream,
        ) as production,
        httpx.AsyncClient(base_url=address_of(port)) as browser,
    ):
        await provider.put(_ourselves(KEY))
        await production.put(_without_test_only(USER_APP))
        yield Both(production, provider, browser)


@pytest.fixture
async def both(tmp_path: Path) -> AsyncGenerator[Both]:
    async with both_running(tmp_path) as started:
        yield started


async def test_a_person_logs_in_at_the_provider(both: Both) -> None:
    back = await both.pick(await both.at_provider(nonce="the client's own"), "656005750109")
    assert back.startswith(f"{PRODUCTION}/oauth2/callback?")
    answer = brought(await both.production.http.get(back))
    assert (answer["state"], answer["iss"]) == ("some state", PRODUCTION)
    reply = await both.production.redeem(answer["code"])
    assert reply.status_code == 200, reply.text
    caller = await both.production.caller(reply.json()["access_token"])
    assert caller.grant.session is not None
    assert (caller.grant.session.user, caller.grant.session.assurance.authenticator_level) == ("656005750109", 2)
    claims = await both.production.claims(reply.json()["id_token"])
    assert (claims["iss"], claims["nonce"], claims["aud"]) == (PRODUCTION, "the client's own", USER_APP)
    assert [each.user for each in both.production.witnessed if each.operation][-1] == "656005750109"


async def test_the_way_back_is_good_once(both: Both) -> None:
    back = await both.pick(await both.at_provider())
    assert "code" in brought(await both.production.http.get(back))
    again = await both.production.http.get(back)
    assert (again.status_code, "location" in again.headers) == (400, False)


async def test_the_way_back_is_for_the_browser_that_began(both: Both) -> None:
    back = await both.pick(await both.at_provider())
    both.production.http.cookies.clear()
    assert (await both.production.http.get(back)).status_code == 400


async def test_a_code_of_another_log_in_is_not_taken(both: Both) -> None:
    """A code from one log-in fails in another one, because verifier and nonce differ."""
    first, second = await both.at_provider(state="1"), await both.at_provider(state="2")
    one = httpx.URL(await both.pick(first))
    other = httpx.URL(await both.pick(second, "656005750109"))
    mixed = other.copy_set_param("state", one.params["state"])
    assert brought(await both.production.http.get(mixed))["error"] == "access_denied"


@pytest.mark.parametrize(("name", "value"), [("code", "x"), ("code", ""), ("iss", "https://elsewhere.example")])
async def test_a_wrong_way_back_is_told_to_the_client(both: Both, name: str, value: str) -> None:
    back = httpx.URL(await both.pick(await both.at_provider())).copy_set_param(name, value)
    answer = brought(await both.production.http.get(back))
    assert (answer["error"], answer["state"]) == ("access_denied", "some state")


async def test_whoever_cancels_at_the_provider_is_not_logged_in(both: Both) -> None:
    back = await both.pick(await both.at_provider(), decision="cancel")
    assert brought(await both.production.http.get(back))["error"] == "access_denied"


async def test_a_person_unknown_here_is_not_logged_in(both: Both) -> None:
    user = next(each for each in demo().users if each.id == CLINICIAN)
    await both.production.put(msgspec.structs.replace(user, active=False))
    back = await both.pick(await both.at_provider())
    assert brought(await both.production.http.get(back))["error"] == "access_denied"


async def test_an_id_token_of_the_provider_is_exchanged(both: Both) -> None:
    exchange: dict[str, str] = {"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}
    grant = "urn:ietf:params:oauth:grant-type:token-exchange"
    proved = (await both.provider.logged_in())["id_token"]
    reply = await both.production.token(grant, subject_token=proved, **exchange)
    assert reply.status_code == 200, reply.text
    caller = await both.production.caller(reply.json()["access_token"])
    assert caller.user is not None
    assert caller.user.id == CLINICIAN
    header, payload, _ = proved.split(".")
    forged = f"{header}.{payload}.{'A' * 342}"
    assert refused(await both.production.token(grant, subject_token=forged, **exchange)) == (400, "invalid_grant")


async def test_an_id_token_of_the_provider_is_exchanged_once(both: Both) -> None:
    """An ID token of the provider can be exchanged only once, even with its signature spelled differently."""
    proved = (await both.provider.logged_in())["id_token"]
    replies = await asyncio.gather(*(_exchanged(both, proved) for _ in range(4)))
    assert sorted(reply.status_code for reply in replies) == [200, 400, 400, 400]
    again = await _exchanged(both, proved)
    assert refused(again) == (400, "invalid_grant")
    assert "exchanged before" in again.json()["error_description"]
    last = {"A": "B", "Q": "R", "g": "h", "w": "x"}[proved[-1]]
    assert refused(await _exchanged(both, proved[:-1] + last)) == (400, "invalid_grant")


async def test_an_id_token_of_the_provider_is_exchanged_soon(both: Both) -> None:
    """An ID token of the provider can be exchanged for ten minutes after its issue, even if it is valid for longer."""
    soon, late = [(await both.provider.logged_in())["id_token"] for _ in range(2)]
    both.production.wall.advance(minutes=9, seconds=55)  # the claim is in whole seconds
    assert (await _exchanged(both, soon)).status_code == 200
    both.production.wall.advance(seconds=10)
    reply = await _exchanged(both, late)
    assert refused(reply) == (400, "invalid_grant")
    assert "'iat'" in reply.json()["error_description"]


async def _exchanged(both: Both, token: str) -> httpx.Response:
    grant, kind = "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:token-type:id_token"
    return await both.production.token(grant, subject_token=token, subject_token_type=kind)


@pytest.mark.parametrize(
    "changes",
    [{"nonce": "another"}, {"nonce": None}, {"aud": "another"}, {"iss": PRODUCTION}, {"exp": 1}, {"sub": "x"}],
    ids=str,
)
async def test_an_id_token_must_be_the_answer_to_what_was_asked(both: Both, changes: dict[str, Any]) -> None:
    upstream, now = both.production.deps.upstream, both.production.wall.now()
    assert upstream is not None
    good = (await both.provider.logged_in(nonce="asked"))["id_token"]
    assert (await upstream.prove(good, USER_APP, now, "asked")).user == CLINICIAN
    claims = (await both.provider.claims(good)) | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    if "sub" in changes:
        del claims["nhsid_useruid"]
    with pytest.raises(InvalidIdToken):
        await upstream.prove(both.provider.deps.signing_key.sign(claims), USER_APP, now, "asked")


async def test_a_provider_that_does_not_know_us_logs_nobody_in(tmp_path: Path) -> None:
    async with both_running(tmp_path, known_as="stranger") as both:
        reply = await both.browser.get(await both.at_provider())
        assert (reply.status_code, "location" in reply.headers) == (400, False)


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:1", "http://localhost:1"])
async def test_a_silent_provider_is_told_to_the_client(tmp_path: Path, issuer: str) -> None:
    upstream = UpstreamProvider(issuer, US, PRIVATE, f"{PRODUCTION}/oauth2/callback")
    async with running(tmp_path, base_url=PRODUCTION, production=True, upstream=upstream) as production:
        await production.put(_without_test_only(USER_APP))
        reply, _ = await production.page()
        assert brought(reply)["error"] == "temporarily_unavailable"
