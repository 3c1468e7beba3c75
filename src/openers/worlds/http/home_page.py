"""The home page of test mode: the cast of the world, and a log-in that gives a token."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from openers.api.health import Health
from openers.api.home import HOME
from openers.bootstrap import upkeep_of
from openers.domain.directory import User
from openers.domain.identifiers import UserId
from openers.domain.patient import Patient
from openers.settings import Settings
from openers.usecases.directory.list_cast import list_cast
from openers.usecases.world import World
from openers.web.cast import cast_in_words
from openers.web.home import HomeFacts, Token, facts_of, home_json, home_page, wants_json
from openers.worlds.http.control import Offered, held_of, route
from openers.worlds.packs import PackError, read_pack
from openers.worlds.refusals import BadCall
from openers.worlds.running.running_world import RunningWorld
from openers.worlds.running.sessions import begin_session_of

APPLICATION = "demo-user-app"


def home_page_route(settings: Settings, main: World) -> Offered:
    """Return the route of the page and of its log-in form."""
    health = Health(main.scanner, upkeep_of(settings))

    async def _facts(request: Request) -> HomeFacts:
        held = held_of(request)
        cast = cast_in_words(await list_cast(held.world), _patients(held), held.clock.now().date())
        name = f"{held.name} (pack {held.pack})"
        report = (await health.report(held.world))[1]
        return facts_of(settings, held.world, report, name=name, cast=cast)

    async def _show(request: Request) -> Response:
        facts = await _facts(request)
        is_json = wants_json(request.query_params, request.headers.get("accept", ""))
        return home_json(facts) if is_json else home_page(facts)

    async def _log_in(request: Request) -> Response:
        user = str((await request.form()).get("user") or "")
        if not user:
            raise BadCall("Choose a person of the list")
        held = held_of(request)
        tokens = await begin_session_of(user, APPLICATION, held.world)
        async with held.world.read() as tx:
            person = await tx.directory.user(UserId(user))
        if person is None:
            raise BadCall(f"There is no person {user} in this world")
        return home_page(await _facts(request), _token(person, tokens.access_token))

    return route(HOME, {"GET": _show, "POST": _log_in})


def _token(user: User, text: str) -> Token:
    first = next(iter(user.roles), None)
    function = next(iter(first.functions), "") if first else ""
    return Token(user.name, str(function), str(first.organisation) if first else "", text)


def _patients(held: RunningWorld) -> Sequence[Patient]:
    """Return the patients of the world's pack; none if its file has gone."""
    try:
        return read_pack(held.pack).patients
    except PackError:
        return ()
