"""Clients of the log-in endpoints: Authlib's OAuth2Client, `openers_client` and `openers token`."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.kit.service.oauth_service import (
    CALLBACK,
    CLINICIAN,
    HANDLE,
    NO_ASID_APP,
    PROVIDER_APP,
    USER_APP,
    RealWall,
    Service,
    address_of,
    free_port,
    private_key,
    running,
    served,
)

from openers_client import Application, LogInFailed, ServiceUnreachable, application_token, log_in

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Service]:
    port = free_port()
    async with (
        running(tmp_path_factory.mktemp("service"), base_url=address_of(port), wall=RealWall()) as started,
        served(started.app, port),
    ):
        yield started


def base(service: Service) -> str:
    return service.deps.base_url


async def test_authlib_logs_a_person_in_and_refreshes(service: Service) -> None:
    key = private_key(USER_APP)
    jose: Any = import_module("joserfc.jwk")
    signed: Any = import_module("authlib.oauth2.rfc7523").PrivateKeyJWT
    oauth: Any = import_module("authlib.integrations.httpx_client").AsyncOAuth2Client
    token_url = f"{base(service)}/oauth2/token"
    async with oauth(
        USER_APP,
        jose.RSAKey.import_key(dict(key)),
        token_endpoint_auth_method="private_key_jwt",
        redirect_uri=CALLBACK,
        scope="openid",
        code_challenge_method="S256",
    ) as client:

        def sign_anew() -> None:
            # by default its assertions last an hour; with any other setting they reuse their id
            expiry = {"exp": int(time.time()) + 240}
            client.register_client_auth_method(signed(token_url, expiry, {"kid": key["kid"]}, "RS512"))

        sign_anew()
        verifier = "a-verifier-of-at-least-forty-three-characters"
        address, state = client.create_authorization_url(f"{base(service)}/oauth2/authorize", code_verifier=verifier)
        answer = await browse(address)
        tokens = await client.fetch_token(token_url, authorization_response=answer, state=state, code_verifier=verifier)
        assert tokens["token_type"] == "Bearer"
        who = await client.get(f"{base(service)}/oauth2/userinfo")
        assert who.json()["nhsid_useruid"] == CLINICIAN
        sign_anew()
        fresh = await client.refresh_token(token_url, refresh_token=tokens["refresh_token"])
        assert fresh["refresh_count"] == 1


async def test_authlib_opens_two_applications_by_one_log_in_and_logs_out_of_both(service: Service) -> None:
    """Authlib verifies both ID tokens as OpenID Connect says; the second application opens without a page."""
    jose: Any = import_module("authlib.jose")
    core: Any = import_module("authlib.oidc.core")
    oauth: Any = import_module("authlib.integrations.httpx_client").AsyncOAuth2Client
    signed: Any = import_module("authlib.oauth2.rfc7523").PrivateKeyJWT
    rsa: Any = import_module("joserfc.jwk").RSAKey
    found = (await service.http.get("/.well-known/openid-configuration")).json()
    keys = jose.JsonWebKey.import_key_set((await service.http.get("/oauth2/jwks")).json())
    sessions: list[Any] = []
    async with httpx.AsyncClient() as browser:
        for client_id, asked in (("quickconnect", {}), ("portal", {"prompt": "none", "max_age": 600})):
            key = private_key(client_id)
            back = f"http://localhost:{8003 + len(sessions)}/signed-in"
            client = oauth(
                client_id, rsa.import_key(dict(key)), token_endpoint_auth_method="private_key_jwt",
                redirect_uri=back, scope="openid profile", code_challenge_method="S256",
            )  # fmt: skip
            expiry = {"exp": int(time.time()) + 240}
            client.register_client_auth_method(signed(found["token_endpoint"], expiry, {"kid": key["kid"]}, "RS512"))
            verifier, nonce = "a-verifier-of-at-least-forty-three-characters", f"nonce of {client_id}"
            address, state = client.create_authorization_url(
                found["authorization_endpoint"], code_verifier=verifier, nonce=nonce, **asked
            )
            page = await browser.get(address)
            if not sessions:
                handle = HANDLE.search(page.text)
                assert handle
                form = {"handle": handle[1], "user_id": CLINICIAN}
                page = await browser.post(address.partition("?")[0], data=form)
            tokens = await client.fetch_token(
                found["token_endpoint"], authorization_response=page.headers["location"], state=state,
                code_verifier=verifier,
            )  # fmt: skip
            expected = {"iss": {"essential": True, "value": base(service)}, "aud": {"value": client_id}}
            params = {"nonce": nonce, "client_id": client_id, "max_age": 600}
            claims = jose.jwt.decode(
                tokens["id_token"], keys, claims_cls=core.CodeIDToken, claims_options=expected, claims_params=params
            )
            claims.validate()
            sessions.append((claims["sid"], tokens, client))
        assert sessions[0][0] == sessions[1][0]
        sent = {"id_token_hint": sessions[0][1]["id_token"], "post_logout_redirect_uri": "http://localhost:8003/"}
        assert (await browser.get(found["end_session_endpoint"], params=sent)).headers["location"].endswith(":8003/")
        page = await browser.get(address)
        assert parse_qs(urlsplit(page.headers["location"]).query)["error"] == ["login_required"]
    for _, _, client in sessions:
        assert (await client.get(f"{base(service)}/oauth2/userinfo")).status_code == 401
        await client.aclose()


async def browse(address: str) -> str:
    """Log in as a person with a browser does; return the address of the redirect."""
    async with httpx.AsyncClient() as browser:
        page = await browser.get(address)
        found = HANDLE.search(page.text)
        assert found
        form = {"handle": found[1], "user_id": CLINICIAN}
        return (await browser.post(address.partition("?")[0], data=form)).headers["location"]


async def test_our_client_logs_a_person_in(service: Service) -> None:
    client = Application(USER_APP, private_key(USER_APP))
    tokens = await asyncio.to_thread(log_in, base(service), CLINICIAN, client)
    caller = await service.caller(tokens.access_token)
    assert (caller.user and caller.user.id, tokens.expires_in_s) == (CLINICIAN, 599)
    assert tokens.refresh_token
    assert tokens.id_token


async def test_our_client_logs_in_by_secret(service: Service) -> None:
    client = Application(NO_ASID_APP, secret=f"published-secret-of-{NO_ASID_APP}")
    tokens = await asyncio.to_thread(log_in, base(service), CLINICIAN, client)
    assert (await service.caller(tokens.access_token)).application.asid is None


async def test_our_client_gets_an_application_its_token(service: Service) -> None:
    tokens = await asyncio.to_thread(application_token, base(service), PROVIDER_APP, private_key(PROVIDER_APP))
    assert (await service.caller(tokens.access_token)).application.client_id == PROVIDER_APP
    assert tokens.refresh_token is None


@pytest.mark.parametrize(
    ("user_id", "client", "said"),
    [
        ("999999999999", Application(USER_APP, private_key(USER_APP)), "no user has the id 999999999999"),
        (CLINICIAN, Application("nobody", private_key(USER_APP)), "no such application"),
        (CLINICIAN, Application(USER_APP, private_key(PROVIDER_APP)), "'kid'"),
        (CLINICIAN, Application(USER_APP, private_key(USER_APP), redirect_uri="http://x.example"), "redirect_uri"),
        (CLINICIAN, Application(NO_ASID_APP, secret="wrong"), "client_secret"),
    ],
)
async def test_our_client_says_what_went_wrong(service: Service, user_id: str, client: Application, said: str) -> None:
    with pytest.raises(LogInFailed, match=said):
        await asyncio.to_thread(log_in, base(service), user_id, client)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "ftp://127.0.0.1", "nonsense", "http://127.0.0.1:x"])
def test_our_client_says_that_nobody_answers(address: str) -> None:
    with pytest.raises(ServiceUnreachable):
        log_in(address, CLINICIAN, Application(USER_APP, private_key(USER_APP)))


async def command(*words: str) -> tuple[int, str, str]:
    """Run `openers token`; return its exit code, standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from openers.cli.token import app; app()", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_prints_a_token_and_nothing_else(service: Service) -> None:
    for words, client in ((("user", CLINICIAN), USER_APP), (("app", PROVIDER_APP), PROVIDER_APP)):
        code, out, err = await command(*words, "--base-url", f"{base(service)}/")
        assert (code, err) == (0, "")
        assert (await service.caller(out.removesuffix("\n"))).application.client_id == client


async def test_the_command_says_in_one_line_what_is_wrong(service: Service) -> None:
    for words, said in (
        (("user", "999999999999", "--base-url", base(service)), "no user has the id"),
        (("app", "nobody", "--base-url", base(service)), "no key of nobody is known"),
        (("app", USER_APP, "--base-url", base(service)), "unauthorized_client"),
        (("user", CLINICIAN, "--base-url", "http://127.0.0.1:1"), "no service responds at 127.0.0.1:1"),
    ):
        code, out, err = await command(*words)
        assert (code, out, err.count("\n")) == (1, "", 1), err
        assert said in err


def test_the_redirect_address_of_the_client_is_registered() -> None:
    assert parse_qs(urlsplit(f"{Application('x').redirect_uri}?a=1").query) == {"a": ["1"]}
    assert Application("x").redirect_uri == CALLBACK
