"""Log-in and tokens over HTTP: the routes of the OAuth 2.0 and OpenID Connect endpoints.

Mounted by the server beside the FHIR edge. What the endpoints do is in `oauth_authorise` and `oauth_token`; the rules
behind them in `openers.identity`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openers.api.oauth_authorise import authorise, authorise_or_pick
from openers.api.oauth_browser import page_refusal
from openers.api.oauth_call import OAuthCall, OAuthDeps, endpoint, json_refusal, json_reply
from openers.api.oauth_elsewhere import come_back
from openers.api.oauth_token import GRANTS, revoke, token
from openers.identity.access import bearer_of, open_bearer
from openers.identity.assertions import ALGORITHM as ASSERTION_ALGORITHM
from openers.identity.errors import InvalidToken
from openers.identity.id_tokens import ALGORITHM as ID_TOKEN_ALGORITHM
from openers.identity.id_tokens import assurance_claims

LOG_IN: Final = "API Professional login attempt"
ESTABLISH: Final = "API Establish Session"
CLOSE: Final = "API Close Session"
WHO: Final = "API Retrieve User Information"
PUBLIC: Final = {"Cache-Control": "public, max-age=300"}


def oauth_routes(deps: OAuthDeps) -> list[Route]:
    """The routes of all endpoints, working with `deps`."""
    return [
        Route("/oauth2/authorize", endpoint(deps, LOG_IN, authorise, page_refusal), methods=["GET"]),
        Route("/oauth2/authorize", endpoint(deps, LOG_IN, authorise_or_pick, page_refusal), methods=["POST"]),
        Route("/oauth2/callback", endpoint(deps, LOG_IN, come_back, page_refusal), methods=["GET"]),
        Route("/oauth2/token", endpoint(deps, ESTABLISH, token, json_refusal), methods=["POST"]),
        Route("/oauth2/revoke", endpoint(deps, CLOSE, revoke, json_refusal), methods=["POST"]),
        Route("/oauth2/userinfo", endpoint(deps, WHO, userinfo, json_refusal), methods=["GET", "POST"]),
        Route("/oauth2/jwks", _published(deps.signing_key.public_keys()), methods=["GET"]),
        Route("/.well-known/openid-configuration", _published(discovery(deps)), methods=["GET"]),
    ]


async def userinfo(call: OAuthCall) -> Response:
    """GET /oauth2/userinfo: who is logged in and how surely."""
    try:
        bearer = bearer_of(call.request.headers.get("authorization", ""))
        caller = await open_bearer(bearer, call.world, call.deps.cache)
        if caller.grant.session is None or caller.user is None:
            raise InvalidToken
    except InvalidToken:
        call.entry.code = "invalid_token"
        return json_reply({}, 401, {"WWW-Authenticate": 'Bearer realm="OpenERS", error="invalid_token"'})
    session = caller.grant.session
    call.entry.user, call.entry.session, call.entry.application = session.user, session.id, caller.grant.client_id
    roles = [
        {"org_code": str(role.organisation), "business_functions": list(role.functions)} for role in caller.user.roles
    ]
    return json_reply(assurance_claims(session) | {"name": caller.user.name, "ers_roles": roles})


def discovery(deps: OAuthDeps) -> dict[str, object]:
    """What clients may know about the endpoints. Source: OpenID Connect Discovery chapter 3, RFC 8414."""
    base = deps.base_url
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/oauth2/authorize",
        "token_endpoint": deps.token_url,
        "userinfo_endpoint": f"{base}/oauth2/userinfo",
        "revocation_endpoint": f"{base}/oauth2/revoke",
        "jwks_uri": f"{base}/oauth2/jwks",
        "scopes_supported": ["openid"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ID_TOKEN_ALGORITHM],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_post", "client_secret_basic"],
        "token_endpoint_auth_signing_alg_values_supported": [ASSERTION_ALGORITHM],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "sid", "amr", "acr",
            "id_assurance_level", "authentication_assurance_level", "nhsid_useruid", "name",
        ],
    }  # fmt: skip


def _published(body: object) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that answers everybody with the same document, read by no database."""

    async def serve(request: Request) -> Response:
        return json_reply(body, headers=PUBLIC)

    return serve
