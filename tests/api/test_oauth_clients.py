"""Clients authenticate with a secret, revoke tokens and call userinfo; every call has an audit entry."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from hashlib import sha256
from pathlib import Path

import pytest
from tests.kit.service.oauth_service import (
    CALLBACK,
    CLINICIAN,
    PROVIDER_APP,
    USER_APP,
    Service,
    brought,
    demo,
    refused,
    running,
)

from openers.domain.identifiers import UserId

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


async def test_a_secret_proves_a_client_in_the_form_or_the_header(service: Service) -> None:
    for wrong, expected in ((False, 200), (True, 401)):
        secret = SECRET + ("x" if wrong else "")
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": await service.code()}
        reply = await service.http.post("/oauth2/token", data=form | {"client_id": USER_APP, "client_secret": secret})
        assert reply.status_code == expected
        reply = await service.http.post(
            "/oauth2/token", data=form | {"code": await service.code()}, auth=(USER_APP, secret)
        )
        assert (reply.status_code, "www-authenticate" in reply.headers) == (expected, wrong)


@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic eA==", "Bearer x", "Basic OnB3", "Basic w6k6w6k="])
async def test_a_header_that_proves_nothing_is_refused(service: Service, header: str) -> None:
    form = {"grant_type": "client_credentials"}
    reply = await service.http.post("/oauth2/token", data=form, headers={"Authorization": header})
    assert refused(reply) == (401, "invalid_client")


async def test_a_secret_opens_nothing_for_an_application_without_one(service: Service) -> None:
    for secret in ("", "x", "None"):
        form = {"grant_type": "client_credentials", "client_id": PROVIDER_APP, "client_secret": secret}
        assert (await service.http.post("/oauth2/token", data=form)).status_code in {400, 401}


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_revoking_ends_the_session(service: Service, kind: str) -> None:
    tokens, other = await service.logged_in(), await service.logged_in()
    assert await service.opens(tokens["access_token"])
    reply = await service.http.post("/oauth2/revoke", data={"token": tokens[kind], **service.proof()})
    assert reply.status_code == 200
    assert not await service.opens(tokens["access_token"])
    assert refused(await service.token("refresh_token", refresh_token=tokens["refresh_token"])) == (
        400,
        "invalid_grant",
    )
    assert await service.opens(other["access_token"])


async def test_an_application_can_revoke_its_own_token_and_no_others(service: Service) -> None:
    own = (await service.token("client_credentials", client_id=PROVIDER_APP)).json()["access_token"]
    others = (await service.logged_in())["access_token"]
    assert await service.opens(own)
    for token in (own, others, "never issued"):
        reply = await service.http.post("/oauth2/revoke", data={"token": token, **service.proof(PROVIDER_APP)})
        assert reply.status_code == 200
    assert not await service.opens(own)
    assert await service.opens(others)
    assert (await service.http.post("/oauth2/revoke", data={"token": others})).status_code == 400


@pytest.mark.parametrize("scheme", ["Bearer ", "Bearer  ", "bearer ", "BEARER   "])
async def test_userinfo_reads_the_token_as_rfc_6750_has_it(service: Service, scheme: str) -> None:
    tokens = await service.logged_in()
    header = {"Authorization": f"{scheme}{tokens['access_token']}"}
    assert (await service.http.get("/oauth2/userinfo", headers=header)).status_code == 200


async def test_userinfo_tells_of_the_person(service: Service) -> None:
    tokens = await service.logged_in()
    reply = await service.http.get("/oauth2/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert reply.json()["nhsid_useruid"] == CLINICIAN
    assert reply.json()["ers_roles"] == [{"org_code": "D82106", "business_functions": ["REFERRING_CLINICIAN"]}]
    application = (await service.token("client_credentials", client_id=PROVIDER_APP)).json()["access_token"]
    for header in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {application}"}):
        reply = await service.http.get("/oauth2/userinfo", headers=header)
        assert (reply.status_code, "invalid_token" in reply.headers["www-authenticate"]) == (401, bool(header))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"grant_type=client_credentials", "application/json"),
        (b"grant_type=client_credentials&grant_type=client_credentials", "application/x-www-form-urlencoded"),
        (b"grant_type=%00", "application/x-www-form-urlencoded"),
        (b"grant_type=%ff%fe", "application/x-www-form-urlencoded"),
        (b"\xff\xfe=1", "application/x-www-form-urlencoded"),
        (b"a=1&" * 60, "application/x-www-form-urlencoded"),
        (b"a=" + b"x" * 20_000, "application/x-www-form-urlencoded"),
        (b"a=" + b"x" * 100_000, "application/x-www-form-urlencoded"),
    ],
)
async def test_a_bad_body_is_the_clients_fault(service: Service, body: bytes, kind: str) -> None:
    for path in ("/oauth2/token", "/oauth2/revoke"):
        reply = await service.http.post(path, content=body, headers={"Content-Type": kind})
        assert refused(reply) == (400, "invalid_request")


async def test_every_log_in_and_token_leaves_its_entry(service: Service) -> None:
    tokens = await service.logged_in()
    await service.redeem("x")
    page, picked, token, refusal = service.witnessed
    assert [each.audit_type for each in service.witnessed] == [
        "API Professional login attempt", "API Professional login attempt", "API Establish Session",
        "API Establish Session",
    ]  # fmt: skip
    assert [each.outcome for each in service.witnessed] == [200, 303, 200, 400]
    assert (picked.user, token.user, page.user, refusal.user) == (CLINICIAN, CLINICIAN, "", "")
    assert picked.session == token.session
    assert (token.application, token.asid, refusal.code) == (USER_APP, "999900000101", "invalid_grant")
    assert tokens["access_token"] not in str(service.witnessed)


def files_of(directory: Path) -> list[Path]:
    return list(directory.glob("store.db*"))


async def test_tokens_outlive_the_process_and_the_store_holds_no_secret(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        tokens = await service.logged_in()
        waiting = brought(await service.pick((await service.page())[1]))["code"]
    kept = b"".join(each.read_bytes() for each in files_of(tmp_path))
    for secret in (tokens["access_token"], tokens["refresh_token"], tokens["id_token"], waiting, SECRET):
        assert secret.encode() not in kept
    async with running(tmp_path) as service:
        caller = await service.caller(tokens["access_token"])
        assert caller.user == next(each for each in demo().users if each.id == UserId(CLINICIAN))
