"""The upstream OpenID provider, where people log in in production: its addresses, keys and ID tokens.

OpenERS is an ordinary relying party: discovery, authorisation code with PKCE, private_key_jwt. Fetched metadata and
keys are cached for some minutes. Source: OpenID Connect Core and Discovery.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import msgspec
from joserfc.jwk import RSAKey

from openers.api.oauth.remote import KEPT_FOR, BadReply, RemoteKeys, fetch, is_safe
from openers.domain.clock import Instant
from openers.domain.errors import Unavailable
from openers.identity.assertions import ALGORITHM, ASSERTION_TYPE
from openers.identity.claims import UserInfo
from openers.identity.id_tokens import IdToken, InvalidIdToken, is_answer_to, prove_id_token, read_id_token
from openers.identity.jose import sign
from openers.identity.log_in import WaitingForUpstream, challenge_of
from openers.identity.opaque import new_secret
from openers.identity.redirects import with_answer
from openers.identity.single_sign_on import Wish
from openers.key_files import private_jwk, read_secret
from openers.settings import RolesFrom, Settings

ASSERTION_LIFE: Final = timedelta(minutes=2)
SCOPE: Final = "openid profile nationalrbacaccess"
PART: Final = "upstream OpenID provider"


class Metadata(msgspec.Struct, frozen=True):
    """The metadata that the provider publishes."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""


class _TokenReply(msgspec.Struct, frozen=True):
    id_token: str
    access_token: str = ""


class Answer(msgspec.Struct, frozen=True):
    """The provider's answer to a log-in: who logged in, and the token with which it says more about them."""

    proved: IdToken
    access_token: str


class UpstreamProvider:
    """The provider at `issuer`, where this service is registered as `client_id`."""

    def __init__(
        self, issuer: str, client_id: str, private_jwk: dict[str, str], callback_url: str, *, gives_roles: bool = False
    ) -> None:
        """Store the registration; `private_jwk` is our private RSA key with its `kid`, as a JSON Web Key.

        With `gives_roles` people and their roles come from its claims.
        """
        self.gives_roles = gives_roles
        self.issuer, self.client_id = issuer.rstrip("/"), client_id
        self._key, self._kid = RSAKey.import_key(dict(private_jwk)), private_jwk["kid"]
        self._callback_url = callback_url
        self._metadata: tuple[Metadata, Instant] | None = None
        self._keys = RemoteKeys(PART)

    async def log_in_address(self, waiting: WaitingForUpstream, handle: str, now: Instant) -> str:
        """Return the provider's address for the log-in that waits under `handle`. Raises Unavailable."""
        metadata = await self.metadata(now)
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self._callback_url,
            "scope": SCOPE,
            "state": handle,
            "nonce": waiting.nonce,
            "code_challenge": challenge_of(waiting.verifier),
            "code_challenge_method": "S256",
            **_wished(waiting.wish),
        }
        return with_answer(metadata.authorization_endpoint, asked)

    async def redeem(self, code: str, waiting: WaitingForUpstream, now: Instant) -> Answer:
        """Exchange the browser's code for a verified ID token and its access token. Raises BadReply, Unavailable."""
        metadata = await self.metadata(now)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback_url,
            "code_verifier": waiting.verifier,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(metadata.token_endpoint, now),
        }
        reply = await fetch(metadata.token_endpoint, _TokenReply, PART, form)
        try:
            proved = await self.prove(reply.id_token, self.client_id, now, waiting.nonce)
        except InvalidIdToken as error:
            raise BadReply(str(error)) from None
        return Answer(proved, reply.access_token)

    async def claims(self, answer: Answer, now: Instant) -> UserInfo:
        """Return what the provider says about the person who logged in. Raises BadReply, Unavailable."""
        address = (await self.metadata(now)).userinfo_endpoint
        if not address or not answer.access_token:
            raise BadReply("the provider has no userinfo")
        info = await fetch(address, UserInfo, PART, bearer=answer.access_token)
        if info.sub != answer.proved.subject:
            raise BadReply("the userinfo is about another person")
        return info

    async def prove(self, text: str, audience: str, now: Instant, nonce: str | None = None) -> IdToken:
        """Verify an ID token of the provider. Raises InvalidIdToken, Unavailable."""
        token = read_id_token(text)
        keys = await self._keys.at((await self.metadata(now)).jwks_uri, token.header.get("kid"), now)
        if nonce is not None and not is_answer_to(token, nonce):
            raise InvalidIdToken("'nonce' claim must be that of the request")
        return prove_id_token(token, keys, self.issuer, audience, now)

    async def metadata(self, now: Instant) -> Metadata:
        """Return the provider's metadata, fetched or cached. Raises Unavailable."""
        if self._metadata is None or now - self._metadata[1] >= KEPT_FOR:
            try:
                found = await fetch(f"{self.issuer}/.well-known/openid-configuration", Metadata, PART)
            except BadReply:
                raise Unavailable(PART) from None
            addresses = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
            addresses += (found.userinfo_endpoint,) if found.userinfo_endpoint else ()
            if found.issuer.rstrip("/") != self.issuer or not all(map(is_safe, addresses)):
                raise Unavailable(PART)
            self._metadata = (found, now)
        return self._metadata[0]

    def _assertion(self, audience: str, now: Instant) -> str:
        seconds = int(now.timestamp())
        claims: dict[str, Any] = {"iss": self.client_id, "sub": self.client_id, "aud": audience, "jti": new_secret()}
        claims |= {"iat": seconds, "exp": seconds + int(ASSERTION_LIFE.total_seconds())}
        return sign(claims, self._key, self._kid, ALGORITHM)


def _wished(wish: Wish) -> dict[str, str]:
    """Return the parameters that pass an application's wish on."""
    wished = {"prompt": "none"} if wish.is_silent else {"prompt": "login"} if wish.asks else {}
    if wish.max_age_s is not None:
        wished["max_age"] = str(wish.max_age_s)
    return wished | ({"login_hint": wish.person} if wish.person else {})


def upstream_of(settings: Settings) -> UpstreamProvider | None:
    """Return the provider of the settings, if they name one. Raises SettingsError."""
    issuer, client_id, key_file = settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_key_file
    if issuer is None or client_id is None or key_file is None:
        return None
    key = read_secret(key_file, private_jwk, strict=settings.production)
    callback, gives_roles = f"{settings.base_url.rstrip('/')}/oauth2/callback", settings.roles_from is RolesFrom.CLAIMS
    return UpstreamProvider(issuer, client_id, key, callback, gives_roles=gives_roles)
