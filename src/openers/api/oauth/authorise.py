"""The authorisation endpoint: the browser comes here to log in and returns to the client with a code.

In test mode the user picks a person on a page; in production people log in at the upstream OpenID provider. Refusals go
to the client's registered address, or to a page if that address is not verified. Source: RFC 6749 chapter 4.1, RFC
7636, RFC 9207, OpenID Connect Core chapter 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.responses import Response

from openers.api.oauth.browser import (
    ClientRefusal,
    begin_log_in,
    browser_of,
    check_address,
    enter,
    forget,
    page,
    pass_on,
    remember,
    send_back,
    session_secret,
)
from openers.api.oauth.call import OAuthCall, status_of
from openers.api.oauth.elsewhere import go_upstream
from openers.api.oauth.reading import Parameters, read_form, read_query
from openers.api.oauth.wishes import read_wish
from openers.domain.credentials import AccessMode, Application, AuthorisationRequest
from openers.domain.directory import User
from openers.domain.identifiers import OdsCode, UserId
from openers.identity.clients import registered
from openers.identity.errors import OAuthError, OAuthRefusal, invalid_request
from openers.identity.log_in import (
    CHALLENGE,
    PAGE_LIFE,
    Choice,
    LoggedIn,
    WaitingForPerson,
    keep_waiting,
    take_waiting,
)
from openers.identity.opaque import new_secret
from openers.identity.single_sign_on import Wish, passes, session_of_browser
from openers.usecases.ports.transaction import Tx
from openers.usecases.sessions.card_reader import inserted_card

LONGEST_STATE: Final = 2048
LONGEST_SEARCH: Final = 100
MOST_PEOPLE: Final = 100
"""People on one page. A search finds the others."""


class NobodyPicked(OAuthRefusal):
    """The form was submitted without a person who can log in."""

    def __init__(self, request: AuthorisationRequest) -> None:
        """Store `request`, which still waits."""
        super().__init__(OAuthError.INVALID_REQUEST, "Choose a person")
        self.request = request


class PeopleSought(NobodyPicked):
    """The form asks for other people, who are shown on the same page."""

    def __init__(self, request: AuthorisationRequest, text: str) -> None:
        """Store `request`, which still waits, and the text to search for."""
        super().__init__(request)
        self.text = text


async def authorise(call: OAuthCall) -> Response:
    """GET /oauth2/authorize: show the page, or send the browser to the upstream provider."""
    return await _authorise(call, read_query(call.request))


async def authorise_or_pick(call: OAuthCall) -> Response:
    """POST /oauth2/authorize: handle an authorisation request, or the form of the page, which has a handle."""
    form = await read_form(call.request)
    return await (_pick_person(call, form) if "handle" in form or "client_id" not in form else _authorise(call, form))


async def _authorise(call: OAuthCall, asked: Parameters) -> Response:
    request, application = await _read_request(call, asked)
    call.entry.application = application.client_id
    wish = read_wish(call, request, asked)
    code = await _pass_through(call, request, application, wish)
    if code is not None:
        return send_back(call, request, {"code": code})
    if not call.deps.production:
        if wish.is_silent:
            raise ClientRefusal(request, OAuthError.LOGIN_REQUIRED, "A person has to log in")
        return await _show_page(call, request, application, wish)
    if call.deps.upstream is None:
        raise ClientRefusal(request, OAuthError.TEMPORARILY_UNAVAILABLE, "No OpenID provider is configured for log-ins")
    return await go_upstream(call, request, call.deps.upstream, wish)


async def _pass_through(
    call: OAuthCall, request: AuthorisationRequest, application: Application, wish: Wish
) -> str | None:
    """Return the code for an application that the browser's session opens without a question; `None` if it does not."""
    browser = session_secret(call)
    if browser is None or wish.asks:
        return None
    async with call.world.read() as tx:
        known = await session_of_browser(tx, browser, call.now)
    if known is None or not passes(application, wish, known, call.now):
        return None
    call.entry.outcome = 303
    async with call.world.begin("enter by single sign-on") as tx:
        session = await session_of_browser(tx, browser, call.now)
        user = None if session is None else await tx.directory.user(session.user)
        if session is None or user is None or not user.active:
            raise ClientRefusal(request, OAuthError.LOGIN_REQUIRED, "The session has ended: log in again")
        code = await pass_on(call, tx, request, session)
    call.recorded = True
    return code


