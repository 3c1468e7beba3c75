"""The authorisation endpoint: which requests redirect the browser, and which do not."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from tests.kit.service.oauth_service import (
    BASE,
    CALLBACK,
    CLINICIAN,
    HANDLE,
    PROVIDER_APP,
    USER_APP,
    Service,
    brought,
    demo,
    refused,
    running,
)

from openers.identity.errors import InvalidToken

pytestmark = pytest.mark.anyio


@pytest.fixture
async def service(tmp_path: Path) -> AsyncGenerator[Service]:
    async with running(tmp_path) as started:
        yield started


async def test_the_answer_comes_back_to_the_client(service: Service) -> None:
    _, handle = await service.page()
    reply = await service.pick(handle)
    answer = brought(reply)
    assert reply.headers["location"].startswith(f"{CALLBACK}?")
    assert (answer["state"], answer["iss"], reply.headers["cache-control"]) == ("some state", BASE, "no-store")
    assert len(answer["code"]) == 43


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:54321/callback",
        "http://127.0.0.1:8003/callback",
        "http://127.0.0.1/callback",
    ],
)
async def test_any_port_of_a_registered_loopback_address_will_do(service: Service, address: str) -> None:
    code = await service.code(redirect_uri=address)
    assert (await service.redeem(code, redirect_uri=address)).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/callback",
        "//evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://127.0.0.1@evil.example/callback",
        "http://evil.example@127.0.0.1/callback",
        "http://evil.example@127.0.0.1:1/callback",
        "http://127.0.0.1:1@evil.example/callback",
        "http://127.0.0.1/callback#fragment",
        "http://127.0.0.1:1/callback#fragment",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.1:x/callback",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1:01/callback",
        "http://127.0.0.2/callback",
        "http://localhost.evil.example/callback",
        "http://localhost@evil.example/callback",
        "http://localhost:0/callback",
        "http://localhost:65536/callback",
        "http://localhost/a\\b",
        "http://localhost/a b",
        "http://localhost/é",
        "ftp://localhost/callback",
        "http://[::1/callback",
        "HTTP://127.0.0.1/callback",
        "http:\\\\127.0.0.1\\callback",
        " http://127.0.0.1/callback",
        "http://127.0.0.1/callback\r\nSet-Cookie: x=1",
        "javascript:alert(1)",
        "data:text/html,x",
        "",
        None,
    ],
)
async def test_no_browser_is_sent_to_an_address_that_is_not_registered(service: Service, address: str | None) -> None:
    reply, handle = await service.page(redirect_uri=address)
    assert (reply.status_code, handle, "location" in reply.headers) == (400, "", False)
    assert "redirect_uri" in reply.text or "control characters" in reply.text
    assert "evil" not in reply.text


ON_THIS_MACHINE = [
    "http://127.0.0.1:8003/as/RCD/callback",
    "http://127.0.0.1/callback/../other",
    "http://127.0.0.1:1/callback?x=1",
    "http://127.0.0.1/Callback",
    "http://127.0.0.1:5173",
    "http://127.0.0.1/callback?next=https://elsewhere.example",
    "http://[::1]/callback",
    "http://localhost/callback",
    "https://127.0.0.1/callback",
    "https://localhost:8443/signin-oidc",
]


@pytest.mark.parametrize("address", ON_THIS_MACHINE)
async def test_in_test_mode_any_address_of_this_machine_will_do(service: Service, address: str) -> None:
    _, handle = await service.page(redirect_uri=address)
    reply = await service.pick(handle)
    assert reply.headers["location"].startswith(f"{address}{'&' if '?' in address else '?'}code=")
    assert (await service.redeem(brought(reply)["code"], redirect_uri=address)).status_code == 200


async def test_in_production_an_address_of_this_machine_must_be_registered(tmp_path: Path) -> None:
    registered = ("https://clinic.example/oidc/return", "uk.example.app:/return")
    async with running(tmp_path, production=True) as service:
        application = next(each for each in demo().applications if each.client_id == USER_APP)
        await service.put(msgspec.structs.replace(application, test_only=False, redirect_uris=registered))
        for address in ON_THIS_MACHINE:
            reply, _ = await service.page(redirect_uri=address)
            assert (reply.status_code, "location" in reply.headers) == (400, False), address
            assert ", ".join(registered) in reply.text, "it names what is registered"
            assert "this machine" not in reply.text
        for address in registered:
            reply, _ = await service.page(redirect_uri=address)
            assert reply.headers["location"].startswith(f"{address}?error=temporarily_unavailable"), "no provider yet"
        reply, _ = await service.page(client_id="nobody")
        assert USER_APP not in reply.text, "production does not list its applications to strangers"


async def test_an_application_that_was_ended_gets_no_log_in_and_no_token(service: Service) -> None:
    tokens, code = await service.logged_in(), await service.code()
    application = next(each for each in demo().applications if each.client_id == USER_APP)
    await service.put(msgspec.structs.replace(application, active=False))
    assert (await service.page())[0].status_code == 400
    assert refused(await service.redeem(code)) == (401, "invalid_client")
    service.deps.cache.clear()
    with pytest.raises(InvalidToken):
        await service.caller(tokens["access_token"])


@pytest.mark.parametrize(("client_id", "name"), [("quickconnect", "Quick Connect"), ("portal", "Partner portal")])
async def test_our_own_applications_are_registered_with_their_names(
    service: Service, client_id: str, name: str
) -> None:
    page, handle = await service.page(client_id=client_id, redirect_uri="http://127.0.0.1:8123/as/any/callback")
    assert name in page.text
    code = brought(await service.pick(handle))["code"]
    sent = {"code": code, "redirect_uri": "http://127.0.0.1:8123/as/any/callback"}
    reply = await service.token("authorization_code", client_id=client_id, **sent)
    assert reply.status_code == 200, reply.text


async def test_a_refusal_names_the_applications_that_are_registered(service: Service) -> None:
    reply, _ = await service.page(client_id="nobody")
    for client_id in (USER_APP, "quickconnect", "portal"):
        assert client_id in reply.text
    assert PROVIDER_APP not in reply.text, "it logs nobody in"


@pytest.mark.parametrize("client_id", [None, "", "nobody", "x" * 1000, "<script>", "a\0b", "demo-user-app "])
async def test_an_unknown_application_is_told_so_on_a_page(service: Service, client_id: str | None) -> None:
    reply, _ = await service.page(client_id=client_id)
    assert (reply.status_code, "location" in reply.headers) == (400, False)
    assert "<script>" not in reply.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "e30.e30."}, "invalid_request"),
        ({"request_uri": "https://evil.example"}, "invalid_request"),
        ({"code_challenge": "x" * 43}, "invalid_request"),
        ({"code_challenge": "x" * 43, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
        ({"nonce": "x" * 3000}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_what_cant_be_done_is_told_to_the_client(
    service: Service, changes: dict[str, str | None], error: str
) -> None:
    reply, _ = await service.page(**changes)
    answer = brought(reply)
    assert (answer["error"], answer["state"], urlsplit(reply.headers["location"]).netloc) == (
        error,
        "some state",
        "127.0.0.1",
    )


async def test_an_application_without_redirect_addresses_gets_no_log_in(service: Service) -> None:
    reply, _ = await service.page(client_id=PROVIDER_APP)
    assert reply.status_code == 400


async def test_a_repeated_parameter_is_refused(service: Service) -> None:
    query = f"client_id={USER_APP}&redirect_uri={CALLBACK}&redirect_uri=https://evil.example&response_type=code"
    reply = await service.http.get(f"/oauth2/authorize?{query}")
    assert (reply.status_code, "location" in reply.headers) == (400, False)


async def test_a_form_is_good_for_ten_minutes(service: Service) -> None:
    _, handle = await service.page()
    service.wall.advance(minutes=10)
    assert (await service.pick(handle)).status_code == 400


@pytest.mark.parametrize("handle", ["", "x", "x" * 43, "é"])
async def test_a_form_with_a_made_up_handle_is_refused(service: Service, handle: str) -> None:
    await service.page()
    assert (await service.pick(handle)).status_code == 400


@pytest.mark.parametrize("cookie", [None, "", "x", "y" * 43, "é"])
async def test_a_form_from_another_browser_is_refused(service: Service, cookie: str | None) -> None:
    _, handle = await service.page()
    transport = httpx.ASGITransport(service.app)
    name = next(each.name for each in service.http.cookies.jar)
    headers = {} if cookie is None else {b"Cookie": f"{name}={cookie}".encode()}
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as other:
        form = {"handle": handle, "user_id": CLINICIAN}
        assert (await other.post("/oauth2/authorize", data=form, headers=headers)).status_code == 400
    assert (await service.pick(handle)).status_code == 303, "its own browser still can"


async def test_two_tabs_do_not_disturb_each_other(service: Service) -> None:
    (_, first), (_, second) = await service.page(state="1"), await service.page(state="2")
    assert brought(await service.pick(first))["state"] == "1"
    assert brought(await service.pick(second))["state"] == "2"


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(tmp_path: Path) -> None:
    async with running(tmp_path, base_url="https://ers.example") as service:
        page, _ = await service.page()
        cookie = page.headers["set-cookie"].split("; ")
        assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(cookie)
        assert cookie[0].startswith("__Host-")
        assert not any(each.startswith("Domain") for each in cookie), "a browser refuses the prefix with one"


async def test_over_plain_http_the_cookie_has_no_prefix_that_browsers_refuse(service: Service) -> None:
    page, _ = await service.page()
    cookie = page.headers["set-cookie"].split("; ")
    assert (cookie[0].startswith("openers-log-in-"), "Secure" in cookie, "Path=/oauth2" in cookie) == (
        True,
        False,
        True,
    )


async def test_a_planted_cookie_is_never_used(service: Service) -> None:
    """Each log-in has a new secret, regardless of the browser's cookie, and the cookie ends with the log-in."""
    _, first = await service.page()
    name, planted = next((each.name, each.value) for each in service.http.cookies.jar)
    page, second = await service.page()
    assert f"={planted}" not in page.headers["set-cookie"]
    assert name not in page.headers["set-cookie"]
    assert (await service.pick(second)).status_code == 303
    reply = await service.pick(first)
    assert "Max-Age=0" in reply.headers["set-cookie"]
    assert [each.name for each in service.http.cookies.jar] == ["openers-session-8000-demo"]


