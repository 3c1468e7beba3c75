"""The web application: log-in, who may open which page, and the same data as JSON."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final, cast

import anyio
import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ExceptionHandler

from openers_portal.access import Act, Reach
from openers_portal.assessments import Assessments
from openers_portal.environment import Environment
from openers_portal.issuing import finish_always
from openers_portal.mailing import Smtp, send_always
from openers_portal.openapi import document
from openers_portal.routes import PAGES, Page
from openers_portal.settings import Settings, read_key
from openers_portal.store.portal_store import PortalStore
from openers_portal.visitor import API, House, NotHere, NotYours, Roles, Visitor
from openers_web.assets import asset_route
from openers_web.headers import PAGE_HEADERS
from openers_web.layout import NOTICE, Frame, Link, Pages, Site
from openers_web.log_in.assembly import LogInSettings, assemble
from openers_web.log_in.gate import LogInNeeded
from openers_web.log_in.provider import Client
from openers_web.log_in.routes import error_handlers, log_in_routes

HERE: Final = Path(__file__).parent
OWN_ASSETS: Final = "/own"
PROBLEM: Final = "application/problem+json"
READ: Final = ("GET",)
Answering = Callable[[Request, Exception], Awaitable[Response]]
"""A handler of an error."""


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def application(settings: Settings, clock: Callable[[], datetime] = _now) -> Starlette:
    """Return the application. Raises OSError, ValueError for settings that cannot be used."""
    key = msgspec.json.decode(settings.key.read_bytes(), type=dict[str, str])
    client, own_key = Client(settings.client_id, key, settings.issuer), read_key(settings.state)
    parts = assemble(LogInSettings("portal", settings.base_url, client, settings.store, [own_key]))
    documentation = Link("Documentation", settings.documentation)
    footer = (Link("Glossary", "/glossary"), Link("Costs", "/costs"), Link("Roadmap", "/roadmap"), documentation)
    site = Site("Partner portal", notice=NOTICE if settings.test_mode else "", footer=footer)
    pages = Pages(HERE / "templates")
    store = PortalStore(settings.store, settings.operators, clock)
    environments = {each.name: Environment(each) for each in settings.environments}
    house = House(settings, store, pages, parts.gate, site, environments, Assessments(environments), clock, own_key)
    send = Smtp(settings.smtp).send if settings.smtp else None

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        await store.open()
        await parts.open()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(parts.purge_hourly)
            tasks.start_soon(send_always, store, send, settings.mail_from, settings.base_url)
            tasks.start_soon(finish_always, store, environments)
            yield
            tasks.cancel_scope.cancel()
        for each in environments.values():
            await each.close()
        await store.close()
        await parts.close()

    def bare(_request: Request) -> Frame:
        return Frame(site)

    described = document(settings.base_url)

    async def _described(_request: Request) -> Response:
        return Response(described, headers=PAGE_HEADERS, media_type="application/json")

    return Starlette(
        routes=[
            asset_route(),
            Mount(OWN_ASSETS, StaticFiles(directory=HERE / "static")),
            *log_in_routes(parts.gate, pages, bare),
            Route("/health", _health),
            Route(f"{API}/openapi.json", _described),
            *(Route(page.path, _handler(page, house), methods=list(page.methods)) for page in PAGES),
            *(
                Route(_under_api(page.path), _handler(page, house), methods=list(READ))
                for page in PAGES
                if page.is_data
            ),
        ],
        exception_handlers=_handlers(house, bare),
        lifespan=lifespan,
    )


def _under_api(path: str) -> str:
    return f"{API}/overview" if path == "/" else f"{API}{path}"


def _handler(page: Page, house: House) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of a page: it checks the right of the page before the page runs."""

    async def _handled(request: Request) -> Response:
        visitor = await _visitor(request, house)
        _check(page.act, visitor)
        if visitor.visit is not None and not visitor.is_sent:
            visitor.flashes = await house.gate.flashes(visitor.visit)
        reply = await page.show(visitor)
        if visitor.said is not None and visitor.visit is not None:
            await house.gate.flash(visitor.visit, visitor.said)
        return reply

    return _handled


async def _visitor(request: Request, house: House) -> Visitor:
    try:
        visit = await house.gate.visit(request)
    except LogInNeeded:
        return Visitor(request, house, None, Roles())
    subject = visit.session.person.subject
    roles = Roles(await house.store.staff.roles(subject), await house.store.partners.roles(subject))
    return Visitor(request, house, visit, roles)


def _check(act: Act, visitor: Visitor) -> None:
    """Raise LogInNeeded, NotHere or NotYours unless the visitor may do this, with the partner in the address if any."""
    if act is Act.READ:
        return
    if visitor.visit is None:
        raise LogInNeeded
    partner = visitor.part("partner") if "partner" in visitor.request.path_params else None
    if partner is not None and not visitor.covers(Act.READ_PARTNER, partner):
        raise NotHere
    if visitor.reach(act) is Reach.NONE or (partner is not None and not visitor.covers(act, partner)):
        raise NotYours(act)


def _handlers(house: House, bare: Callable[[Request], Frame]) -> Mapping[type[Exception], ExceptionHandler]:
    """Return the pages, and the problem details of the API, for each error."""
    of_kit = error_handlers(house.pages, bare)

    async def _not_here(request: Request, error: Exception) -> Response:
        return house.pages.problem(bare(request), 404, "Page not found", "Check the address, or go to the start page.")

    async def _not_yours(request: Request, error: Exception) -> Response:
        assert isinstance(error, NotYours)  # noqa: S101 - the key of the mapping
        cure = f"Your roles do not let you {error.act}. Ask the manager of your partner, or an operator of the portal."
        return house.pages.problem(bare(request), HTTPStatus.FORBIDDEN, "You may not do this", cure)

    pages = {**of_kit, NotHere: _not_here, NotYours: _not_yours}
    return {kind: _as_asked(cast("Answering", handler)) for kind, handler in pages.items()}


def _as_asked(page: Answering) -> ExceptionHandler:
    """Return a handler that answers addresses of the API by problem details, and others by the page."""

    async def _answer(request: Request, error: Exception) -> Response:
        if not request.url.path.startswith(f"{API}/"):
            return await page(request, error)
        match error:
            case LogInNeeded():
                status, detail = HTTPStatus.UNAUTHORIZED, "Log in with a browser, and send its session cookie."
            case NotYours():
                status, detail = HTTPStatus.FORBIDDEN, f"Your roles do not let you {error.act}."
            case NotHere():
                status, detail = HTTPStatus.NOT_FOUND, "There is no such record that you may see."
            case HTTPException():
                status, detail = HTTPStatus(error.status_code), f"See {API}/openapi.json for all addresses."
            case _:
                status, detail = HTTPStatus.INTERNAL_SERVER_ERROR, "The portal failed. Try again."
        body = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
        return Response(msgspec.json.encode(body), status, PAGE_HEADERS, PROBLEM)

    return _answer


async def _health(_request: Request) -> Response:
    return Response("ok\n", media_type="text/plain", headers={"cache-control": "no-store"})
