"""Log in: a user through the log-in page, as a browser does, or an application by a signed JWT.

Only services in test mode have this page. Source: OAuth 2.0 (RFC 6749, 7523, 7636).
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from html.parser import HTMLParser
from typing import Final
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from openers_client.http import Answer, ServiceUnreachable, get, post

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE_S: Final = 240

__all__ = ["Client", "LogInFailed", "ServiceUnreachable", "Tokens", "application_token", "log_in"]


class LogInFailed(Exception):
    """The service replied without a token. The text gives the reason."""


@dataclass(frozen=True)
class Client:
    """A registered application: its id, its credential, and its registered address.

    The credential is its private key as JSON Web Key (with `kid`) or its secret.
    """

    client_id: str
    private_jwk: Mapping[str, str] | None = None
    secret: str | None = None
    redirect_uri: str = "http://127.0.0.1/callback"


@dataclass(frozen=True)
class Tokens:
    """The tokens of a log-in. `expires_in_s` is the access token's remaining lifetime in seconds."""

    access_token: str
    expires_in_s: int
    refresh_token: str | None = None
    id_token: str | None = None


def log_in(base_url: str, user_id: str, client: Client) -> Tokens:
    """Log a user in through all steps of a browser. Raises LogInFailed, ServiceUnreachable."""
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uri,
        "scope": "openid",
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    code = _pick(f"{base_url}/oauth2/authorize?{urlencode(asked)}", user_id, state)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_uri,
        "code_verifier": verifier,
    }
    return _tokens(base_url, client, form)


def application_token(base_url: str, client_id: str, private_jwk: Mapping[str, str]) -> Tokens:
    """Return a token for an application that acts for itself. Raises LogInFailed, ServiceUnreachable."""
    return _tokens(base_url, Client(client_id, private_jwk), {"grant_type": "client_credentials"})


def client_assertion(token_url: str, client_id: str, private_jwk: Mapping[str, str]) -> str:
    """Return a signed JWT that authenticates an application, valid for one call."""
    now = int(time.time())
    claims: dict[str, str | int] = {"iss": client_id, "sub": client_id, "aud": token_url}
    claims |= {"iat": now, "exp": now + ASSERTION_LIFE_S, "jti": secrets.token_urlsafe(16)}
    header = {"alg": "RS512", "kid": private_jwk["kid"], "typ": "JWT"}
    return jwt.encode(header, dict(claims), RSAKey.import_key(dict(private_jwk)), algorithms=["RS512"])


def _pick(address: str, user_id: str, state: str) -> str:
    """Fetch the log-in page, pick a person and submit; return the authorisation code."""
    page = get(address)
    if page.status in {302, 303}:
        return _code(page, state)  # raises, since the redirect is a refusal
    if page.status != 200:
        raise LogInFailed(f"the service returned no log-in page, but {page.status}. {_words(page.text)}")
    form = _Form(page.text)
    if user_id not in form.people:
        raise LogInFailed(f"no user has the id {user_id}; known users: {', '.join(sorted(form.people)) or 'none'}")
    cookie = "; ".join(value.partition(";")[0] for value in page.headers.get_all("Set-Cookie") or [])
    sent = {**form.hidden, "user_id": user_id, "decision": "log_in"}
    return _code(post(urljoin(address, form.action), sent, {"Cookie": cookie}), state)


def _code(answer: Answer, state: str) -> str:
    if answer.status not in {302, 303}:
        raise LogInFailed(f"the log-in page returned {answer.status}. {_words(answer.text)}")
    brought = parse_qs(urlsplit(answer.headers.get("Location", "")).query)
    if "error" in brought:
        raise LogInFailed(f"{brought['error'][0]}: {brought.get('error_description', [''])[0]}")
    if brought.get("state") != [state] or "code" not in brought:
        raise LogInFailed("the reply does not belong to this log-in")
    return brought["code"][0]


def _tokens(base_url: str, client: Client, form: Mapping[str, str]) -> Tokens:
    answer = post(f"{base_url}/oauth2/token", {**form, **_proof(base_url, client)})
    found = answer.json()
    if answer.status != 200 or "access_token" not in found:
        raise LogInFailed(f"{found.get('error', answer.status)}: {found.get('error_description', 'no token')}")
    return Tokens(
        access_token=str(found["access_token"]),
        expires_in_s=int(found.get("expires_in", 0)),
        refresh_token=found.get("refresh_token"),
        id_token=found.get("id_token"),
    )


def _proof(base_url: str, client: Client) -> dict[str, str]:
    """Return the form fields that authenticate the client."""
    if client.private_jwk is None:
        return {"client_id": client.client_id, "client_secret": client.secret or ""}
    metadata = get(f"{base_url}/.well-known/openid-configuration").json()
    token_url = str(metadata.get("token_endpoint") or f"{base_url}/oauth2/token")
    assertion = client_assertion(token_url, client.client_id, client.private_jwk)
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


class _Form(HTMLParser):
    """The form of the log-in page: its address, its hidden fields, and the people to pick."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action, self.hidden, self.people = "", dict[str, str](), set[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record the form and its fields."""
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = found.get("action", "")
        elif tag == "input" and found.get("type") == "hidden":
            self.hidden[found.get("name", "")] = found.get("value", "")
        elif tag == "input" and found.get("name") == "user_id":
            self.people.add(found.get("value", ""))


class _Words(HTMLParser):
    """The text of a page's main part."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said, self._inside = list[str](), False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Start recording in the main part."""
        self._inside = self._inside or tag == "main"

    def handle_data(self, data: str) -> None:
        """Record a text in the main part."""
        if self._inside and data.strip():
            self.said.append(data.strip())


def _words(page: str) -> str:
    return " ".join(_Words(page).said)[:300]