async def test_a_browser_keeps_only_the_cookies_of_its_last_log_ins(service: Service) -> None:
    handles = [(await service.page())[1] for _ in range(15)]
    assert len(list(service.http.cookies.jar)) == 10
    assert (await service.pick(handles[-1])).status_code == 303
    assert (await service.pick(handles[0])).status_code == 400


async def test_an_authorisation_request_may_be_a_form(service: Service) -> None:
    """An authorisation request may be a GET or a POST with a form (OpenID Connect Core 3.1.2.1)."""
    page = await service.http.post("/oauth2/authorize", data=service.asked(state="a form's"))
    found = HANDLE.search(page.text)
    assert (page.status_code, found is not None) == (200, True)
    assert found is not None
    assert brought(await service.pick(found[1]))["state"] == "a form's"
    reply = await service.http.post("/oauth2/authorize", data=service.asked(response_type="token"))
    assert brought(reply)["error"] == "unsupported_response_type"
    reply = await service.http.post("/oauth2/authorize", data=service.asked(client_id="nobody"))
    assert (reply.status_code, "location" in reply.headers) == (400, False)
    reply = await service.http.post("/oauth2/authorize", json={"client_id": USER_APP})
    assert reply.status_code == 400


async def test_cancelling_is_told_to_the_client(service: Service) -> None:
    _, handle = await service.page()
    assert brought(await service.pick(handle, decision="cancel"))["error"] == "access_denied"


async def test_production_has_no_page_on_which_a_person_is_picked(tmp_path: Path) -> None:
    async with running(tmp_path, production=True) as service:
        application = next(each for each in demo().applications if each.client_id == USER_APP)
        await service.put(msgspec.structs.replace(application, test_only=False))
        reply, handle = await service.page()
        assert (brought(reply)["error"], handle) == ("temporarily_unavailable", "")
        assert (await service.pick("x")).status_code == 400
        assert (await service.http.get("/oauth2/callback", params={"state": "x", "code": "x"})).status_code == 400


async def test_discovery_names_what_is_there(service: Service) -> None:
    found = (await service.http.get("/.well-known/openid-configuration")).json()
    assert found["issuer"] == BASE
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "revocation_endpoint", "jwks_uri"):
        assert (await service.http.options(found[name])).status_code == 405, "it exists"
    keys = (await service.http.get(found["jwks_uri"])).json()["keys"]
    assert [sorted(key) for key in keys] == [["alg", "e", "kid", "kty", "n", "use"]], "nothing private"
