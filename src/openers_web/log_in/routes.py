"""Addresses and error pages of an application with log-in."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ExceptionHandler

from openers_web.csrf import SAFE, Forged
from openers_web.form import BadForm
from openers_web.layout import Frame, Pages
from openers_web.log_in.gate import Gate, LogInNeeded
from openers_web.log_in.provider import ProviderFailed
from openers_web.log_in.relying_party import LogInFailed
from openers_web.parts.forms import link_button
from openers_web.parts.texts import Fact, details, facts

LOG_IN: Final = "/log-in"
CALLBACK: Final = "/callback"
LOG_OUT: Final = "/log-out"
BACK_CHANNEL: Final = "/log-out/back-channel"
RETRY_S: Final = "5"
BareFrame = Callable[[Request], Frame]
"""Returns the frame of a page without a session."""
_LOG: Final = logging.getLogger("openers_web")


def log_in_routes(gate: Gate, pages: Pages, frame: BareFrame) -> list[Route]:
    """Return the routes of log-in and log-out. An application with a page before the log-in links to `LOG_IN`."""

    async def _log_out(request: Request) -> Response:
        """Lead on to the provider's log-out by a page, since the policy blocks a redirect of a form to it."""
        cookie, further = await gate.end(request)
        link = link_button("Continue" if further else "Log in again", further or f"{gate.base_url}/", "secondary")
        said = "The other applications follow." if further else "You are logged out of this application."
        content = Markup('<p>{}</p><div class="kit-actions">{}</div>').format(said, link)
        reply = pages.page(frame(request), "You are logged out", content)
        if further:
            reply.headers["refresh"] = f"0; url={further}"
        reply.raw_headers.extend(pair for pair in cookie.raw_headers if pair[0] == b"set-cookie")
        return reply

    return [
        Route(LOG_IN, gate.begin, methods=["GET"]),
        Route(CALLBACK, gate.finish, methods=["GET"]),
        Route(LOG_OUT, _log_out, methods=["POST"]),
        Route(BACK_CHANNEL, gate.end_by_provider, methods=["POST"]),
    ]


def error_handlers(pages: Pages, frame: BareFrame) -> Mapping[type[Exception], ExceptionHandler]:
    """Return handlers for a Starlette application: every error becomes a page that says what to do next."""

    async def _log_in_needed(request: Request, error: Exception) -> Response:
        assert isinstance(error, LogInNeeded)  # noqa: S101 - the key of the mapping
        if request.method in SAFE:
            here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            address = f"{LOG_IN}?return_to={quote(here, safe='')}"
            return RedirectResponse(address, 303, {"cache-control": "no-store"})
        return _ended(request, error)

    def _ended(request: Request, error: LogInNeeded) -> Response:
        """Show a page, since the policy blocks a form that is answered by a redirect to the provider."""
        kept = "What you typed is kept for 24 hours." if error.is_kept else "Nothing was saved."
        typed = [Fact(name, value) for name, value in error.form.pairs if value] if error.form else []
        shown = details("What you typed", facts(typed)) if typed else ""
        link = link_button("Log in and continue", f"{LOG_IN}?return_to={quote(request.url.path, safe='')}")
        content = Markup("<p>Log in again to continue. {}</p>{}<div class='kit-actions'>{}</div>")
        title = "Your session has ended"
        return pages.page(frame(request), title, content.format(kept, shown, link), HTTPStatus.UNAUTHORIZED)

    async def _other(request: Request, error: Exception) -> Response:
        status, title, cure = _told(error)
        reply = pages.problem(frame(request), status, title, cure)
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            reply.headers["retry-after"] = RETRY_S
        return reply

    async def _unexpected(request: Request, error: Exception) -> Response:
        number = secrets.token_hex(6)
        _LOG.error("unexpected error %s at %s", number, request.url.path, exc_info=error)
        cure = f"Try again. If it happens again, tell the service desk this number: {number}."
        return pages.problem(frame(request), HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong", cure)

    known: tuple[type[Exception], ...] = (Forged, BadForm, LogInFailed, ProviderFailed, HTTPException)
    return {LogInNeeded: _log_in_needed, Exception: _unexpected, **dict.fromkeys(known, _other)}


def _told(error: Exception) -> tuple[int, str, str]:
    match error:
        case Forged():
            return HTTPStatus.FORBIDDEN, "The form was not accepted", str(error)
        case BadForm():
            return error.status, "The form was not accepted", str(error)
        case LogInFailed():
            return HTTPStatus.BAD_REQUEST, "You are not logged in", str(error)
        case ProviderFailed():
            _LOG.warning("the OpenID provider failed: %s", error)
            cure = "The log-in service does not reply as it should. Try again in a minute."
            return HTTPStatus.SERVICE_UNAVAILABLE, "You cannot log in now", cure
        case HTTPException(status_code=HTTPStatus.NOT_FOUND):
            return HTTPStatus.NOT_FOUND, "Page not found", "Check the address, or go to the start page."
        case HTTPException():
            return error.status_code, "This is not possible here", "Go back to the page before and try again."
        case _:
            raise error
