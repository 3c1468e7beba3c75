"""The service as a Test PAS sees it: key set, token endpoint and notifications, over real HTTP."""

from __future__ import annotations

import threading
from base64 import urlsafe_b64encode
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final
from uuid import uuid4

import msgspec
import uvicorn
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jws
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.kit.run.waiting import HANGS_AFTER_S
from tests.kit.service.live import free_port


class ReferralService:
    """Signs calls to a PAS, issues access tokens and receives notifications."""

    def __init__(self, port: int) -> None:
        """Prepare the keys; nothing is served yet."""
        self.url: Final = f"http://127.0.0.1:{port}"
        self.key: Final = RSAKey.generate_key(2048, parameters={"kid": "service-1"})
        self.client_key: Final = RSAKey.generate_key(2048, parameters={"kid": "pas-1"})
        self.received: Final[list[dict[str, Any]]] = []
        self.bearers: Final[list[str]] = []
        self.answers: Final[list[int]] = []
        """Statuses of the next replies to notifications; afterwards 204."""
        self.tokens: Final[list[str]] = []
        self.key_fetches = 0
        self._news = threading.Condition()

    def token(self, audience: str, **changes: Any) -> str:
        """Return a valid token for one call to the PAS at `audience`; a claim of `None` is left out."""
        now = int(datetime.now(UTC).timestamp())
        claims = {"iss": self.url, "aud": audience, "iat": now, "exp": now + 240, "jti": str(uuid4()), **changes}
        return self.sign({name: value for name, value in claims.items() if value is not None})

    def sign(self, claims: object, key: RSAKey | None = None, algorithm: str = "RS256", **header: Any) -> str:
        """Return a JWS of any claims; `header` changes header fields, or removes those that are `None`."""
        whole = {"alg": algorithm, "kid": "service-1", **header}
        kept = {name: value for name, value in whole.items() if value is not None}
        parts = ".".join(_encoded(each) for each in (kept, claims))
        secret = (key or self.key).get_op_key("sign")
        digest = hashes.SHA256() if algorithm == "RS256" else hashes.SHA512()
        signature = secret.sign(parts.encode(), padding.PKCS1v15(), digest)
        return f"{parts}.{urlsafe_b64encode(signature).decode().rstrip('=')}"

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """Return the notifications once there are `count` of them; fail if they do not arrive."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.received) >= count, HANGS_AFTER_S), self.received
            return list(self.received)

    def application(self) -> Starlette:
        """Return the application to serve."""
        return Starlette(
            routes=[
                Route("/oauth2/jwks", self._publish, methods=["GET"]),
                Route("/oauth2/token", self._grant, methods=["POST"]),
                Route("/pas/notifications", self._take, methods=["POST"]),
            ]
        )

    async def _publish(self, request: Request) -> Response:
        self.key_fetches += 1
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def _grant(self, request: Request) -> Response:
        form = await request.form()
        assertion = form.get("client_assertion")
        assert isinstance(assertion, str)
        proved = jws.deserialize_compact(assertion, self.client_key, algorithms=["RS512"])
        claims = msgspec.json.decode(proved.payload)
        is_good = claims["aud"] == f"{self.url}/oauth2/token" and claims["iss"] == claims["sub"] == "test-pas"
        if form.get("grant_type") != "client_credentials" or not is_good:
            return JSONResponse({"error": "invalid_client"}, 401)
        self.tokens.append(str(uuid4()))
        return JSONResponse({"access_token": self.tokens[-1], "expires_in": 599, "token_type": "Bearer"})

    async def _take(self, request: Request) -> Response:
        body = await request.json()
        status = self.answers.pop(0) if self.answers else 204
        with self._news:
            self.bearers.append(request.headers["authorization"])
            self.received.append(body)
            self._news.notify_all()
        return Response(status_code=status)


def _encoded(value: object) -> str:
    return urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")


@contextmanager
def serving(port: int | None = None) -> Generator[ReferralService]:
    """Run a service on a local port, in a separate thread."""
    service = ReferralService(port or free_port())
    with listening(service):
        yield service


@contextmanager
def listening(service: ReferralService) -> Generator[None]:
    """Serve `service` within the block; before and after, its address does not reply."""
    port = int(service.url.rpartition(":")[2])
    quietly: dict[str, Any] = {"log_config": None, "access_log": False, "timeout_graceful_shutdown": 1}
    config = uvicorn.Config(service.application(), "127.0.0.1", port, **quietly)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    ends = monotonic() + HANGS_AFTER_S
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive(), "the service could not listen"
        assert monotonic() < ends, "the service did not start"
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(HANGS_AFTER_S)
