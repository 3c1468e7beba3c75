"""Separate log-in: a valid ID token is exchanged for an access token, an invalid one is rejected."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey
from tests.kit.service.oauth_service import (
    NO_ASID_APP,
    USER_APP,
    Service,
    refused,
    running,
)

from openers.identity.id_tokens import SigningKey
from openers.key_files import read_or_make_signing_key

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


async def exchange(service: Service, id_token: str, **form: str) -> httpx.Response:
    return await service.token(EXCHANGE, **{"subject_token": id_token, "subject_token_type": ID_TOKEN} | form)


async def test_an_id_token_is_exchanged_for_access(service: Service) -> None:
    tokens = await service.logged_in("656005750109")
    reply = await exchange(service, tokens["id_token"])
    assert reply.status_code == 200, reply.text
    assert reply.json()["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    caller = await service.caller(reply.json()["access_token"])
    assert caller.grant.session is not None
    assert (caller.grant.session.user, caller.grant.session.assurance.authenticator_level) == ("656005750109", 2)
    assert (await service.token("refresh_token", refresh_token=reply.json()["refresh_token"])).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere.example"}, {"iss": None}, {"aud": NO_ASID_APP}, {"aud": None}, {"aud": []},
        {"azp": "another"}, {"exp": 0}, {"exp": None}, {"exp": "soon"}, {"iat": 4e9}, {"iat": None},
        {"sub": "x", "nhsid_useruid": "x"}, {"sub": None, "nhsid_useruid": None}, {"id_assurance_level": "4"},
        {"authentication_assurance_level": None}, {"sid": "unknown"}, {"sid": None}, {"sid": 7},
    ],
    ids=str,
)  # fmt: skip
async def test_an_id_token_that_says_something_wrong_is_refused(service: Service, changes: dict[str, Any]) -> None:
    claims = await service.claims((await service.logged_in())["id_token"]) | changes
    wrong = service.deps.signing_key.sign({name: value for name, value in claims.items() if value is not None})
    assert refused(await exchange(service, wrong)) == (400, "invalid_grant")


async def test_an_id_token_of_anybody_else_is_refused(service: Service) -> None:
    good = (await service.logged_in())["id_token"]
    claims = await service.claims(good)
    stranger = SigningKey(RSAKey.generate_key(2048, private=True))
    header, payload, signature = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    for forged in (stranger.sign(claims), f"{none}.{payload}.", f"{header}.{payload}.", "x", f"{header}.{signature}"):
        assert refused(await exchange(service, forged)) == (400, "invalid_grant")


async def test_an_id_token_outlives_no_session(service: Service) -> None:
    tokens = await service.logged_in()
    await service.http.post("/oauth2/revoke", data={"token": tokens["access_token"], **service.proof()})
    assert refused(await exchange(service, tokens["id_token"])) == (400, "invalid_grant")


async def test_an_exchange_needs_a_signed_assertion_and_the_right_type(service: Service) -> None:
    token = (await service.logged_in())["id_token"]
    by_secret = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ID_TOKEN}
    by_secret |= {"client_id": USER_APP, "client_secret": SECRET}
    assert refused(await service.http.post("/oauth2/token", data=by_secret)) == (400, "invalid_request")
    assert refused(await exchange(service, token, subject_token_type="jwt")) == (400, "invalid_request")
    assert refused(await exchange(service, "", subject_token="")) == (400, "invalid_request")


def test_the_signing_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "signing.pem"
    first = read_or_make_signing_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert read_or_make_signing_key(path).public_keys() == first.public_keys()
