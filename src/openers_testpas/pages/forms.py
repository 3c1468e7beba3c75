"""Forms that only the operator page itself can send: a secret in a cookie must be returned in the form."""

from __future__ import annotations

import hmac
import secrets
from typing import Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

COOKIE: Final = "testpas_form"
FIELD: Final = "form_token"


class Forged(Exception):
    """The form was not sent from our page."""


def form_token(request: Request) -> str:
    """Return the secret of this browser, or a new one."""
    return request.cookies.get(COOKIE) or secrets.token_urlsafe(24)


def keep_form_token(response: Response, token: str) -> None:
    """Set the cookie with the secret, for requests from our own pages only."""
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict", path="/")


async def read_form(request: Request) -> FormData:
    """Return a form that our page sent. Raises Forged."""
    form = await request.form(max_files=0, max_fields=20)
    sent, kept = form.get(FIELD), request.cookies.get(COOKIE)
    if not isinstance(sent, str) or not kept or not hmac.compare_digest(sent.encode(), kept.encode()):
        raise Forged
    return form


def text_of(form: FormData, name: str) -> str:
    """Return a field's text without surrounding blanks; empty if it is missing."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""