async def _pick_person(call: OAuthCall, form: Parameters) -> Response:
    """Handle the submitted form of the page. Production has no such page."""
    if call.deps.production:
        raise invalid_request("Production has no list of people: log in at the OpenID provider")
    handle = form.needed("handle")
    browser = browser_of(call, handle) or ""
    try:
        return await _finish(call, form, handle, browser)
    except PeopleSought as search:
        return await _show_found(call, search, handle)
    except NobodyPicked as refusal:
        return await _show_again(call, refusal, handle)


async def _read_request(call: OAuthCall, asked: Parameters) -> tuple[AuthorisationRequest, Application]:
    """Return the request and its application. Raises OAuthRefusal, or ClientRefusal once the address is verified."""
    client_id, address = asked.needed("client_id"), asked.needed("redirect_uri")
    async with call.world.read() as tx:
        application = await registered(client_id, tx.directory, with_test_only=not call.deps.production)
        if application is None:
            raise invalid_request(f"Invalid client_id - no such application{await _registered_ids(call, tx)}")
    check_address(call, "redirect_uri", address, application)
    request = AuthorisationRequest(
        client_id=client_id,
        redirect_uri=address,
        scope=asked.get("scope", ""),
        state=asked.get("state"),
        nonce=asked.get("nonce"),
        code_challenge=asked.get("code_challenge"),
    )
    if application.mode is not AccessMode.USER_RESTRICTED:
        raise ClientRefusal(request, OAuthError.UNAUTHORIZED_CLIENT, "The application is not user-restricted")
    _check_request(request, asked)
    return request, application


async def _registered_ids(call: OAuthCall, tx: Tx) -> str:
    """Return the applications that log people in, for a message in test mode; production does not list them."""
    if call.deps.production:
        return ""
    known = [each.client_id for each in await tx.directory.applications() if each.mode is AccessMode.USER_RESTRICTED]
    return f"; registered for people: {', '.join(known) or 'none'}"


def _check_request(request: AuthorisationRequest, asked: Parameters) -> None:
    """Refuse an unsupported request of a verified client. Raises ClientRefusal."""
    if asked.get("response_type") != "code":
        error = OAuthError.UNSUPPORTED_RESPONSE_TYPE if "response_type" in asked else OAuthError.INVALID_REQUEST
        raise ClientRefusal(request, error, "Missing or invalid response_type - must be 'code'")
    wrong = [
        problem
        for problem, found in {
            "response_mode must be 'query'": asked.get("response_mode", "query") != "query",
            "request and request_uri are not supported": "request" in asked or "request_uri" in asked,
            "state and nonce are too long": max(map(len, (request.state or "", request.nonce or ""))) > LONGEST_STATE,
            "code_challenge_method must be 'S256'": _is_weak(asked),
            "code_challenge must be a SHA-256 in base64url": not CHALLENGE.fullmatch(
                request.code_challenge or "A" * 43
            ),
        }.items()
        if found
    ]
    if wrong:
        raise ClientRefusal(request, OAuthError.INVALID_REQUEST, wrong[0])


def _is_weak(asked: Parameters) -> bool:
    """Return whether PKCE is used with a method other than S256."""
    return ("code_challenge" in asked or "code_challenge_method" in asked) and (
        asked.get("code_challenge_method") != "S256" or "code_challenge" not in asked
    )


async def _show_page(call: OAuthCall, request: AuthorisationRequest, application: Application, wish: Wish) -> Response:
    """Show the page on which the user picks a person."""
    browser = new_secret()
    call.entry.outcome = 200
    async with call.world.begin("show log-in page") as tx:
        waiting = WaitingForPerson(request, call.now + PAGE_LIFE, wish.person)
        handle = await keep_waiting(tx, waiting, browser)
        choice = Choice(handle=handle, application=application.name, hinted=wish.person)
        choice = await _with_people(choice, tx, only_card=call.deps.needs_card)
    call.recorded = True
    html = call.deps.pages.choose_person(choice, call.world.root)
    return remember(call, page(html, target=request.redirect_uri), handle, browser)


