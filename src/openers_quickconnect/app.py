"""The web application: log-in, the choice of a role, the pages, and what a page shows when a call fails."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from openers_client import ErsClient, ErsError, NotLoggedIn, Session
from openers_client.caller import Caller
from openers_client.roles import Role
from openers_quickconnect.calls import CALLS, PageCall, watch
from openers_quickconnect.configuration import read_key
from openers_quickconnect.desk import Desk, Office, role_key, role_of
from openers_quickconnect.lists import CLINICIANS
from openers_quickconnect.problems import problem_of
from openers_quickconnect.questions import Questions
from openers_quickconnect.routes import PAGES, Page
from openers_quickconnect.sealed import Seal
from openers_quickconnect.settings import Settings, read_keys
from openers_quickconnect.views import SavedViews
from openers_quickconnect.words import REGISTERS, ROLES, words
from openers_quickconnect.world_clock import WorldClock
from openers_web.assets import asset_route
from openers_web.layout import NOTICE, Account, Frame, Link, Pages, Site
from openers_web.log_in.assembly import LogInSettings, assemble
from openers_web.log_in.gate import LogInNeeded, Visit
from openers_web.log_in.provider import Client
from openers_web.log_in.routes import error_handlers, log_in_routes
from openers_web.sealing import Sealer

HERE: Final = Path(__file__).parent
OWN_ASSETS: Final = "/own"
ACTS_FOR_ANOTHER: Final = "SERVICE_PROVIDER_CLINICIAN_ADMIN"
AS_API: Final = "api"
"""Value of `view` that shows the calls of a page in its place."""


def application(settings: Settings) -> Starlette:
    """Return the application. Raises BadConfiguration, ValueError for settings that cannot be used."""
    keys = read_keys(settings.state)
    key = read_key(settings.key, settings.unlock)
    client = Client(settings.client_id, key, settings.issuer or settings.service)
    store = f"sqlite:///{settings.state / 'quickconnect.db'}"
    parts = assemble(LogInSettings("quickconnect", settings.base_url, client, store, [keys.sessions]))
    footer = (Link("Documentation", f"{settings.service}/docs/"), Link("This page as API", f"?view={AS_API}"))
    site = Site("Quick Connect", notice=NOTICE if settings.test_mode else "", footer=footer)
    pages = Pages(HERE / "templates")
    ers = ErsClient(settings.service, watch=watch)
    clock = WorldClock(settings.service if settings.test_mode else "")
    questions = Questions(parts.database)
    views = SavedViews(parts.database, Sealer([keys.sessions]), time.time)
    building = Building(Office(parts.gate, site, pages, Seal(keys.addresses), clock, questions, views), ers)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        await parts.open()
        await questions.open()
        await views.open()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(parts.purge_hourly)
            yield
            tasks.cancel_scope.cancel()
        await ers.close()
        await parts.close()

    def bare(_request: Request) -> Frame:
        return Frame(site)

    return Starlette(
        routes=[
            asset_route(),
            Mount(OWN_ASSETS, StaticFiles(directory=HERE / "static")),
            *log_in_routes(parts.gate, pages, bare),
            Route("/health", _health),
            Route("/", building.roles),
            *(Route(f"/as/{{role}}{path}", building.at(page), methods=list(methods)) for path, methods, page in PAGES),
        ],
        exception_handlers=error_handlers(pages, bare),
        lifespan=lifespan,
    )


class Building:
    """Leads each request to its page."""

    def __init__(self, office: Office, ers: ErsClient) -> None:
        """Use the connections of `ers` for all calls."""
        self._office, self._ers = office, ers

    def at(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """Return the handler of a page."""

        async def _handled(request: Request) -> Response:
            role = role_of(request.path_params["role"])
            if role is None:
                return RedirectResponse("/", 303)
            visit = await self._office.gate.visit(request)
            desk = Desk(request, self._office, visit, await self._caller(visit, role), role)
            desk.environment = await self._office.clock.told()
            if not desk.is_sent:
                desk.flashes = await self._office.gate.flashes(visit)
            calls = list[PageCall]()
            CALLS.set(calls)
            reply = await self._shown(desk, page)
            if desk.said is not None:
                await self._office.gate.flash(visit, desk.said)
            return self._as_api(desk, calls) if request.query_params.get("view") == AS_API else reply

        return _handled

    async def roles(self, request: Request) -> Response:
        """Show the roles of the user, or go to the only one."""
        visit = await self._office.gate.visit(request)
        caller = await self._caller(visit, None)
        try:
            roles = await self._of(visit, await caller.my_roles())
            names = await self._names(visit, roles)
        except ErsError as error:
            found = problem_of(error)
            return self._office.pages.problem(Frame(self._office.site), found.status, found.title, found.cure)
        if len(roles) == 1:
            return RedirectResponse(f"/as/{role_key(roles[0])}", 303)
        shown = [
            {
                "href": f"/as/{role_key(each)}",
                "role": words(ROLES, each.business_function),
                "organisation": names.get(each.organisation, each.organisation)
                + (f", for {names.get(each.on_behalf_of, each.on_behalf_of)}" if each.on_behalf_of else ""),
            }
            for each in roles
        ]
        account = Account(visit.session.person.name, "No role chosen yet", visit.form_token)
        return self._office.pages.response("roles.html", Frame(self._office.site, account=account), roles=shown)

    async def _shown(self, desk: Desk, page: Page) -> Response:
        try:
            return await page(desk)
        except NotLoggedIn as error:
            raise LogInNeeded from error
        except ErsError as error:
            found = problem_of(error)
            more = getattr(error, "correlation_id", "")
            cure = f"{found.cure} Id for the service desk: {more}." if more else found.cure
            return self._office.pages.problem(desk.frame(), found.status, found.title, cure)

    def _as_api(self, desk: Desk, calls: list[PageCall]) -> Response:
        query = [(name, value) for name, value in desk.request.query_params.multi_items() if name != "view"]
        back = str(desk.request.url.replace_query_params(**dict(query))) if query else desk.request.url.path
        return desk.page("calls.html", calls=calls, page_at=back)

    async def _caller(self, visit: Visit, role: Role | None) -> Caller:
        token = await self._office.gate.access_token(visit)
        return self._ers.caller(Session.of_token(token), role)

    async def _of(self, visit: Visit, held: tuple[Role, ...]) -> list[Role]:
        """Return the roles that have pages; an administrator has one for each clinician to act for."""
        roles = list[Role]()
        for each in held:
            if each.business_function == ACTS_FOR_ANOTHER:
                admin = Role(each.organisation, each.business_function)
                clinicians = await (await self._caller(visit, admin)).clinicians_to_act_for()
                roles += [Role(each.organisation, each.business_function, one) for one in clinicians]
            elif each.business_function in ROLES:
                roles.append(each)
        return roles

    async def _names(self, visit: Visit, roles: list[Role]) -> dict[str, str]:
        """Return the names of the organisations and clinicians in these roles."""
        definer = next((each for each in roles if each.business_function in REGISTERS), None)
        able = next((each for each in roles if each.business_function in CLINICIANS), definer)
        if able is None:
            return {}
        caller = await self._caller(visit, able)
        if able is definer:
            register = caller.administration.organisations
            those = [(await register.read(each)).value for each in dict.fromkeys(one.organisation for one in roles)]
            return {each.ods: each.name for each in those}
        people = list(dict.fromkeys(each.on_behalf_of for each in roles if each.on_behalf_of))
        found = await caller.find_names((), people, list(dict.fromkeys(each.organisation for each in roles)))
        return {each.id: each.name for each in found}


async def _health(_request: Request) -> Response:
    return Response("ok\n", media_type="text/plain", headers={"cache-control": "no-store"})
