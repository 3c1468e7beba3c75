"""The part of the contract about authentication: the service signs a token for each call."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Final
from uuid import uuid4

import pytest
from joserfc.jwk import RSAKey

from tests.testpas.subject import Resource, Subject, problem

CLAIMS: Final[dict[str, Resource]] = {
    "another issuer": {"iss": "http://elsewhere.example"},
    "another audience": {"aud": "http://elsewhere.example/fhir"},
    "no audience": {"aud": None},
    "expired": {"exp": 1_700_000_000},
    "too long": {"exp": 4_000_000_000},
    "never expires": {"exp": None},
    "an expiry that is no number": {"exp": "soon"},
    "an expiry beyond time": {"exp": 1e300},
    "issued in the future": {"iat": 4_000_000_000},
    "no jti": {"jti": None},
    "an empty jti": {"jti": ""},
}


@pytest.mark.anyio
class TokenContract:
    """The tokens that a PAS accepts."""

    @pytest.mark.parametrize("wrong", CLAIMS)
    async def test_a_token_with_wrong_claims_is_refused(self, subject: Subject, wrong: str) -> None:
        """A token with wrong claims gets 401."""
        assert await _with(subject, subject.service.token(subject.base, **CLAIMS[wrong])) == (401, "login")

    async def test_a_token_of_somebody_else_is_refused(self, subject: Subject) -> None:
        """A token from another signer is refused, whatever its signature, header or form."""
        service, other = subject.service, RSAKey.generate_key(2048)
        claims = {"iss": service.url, "aud": subject.base, "iat": 0, "exp": 0, "jti": str(uuid4())}
        good = service.token(subject.base)
        header, payload, signature = good.split(".")
        none = "eyJhbGciOiJub25lIiwia2lkIjoic2VydmljZS0xIn0"
        corpus = (
            service.sign(_valid(claims), other),
            service.sign(_valid(claims), other, kid="nobody"),
            _with_public_key_as_secret(service.sign(_valid(claims), alg="HS256"), service.key),
            service.sign(_valid(claims), algorithm="RS512"),
            service.sign(_valid(claims), kid=None),
            service.sign(_valid(claims), crit=["strange"], strange=True),
            service.sign([1, 2]),
            f"{none}.{payload}.",
            f"{header}.{payload}.{signature[:-8]}AAAAAAAA",
            f"{header}.{payload}",
            "x",
            "..",
            "A" * 20_000,
        )
        for token in corpus:
            assert await _with(subject, token) == (401, "login"), token[:200]
        assert problem(await subject.http.get(f"{subject.base}/Slot")) == (401, "login")

    async def test_a_token_is_good_once(self, subject: Subject) -> None:
        """A token can be used once; its replay is refused."""
        token = subject.service.token(subject.base)
        assert (await _with(subject, token))[0] == 200
        assert await _with(subject, token) == (401, "login")


def _with_public_key_as_secret(token: str, key: RSAKey) -> str:
    """Sign the token with HMAC, to test systems that let a token choose its verification."""
    signed = token.rpartition(".")[0]
    signature = hmac.digest(key.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


def _valid(claims: Resource) -> Resource:
    now = int(datetime.now().astimezone().timestamp())
    return {**claims, "iat": now, "exp": now + 200, "jti": str(uuid4())}


async def _with(subject: Subject, token: str) -> tuple[int, str]:
    """Look up a key with a token, and return status and code."""
    url = f"{subject.base}/Appointment?identifier=https://openers.example/Id/booking-key%7C{uuid4()}"
    reply = await subject.http.get(url, headers={"Authorization": f"Bearer {token}"})
    return (200, "") if reply.status_code == 200 else problem(reply)