async def _show_again(call: OAuthCall, refusal: NobodyPicked, handle: str) -> Response:
    """Show the same page again with the problem; its request still waits."""
    call.noted(refusal)
    html = await _page_again(call, refusal, Choice(handle=handle, problem=f"{refusal.description}."))
    return page(html, target=refusal.request.redirect_uri, status=status_of(refusal.error))


async def _show_found(call: OAuthCall, search: PeopleSought, handle: str) -> Response:
    """Show the same page with the people who are searched for; its request still waits."""
    call.entry.outcome = 200
    html = await _page_again(call, search, Choice(handle=handle, sought=search.text))
    return page(html, target=search.request.redirect_uri)


async def _page_again(call: OAuthCall, refusal: NobodyPicked, choice: Choice) -> str:
    """Return the page for a request that still waits."""
    async with call.world.read() as tx:
        application = await tx.directory.application(refusal.request.client_id)
        name = application.name if application else refusal.request.client_id
        choice = msgspec.structs.replace(choice, application=name)
        choice = await _with_people(choice, tx, only_card=call.deps.needs_card)
    return call.deps.pages.choose_person(choice, call.world.root)


async def _with_people(choice: Choice, tx: Tx, *, only_card: bool) -> Choice:
    """Return the page's content with the people who can log in, and the names of their organisations.

    The holder of the inserted card and the person whom the application expects come first. With `only_card`, nobody
    but the holder can log in.
    """
    card = await inserted_card(tx)
    first = [] if card is None else [str(card.user)]
    if choice.hinted and not only_card:
        first.append(choice.hinted)
    ahead = [] if choice.sought else [await _active(each, tx) for each in dict.fromkeys(first)]
    found: Sequence[User] = () if only_card else await tx.directory.find_users(choice.sought, MOST_PEOPLE + 1)
    shown = [each for each in ahead if each is not None]
    people = [*shown, *(each for each in found[:MOST_PEOPLE] if each not in shown)]
    names = await _names_of(people, tx)
    complete = len(found) <= MOST_PEOPLE
    return msgspec.structs.replace(choice, people=people, organisations=names, complete=complete)


async def _active(text: str, tx: Tx) -> User | None:
    """Return the active person with this number, if it is one."""
    try:
        user = await tx.directory.user(UserId(text))
    except ValueError:
        return None
    return user if user is not None and user.active else None


async def _names_of(people: Sequence[User], tx: Tx) -> dict[OdsCode, str]:
    """Return the names of the organisations of people."""
    names: dict[OdsCode, str] = {}
    for ods in dict.fromkeys(role.organisation for user in people for role in user.roles):
        organisation = await tx.directory.organisation(ods)
        if organisation is not None:
            names[ods] = organisation.name
    return names


async def _finish(call: OAuthCall, form: Parameters, handle: str, browser: str) -> Response:
    """Log in the picked person. Raises NobodyPicked and leaves the request waiting."""
    call.entry.outcome, entered = 303, None
    async with call.world.begin("log in") as tx:
        waiting = await take_waiting(tx, WaitingForPerson, handle, browser, call.now)
        call.entry.application = waiting.request.client_id
        if form.get("decision") == "find":
            raise PeopleSought(waiting.request, form.get("find", "")[:LONGEST_SEARCH])
        if form.get("decision") == "cancel":
            call.entry.code = OAuthError.ACCESS_DENIED
        else:
            user = await _picked(tx, form, only_card=call.deps.needs_card)
            if user is None:
                raise NobodyPicked(waiting.request)
            entered = await begin_log_in(call, tx, waiting.request, LoggedIn(user.id, user.assurance, call.now))
    call.recorded = True
    if entered is not None:
        return forget(call, enter(call, waiting.request, entered), handle)
    answer = {"error": str(OAuthError.ACCESS_DENIED), "error_description": "The person did not log in"}
    return forget(call, send_back(call, waiting.request, answer), handle)


async def _picked(tx: Tx, form: Parameters, *, only_card: bool) -> User | None:
    """Return the person that the form names, if they can log in."""
    user = await _active(form.get("user_id", ""), tx)
    if user is None:
        return None
    card = await inserted_card(tx) if only_card else None
    return user if not only_card or (card is not None and card.user == user.id) else None
