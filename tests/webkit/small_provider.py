"""A small OpenID provider that logs in one person at once, and can be told to misbehave."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_KEY: Final = RSAKey.generate_key(2048, {"kid": "client-1", "use": "sig"})
KEY: Final = RSAKey.generate_key(2048, {"kid": "provider-1", "use": "sig"})
CLIENT: Final = "island"


class SmallProvider:
    """The provider. `wrong` replaces claims of the next ID token; `refuses` makes the token address refuse."""

    def __init__(self) -> None:
        """Start without log-ins."""
        self.key = KEY
        self.issuer = ""
        self.asked: dict[str, dict[str, str]] = {}
        self.refresh_tokens: set[str] = set()
        self.refreshes = 0
        self.wrong: dict[str, Any] = {}
        self.refuses = False
        self.expires_in = 600
        self.access_token = ""
        self.user_info = {"sub": "555", "name": "Dr Sam Jones"}

    def application(self) -> Starlette:
        """Return the provider as an application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/jwks", self._jwks),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/userinfo", self._userinfo),
            ]
        )

    def signed(self, claims: Mapping[str, Any]) -> str:
        """Return a token of the provider for the client."""
        now = int(time.time())
        usual = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 86400, "sub": "555", "sid": "session-1"}
        content = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return jwt.encode({"alg": "RS512", "kid": "provider-1"}, content, self.key, algorithms=["RS512"])

    async def _discovery(self, request: Request) -> Response:
        base = self.issuer
        addresses = {"authorization": "authorize", "token": "token", "end_session": "end", "userinfo": "userinfo"}
        named = {f"{name}_endpoint": f"{base}/{path}" for name, path in addresses.items()}
        return JSONResponse({"issuer": base, "jwks_uri": f"{base}/jwks", **named})

    async def _jwks(self, request: Request) -> Response:
        return JSONResponse(KeySet([KEY]).as_dict(private=False))

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        code = secrets.token_urlsafe(16)
        self.asked[code] = asked
        answer = urlencode({"code": code, "state": asked["state"], "iss": self.issuer})
        return RedirectResponse(f"{asked['redirect_uri']}?{answer}", 303)

    async def _userinfo(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self.access_token}":
            return JSONResponse({}, 401)
        return JSONResponse(self.user_info)

    async def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        claims = jwt.decode(form["client_assertion"], CLIENT_KEY, algorithms=["RS512"]).claims
        assert claims["aud"] == f"{self.issuer}/token"
        if self.refuses:
            return JSONResponse({"error": "invalid_grant", "error_description": "no"}, 400)
        if form["grant_type"] == "authorization_code":
            asked = self.asked.pop(form["code"])
            challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
            assert challenge.decode() == asked["code_challenge"]
            claims = {"nonce": asked["nonce"], "name": "Dr Alex <b>Smith</b>", **self.wrong}
            return JSONResponse({**self._fresh(), "id_token": self.signed(claims)})
        if form["refresh_token"] not in self.refresh_tokens:
            return JSONResponse({"error": "invalid_grant"}, 400)
        self.refresh_tokens.remove(form["refresh_token"])
        self.refreshes += 1
        return JSONResponse(self._fresh())

    def _fresh(self) -> dict[str, Any]:
        refresh = secrets.token_urlsafe(16)
        self.refresh_tokens.add(refresh)
        self.access_token = secrets.token_urlsafe(16)
        return {"access_token": self.access_token, "refresh_token": refresh, "expires_in": self.expires_in}
