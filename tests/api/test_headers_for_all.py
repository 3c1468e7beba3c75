"""The headers of every reply for caches and browsers, the check of the Host header, and the challenge of a 401.

Source: RFC 6750 chapter 3.1, RFC 9110 chapter 15.5.20, RFC 9111 chapter 5.2.2.5, RFC 9112 chapter 3.2.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.api.every_call import KINDS, Desk, Kind, Sent
from tests.kit.service.running import FHIR, GP, copied
from tests.kit.service.worlds import rig
from tests.kit.store.outside import audit_entries

from openers.api.http.hosts import own_hosts

pytestmark = pytest.mark.anyio
FOREIGN = [(b"host", b"rebound.example:8000")]
PAGES = ("/_test/", "/_test/requests", "/_test/faults", "/_test/worlds", "/oauth2/authorize?client_id=x")
NO_TOKEN = (None, "", "Basic ZGVtbzp4", "Bearer", "Bearer ")


@pytest.fixture(scope="module")
async def desk(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, keys: Path) -> AsyncGenerator[Desk]:
    """Run one service for the module."""
    async with rig(copied(sqlite_template, tmp_path_factory.mktemp("headers")), keys) as made:
        desk = Desk(made)
        await desk.log_in()
        yield desk


@pytest.mark.parametrize("sent", ["refused", "good"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_nobody_keeps_a_reply_and_nobody_guesses_its_type(desk: Desk, kind: Kind, sent: str) -> None:
    request: Sent = getattr(kind, sent)
    answer = await desk.send(request)
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_referral_is_kept_by_nobody(desk: Desk) -> None:
    ubrn = (await desk.rig.refer()).json()["id"]
    read = await desk.rig.read(ubrn)
    assert (read.status_code, read.headers["cache-control"]) == (200, "no-store")
    assert read.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("sent", [[], [(b"host", b"127.0.0.1"), (b"host", b"127.0.0.1")]], ids=["none", "two"])
async def test_http_1_1_needs_one_host(desk: Desk, kind: Kind, sent: list[tuple[bytes, bytes]]) -> None:
    scope = desk.scope(kind.good)
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"] + sent
    answer = await desk.send(kind.good, headers=headers)
    assert (answer.status, b"'Host' must be sent exactly once" in answer.body) == (400, True)
    assert (await audit_entries(desk.url))[-1]["outcome"] == 400


async def test_http_1_0_needs_no_host(desk: Desk) -> None:
    sent = KINDS[0].good
    headers = [each for each in desk.scope(sent)["headers"] if each[0] != b"host"]
    assert (await desk.send(sent, headers=headers, http_version="1.0")).status in {200, 404}


@pytest.mark.parametrize("path", PAGES)
async def test_pages_and_test_control_answer_to_own_names_alone(desk: Desk, path: str) -> None:
    """Pages and test control accept only the service's own host names, which prevents DNS rebinding."""
    answer = await desk.send(Sent("GET", path), headers=FOREIGN)
    assert answer.status == 421
    assert b"rebound.example" in answer.body
    assert b"OPENERS_OWN_HOSTS" in answer.body
    assert "location" not in answer.headers


async def test_nothing_is_changed_by_another_name(desk: Desk) -> None:
    body = b'{"faults": [{"kind": "drop"}]}'
    put = Sent("PUT", "/_test/faults", {"Content-Type": "application/json"}, body)
    own = [*FOREIGN, (b"content-type", b"application/json"), (b"origin", b"http://rebound.example:8000")]
    assert (await desk.send(put, headers=own)).status == 421
    assert (await desk.rig.control("GET", "/faults"))["faults"] == []


async def test_the_api_answers_to_whatever_name_a_proxy_passes_on(desk: Desk) -> None:
    for sent in (KINDS[0].good, Sent("POST", "/oauth2/token", {"Content-Type": FHIR})):
        scope = desk.scope(sent)
        headers = [each for each in scope["headers"] if each[0] != b"host"] + FOREIGN
        assert (await desk.send(sent, headers=headers)).status in {200, 400, 404}


@pytest.mark.parametrize(
    ("listens_at", "host", "own"),
    [
        ("127.0.0.1", "referrals.example", True),
        ("127.0.0.1", "REFERRALS.example.:443", True),
        ("127.0.0.1", "localhost:9000", True),
        ("127.0.0.1", "[::1]:8000", True),
        ("127.0.0.1", "::1", True),
        ("127.0.0.1", "more.example", True),
        ("10.0.0.5", "10.0.0.5:8000", True),
        ("0.0.0.0", "192.168.1.5:8000", True),
        ("::", "[fd00::5]:8000", True),
        ("127.0.0.1", "192.168.1.5:8000", False),
        ("127.0.0.1", "0.0.0.0:8000", False),
        ("0.0.0.0", "rebound.example", False),
        ("127.0.0.1", "localhost.rebound.example", False),
        ("127.0.0.1", "127.0.0.1.rebound.example", False),
        ("127.0.0.1", "", False),
        ("127.0.0.1", "[", False),
    ],
)
async def test_own_names(listens_at: str, host: str, own: bool) -> None:
    hosts = own_hosts("https://referrals.example/base", listens_at, ("more.example",))
    assert hosts.has(host) is own


@pytest.mark.parametrize("authorization", NO_TOKEN)
@pytest.mark.parametrize(
    "path",
    [
        "/referrals/FHIR/STU3/CodeSystem/PRIORITY",
        "/referrals/FHIR/R4/PractitionerRole",
        "/pas/notifications",
        "/oauth2/userinfo",
    ],
)
async def test_who_sends_no_token_is_asked_for_one(desk: Desk, path: str, authorization: str | None) -> None:
    """Without a token, the challenge does not contain `invalid_token`."""
    headers = {**GP.headers} if authorization is None else {**GP.headers, "Authorization": authorization}
    method = "POST" if path.startswith("/pas") else "GET"
    answer = await desk.send(Sent(method, path, headers))
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Bearer realm="OpenERS"')
    wrong = await desk.send(Sent(method, path, {**GP.headers, "Authorization": "Bearer nobody"}))
    assert (wrong.status, wrong.headers["www-authenticate"]) == (401, 'Bearer realm="OpenERS", error="invalid_token"')
