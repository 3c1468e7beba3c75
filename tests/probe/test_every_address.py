"""Test mode records masked calls of every address, and each refusal links to its explanation."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from openers.api.oauth.call import OAuthDeps
from openers.identity.access import AccessCache
from openers.key_files import read_or_make_signing_key
from openers.web.log_in import LogInPages
from openers.worlds.recording.masking import Masker
from tests.kit.service.oauth_service import RealWall
from tests.kit.service.oauth_service import Service as LogIns
from tests.kit.service.running import GP, Running

pytestmark = pytest.mark.anyio
FORM = "application/x-www-form-urlencoded"
PROOFS = {"handle", "code", "client_assertion", "refresh_token"}
REFUSED: list[tuple[str, str, int]] = [
    ("GET", "/STU3/CodeSystem/PRIORITY", 404),
    ("GET", "/fhir/R4/ServiceRequest", 404),
    ("GET", "/favicon.ico", 404),
    ("DELETE", "/nothing/here", 404),
    ("DELETE", "/oauth2/token", 405),
    ("POST", "/oauth2/token", 400),
    ("GET", "/oauth2/userinfo", 401),
    ("GET", "/oauth2/authorize", 400),
    ("GET", "/files/x.y", 403),
    ("DELETE", "/pas/notifications", 405),
    ("POST", "/pas/notifications", 401),
    ("POST", "/referrals/openapi.json", 405),
]


async def kept(run: Running, name: str = "") -> Any:
    """Return all recorded calls, or one of them."""
    return (await run.pages().get(f"/_test/requests{name and '/'}{name}")).json()


@pytest.mark.parametrize(("method", "path", "status"), REFUSED)
async def test_every_refusal_is_seen_and_says_where_it_is_explained(
    probed: Running, method: str, path: str, status: int
) -> None:
    reply = await probed.pages().request(method, path, headers={"X-Correlation-ID": "mine"})
    assert reply.status_code == status, reply.text
    name = reply.headers["x-request-id"]
    assert reply.headers["link"] == f'</_test/explain/{name}>; rel="help"'
    assert reply.headers["x-correlation-id"] == "mine"
    assert ("allow" in reply.headers) == (status == 405)
    told = await kept(probed, name)
    assert (told["call"], told["status"], told["operation"]) == (f"{method} {path}", status, "")
    (explained,) = (await probed.pages().get(f"/_test/explain/{name}")).json()["explanations"]
    assert explained["failure"]["fix"]


async def test_a_wrong_base_path_says_which_one_was_meant(probed: Running) -> None:
    headers = {"Authorization": f"Bearer {await probed.token(GP.user, 'demo-user-app')}", **GP.headers}
    reply = await probed.pages().get("/STU3/CodeSystem/PRIORITY", headers=headers)
    assert reply.headers["content-type"] == "application/problem+json"
    told = reply.json()
    assert (told["status"], told["title"], told["request_id"]) == (404, "Not Found", reply.headers["x-request-id"])
    assert "Did you mean '/referrals/FHIR/STU3/CodeSystem/PRIORITY'?" in told["detail"]
    seen = await kept(probed, told["request_id"])
    assert "/referrals/FHIR/STU3/CodeSystem/" in seen["near_misses"][0]["differences"][0]["wanted"]


async def test_what_asks_for_health_or_looks_at_calls_is_not_seen(probed: Running) -> None:
    for path in ("/referrals/_ping", "/referrals/_status", "/_test/requests", "/_test/nothing"):
        await probed.pages().get(path)
    assert [each["call"] for each in (await kept(probed))["requests"]] == ["GET /_test/nothing"]


async def test_a_refusal_of_test_control_leads_to_its_page(probed: Running) -> None:
    reply = await probed.pages().get("/_test/requests/nobody")
    assert (reply.status_code, reply.headers["link"]) == (404, '</_test/>; rel="help"')


async def test_a_log_in_is_seen_without_its_secrets(probed: Running) -> None:
    """Codes, tokens, assertions, cookies and handles are masked in every form in which calls are shown."""
    secrets: set[str] = set()
    pages = probed.pages()

    async def _note(response: Any) -> None:
        await response.aread()
        request = response.request
        secrets.update(_values(request.content.decode(), request.url.query.decode()))
        secrets.update(_values(response.headers.get("location", "").partition("?")[2]))
        secrets.update(each.partition(";")[0].partition("=")[2] for each in response.headers.get_list("set-cookie"))
        secrets.discard('""')  # the value of a cookie that is deleted
        if "json" in response.headers.get("content-type", ""):
            secrets.update(str(value) for name, value in response.json().items() if name.endswith("_token"))

    pages.event_hooks = {"response": [_note]}
    settings, world = probed.service.settings, probed.service.world
    deps = OAuthDeps(
        wall=world.wall,
        base_url=settings.base_url,
        production=False,
        signing_key=read_or_make_signing_key(settings.signing_key_file),
        cache=AccessCache(),
        pages=LogInPages(),
    )
    await LogIns(world, RealWall(), deps, probed.service.pages, pages).logged_in()
    assert len(secrets) > 5
    listed = (await kept(probed))["requests"]
    assert {each["call"].partition("?")[0] for each in listed} >= {"GET /oauth2/authorize", "POST /oauth2/token"}
    looking = probed.pages()
    shown = [(await looking.get("/_test/requests?as=har")).text]
    names = [f"{each['number']}{form}" for each in listed for form in ("", "?as=curl")]
    shown += [(await looking.get(f"/_test/requests/{name}")).text for name in names]
    for text in shown:
        for secret in secrets:
            assert secret not in text
    assert "grant_type=authorization_code" in "".join(shown)


def _values(*queries: str) -> set[str]:
    """Return the secret parameters of forms and queries."""
    named = {name: value for query in queries for name, value in parse_qsl(query)}
    return {value for name, value in named.items() if name in PROOFS}


def test_a_form_is_shown_without_what_proves_who_somebody_is() -> None:
    sent = (
        b"grant_type=refresh_token&refresh_token=abc&client_secret=d%26e&client_id=demo&handle=fgh&subject_token_type=x"
    )
    assert Masker().body(sent, f"{FORM}; charset=utf-8").splitlines() == [
        "grant_type=refresh_token",
        "refresh_token=[masked]",
        "client_secret=[masked]",
        "client_id=demo",
        "handle=[masked]",
        "subject_token_type=x",
    ]


def test_short_tokens_in_a_reply_are_masked_by_their_names() -> None:
    told = b'{"access_token": "abc", "token_type": "Bearer", "expires_in": 599}'
    shown = json.loads(Masker().body(told, "application/json"))
    assert shown == {"access_token": "[masked]", "token_type": "Bearer", "expires_in": 599}
