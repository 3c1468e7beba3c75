"""Log-in and tokens over HTTP: the routes of the OAuth 2.0 and OpenID Connect endpoints.

The server mounts them beside the FHIR edge. `authorise` and `token` implement the endpoints; `openers.identity` holds
the rules.
"""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from openers.api.addresses import document, document_of, route
from openers.api.http.request import Stop
from openers.api.interaction import Loop
from openers.api.oauth.authorise import authorise, authorise_or_pick
from openers.api.oauth.browser import page_refusal
from openers.api.oauth.call import Handle, OAuthCall, OAuthDeps, Style, endpoint, json_refusal, json_reply, token_url
from openers.api.oauth.elsewhere import come_back
from openers.api.oauth.log_out import log_out, log_out_or_confirm
from openers.api.oauth.token import grants_of, revoke, token
from openers.identity.access import bearer_of, open_bearer
from openers.identity.assertions import ALGORITHM as ASSERTION_ALGORITHM
from openers.identity.claims import role_claims
from openers.identity.errors import InvalidToken, OAuthError, TooManyFailures
from openers.identity.id_tokens import ALGORITHM as ID_TOKEN_ALGORITHM
from openers.identity.id_tokens import assurance_claims
from openers.identity.single_sign_on import PROMPTS
from openers.wire import problems
from openers.wire.dialect import Problem

LOG_IN: Final = "API Professional login attempt"
ESTABLISH: Final = "API Establish Session"
CLOSE: Final = "API Close Session"
WHO: Final = "API Retrieve User Information"
FOR_ALL: Final = {"content-type": "application/json", "cache-control": "public, max-age=300"}


JSON: Final = Style(json_refusal, is_page=False)
PAGE: Final = Style(page_refusal, is_page=True)


def oauth_routes(loop: Loop, deps: OAuthDeps) -> list[Route]:
    """Return the routes of all endpoints, with their dependencies `deps`."""
    declared: dict[str, dict[str, tuple[str, Handle, Style]]] = {
        "/oauth2/authorize": {"GET": (LOG_IN, authorise, PAGE), "POST": (LOG_IN, authorise_or_pick, PAGE)},
        "/oauth2/logout": {"GET": (CLOSE, log_out, PAGE), "POST": (CLOSE, log_out_or_confirm, PAGE)},
        "/oauth2/callback": {"GET": (LOG_IN, come_back, PAGE)},
        "/oauth2/token": {"POST": (ESTABLISH, token, JSON)},
        "/oauth2/revoke": {"POST": (CLOSE, revoke, JSON)},
        "/oauth2/userinfo": {"GET": (WHO, userinfo, JSON), "POST": (WHO, userinfo, JSON)},
    }
    return [
        *(
            route(loop, path, {method: endpoint(deps, path, *each) for method, each in methods.items()})
            for path, methods in declared.items()
        ),
        document(loop, "/oauth2/jwks", msgspec.json.encode(deps.signing_key.public_keys()), FOR_ALL),
        document_of(
            loop, "/.well-known/openid-configuration", lambda base: msgspec.json.encode(discovery(deps, base)), FOR_ALL
        ),
    ]


async def userinfo(call: OAuthCall) -> Response:
    """GET /oauth2/userinfo: return the logged-in user and the assurance levels of the session."""
    try:
        bearer = bearer_of(call.request.headers.get("authorization", ""))
        caller = await open_bearer(bearer, call.world, call.deps.cache)
        if caller.grant.session is None or caller.user is None:
            raise InvalidToken
    except InvalidToken as error:
        if error.is_absent:
            raise _refused(problems.missing_token()) from error
        wait_s = 0 if error.expired else call.deps.failures.failed(call.address)
        if wait_s:
            raise TooManyFailures(wait_s) from error
        raise _refused(problems.invalid_token()) from error
    session = caller.grant.session
    call.entry.user, call.entry.session, call.entry.application = session.user, session.id, caller.grant.client_id
    roles = [
        {"org_code": str(role.organisation), "business_functions": list(role.functions)} for role in caller.user.roles
    ]
    claims = {"name": caller.user.name, "ers_roles": roles, "nhsid_nrbac_roles": role_claims(caller.user)}
    return json_reply(assurance_claims(session) | claims)


def discovery(deps: OAuthDeps, base: str) -> dict[str, object]:
    """Return the metadata of the endpoints at `base`. Source: OpenID Connect Discovery chapter 3, RFC 8414."""
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/oauth2/authorize",
        "token_endpoint": token_url(base),
        "userinfo_endpoint": f"{base}/oauth2/userinfo",
        "revocation_endpoint": f"{base}/oauth2/revoke",
        "end_session_endpoint": f"{base}/oauth2/logout",
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "prompt_values_supported": sorted(PROMPTS),
        "jwks_uri": f"{base}/oauth2/jwks",
        "scopes_supported": ["openid", "profile", "nationalrbacaccess"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(grants_of(deps)),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ID_TOKEN_ALGORITHM],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_post", "client_secret_basic"],
        "token_endpoint_auth_signing_alg_values_supported": [ASSERTION_ALGORITHM],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "sid", "amr", "acr",
            "id_assurance_level", "authentication_assurance_level", "nhsid_useruid", "name", "nhsid_nrbac_roles",
        ],
    }  # fmt: skip


def _refused(problem: Problem) -> Stop:
    """Return the refusal of a missing or invalid token with the protocol's code. Source: RFC 6750 chapter 3.1."""
    return Stop(msgspec.structs.replace(problem, code=OAuthError.INVALID_TOKEN))
