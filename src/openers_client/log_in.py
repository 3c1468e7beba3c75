"""Log in: a user through the log-in page, as a browser does, or an application by a signed JWT.

Only services in test mode have this page. Source: OAuth 2.0 (RFC 6749, 7523, 7636).
"""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from openers_client.applications import Application, Tokens, tokens_of
from openers_client.errors import LogInFailed, ServiceUnreachable
from openers_client.http import Answer, get, post
from openers_client.pkce import Challenge

__all__ = ["Application", "LogInFailed", "ServiceUnreachable", "Tokens", "application_token", "log_in"]


def log_in(base_url: str, user_id: str, application: Application, headers: Mapping[str, str] | None = None) -> Tokens:
    """Log a user in through all steps of a browser. `headers` go with each request.

    Raises LogInFailed, ServiceUnreachable.
    """
    challenge = Challenge()
    asked = challenge.parameters(application.client_id, application.redirect_uri)
    code = _code(submit_log_in(f"{base_url}/oauth2/authorize?{urlencode(asked)}", user_id, headers), challenge)
    return _tokens(base_url, application, challenge.form(code, application.redirect_uri), headers)


def application_token(base_url: str, client_id: str, private_jwk: Mapping[str, str]) -> Tokens:
    """Return a token for an application that acts for itself. Raises LogInFailed, ServiceUnreachable."""
    return _tokens(base_url, Application(client_id, private_jwk), {"grant_type": "client_credentials"})


def submit_log_in(address: str, user_id: str, headers: Mapping[str, str] | None = None) -> str:
    """Open the log-in page at `address`, pick a person and submit; return the address to which it redirects.

    Raises LogInFailed, ServiceUnreachable.
    """
    page = get(address, headers)
    if page.status in {302, 303}:
        return str(page.headers.get("Location", ""))  # a refusal
    if page.status != 200:
        raise LogInFailed(f"the service returned no log-in page, but {page.status}. {_words(page.text)}")
    form = _Form(page.text)
    if user_id not in form.people:
        raise LogInFailed(f"no user has the id {user_id}; known users: {', '.join(sorted(form.people)) or 'none'}")
    cookie = "; ".join(value.partition(";")[0] for value in page.headers.get_all("Set-Cookie") or [])
    sent = {**form.hidden, "user_id": user_id, "decision": "log_in"}
    return _redirected(post(urljoin(address, form.action), sent, {**(headers or {}), "Cookie": cookie}))


def _redirected(answer: Answer) -> str:
    if answer.status not in {302, 303}:
        raise LogInFailed(f"the log-in page returned {answer.status}. {_words(answer.text)}")
    return str(answer.headers.get("Location", ""))


def _code(redirect: str, challenge: Challenge) -> str:
    brought = {name: values[0] for name, values in parse_qs(urlsplit(redirect).query).items()}
    return challenge.code(brought)


def _tokens(
    base_url: str, application: Application, form: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> Tokens:
    metadata = get(f"{base_url}/.well-known/openid-configuration", headers).json()
    token_url = str(metadata.get("token_endpoint") or f"{base_url}/oauth2/token")
    answer = post(f"{base_url}/oauth2/token", {**form, **application.proof(token_url)}, headers)
    return tokens_of(answer.status, answer.json())


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
