"""The token endpoint rejects invalid client assertions and accepts valid ones."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import OctKey, RSAKey
from tests.kit.service.oauth_service import (
    ASSERTION_TYPE,
    PROVIDER_APP,
    Service,
    demo,
    private_key,
    refused,
    running,
    signing_key,
)

from openers.api.oauth.call import token_url
from openers.identity.jose import sign

pytestmark = pytest.mark.anyio
STRANGER = RSAKey.generate_key(2048, private=True)


@pytest.fixture(scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Service]:
    async with running(tmp_path_factory.mktemp("service")) as started:
        yield started


def claims_of(service: Service, **changes: Any) -> dict[str, Any]:
    now = int(service.wall.now().timestamp())
    claims: dict[str, Any] = {"iss": PROVIDER_APP, "sub": PROVIDER_APP, "aud": token_url(service.deps.base_url)}
    return claims | {"iat": now, "exp": now + 300, "jti": str(uuid4())} | changes


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@cache
def right_key() -> RSAKey:
    """Return the application's own key without its restriction to one algorithm."""
    return RSAKey.import_key({name: value for name, value in private_key(PROVIDER_APP).items() if name != "alg"})


def kid() -> str:
    return private_key(PROVIDER_APP)["kid"]


def from_now(**changes: float) -> Callable[[Service], str]:
    """Return a correctly signed assertion whose time claims are this many seconds from now."""

    def make(service: Service) -> str:
        now = service.wall.now().timestamp()
        return service.assertion(PROVIDER_APP, **{name: now + seconds for name, seconds in changes.items()})

    return make


def claiming(**changes: Any) -> Callable[[Service], str]:
    """Return a correctly signed assertion with changed claims; `None` removes one."""
    return lambda service: service.assertion(PROVIDER_APP, **changes)


def headed(**header: Any) -> Callable[[Service], str]:
    """Return an assertion whose header was changed after signing."""

    def make(service: Service) -> str:
        _, payload, signature = service.assertion(PROVIDER_APP).split(".")
        return f"{part({'alg': 'RS512', 'kid': kid(), **header})}.{payload}.{signature}"

    return make


def signed_by(key: RSAKey, algorithm: str = "RS512") -> Callable[[Service], str]:
    return lambda service: sign(claims_of(service), key, kid(), algorithm)


def unsigned(service: Service) -> str:
    return f"{part({'alg': 'none', 'kid': kid()})}.{part(claims_of(service))}."


def signature_cut_off(service: Service) -> str:
    return service.assertion(PROVIDER_APP).rpartition(".")[0] + "."


def public_key_as_secret(service: Service) -> str:
    """Return an assertion with a symmetric signature whose key is the public key (algorithm confusion)."""
    pem = right_key().as_pem(private=False).decode()
    text = f"{part({'alg': 'HS512', 'kid': kid()})}.{part(claims_of(service))}"
    header, payload = text.split(".")
    assert header
    return jws.serialize_compact(
        {"alg": "HS512", "kid": kid()},
        base64.urlsafe_b64decode(payload + "=="),
        OctKey.import_key(pem.replace("-----BEGIN PUBLIC KEY-----", "").strip()),
        algorithms=["HS512"],
    )


def claims_exchanged(service: Service) -> str:
    header, _, signature = service.assertion(PROVIDER_APP).split(".")
    return f"{header}.{part(claims_of(service))}.{signature}"


def of_another_application(service: Service) -> str:
    """Return an assertion that one application signed in the name of another."""
    other = "demo-referrer-app"
    return sign(claims_of(service), signing_key(other), private_key(other)["kid"], "RS512")


def key_brought_along(service: Service) -> str:
    header = {"alg": "RS512", "kid": kid(), "jwk": STRANGER.as_dict(private=False)}
    text = json.dumps(claims_of(service)).encode()
    return jws.serialize_compact(header, text, STRANGER, algorithms=["RS512"])


