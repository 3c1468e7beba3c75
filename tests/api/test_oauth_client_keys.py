"""Applications with a key address: the keys are fetched over HTTP, cached, and fetched again when they change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from aiohttp import web
from joserfc.jwk import RSAKey
from tests.kit.service.oauth_service import ASSERTION_TYPE, PROVIDER_APP, Service, demo, free_port, refused, running

from openers.identity.jose import sign

pytestmark = pytest.mark.anyio

KEYS = {kid: RSAKey.generate_key(2048, private=True) for kid in ("first", "second")}


@dataclass
class KeyAddress:
    """An application's address with its public keys, which it can change. It counts the calls."""

    url: str = ""
    kids: list[str] = field(default_factory=lambda: ["first"])
    calls: int = 0
    status: int = 200

    async def reply(self, _request: web.Request) -> web.Response:
        """Return the present keys."""
        self.calls += 1
        public = [{**KEYS[kid].as_dict(private=False), "kid": kid} for kid in self.kids]
        return web.json_response({"keys": public}, status=self.status)


@asynccontextmanager
async def served_keys() -> AsyncGenerator[KeyAddress]:
    keys, port = KeyAddress(), free_port()
    keys.url = f"http://127.0.0.1:{port.getsockname()[1]}/keys"
    app = web.Application()
    app.router.add_get("/keys", keys.reply)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.SockSite(runner, port).start()
    try:
        yield keys
    finally:
        await runner.cleanup()


@pytest.fixture
async def keys() -> AsyncGenerator[KeyAddress]:
    async with served_keys() as served:
        yield served


@pytest.fixture
async def service(tmp_path: Path, keys: KeyAddress) -> AsyncGenerator[Service]:
    async with running(tmp_path) as started:
        await started.put(registered_at(keys.url))
        yield started


def registered_at(address: str) -> Any:
    application = next(each for each in demo().applications if each.client_id == PROVIDER_APP)
    return msgspec.structs.replace(application, keys={}, jwks_uri=address)


async def token(service: Service, kid: str, signer: str | None = None) -> Any:
    now = int(service.wall.now().timestamp())
    claims: dict[str, Any] = {"iss": PROVIDER_APP, "sub": PROVIDER_APP, "aud": f"{service.deps.base_url}/oauth2/token"}
    claims |= {"iat": now, "exp": now + 200, "jti": str(uuid4())}
    assertion = sign(claims, KEYS[signer or kid], kid, "RS512")
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
    return await service.http.post("/oauth2/token", data=form)


async def test_the_keys_are_fetched_once_for_many_calls(service: Service, keys: KeyAddress) -> None:
    replies = await asyncio.gather(*(token(service, "first") for _ in range(5)))
    assert [reply.status_code for reply in replies] == [200] * 5, replies[0].text
    assert keys.calls == 1


async def test_a_new_key_is_found_and_an_old_one_ends(service: Service, keys: KeyAddress) -> None:
    assert (await token(service, "first")).status_code == 200
    keys.kids = ["second"]
    assert refused(await token(service, "second")) == (401, "invalid_client")
    service.wall.advance(seconds=10)
    assert (await token(service, "second")).status_code == 200
    assert refused(await token(service, "first")) == (401, "invalid_client")


async def test_the_published_key_must_have_signed(service: Service, keys: KeyAddress) -> None:
    assert refused(await token(service, "first", signer="second")) == (401, "invalid_client")


async def test_a_stranger_cannot_make_the_service_fetch_again_and_again(service: Service, keys: KeyAddress) -> None:
    for _ in range(5):
        assert refused(await token(service, "unknown", signer="first")) == (401, "invalid_client")
    assert keys.calls == 1


async def test_an_address_that_fails_is_named_and_tried_again(service: Service, keys: KeyAddress) -> None:
    keys.status = 503
    for _ in range(3):
        reply = await token(service, "first")
        assert refused(reply) == (503, "temporarily_unavailable")
        assert keys.url in reply.json()["error_description"]
        assert reply.headers["retry-after"]
    assert keys.calls == 1
    keys.status = 200
    service.wall.advance(seconds=10)
    assert (await token(service, "first")).status_code == 200


@pytest.mark.parametrize("address", ["http://keys.example/keys", "http://127.0.0.1:1/keys", "file:///etc/passwd"])
async def test_an_unsafe_or_silent_address_proves_nobody(service: Service, address: str) -> None:
    await service.put(registered_at(address))
    assert refused(await token(service, "first")) == (503, "temporarily_unavailable")