REQUEST, CLIENT = (400, "invalid_request"), (401, "invalid_client")
NOT_BELIEVED: dict[str, tuple[Callable[[Service], str], tuple[int, str], str]] = {
    "nothing": (lambda _: "", REQUEST, "client_assertion"),
    "not a JWT": (lambda _: "not a JWT", REQUEST, "Malformed"),
    "two parts": (lambda _: "e30.e30", REQUEST, "Malformed"),
    "five parts": (lambda _: "e30.e30.e30.e30.e30", REQUEST, "Malformed"),
    "no algorithm": (lambda _: "e30.e30.e30", REQUEST, "Malformed"),
    "header is a list": (lambda _: f"{part([])}.e30.e30", REQUEST, "Malformed"),
    "claims are a list": (lambda _: f"{part({'alg': 'RS512', 'kid': 'a'})}.{part([])}.e30", REQUEST, "Malformed"),
    "not a number": (lambda _: f"{part({'alg': 'RS512'})}.{part({'exp': float('nan')})}.e30", REQUEST, "Malformed"),
    "not ASCII": (lambda _: "é.é.é", REQUEST, "Malformed"),
    "unsigned": (unsigned, REQUEST, "'alg'"),
    "algorithm none in capitals": (headed(alg="NONE"), REQUEST, "'alg'"),
    "algorithm of another type": (headed(alg=["RS512"]), REQUEST, "'alg'"),
    "symmetric with the public key": (public_key_as_secret, REQUEST, "'alg'"),
    "RS256": (signed_by(right_key(), "RS256"), REQUEST, "'alg'"),
    "PS512": (signed_by(right_key(), "PS512"), REQUEST, "'alg'"),
    "no kid": (headed(kid=None), REQUEST, "Missing 'kid'"),
    "kid is a list": (headed(kid=["x"]), REQUEST, "Missing 'kid'"),
    "unknown kid": (headed(kid="unknown"), CLIENT, "'kid'"),
    "unknown critical header": (headed(crit=["x"], x=1), REQUEST, "Malformed"),
    "no critical header": (headed(crit=[]), REQUEST, "Malformed"),
    "critical header that is a text": (headed(crit="x", x=1), REQUEST, "Malformed"),
    "critical header that is none": (headed(crit=None), REQUEST, "Malformed"),
    "wrong key": (signed_by(STRANGER), CLIENT, "signature"),
    "key brought along": (key_brought_along, CLIENT, "signature"),
    "key of another application": (of_another_application, CLIENT, "'kid'"),
    "signature cut off": (signature_cut_off, CLIENT, "signature"),
    "claims exchanged": (claims_exchanged, CLIENT, "signature"),
    "no issuer": (claiming(iss=None), REQUEST, "'iss'/'sub'"),
    "no subject": (claiming(sub=None), REQUEST, "'iss'/'sub'"),
    "issuer is not subject": (claiming(sub="demo-referrer-app"), REQUEST, "'iss'/'sub'"),
    "issuer is a list": (claiming(iss=[PROVIDER_APP], sub=[PROVIDER_APP]), REQUEST, "'iss'/'sub'"),
    "unknown application": (claiming(iss="nobody", sub="nobody"), CLIENT, "no such application"),
    "impossible application": (claiming(iss="a\0b", sub="a\0b"), CLIENT, "no such application"),
    "no audience": (claiming(aud=None), REQUEST, "'aud'"),
    "audience is the authorisation address": (
        claiming(aud="http://127.0.0.1:8000/oauth2/authorize"),
        REQUEST,
        "'aud'",
    ),
    "audience elsewhere": (claiming(aud="https://elsewhere.example/oauth2/token"), REQUEST, "'aud'"),
    "no expiry": (claiming(exp=None), REQUEST, "Missing 'exp'"),
    "expired": (from_now(exp=-1), REQUEST, "'exp'"),
    "expires now": (from_now(exp=0), REQUEST, "'exp'"),
    "expires too far away": (from_now(exp=301), REQUEST, "at most 5 minutes"),
    "expires never": (claiming(exp=1e300), REQUEST, "'exp'"),
    "expiry is a text": (claiming(exp="tomorrow"), REQUEST, "'exp'"),
    "expiry is true": (claiming(exp=True), REQUEST, "'exp'"),
    "issued in the future": (from_now(iat=120), REQUEST, "'iat'"),
    "not valid yet": (from_now(nbf=120), REQUEST, "'nbf'"),
    "no id": (claiming(jti=None), REQUEST, "Missing 'jti'"),
    "empty id": (claiming(jti=""), REQUEST, "'jti'"),
    "id is a number": (claiming(jti=7), REQUEST, "'jti'"),
    "endless id": (claiming(jti="x" * 300), REQUEST, "'jti'"),
}


async def ask(service: Service, assertion: str, **more: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
    return await service.http.post("/oauth2/token", data=form | {"client_assertion": assertion} | more)


@pytest.mark.parametrize("name", NOT_BELIEVED)
async def test_it_is_not_believed(service: Service, name: str) -> None:
    make, expected, said = NOT_BELIEVED[name]
    reply = await ask(service, make(service))
    assert refused(reply) == expected, reply.text
    assert said in reply.json()["error_description"]
    assert service.witnessed[-1].code == expected[1]
    assert (await ask(service, service.assertion(PROVIDER_APP))).status_code == 200


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(claiming(), id="plain"),
        pytest.param(from_now(exp=300), id="five minutes"),
        pytest.param(from_now(exp=0.5), id="fraction of a second"),
        pytest.param(claiming(aud=["http://127.0.0.1:8000/oauth2/token"]), id="list of audiences"),
        pytest.param(claiming(aud="http://127.0.0.1:8000"), id="the issuer"),
        pytest.param(claiming(aud=["https://elsewhere.example", "http://127.0.0.1:8000"]), id="issuer in a list"),
        pytest.param(claiming(iat=None), id="no time of issue"),
        pytest.param(from_now(iat=20, nbf=20), id="clock a little fast"),
    ],
)
async def test_it_is_believed(service: Service, make: Callable[[Service], str]) -> None:
    reply = await ask(service, make(service))
    assert reply.status_code == 200, reply.text
    caller = await service.caller(reply.json()["access_token"])
    assert (caller.application.client_id, caller.user, caller.grant.session) == (PROVIDER_APP, None, None)


async def test_it_is_used_once(service: Service) -> None:
    assertion = service.assertion(PROVIDER_APP)
    assert (await ask(service, assertion)).status_code == 200
    again = await ask(service, assertion)
    assert refused(again) == (400, "invalid_request")
    assert "'jti'" in again.json()["error_description"]


async def test_the_same_id_from_another_application_is_another_id(service: Service) -> None:
    for client in (PROVIDER_APP, "demo-referrer-app"):
        assert (await ask(service, service.assertion(client, jti="one"))).status_code == 200


async def test_it_goes_stale_while_it_waits(service: Service) -> None:
    assertion = service.assertion(PROVIDER_APP)
    service.wall.at += timedelta(minutes=5)
    assert refused(await ask(service, assertion)) == (400, "invalid_request")


async def test_a_test_application_is_unknown_in_production(tmp_path: Path) -> None:
    async with running(tmp_path, production=True) as service:
        assert refused(await ask(service, service.assertion(PROVIDER_APP))) == (401, "invalid_client")
        application = next(each for each in demo().applications if each.client_id == PROVIDER_APP)
        await service.put(msgspec.structs.replace(application, test_only=False))
        assert (await ask(service, service.assertion(PROVIDER_APP))).status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_assertion_type": "something"}, (400, "invalid_request")),
        ({"client_assertion_type": ""}, (400, "invalid_request")),
        ({"client_id": "demo-user-app"}, (400, "invalid_request")),
        ({"client_secret": "x", "client_id": PROVIDER_APP}, (400, "invalid_request")),
        ({"grant_type": ""}, (400, "invalid_request")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"grant_type": "authorization_code", "code": "x", "redirect_uri": "y"}, (400, "unauthorized_client")),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, (400, "unauthorized_client")),
    ],
)
async def test_the_form_around_it_must_fit(service: Service, form: dict[str, str], error: tuple[int, str]) -> None:
    assert refused(await ask(service, service.assertion(PROVIDER_APP), **form)) == error


async def test_its_client_may_be_named_beside_it(service: Service) -> None:
    assert (await ask(service, service.assertion(PROVIDER_APP), client_id=PROVIDER_APP)).status_code == 200
